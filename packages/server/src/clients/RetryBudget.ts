/**
 * How many attempts of ours may be repetitions: a share of the calls, so that a service that is in trouble gets hardly
 * more requests than one that is well.
 *
 * **Details**
 *
 * A bucket of tokens. A call puts a share of one in, a repetition takes a whole one out. It begins full: a service that
 * is seldom called is tried again as well. Over any number of calls at most `share * calls + TOKENS_MAX` attempts are
 * repetitions.
 */
import type { BasisPoints } from "@tickettoken/order-domain/Money"

/** What may be saved up: repetitions in one burst. */
const TOKENS_MAX = 10

/** Tokens are counted in parts, in which a share is a whole number. */
const PARTS = 10_000

export interface RetryBudget {
  /** A call begins. */
  readonly earn: () => void
  /** Whether a repetition may be sent; it is counted then. */
  readonly spend: () => boolean
}

export const make = (share: BasisPoints): RetryBudget => {
  let parts = TOKENS_MAX * PARTS
  return {
    earn: () => {
      parts = Math.min(parts + share, TOKENS_MAX * PARTS)
    },
    spend: () => {
      if (parts < PARTS) return false
      parts -= PARTS
      return true
    }
  }
}
