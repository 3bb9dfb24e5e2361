/**
 * Asks something in Redis, which may be away, and never waits for it long.
 *
 * **Details**
 *
 * Each question has a short time. After a few that went unanswered nobody is asked any more but one caller a second, which
 * finds out whether it is back. The loss and the return are one line in the log each; a gauge is 1 in between.
 */
import { Duration, Effect, Option, Schema } from "effect"
import type { Redis } from "effect/persistence"
import { monotonicMillis } from "../monotonicMillis.ts"
import { type RedisUse, redis as metrics } from "../telemetry/Metrics.ts"

/** Redis has not said anything of use; `why` is for operators. */
export class StoreAway extends Schema.TaggedError<StoreAway>()("StoreAway", { why: Schema.String }) {}

/** Redis has answered with a failure, or not at all. */
export const storeAway = ({ cause }: Redis.RedisError): StoreAway =>
  new StoreAway({ why: cause instanceof Error ? cause.message : "a failure" })

/** What a question may add to a request. */
export const ANSWER_MILLIS_MAX = 40

/** Failures in a row that make it away: a single one may be a pause of our own process. */
const FAILURES_MAX = 3

/** While it is away one caller in so long asks it again. */
const ASK_AGAIN_MILLIS = 1000

/**
 * In two parts: a process that was busy for so long looks at what has arrived in between, and an answer that is there
 * counts.
 */
const tooLong = (millis: number) =>
  Effect.sleep(Duration.millis(millis - 1)).pipe(
    Effect.andThen(Effect.sleep(Duration.millis(1))),
    Effect.as(Option.none())
  )

export interface PresenceOptions {
  /** Who asks, for the gauge. */
  readonly use: RedisUse
  /** What the log says when it is lost, and when it is back. */
  readonly lost: string
  readonly back: string
  readonly answerMillisMax?: number | undefined
}

export interface Presence {
  /** The answer, or nothing if there is none in time. */
  readonly ask: <A, R>(question: Effect.Effect<A, StoreAway, R>) => Effect.Effect<Option.Option<A>, never, R>
}

export const make = Effect.fnUntraced(function* (options: PresenceOptions) {
  const { answerMillisMax = ANSWER_MILLIS_MAX, back, lost, use } = options
  let isAway = false
  let failures = 0
  let askAgainAt = 0
  yield* metrics.away.record(0, { use })

  const answered = Effect.suspend(() => {
    failures = 0
    if (!isAway) return Effect.void
    isAway = false
    return Effect.andThen(metrics.away.record(0, { use }), Effect.logInfo(back))
  })

  const unanswered = Effect.fnUntraced(function* (why: string) {
    failures += 1
    askAgainAt = (yield* monotonicMillis) + ASK_AGAIN_MILLIS
    if (isAway || failures < FAILURES_MAX) return
    isAway = true
    yield* metrics.away.record(1, { use })
    yield* Effect.logWarning(`${lost}: ${why}`)
  })

  const presence: Presence = {
    ask: Effect.fnUntraced(function* <A, R>(question: Effect.Effect<A, StoreAway, R>) {
      const now = yield* monotonicMillis
      if (isAway && now < askAgainAt) return Option.none()
      // The others do not ask while this one does.
      askAgainAt = now + ASK_AGAIN_MILLIS
      return yield* Effect.raceFirst(Effect.asSome(question), tooLong(answerMillisMax)).pipe(
        Effect.tap((answer) => (Option.isSome(answer) ? answered : unanswered("no answer in time"))),
        Effect.catchTag("StoreAway", ({ why }) => Effect.as(unanswered(why), Option.none<A>()))
      )
    })
  }
  return presence
})
