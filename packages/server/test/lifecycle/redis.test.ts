/** A service that is told of a Redis: it starts without it, shows what is missing, and counts with it when it is there. */
import { assert, describe, it } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, Redacted, Schedule } from "effect"
import { readFileSync } from "node:fs"
import * as path from "node:path"
import { at, listAt, send } from "../http/support/send.ts"
import { makeDataFolder } from "../support/embeddedProcess.ts"
import { makeDatabase } from "../support/postgres.ts"
import { hasRedisServer, ownRedis } from "../support/redis.ts"
import { start } from "./support/serviceProcess.ts"

const slow = 300_000
const CREATE_LIMIT = 3

/** What the detailed probe says of the whole, and of Redis. */
const health = (port: number) =>
  Effect.map(send({ port, path: "/health/detailed" }), ({ json, status }) => {
    const redis = listAt(json, "dependencies").find((dependency) => at(dependency, "name") === "redis")
    return [status, at(json, "status"), at(redis, "status")]
  })

describe.skipIf(!hasRedisServer)("a service with a Redis", () => {
  it.live(
    "F15 7.4 starts while it is down, is ready and degraded, counts alone; comes it up, it counts there",
    () =>
      Effect.gen(function* () {
        const redis = yield* ownRedis()
        const folder = yield* makeDataFolder
        const service = yield* start("service", {
          DATABASE_URL: Redacted.value(yield* makeDatabase()),
          ORDER_DATA_FOLDER: folder,
          REDIS_HOST: redis.address.host,
          REDIS_PORT: String(redis.address.port),
          RATE_LIMIT_CREATE_PER_MINUTE: String(CREATE_LIMIT),
          RATE_LIMIT_BAD_CREDENTIALS_PER_MINUTE: "4"
        })
        const port = yield* service.port
        assert.strictEqual((yield* send({ port, path: "/health/readiness" })).status, 200)
        assert.deepStrictEqual(yield* health(port), [200, "degraded", "down"])
        const authorization = `Bearer ${readFileSync(path.join(folder, "demo/buyer.token"), "utf8").trim()}`
        const create = send({
          port,
          method: "POST",
          path: "/api/v1/orders",
          headers: { authorization },
          body: { eventId: demo.eventId, items: [], currency: "USD" }
        })
        const alone = yield* Effect.forEach([1, 2, 3], () => create)
        assert.deepStrictEqual(
          alone.map(({ status }) => status),
          [400, 429, 429]
        )
        yield* redis.start
        yield* Effect.repeat(health(port), {
          until: ([, status]) => status === "ok",
          schedule: Schedule.spaced("100 millis")
        })
        const counted = Effect.gen(function* () {
          const { headers } = yield* create
          return headers["ratelimit-policy"] === `"create";q=${CREATE_LIMIT};w=60`
        })
        yield* Effect.repeat(counted, { until: (isThere) => isThere, schedule: Schedule.spaced("100 millis") })
        assert.match(yield* redis.command("KEYS", "*"), new RegExp(`^orders:limit:create:${demo.tenantId}:\\S+$`))
        const strangers = yield* Effect.forEach([1, 2, 3, 4, 5], () =>
          send({ port, path: "/api/v1/orders", headers: { authorization: "Bearer x" } })
        )
        assert.deepStrictEqual(
          strangers.map(({ status }) => status),
          [401, 401, 401, 401, 429]
        )
        yield* service.send("SIGTERM")
        assert.strictEqual((yield* service.outcome).code, 0)
      }),
    slow
  )
})
