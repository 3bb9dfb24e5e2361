/**
 * Where circuits are kept: in Redis for all replicas, and in this process for the time when Redis is away.
 *
 * **Details**
 *
 * Redis decides while it answers. What this replica sees itself is also written down here, so that a replica that loses
 * Redis in the middle of an outage still knows of it. Nothing depends on either: a circuit that is forgotten sends a few
 * requests more.
 */
import { Context, Duration, Effect, Layer, Option, Result } from "effect"
import { CircuitBreaker, Redis } from "effect/persistence"
import { OptionalRedis } from "../redis/OptionalRedis.ts"
import * as Presence from "../redis/Presence.ts"

export interface CircuitStoreOptions {
  /** Keeps apart what shares a Redis. */
  readonly prefix?: string
  readonly answerMillisMax?: number
}

const KEY_PREFIX = "orders:circuit:"

/** What was seen longer ago says nothing any more about how a service is. */
const IDLE_TIME_TO_LIVE = Duration.minutes(5)

/** For the one probe, should its replica die: longer than an attempt may take. */
const PROBE_LEASE = Duration.seconds(10)

type Store = CircuitBreaker.CircuitBreakerStore["Service"]

export const layer = (
  options: CircuitStoreOptions
): Layer.Layer<CircuitBreaker.CircuitBreakerStore, never, OptionalRedis> =>
  Layer.effect(CircuitBreaker.CircuitBreakerStore, make(options))

const make = Effect.fnUntraced(function* ({ answerMillisMax, prefix = KEY_PREFIX }: CircuitStoreOptions) {
  const own = yield* built(CircuitBreaker.layerStoreMemory({ idleTimeToLive: IDLE_TIME_TO_LIVE }))
  const redis = yield* OptionalRedis
  if (Option.isNone(redis)) return own
  const settings = { prefix, probeLease: PROBE_LEASE, idleTimeToLive: IDLE_TIME_TO_LIVE }
  const shared = yield* built(
    CircuitBreaker.layerStoreRedis(settings).pipe(Layer.provide(Layer.succeed(Redis.Redis, redis.value)))
  )
  const presence = yield* Presence.make({
    use: "circuits",
    lost: "Redis does not share the circuits, every replica goes by its own",
    back: "Redis shares the circuits again",
    answerMillisMax
  })
  return together(own, shared, presence)
})

const built = <E, R>(store: Layer.Layer<CircuitBreaker.CircuitBreakerStore, E, R>) =>
  Effect.map(Layer.build(store), (context) => Context.get(context, CircuitBreaker.CircuitBreakerStore))

/** What both stores have said of one attempt. */
interface Permit {
  readonly own: CircuitBreaker.Admission | undefined
  readonly shared: CircuitBreaker.Admission | undefined
}

const together = (own: Store, shared: Store, presence: Presence.Presence): Store => {
  const permits = new Map<number, Permit>()
  let permitsGiven = 0

  /** Known until the attempt has ended. */
  const permit = Effect.fnUntraced(function* (given: Permit, deciding: CircuitBreaker.Admission) {
    permitsGiven += 1
    const generation = permitsGiven
    permits.set(generation, given)
    yield* Effect.addFinalizer(() => Effect.sync(() => permits.delete(generation)))
    return { ...deciding, generation }
  })

  /** Frees the place of a probe that is not sent. */
  const notSent = (key: string, admission: CircuitBreaker.Admission) =>
    own.record({ key, generation: admission.generation, outcome: "Ignored", tripPolicy, openFor: Duration.zero })

  return CircuitBreaker.CircuitBreakerStore.of({
    admit: Effect.fnUntraced(function* (key) {
      const here = yield* Effect.result(own.admit(key))
      const there = yield* presence.ask(orAway(Effect.result(shared.admit(key))))
      const decision = Option.getOrElse(there, () => here)
      if (Result.isFailure(decision)) {
        if (Result.isSuccess(here)) yield* notSent(key, here.success)
        return yield* decision.failure
      }
      return yield* permit(
        {
          own: Result.isSuccess(here) ? here.success : undefined,
          shared: Option.isSome(there) ? decision.success : undefined
        },
        decision.success
      )
    }),
    record: Effect.fnUntraced(function* (outcome) {
      const given = permits.get(outcome.generation)
      const here =
        given?.own === undefined ? undefined : yield* own.record({ ...outcome, generation: given.own.generation })
      if (given?.shared === undefined) return here
      const { generation } = given.shared
      return Option.getOrUndefined(
        yield* presence
          .ask(orAway(Effect.result(shared.record({ ...outcome, generation }))))
          .pipe(Effect.map(Option.flatMap(Result.getSuccess)))
      )
    }),
    state: Effect.fnUntraced(function* (key) {
      const there = yield* presence.ask(orAway(Effect.result(shared.state(key))))
      return Option.isSome(there) && Result.isSuccess(there.value) ? there.value.success : yield* own.state(key)
    })
  })
}

/** The policy of an attempt that was not sent changes nothing. */
const tripPolicy = CircuitBreaker.consecutive(1)

/** An answer, be it a yes or a no, or Redis being away. */
const orAway = <A, R>(
  asked: Effect.Effect<Result.Result<A, CircuitBreaker.CircuitBreakerError>, never, R>
): Effect.Effect<Result.Result<A, CircuitBreaker.CircuitBreakerError>, Presence.StoreAway, R> =>
  Effect.flatMap(asked, (answer) =>
    Result.isFailure(answer) && answer.failure.reason._tag === "CircuitBreakerStoreError"
      ? Effect.fail(new Presence.StoreAway({ why: answer.failure.reason.message }))
      : Effect.succeed(answer)
  )
