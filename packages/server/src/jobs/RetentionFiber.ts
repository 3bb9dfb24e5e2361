/**
 * Deletes what has had its time, so that the tables that every request writes do not grow for ever, and stored answers
 * with their secrets do not outlive their use.
 */
import { Layer, Schedule } from "effect"
import { purge } from "../sql/RetentionSql.ts"
import { runChore } from "./chore.ts"

/** Small enough to be deleted in a fraction of a statement's time; a round that was full is followed by the next at once. */
const RETENTION_BATCH = 1_000

const everyMinute = Schedule.spaced("1 minute").pipe(Schedule.jittered)

export const layer = Layer.effectDiscard(
  runChore({ name: "retention", round: purge(RETENTION_BATCH), full: RETENTION_BATCH, schedule: everyMinute })
)
