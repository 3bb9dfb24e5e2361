/**
 * Expires orders whose deadline and grace have passed (rule 3.5). Every replica runs it: claims share the work.
 */
import { EXPIRY_BATCH, expireDueOrders } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { type Duration, Layer, Schedule } from "effect"
import { runChore } from "./chore.ts"

export const layer = (every: Duration.Input) =>
  Layer.effectDiscard(
    runChore({ name: "expiry", round: expireDueOrders(), full: EXPIRY_BATCH, schedule: Schedule.spaced(every) })
  )
