/**
 * Looks back at orders that have ended unpaid (rule 3.13). Of all replicas one looks at a time, from where the last one
 * has come to.
 */
import { lookBackAtPayments } from "@tickettoken/order-domain/workflows/LookBackAtPayments"
import { Duration, Effect, Layer, Schedule } from "effect"
import { onceFor, slotOf } from "../sql/ChoreSlots.ts"
import { runChore } from "./chore.ts"

/** A look that is late by so much finds what it is there to find. */
const LOOK_EVERY = Duration.seconds(20)

/** `looks`: how long after an order's end each of them comes. */
export const layer = (looks: ReadonlyArray<Duration.Duration>) => {
  const round = Effect.gen(function* () {
    if (yield* onceFor("payment-look-back", yield* slotOf(LOOK_EVERY))) yield* lookBackAtPayments(looks)
    return 0
  })
  return Layer.effectDiscard(
    runChore({ name: "payment look-back", round, full: 1, schedule: Schedule.spaced(LOOK_EVERY) })
  )
}
