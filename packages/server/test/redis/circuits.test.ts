/** Circuits of several replicas over one Redis, and of each one alone when it is away. */
import { assert, describe, it } from "@effect/vitest"
import { BasisPoints } from "@tickettoken/order-domain/Money"
import { NoAnswer } from "@tickettoken/order-server/clients/Attempt"
import { Circuits } from "@tickettoken/order-server/clients/Circuits"
import type { RedisAddress } from "@tickettoken/order-server/redis/IoRedis"
import { OptionalRedis } from "@tickettoken/order-server/redis/OptionalRedis"
import { Context, Deferred, Duration, Effect, Fiber, Layer, Option, Schedule } from "effect"
import { randomUUID } from "node:crypto"
import { hasRedis, hasRedisServer, ordinaryRedis, ownRedis } from "../support/redis.ts"

/** For an answer of Redis on busy cores. */
const ANSWER_MILLIS_MAX = 5000

const circuit = "tickets:change"
const failing = Effect.fail(new NoAnswer({ failure: "transport", why: "it can not be reached" }))

/** No test waits for its end. */
const long = Duration.minutes(1)

type Replica = Circuits["Service"]

/** A replica that is connected. */
const replicaAt = Effect.fnUntraced(function* (address: RedisAddress, prefix: string, openFor: Duration.Duration) {
  const settings = { failureShare: BasisPoints.make(5000), calls: 10, openFor }
  const redis = OptionalRedis.layer(Option.some(address))
  const context = yield* Layer.build(
    Circuits.layer(settings, { prefix, answerMillisMax: ANSWER_MILLIS_MAX }).pipe(Layer.provideMerge(redis))
  )
  const connection = Option.getOrThrow(Context.get(context, OptionalRedis))
  yield* Effect.retry(connection.send("PING"), { schedule: Schedule.spaced("20 millis"), times: 500 })
  return Context.get(context, Circuits)
})

/** Sends one; whether it was sent at all. */
const wasSent = Effect.fnUntraced(function* (
  replica: Replica,
  attempt: Effect.Effect<unknown, NoAnswer> = Effect.void
) {
  let sent = false
  const noted = Effect.andThen(
    Effect.sync(() => {
      sent = true
    }),
    attempt
  )
  yield* Effect.exit(replica.guard(circuit, noted))
  return sent
})

const fails = (replica: Replica, times: number) =>
  Effect.forEach(Array.from({ length: times }), () => wasSent(replica, failing))

describe.skipIf(!hasRedis)("circuits of two replicas", () => {
  it.live("are one: what one has found out keeps the other from sending", () =>
    Effect.gen(function* () {
      const prefix = `test:${randomUUID()}:`
      const [one, other] = [
        yield* replicaAt(ordinaryRedis, prefix, long),
        yield* replicaAt(ordinaryRedis, prefix, long)
      ]
      yield* fails(one, 5)
      yield* fails(other, 5)
      assert.deepStrictEqual([yield* wasSent(one), yield* wasSent(other)], [false, false])
      const stranger = yield* replicaAt(ordinaryRedis, `test:${randomUUID()}:`, long)
      assert.isTrue(yield* wasSent(stranger))
    })
  )

  it.live("have one probe together", () =>
    Effect.gen(function* () {
      const prefix = `test:${randomUUID()}:`
      const openFor = Duration.millis(50)
      const one = yield* replicaAt(ordinaryRedis, prefix, openFor)
      const other = yield* replicaAt(ordinaryRedis, prefix, openFor)
      yield* fails(one, 10)
      const probing = yield* Deferred.make<void>()
      const answer = yield* Deferred.make<void>()
      const probe = Effect.andThen(Deferred.succeed(probing, undefined), Deferred.await(answer))
      const sent = yield* Effect.forkChild(
        Effect.repeat(wasSent(one, probe), { until: (was) => was, schedule: Schedule.spaced("20 millis") })
      )
      yield* Deferred.await(probing)
      assert.deepStrictEqual([yield* wasSent(other), yield* wasSent(one)], [false, false])
      yield* Deferred.succeed(answer, undefined)
      assert.isTrue(yield* Fiber.join(sent))
      assert.isTrue(yield* wasSent(other))
    })
  )
})

describe.skipIf(!hasRedisServer)("circuits whose Redis goes away", () => {
  it.live("twin: each replica still goes by what it has seen itself, and sends what it knows nothing against", () =>
    Effect.gen(function* () {
      const redis = yield* ownRedis()
      yield* redis.start
      const one = yield* replicaAt(redis.address, "test:", long)
      const other = yield* replicaAt(redis.address, "test:", long)
      yield* fails(one, 10)
      assert.deepStrictEqual([yield* wasSent(one), yield* wasSent(other)], [false, false])
      yield* redis.kill
      assert.isFalse(yield* wasSent(one))
      assert.isTrue(yield* wasSent(other))
      yield* fails(other, 8)
      assert.isTrue(yield* wasSent(other, failing))
      assert.isFalse(yield* wasSent(other))
    })
  )
})
