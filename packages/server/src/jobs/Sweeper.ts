/**
 * Runs the work that was left behind: by requests that ran out of time, by services that were away, by processes that
 * died. It is the same executor that requests use.
 */
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { BACKGROUND_LANE, WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { Effect, Layer, Schedule } from "effect"
import { runChore } from "./chore.ts"

/** What can start at once: more would lose its lease while it waits. */
const SWEEP_BATCH = BACKGROUND_LANE

// Jitter keeps replicas from asking the database in step.
const everySecond = Schedule.spaced("1 second").pipe(Schedule.jittered)

/** Claims what is due, runs it, and answers how much it was. */
const sweep = Effect.fn("Sweeper.sweep")(function* () {
  const queue = yield* WorkQueue
  const executor = yield* WorkExecutor
  const claimed = yield* queue.claimDue(SWEEP_BATCH)
  yield* executor.runInBackground(claimed)
  return claimed.length
})

export const layer = Layer.effectDiscard(
  runChore({ name: "sweeper", round: sweep(), full: SWEEP_BATCH, schedule: everySecond })
)
