/**
 * Looks back at orders that have ended unpaid (rule 3.13): a payment service that has called an intent cancelled may have
 * taken its money all the same, and whoever should have told us may have died.
 */
import { Duration, Effect } from "effect"
import { PaymentLooks } from "../ports/PaymentLooks.ts"
import { ASKED_AT_ONCE, askAboutPayment } from "./askAboutPayment.ts"

/** How many orders are looked up at once. */
const LOOK_PAGE = 20

/** How many pages of one look a round works through, so that it ends; the next one goes on behind them. */
const LOOK_PAGES_MAX = 25

/**
 * One round: each look asks once about every order that ended so long ago, as far as the round gets. Money that was
 * taken is late money and goes where the order's policy says (rules 3.7, 4.7). One order that can not be told does not
 * stop the others; a service that answers about nobody ends the look, which then goes on from the same place.
 *
 * Fails with `ServiceUnavailable` when the database is away.
 */
export const lookBackAtPayments = Effect.fn("lookBackAtPayments")(function* (looks: ReadonlyArray<Duration.Duration>) {
  yield* Effect.forEach(looks, (look) => lookBack(Duration.toSeconds(look)), { discard: true })
})

const lookBack = Effect.fnUntraced(function* (afterSeconds: number) {
  const ended = yield* PaymentLooks
  for (let page = 0; page < LOOK_PAGES_MAX; page++) {
    const due = yield* ended.due(afterSeconds, LOOK_PAGE)
    const last = due.at(-1)
    if (last === undefined) return
    const answered = yield* Effect.forEach(due, askAboutPayment, { concurrency: ASKED_AT_ONCE })
    if (!answered.includes(true)) return
    yield* ended.passed(afterSeconds, last)
    if (due.length < LOOK_PAGE) return
  }
})
