/** What buyers notice of a Redis that dies, hangs, drops everybody or is full: two servers over one Redis that a test owns. */
import { assert, describe, it } from "@effect/vitest"
import type { SharedStore } from "@tickettoken/order-server/limits/SharedStore"
import * as IoRedis from "@tickettoken/order-server/redis/IoRedis"
import * as RateLimitsRedis from "@tickettoken/order-server/redis/RateLimitsRedis"
import { Context, Effect, Layer, Metric, Schedule } from "effect"
import { Redis } from "effect/persistence"
import { newOrder, person } from "../http/support/buyer.ts"
import { at } from "../http/support/send.ts"
import { memoryStore, ServerPort, serverOver } from "../http/support/testServer.ts"
import { hasRedisServer, type OwnRedis, ownRedis } from "../support/redis.ts"

const CREATE_LIMIT = 20

/** The store as a server has it, once it is connected. */
const storeOf = (server: OwnRedis) =>
  Effect.gen(function* () {
    const redis = yield* Effect.map(Layer.build(IoRedis.layer(server.address)), (context) =>
      Context.get(context, Redis.Redis)
    )
    yield* Effect.retry(redis.send("PING"), patiently)
    return yield* Effect.provideService(RateLimitsRedis.make(), Redis.Redis, redis)
  })

const patiently = { schedule: Schedule.spaced("20 millis"), times: 6_000 }

/** Two servers over one store of orders, each with a connection of its own. */
const twoServers = Effect.fnUntraced(function* (server: OwnRedis) {
  const orders = yield* Layer.build(memoryStore)
  const port = (store: SharedStore) =>
    Effect.map(
      Layer.build(
        serverOver(Layer.succeedContext(orders), { rateLimits: { create: CREATE_LIMIT }, sharedLimits: store })
      ),
      (context) => Context.get(context, ServerPort)
    )
  return [yield* port(yield* storeOf(server)), yield* port(yield* storeOf(server))] as const
})

const gauge = Effect.map(Metric.snapshot, (all) => {
  const found = all.find(
    ({ attributes, id }) => id === "order_service_redis_away" && attributes?.["use"] === "rate_limits"
  )
  return found?.type === "Gauge" ? found.state.value : undefined
})

describe.skipIf(!hasRedisServer)("servers whose Redis is not well", () => {
  it.live("F13 killed and started empty: one order per key, at most twice the limit in one window, no error", () =>
    Effect.gen(function* () {
      const redis = yield* ownRedis()
      yield* redis.start
      const ports = yield* twoServers(redis)
      const buyer = yield* person()
      const on = (turn: number) => Effect.provideService(ServerPort, ports[turn % 2 === 0 ? 0 : 1])
      // 50 clients with five keys: they repeat them before, during and after.
      const burst = (round: number) =>
        Effect.forEach(
          Array.from({ length: 50 }, (_, client) => client),
          (client) =>
            buyer
              .post("/api/v1/orders", newOrder(1), { "idempotency-key": `key-${client % 5}` })
              .pipe(on(client + round)),
          { concurrency: "unbounded" }
        )
      const answers = [...(yield* burst(0))]
      yield* redis.kill
      answers.push(...(yield* burst(1)))
      yield* redis.start
      answers.push(...(yield* burst(2)))
      assert.deepStrictEqual(
        answers.filter(({ status }) => status !== 201 && status !== 429).map(({ status, text }) => `${status} ${text}`),
        []
      )
      const passed = answers.filter(({ status }) => status === 201)
      assert.isAtLeast(passed.length, CREATE_LIMIT / 2)
      assert.isAtMost(passed.length, 2 * CREATE_LIMIT)
      const ids = new Set(passed.map(({ json }) => at(json, "id")))
      assert.isAtMost(ids.size, 5)
      const list = yield* buyer.get("/api/v1/orders").pipe(on(0))
      assert.strictEqual(at(list.json, "pagination", "total"), ids.size)
    })
  )

  it.live(
    "F14 standing still, dropping everybody, full: nobody waits, half the limit holds, and it comes back by itself",
    () =>
      Effect.gen(function* () {
        const redis = yield* ownRedis()
        yield* redis.start
        const [port] = yield* twoServers(redis)
        const on = Effect.provideService(ServerPort, port)
        /** How many of 30 requests of a new buyer are let through. */
        const half = Effect.gen(function* () {
          const buyer = yield* person()
          const answers = yield* Effect.forEach(Array.from({ length: 30 }), () =>
            buyer.post("/api/v1/orders", newOrder(0))
          )
          const statuses = answers.map(({ status }) => status)
          assert.isTrue(
            statuses.every((status) => status === 400 || status === 429),
            statuses.join()
          )
          return statuses.filter((status) => status === 400).length
        }).pipe(on)
        const isBack = Effect.gen(function* () {
          return (yield* half) === CREATE_LIMIT && (yield* gauge) === 0
        }).pipe(Effect.repeat({ until: (back) => back, schedule: Schedule.spaced("200 millis") }))
        const faults = {
          full: {
            begin: redis.command("CONFIG", "SET", "maxmemory", "1"),
            end: redis.command("CONFIG", "SET", "maxmemory", "0")
          },
          // Nobody is heard until it goes on: who is answered meanwhile has not waited for it.
          "standing still": { begin: redis.stopClock, end: redis.goOn }
        }
        yield* isBack
        for (const [fault, { begin, end }] of Object.entries(faults)) {
          yield* begin
          assert.strictEqual(yield* half, CREATE_LIMIT / 2, fault)
          assert.strictEqual(yield* gauge, 1, fault)
          yield* end
          yield* isBack
        }
        yield* redis.command("CLIENT", "KILL", "TYPE", "normal")
        assert.isAtLeast(yield* half, CREATE_LIMIT / 2)
        yield* isBack
      })
  )
})
