/**
 * The requests of the last minute, counted in this process: by key, in slots of a second, in bounded memory.
 *
 * Time is an argument, in milliseconds that never go back.
 *
 * **Details**
 *
 * Two generations of keys: a request moves its key to the young one. When that is full, or a window old, the old one is
 * dropped whole and the young one takes its place. So a key is forgotten when nothing of it counts any more, or when half
 * as many others as the log holds have come since; clearing away costs nothing per request.
 */
import { SLOT_MILLIS, type Verdict, WINDOW_MILLIS, WINDOW_SLOTS } from "./Verdict.ts"

export interface WindowLog {
  /** Lets a request through, and counts it, if fewer than `limit` were let through in the window. */
  readonly take: (key: string, limit: number, nowMillis: number) => Verdict
  /** The same question without a request: nothing is counted. */
  readonly look: (key: string, limit: number, nowMillis: number) => Verdict
  /** What was taken at that time has not been let through after all. */
  readonly giveBack: (key: string, takenAtMillis: number) => void
  /** Keys that are kept, at most as many as it was made for. */
  readonly size: () => number
}

/** A second in which requests were let through. */
interface Slot {
  readonly at: number
  count: number
}

type Generation = Map<string, ReadonlyArray<Slot>>

export const make = (keysMax: number): WindowLog => {
  const generationKeysMax = Math.ceil(keysMax / 2)
  let young: Generation = new Map()
  let old: Generation = new Map()
  let turnedAt = 0

  const living = (key: string, now: number): ReadonlyArray<Slot> => {
    const slots = young.get(key) ?? old.get(key) ?? []
    const isWhole = (slots[0]?.at ?? now) >= now - WINDOW_SLOTS
    return isWhole ? slots : slots.filter(({ at }) => at >= now - WINDOW_SLOTS)
  }

  const write = (key: string, slots: ReadonlyArray<Slot>, now: number): void => {
    if (young.size >= generationKeysMax || now > turnedAt + WINDOW_SLOTS) {
      old = young
      young = new Map()
      turnedAt = now
    }
    young.set(key, slots)
  }

  const look = (key: string, limit: number, nowMillis: number): Verdict => {
    const slots = living(key, slotOf(nowMillis))
    const taken = sum(slots)
    const allowed = taken < limit
    return {
      allowed,
      limit,
      remaining: Math.max(0, limit - taken),
      waitMillis: allowed ? 0 : waitFor(slots, limit, nowMillis)
    }
  }

  const take = (key: string, limit: number, nowMillis: number): Verdict => {
    const now = slotOf(nowMillis)
    const verdict = look(key, limit, nowMillis)
    const slots = living(key, now)
    if (!verdict.allowed) {
      write(key, slots, now)
      return verdict
    }
    const last = slots.at(-1)
    if (last?.at === now) last.count += 1
    write(key, last?.at === now ? slots : [...slots, { at: now, count: 1 }], now)
    const oldest = slots[0]?.at ?? now
    return { allowed: true, limit, remaining: verdict.remaining - 1, waitMillis: endOf(oldest) - nowMillis }
  }

  const giveBack = (key: string, takenAtMillis: number): void => {
    const generation = young.has(key) ? young : old
    const slots = generation.get(key) ?? []
    const taken = slots.find(({ at }) => at === slotOf(takenAtMillis))
    if (taken === undefined) return
    taken.count -= 1
    if (taken.count > 0) return
    generation.set(
      key,
      slots.filter((slot) => slot !== taken)
    )
  }

  return { take, look, giveBack, size: () => young.size + old.size }
}

const slotOf = (millis: number): number => Math.floor(millis / SLOT_MILLIS)

/** When the requests of a slot stop counting. */
const endOf = (slot: number): number => slot * SLOT_MILLIS + WINDOW_MILLIS

const sum = (slots: ReadonlyArray<Slot>): number => slots.reduce((total, { count }) => total + count, 0)

/** Until so many slots have gone that less than the limit is left. */
const waitFor = (slots: ReadonlyArray<Slot>, limit: number, nowMillis: number): number => {
  let left = sum(slots)
  for (const { at, count } of slots) {
    left -= count
    if (left < limit) return endOf(at) - nowMillis
  }
  return 0
}
