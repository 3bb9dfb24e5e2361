/**
 * Runs bulk jobs that nobody is at: begun and left to the jobs, or left behind by a process that has died. Every replica
 * runs it; a job has one runner at a time.
 */
import { runDueBulkJob } from "@tickettoken/order-domain/workflows/RunBulkJob"
import { Effect, Layer, Schedule } from "effect"
import { Health } from "../http/Health.ts"
import { runChore } from "./chore.ts"

/** How many jobs one replica runs side by side, so that a long one does not hold up the others. */
const JOBS_AT_ONCE = 3

const everySecond = Schedule.spaced("1 second").pipe(Schedule.jittered)

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { isStopping } = yield* Health
    const chore = runChore({ name: "bulk jobs", round: runDueBulkJob(isStopping), full: 1, schedule: everySecond })
    yield* Effect.replicateEffect(chore, JOBS_AT_ONCE, { discard: true })
  })
)
