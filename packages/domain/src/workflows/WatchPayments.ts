/**
 * Asks the payment service how the payments stand that orders wait for (rule 3.13): whoever should have told us may have
 * died, and so may we have when we were told.
 */
import { Effect } from "effect"
import { type AwaitedPayment, AwaitedPayments } from "../ports/AwaitedPayments.ts"
import { ASKED_AT_ONCE, askAboutPayment } from "./askAboutPayment.ts"

/** How many payments are looked up at once. */
const WATCH_PAGE = 20

/** How many pages one round asks about, so that it ends; the next one goes on behind them. */
const WATCH_PAGES_MAX = 25

/**
 * One round, from behind `after`: a captured payment is confirmed as if it had been announced, a cancelled one has
 * failed for good (rule 3.8), any other is left alone; deadlines never move. Answers where the next round goes on,
 * `null` for the beginning. One payment that can not be told does not stop the others; a service that answers about
 * nobody ends the round.
 *
 * Fails with `ServiceUnavailable` when the database is away.
 */
export const watchPayments = Effect.fn("watchPayments")(function* (after: AwaitedPayment | null) {
  const awaited = yield* AwaitedPayments
  let last = after
  for (let page = 0; page < WATCH_PAGES_MAX; page++) {
    const due: ReadonlyArray<AwaitedPayment> = yield* awaited.due(WATCH_PAGE, last)
    const answered = yield* Effect.forEach(due, askAboutPayment, { concurrency: ASKED_AT_ONCE })
    if (due.length < WATCH_PAGE) return null
    last = due.at(-1) ?? null
    if (!answered.includes(true)) return last
  }
  return last
})
