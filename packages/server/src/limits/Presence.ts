/**
 * Asks something that may be away, and never waits for it long.
 *
 * **Details**
 *
 * Each question has a short time. After a few that went unanswered nobody is asked any more but one request a second,
 * which finds out whether it is back. The loss and the return are one line in the log each; a gauge is 1 in between.
 */
import { Clock, Duration, Effect, Option } from "effect"
import { rateLimits } from "../telemetry/Metrics.ts"
import type { StoreAway } from "./SharedStore.ts"

/** What a question may add to a request. */
export const ANSWER_MILLIS_MAX = 40

/** Failures in a row that make it away: a single one may be a pause of our own process. */
const FAILURES_MAX = 3

/** While it is away one request in so long asks it again. */
const ASK_AGAIN_MILLIS = 1000

/**
 * In two parts: a process that was busy for so long looks at what has arrived in between, and an answer that is there
 * counts.
 */
const tooLong = Effect.sleep(Duration.millis(ANSWER_MILLIS_MAX - 1)).pipe(
  Effect.andThen(Effect.sleep(Duration.millis(1))),
  Effect.as(Option.none())
)

export interface Presence {
  /** The answer, or nothing if there is none in time. */
  readonly ask: <A>(question: Effect.Effect<A, StoreAway>) => Effect.Effect<Option.Option<A>>
}

export const make = Effect.gen(function* () {
  let isAway = false
  let failures = 0
  let askAgainAt = 0
  yield* rateLimits.storeAway.record(0, {})

  const answered = Effect.suspend(() => {
    failures = 0
    if (!isAway) return Effect.void
    isAway = false
    return Effect.andThen(rateLimits.storeAway.record(0, {}), Effect.logInfo("Redis counts the rate limits again"))
  })

  const unanswered = Effect.fnUntraced(function* (why: string) {
    failures += 1
    askAgainAt = (yield* monotonicMillis) + ASK_AGAIN_MILLIS
    if (isAway || failures < FAILURES_MAX) return
    isAway = true
    yield* rateLimits.storeAway.record(1, {})
    yield* Effect.logWarning(`Redis does not count the rate limits, every replica does so at half the rate: ${why}`)
  })

  const presence: Presence = {
    ask: Effect.fnUntraced(function* <A>(question: Effect.Effect<A, StoreAway>) {
      const now = yield* monotonicMillis
      if (isAway && now < askAgainAt) return Option.none()
      // The others do not ask while this one does.
      askAgainAt = now + ASK_AGAIN_MILLIS
      return yield* Effect.raceFirst(Effect.asSome(question), tooLong).pipe(
        Effect.tap((answer) => (Option.isSome(answer) ? answered : unanswered("no answer in time"))),
        Effect.catchTag("StoreAway", ({ why }) => Effect.as(unanswered(why), Option.none<A>()))
      )
    })
  }
  return presence
})

const NANOS_PER_MILLI = 1_000_000n

/** Time that never goes back, for what is counted in this process. */
export const monotonicMillis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) =>
  Number(nanos / NANOS_PER_MILLI)
)
