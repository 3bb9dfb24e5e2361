/**
 * Completes confirmed orders when their event is over (rule 3.9). Nothing waits for it, so it looks seldom.
 */
import { COMPLETION_BATCH, completeEndedOrders } from "@tickettoken/order-domain/workflows/CompleteOrders"
import { Layer, Schedule } from "effect"
import { runChore } from "./chore.ts"

const everyMinute = Schedule.spaced("1 minute").pipe(Schedule.jittered)

export const layer = Layer.effectDiscard(
  runChore({ name: "completion", round: completeEndedOrders(), full: COMPLETION_BATCH, schedule: everyMinute })
)
