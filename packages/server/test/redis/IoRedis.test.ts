/** The connection: never waited for, never needed, and nothing secret in what it says. */
import { assert, describe, it } from "@effect/vitest"
import * as IoRedis from "@tickettoken/order-server/redis/IoRedis"
import { Context, Effect, Exit, Fiber, Layer, Logger, Queue, Redacted, References, Schedule } from "effect"
import { Redis } from "effect/persistence"
import { hasRedisServer, ownRedis } from "../support/redis.ts"

const connectTo = (address: IoRedis.RedisAddress) =>
  Effect.map(Layer.build(IoRedis.layer(address)), (context) => Context.get(context, Redis.Redis))

/** Until it has connected by itself. */
const answers = ({ send }: Redis.Redis["Service"]) =>
  Effect.retry(send("PING"), { schedule: Schedule.spaced("20 millis"), times: 6_000 })

describe.skipIf(!hasRedisServer)("a connection to Redis", () => {
  it.live("F15 is there before Redis is, and connects by itself when it comes, again and again", () =>
    Effect.gen(function* () {
      const server = yield* ownRedis()
      const redis = yield* connectTo(server.address)
      for (let round = 0; round < 3; round++) {
        // Nobody waits for a connection: the failure is at once.
        const failure = yield* Effect.flip(redis.send<string>("PING"))
        assert.instanceOf(failure, Redis.RedisError)
        yield* server.start
        assert.strictEqual(yield* answers(redis), "PONG")
        yield* server.kill
        yield* Effect.repeat(Effect.exit(redis.send("PING")), { until: Exit.isFailure })
      }
    })
  )

  it.live("a command that nobody answered is not sent again by the next connection", () =>
    Effect.gen(function* () {
      const server = yield* ownRedis()
      yield* server.start
      const redis = yield* connectTo(server.address)
      yield* answers(redis)
      yield* server.command("CLIENT", "PAUSE", "600000", "WRITE")
      const writes = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 20 }), () => Effect.exit(redis.send("INCR", "n")), {
          concurrency: "unbounded"
        })
      )
      yield* Effect.repeat(server.command("CLIENT", "LIST"), { until: (list) => /flags=\S*b.*cmd=incr/.test(list) })
      yield* server.command("CLIENT", "KILL", "TYPE", "normal")
      assert.isTrue((yield* Fiber.join(writes)).every(Exit.isFailure))
      yield* server.command("CLIENT", "UNPAUSE")
      yield* answers(redis)
      assert.isNull(yield* redis.send("GET", "n"))
    })
  )

  it.live("takes a bounded number of commands while Redis says nothing, and gives up on it", () =>
    Effect.gen(function* () {
      const server = yield* ownRedis()
      yield* server.start
      const redis = yield* connectTo(server.address)
      yield* answers(redis)
      yield* server.command("CLIENT", "PAUSE", "600000", "ALL")
      const failures = yield* Effect.forEach(
        Array.from({ length: 3000 }),
        () => Effect.flip(redis.send<string>("PING")),
        {
          concurrency: "unbounded"
        }
      )
      const refused = failures.filter(({ cause }) => String(cause).includes("too many")).length
      assert.strictEqual(refused, 2000)
    })
  )

  it.live("subscribes, and lends connections of one's own", () =>
    Effect.gen(function* () {
      const server = yield* ownRedis()
      yield* server.start
      const redis = yield* connectTo(server.address)
      yield* answers(redis)
      const messages = yield* redis.subscribe("news")
      yield* Effect.repeat(redis.send<number>("PUBLISH", "news", "hello"), { until: (receivers) => receivers === 1 })
      assert.deepStrictEqual(yield* Queue.take(messages), { channel: "news", message: "hello" })
      const own = yield* redis.reserve
      const shared = yield* redis.send("CLIENT", "ID")
      assert.notStrictEqual(yield* own.send("CLIENT", "ID"), shared)
    })
  )

  it.live("ends with its scope, without waiting for what is under way", () =>
    Effect.gen(function* () {
      const server = yield* ownRedis()
      yield* server.start
      yield* Effect.scoped(
        Effect.gen(function* () {
          const redis = yield* connectTo(server.address)
          yield* answers(redis)
          yield* server.command("CLIENT", "PAUSE", "600000", "WRITE")
          yield* Effect.forkScoped(Effect.exit(redis.send("SET", "a", "1")))
        })
      )
      yield* Effect.repeat(server.command("CLIENT", "LIST"), { until: (list) => !list.includes("name=order-service") })
    })
  )

  it.live("A32 says nothing of the password, right or wrong", () =>
    Effect.gen(function* () {
      const canary = "canary-3f1c9a"
      const server = yield* ownRedis("--requirepass", `right-${canary}`)
      yield* server.start
      const lines: Array<string> = []
      const logger = Logger.make<unknown, void>((options) => {
        lines.push(JSON.stringify([options.message, options.cause]))
      })
      const tried = (password: string) =>
        connectTo({ ...server.address, password: Redacted.make(password) }).pipe(
          Effect.provide(Logger.layer([logger])),
          Effect.provideService(References.MinimumLogLevel, "All")
        )
      const wrong = yield* tried(`wrong-${canary}`)
      yield* Effect.repeat(
        Effect.tap(
          Effect.sync(() => lines.length),
          () => Effect.yieldNow
        ),
        { until: (count) => count > 0 }
      )
      const failure = yield* Effect.flip(wrong.send<string>("PING"))
      const right = yield* tried(`right-${canary}`)
      assert.strictEqual(yield* answers(right), "PONG")
      const refused = yield* Effect.flip(right.send<string>("AUTH", `again-${canary}`))
      assert.isAbove(lines.length, 0)
      const inspected = [failure, refused].map((error) => JSON.stringify([error, error.cause, String(error.cause)]))
      for (const text of [...lines, ...inspected]) assert.notInclude(text, canary)
    })
  )
})
