/** Time in tests on real sockets: waiting for what goes on behind an answer, and making it slow. */
import { type Operation, ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { Effect, Schedule } from "effect"

/** Looks again and again until it is so. Fails the test with the last look after five seconds. */
export const eventually = <A, E, R>(look: Effect.Effect<A, E, R>, isSo: (value: A) => boolean) =>
  look.pipe(
    Effect.repeat({ until: isSo, schedule: Schedule.spaced("20 millis").pipe(Schedule.upTo({ times: 250 })) }),
    Effect.filterOrElse(isSo, (value) => Effect.die(new Error(`still ${JSON.stringify(value)}`)))
  )

/** The next call of an operation takes this long. */
export const slowOnce = (operation: Operation, latencyMs: number) =>
  Effect.flatMap(ScriptedFaults, (faults) =>
    faults.roll({ rules: [{ operation, latencyMs: { value: latencyMs, times: 1 } }] })
  )
