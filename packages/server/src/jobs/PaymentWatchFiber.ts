/**
 * Asks about the payments that orders wait for (rule 3.13), so that nobody's money depends on a message. Of all replicas
 * one asks at a time.
 */
import type { AwaitedPayment } from "@tickettoken/order-domain/ports/AwaitedPayments"
import { watchPayments } from "@tickettoken/order-domain/workflows/WatchPayments"
import { Duration, Effect, Layer, Ref, Schedule } from "effect"
import { onceFor, slotOf } from "../sql/ChoreSlots.ts"
import { runChore } from "./chore.ts"

/** Two of these and a round lie within the minute in which money that has been taken is to be answered. */
const WATCH_EVERY = Duration.seconds(20)

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    // With more payments than one round asks about, the next round of this replica goes on behind them.
    const last = yield* Ref.make<AwaitedPayment | null>(null)
    const round = Effect.gen(function* () {
      if (!(yield* onceFor("payment-watch", yield* slotOf(WATCH_EVERY)))) return 0
      yield* Ref.set(last, yield* watchPayments(yield* Ref.get(last)))
      return 0
    })
    yield* runChore({ name: "payment watch", round, full: 1, schedule: Schedule.spaced(WATCH_EVERY) })
  })
)
