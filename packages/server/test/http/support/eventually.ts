/** Time in tests on real sockets: waiting for what goes on behind an answer. */
import { Effect, Schedule } from "effect"

/** Looks again and again until it is so. Fails the test with the last look after two minutes: some machines are slow. */
export const eventually = <A, E, R>(look: Effect.Effect<A, E, R>, isSo: (value: A) => boolean) =>
  look.pipe(
    Effect.repeat({ until: isSo, schedule: Schedule.spaced("20 millis").pipe(Schedule.upTo({ times: 6_000 })) }),
    Effect.filterOrElse(isSo, (value) => Effect.die(new Error(`still ${JSON.stringify(value)}`)))
  )
