/**
 * Completes confirmed orders when their event is over (rule 3.9). Nothing waits for it, so it looks seldom.
 */
import {
  COMPLETION_PAGE,
  COMPLETION_PAGES_MAX,
  completeEndedOrders
} from "@tickettoken/order-domain/workflows/CompleteOrders"
import { Layer, Schedule } from "effect"
import { runChore } from "./chore.ts"

// A round walks through all that is due, up to this: only one that has completed as much is followed by the next at once.
const FULL = COMPLETION_PAGE * COMPLETION_PAGES_MAX

const everyMinute = Schedule.spaced("1 minute").pipe(Schedule.jittered)

export const layer = Layer.effectDiscard(
  runChore({ name: "completion", round: completeEndedOrders(), full: FULL, schedule: everyMinute })
)
