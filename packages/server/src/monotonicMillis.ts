/**
 * Time that never goes back, for what is counted in this process.
 */
import { Clock, Effect } from "effect"

const NANOS_PER_MILLI = 1_000_000n

export const monotonicMillis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) =>
  Number(nanos / NANOS_PER_MILLI)
)
