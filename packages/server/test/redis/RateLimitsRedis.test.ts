/** Limits in Redis, on the ordinary server: the contract, two replicas, and keys that end. */
import { assert, describe, it } from "@effect/vitest"
import * as IoRedis from "@tickettoken/order-server/redis/IoRedis"
import * as RateLimitsRedis from "@tickettoken/order-server/redis/RateLimitsRedis"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Context, Effect, Layer, Schedule } from "effect"
import { Redis } from "effect/persistence"
import { windowContract } from "../limits/windowContract.ts"
import { hasRedis, ordinaryRedis } from "../support/redis.ts"

/** A connection of its own, as a replica has it. */
const connection = Layer.build(IoRedis.layer(ordinaryRedis)).pipe(
  Effect.map((context) => Context.get(context, Redis.Redis)),
  Effect.tap(({ send }) => Effect.retry(send("PING"), { schedule: Schedule.spaced("20 millis"), times: 6_000 }))
)

/** A store under a prefix of its own, and what a test does around it. */
const replica = Effect.fnUntraced(function* (prefix: string) {
  const redis = yield* connection
  const store = yield* Effect.provideService(RateLimitsRedis.make(prefix), Redis.Redis, redis)
  const fieldsOf = (key: string) => redis.send<Array<string>>("HGETALL", `${prefix}${key}`)
  /** Makes the requests of a key older. */
  const pass = Effect.fnUntraced(function* (key: string, seconds: number) {
    const fields = yield* fieldsOf(key)
    if (fields.length === 0) return
    const older = fields.map((field, at) => (at % 2 === 0 ? String(Number(field) - seconds) : field))
    yield* redis.send("DEL", `${prefix}${key}`)
    yield* redis.send("HSET", `${prefix}${key}`, ...older)
  }, Effect.orDie)
  return { ...store, fieldsOf, pass, redis }
})

const freshPrefix = Effect.acquireRelease(
  Effect.map(randomUuid, (id) => `test:${id}:`),
  (prefix) =>
    Effect.gen(function* () {
      const { send } = yield* connection
      const keys = yield* send<Array<string>>("KEYS", `${prefix}*`)
      if (keys.length > 0) yield* send("DEL", ...keys)
    }).pipe(Effect.scoped, Effect.orDie)
)

describe.skipIf(!hasRedis)("limits in Redis", () => {
  windowContract("a store in Redis", Effect.orDie(Effect.flatMap(freshPrefix, replica)))

  it.live("A27 two replicas that are asked at once let through the limit together, not each", () =>
    Effect.gen(function* () {
      const prefix = yield* freshPrefix
      const [one, other] = [yield* replica(prefix), yield* replica(prefix)]
      for (let round = 0; round < 20; round++) {
        const verdicts = yield* Effect.all(
          Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? one : other).take(`r${round}`, 10)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(verdicts.filter(({ allowed }) => allowed).length, 10)
      }
    })
  )

  it.live("A27 the twin that reads first and writes then lets through more", () =>
    Effect.gen(function* () {
      const prefix = yield* freshPrefix
      const connections = [(yield* replica(prefix)).redis, (yield* replica(prefix)).redis]
      const take = Effect.fnUntraced(function* (redis: Redis.Redis["Service"]) {
        const taken = Number(yield* redis.send("GET", `${prefix}twin`))
        if (taken >= 10) return false
        yield* redis.send("INCR", `${prefix}twin`)
        return true
      })
      const passed = yield* Effect.forEach(
        connections.flatMap((redis) => Array.from({ length: 20 }, () => redis)),
        take,
        { concurrency: "unbounded" }
      )
      assert.isAbove(passed.filter((allowed) => allowed).length, 10)
    })
  )

  it.live("A27 a key ends with its window and never holds more than 61 numbers", () =>
    Effect.gen(function* () {
      const { fieldsOf, pass, redis, take } = yield* replica(yield* freshPrefix)
      yield* take("a", 10)
      const [key = ""] = yield* redis.send<Array<string>>("KEYS", "test:*:a")
      const millis = Number(yield* redis.send("PTTL", key))
      assert.isTrue(millis > 30_000 && millis <= 61_000, `${millis}`)
      for (let second = 0; second < 100; second++) {
        yield* take("a", 1_000_000)
        yield* pass("a", 1)
      }
      assert.isAtMost((yield* fieldsOf("a")).length / 2, 62)
    })
  )

  it.live("a clock that was set back frees nothing, and one that was far ahead locks nobody out", () =>
    Effect.gen(function* () {
      const { pass, take } = yield* replica(yield* freshPrefix)
      yield* take("a", 1)
      yield* pass("a", -30)
      assert.isFalse((yield* take("a", 1)).allowed)
      yield* pass("a", -3600)
      assert.isTrue((yield* take("a", 1)).allowed)
    })
  )

  it.live("the script is sent again when Redis has forgotten it", () =>
    Effect.gen(function* () {
      const { redis, take } = yield* replica(yield* freshPrefix)
      assert.isTrue((yield* take("a", 2)).allowed)
      yield* redis.send("SCRIPT", "FLUSH")
      assert.isTrue((yield* take("a", 2)).allowed)
      assert.isFalse((yield* take("a", 2)).allowed)
    })
  )
})
