/**
 * How a chore of every replica runs: again and again, whatever happens in one round, until the process is to stop.
 */
import { Clock, Effect, type Schedule } from "effect"
import { Health } from "../http/Health.ts"
import { jobs as metrics } from "../telemetry/Metrics.ts"

interface Chore<E, R> {
  readonly name: string
  /** One round: answers how many items it took, those left out that it will meet again: else it would never rest. */
  readonly round: Effect.Effect<number, E, R>
  /** A round that took as many as this may have left some: the next one follows at once. */
  readonly full: number
  /** Between rounds that left nothing. */
  readonly schedule: Schedule.Schedule<unknown>
}

/** Forks the chore into the scope. Nothing new is taken once the process is stopping. */
export const runChore = Effect.fnUntraced(function* <E, R>({ full, name, round, schedule }: Chore<E, R>) {
  const health = yield* Health
  const once = Effect.flatMap(health.isStopping, (stopping) =>
    stopping ? Effect.succeed(0) : Effect.tap(round, (taken) => succeeded(name, taken))
  ).pipe(
    // A round that fails, or meets a bug, must not be the last one.
    Effect.catchCause((cause) =>
      Effect.logError(`${name} failed and goes on`, cause).pipe(
        Effect.andThen(metrics.rounds.record(1, { job: name, outcome: "failed" })),
        Effect.as(0)
      )
    )
  )
  yield* once.pipe(
    Effect.repeat({ while: (taken) => taken >= full }),
    Effect.repeat(schedule),
    Effect.annotateLogs({ job: name }),
    Effect.forkScoped
  )
})

const succeeded = Effect.fnUntraced(function* (job: string, taken: number) {
  yield* metrics.rounds.record(1, { job, outcome: "succeeded" })
  yield* metrics.items.record(taken, { job })
  yield* metrics.lastSuccess.record((yield* Clock.currentTimeMillis) / 1000, { job })
})
