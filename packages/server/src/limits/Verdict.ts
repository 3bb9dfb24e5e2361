/**
 * What a limiter says to a request, and the window that all limits count in.
 *
 * **Details**
 *
 * A limit of n a minute means: no 60 seconds, wherever they begin, hold more than n requests that were let through.
 * Time is counted in slots of a second, and a request counts until the whole of its slot is 60 seconds old. So a limiter
 * never lets through too many, keeps at most 61 numbers of anybody, and refuses nobody whose last 61 seconds held less
 * than the limit. What is refused does not count.
 */
export interface Verdict {
  readonly allowed: boolean
  /** The limit that was in force, requests a minute. */
  readonly limit: number
  /** Requests that would be let through now, after this one. */
  readonly remaining: number
  /** Until there is more: until the oldest request stops counting, or, for one that was refused, until it may come again. */
  readonly waitMillis: number
}

/** The length of a slot. */
export const SLOT_MILLIS = 1000

/** Slots that a window reaches back, besides the one that runs. */
export const WINDOW_SLOTS = 60

/** The window, as headers name it. */
export const WINDOW_SECONDS = (WINDOW_SLOTS * SLOT_MILLIS) / 1000

/** After so long without a request nothing of it counts any more. */
export const WINDOW_MILLIS = (WINDOW_SLOTS + 1) * SLOT_MILLIS
