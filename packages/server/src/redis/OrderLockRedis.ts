/**
 * The lock of an order in Redis: `order:lock:{orderId}` (rule 3.12).
 *
 * **Details**
 *
 * Taken with a token of its own and for a limited time, given back only by its owner, and numbered: each one that is taken
 * has a higher number, which stands in the trace. Who finds it taken tries again a few times and then goes on without it; who
 * finds no Redis goes on at once.
 *
 * **Gotchas**
 *
 * A lease in Redis can be lost while its owner still believes in it (docs/adr/0008). Nothing may depend on it.
 */
import { OrderLock } from "@tickettoken/order-domain/ports/OrderLock"
import { Duration, Effect, Layer, Option } from "effect"
import { Redis } from "effect/persistence"
import { randomUUID } from "node:crypto"
import { locks as metrics } from "../telemetry/Metrics.ts"
import { OptionalRedis } from "./OptionalRedis.ts"
import * as Presence from "./Presence.ts"

export interface OrderLockSettings {
  /** A lock whose owner has died is free after this. */
  readonly timeToLive: Duration.Duration
  readonly tries: number
  /** Between two tries. */
  readonly delay: Duration.Duration
}

const KEY_PREFIX = "order:lock:"

/** Counts the locks that have been taken. */
const FENCE_KEY = "order:lock-fence"

const take = Redis.script((key: string, fence: string, token: string, millis: number) => [key, fence, token, millis], {
  numberOfKeys: 2,
  lua: `
if redis.call("SET", KEYS[1], ARGV[1], "NX", "PX", ARGV[2]) then return redis.call("INCR", KEYS[2]) end
return 0
`
}).withReturnType<number>()

const giveBack = Redis.script((key: string, token: string) => [key, token], {
  numberOfKeys: 1,
  lua: `
if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0
`
}).withReturnType<number>()

/** Locks of this run, where it has a Redis. */
export const layer = (settings: OrderLockSettings): Layer.Layer<never, never, OptionalRedis> =>
  Layer.unwrap(
    Effect.map(
      OptionalRedis,
      Option.match({
        onNone: () => Layer.empty,
        onSome: (redis) => Layer.effect(OrderLock, Effect.provideService(make(settings), Redis.Redis, redis))
      })
    )
  )

export const make = Effect.fnUntraced(function* (
  { delay, timeToLive, tries }: OrderLockSettings,
  answerMillisMax?: number
) {
  const redis = yield* Redis.Redis
  const presence = yield* Presence.make({
    use: "locks",
    lost: "Redis has no locks of orders, several may ask about one of them",
    back: "Redis has locks of orders again",
    answerMillisMax
  })
  const ask = (question: Effect.Effect<number, Redis.RedisError>) =>
    presence.ask(Effect.mapError(question, Presence.storeAway))

  const around = <A, E, R>(orderId: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const key = `${KEY_PREFIX}${orderId}`
      const token = randomUUID()
      // An answer that did not come in time may have been a yes.
      let mayBeOurs = false
      const wait = Effect.gen(function* () {
        for (let number = 1; ; number++) {
          mayBeOurs = true
          const answer = yield* ask(redis.eval(take)(key, FENCE_KEY, token, Duration.toMillis(timeToLive)))
          if (Option.isNone(answer)) return yield* metrics.asked.record(1, { outcome: "away" })
          if (answer.value > 0) {
            yield* Effect.annotateCurrentSpan("order.lock.fence", answer.value)
            return yield* metrics.asked.record(1, { outcome: "taken" })
          }
          mayBeOurs = false
          if (number >= tries) return yield* metrics.asked.record(1, { outcome: "busy" })
          yield* Effect.sleep(delay)
        }
      })
      const end = Effect.suspend(() => (mayBeOurs ? Effect.asVoid(ask(redis.eval(giveBack)(key, token))) : Effect.void))
      return Effect.ensuring(Effect.andThen(wait, effect), end)
    })

  return { around }
})
