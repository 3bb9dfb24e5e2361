/** Replicas are replaced one by one under load, behind a proxy that asks for their readiness. */
import { assert, describe, it } from "@effect/vitest"
import { UserId } from "@tickettoken/order-domain/Ids"
import * as Migrations from "@tickettoken/order-server/sql/Migrations"
import * as SqlLayer from "@tickettoken/order-server/sql/SqlLayer"
import * as Sandbox from "@tickettoken/order-testing/sandbox/Sandbox"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect, Fiber, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { newOrder } from "../http/support/buyer.ts"
import { bearer, environment } from "../http/support/credentials.ts"
import { send } from "../http/support/send.ts"
import { makeDatabase } from "../support/postgres.ts"
import * as readinessProxy from "./support/readinessProxy.ts"
import { start } from "./support/serviceProcess.ts"

const slow = 300_000

const STOPS = 3
const CLIENTS = 3
/** Between two requests of a client. */
const PAUSE = Schedule.spaced("150 millis")

/** Everything that replicas in production are told, over a migrated database and a sandbox of their own. */
const installation = Effect.gen(function* () {
  const url = new URL(Redacted.value(yield* makeDatabase()))
  // Production wants one; a server that trusts everybody does not look at it.
  if (url.password === "") url.password = "Vb7-tY2_qLx9-4Hs9Bd1G"
  const databaseUrl = Redacted.make(url.href)
  yield* Effect.provide(Migrations.migrate, SqlLayer.layer({ url: databaseUrl, poolSize: 1 }))
  const { events, payments, tickets } = yield* Sandbox.Sandbox
  return {
    databaseUrl,
    env: {
      ...environment,
      NODE_ENV: "production",
      DATABASE_URL: url.href,
      TICKET_SERVICE_URL: tickets.url,
      PAYMENT_SERVICE_URL: payments.url,
      EVENT_SERVICE_URL: events.url,
      // A machine that is busy with other things answers late, and that is not what is looked at.
      ORDER_REQUEST_BUDGET_SECONDS: "60"
    }
  }
})

const sandbox = Sandbox.layer({ ticketPort: 0, paymentPort: 0, eventPort: 0 })

/** Buys, or looks at what it has, through the proxy, over and over; answers every status that it has got. */
const client = (port: number, statuses: Array<string>) =>
  Effect.gen(function* () {
    const authorization = yield* bearer(UserId.make(yield* randomUuid))
    const headers = { authorization }
    const created = yield* send({ port, method: "POST", path: "/api/v1/orders", headers, body: newOrder(1) })
    statuses.push(`create ${created.status}`)
    const listed = yield* send({ port, path: "/api/v1/orders", headers })
    statuses.push(`list ${listed.status}`)
  }).pipe(
    Effect.catchDefect((cause) => Effect.sync(() => statuses.push(`broken: ${String(cause)}`))),
    Effect.repeat(PAUSE)
  )

describe("a rollout", () => {
  it.live(
    "F42 loses no request, ends each replica with success, and leaves no lease behind",
    () =>
      Effect.gen(function* () {
        const { databaseUrl, env } = yield* installation
        const proxy = yield* readinessProxy.make()
        const replica = Effect.gen(function* () {
          const service = yield* start("service", env)
          return { service, given: yield* proxy.add(yield* service.port) }
        })
        const running = yield* Effect.all([replica, replica], { concurrency: 2 })
        const statuses: Array<string> = []
        const load = yield* Effect.forkScoped(
          Effect.all(
            Array.from({ length: CLIENTS }, () => client(proxy.port, statuses)),
            { concurrency: "unbounded" }
          )
        )
        for (let stop = 1; stop <= STOPS; stop += 1) {
          const before = statuses.length
          const { given, service } = running.shift() ?? (yield* Effect.die(new Error("nobody is left")))
          yield* Effect.repeat(
            Effect.sync(() => given.given),
            { until: (count) => count > 0, schedule: PAUSE }
          )
          // The next one comes up meanwhile; the last is replaced by the one that is there.
          const next = yield* Effect.forkScoped(
            stop < STOPS ? Effect.map(replica, (one) => running.push(one)) : Effect.void
          )
          yield* service.send("SIGTERM")
          const { code, stderr } = yield* service.outcome
          assert.deepStrictEqual([code, stderr], [0, ""])
          assert.isAbove(statuses.length, before)
          yield* Fiber.join(next)
        }
        yield* Fiber.interrupt(load)
        assert.deepStrictEqual([...new Set(statuses)].toSorted(), ["create 201", "list 200"])
        for (const { service } of running) {
          yield* service.send("SIGTERM")
          assert.strictEqual((yield* service.outcome).code, 0)
        }
        assert.deepStrictEqual(yield* held(databaseUrl), [])
      }).pipe(Effect.scoped, Effect.provide(sandbox)),
    slow
  )

  it.live(
    "F42 loses requests behind a proxy that does not ask for readiness",
    () =>
      Effect.gen(function* () {
        const { env } = yield* installation
        const proxy = yield* readinessProxy.make()
        const service = yield* start("service", { ...env, ORDER_SHUTDOWN_DELAY_SECONDS: "0" })
        yield* proxy.add(yield* service.port, false)
        assert.strictEqual((yield* send({ port: proxy.port, path: "/health/readiness" })).status, 200)
        yield* service.send("SIGTERM")
        assert.strictEqual((yield* service.outcome).code, 0)
        assert.strictEqual((yield* send({ port: proxy.port, path: "/health/readiness" })).status, 502)
      }).pipe(Effect.scoped, Effect.provide(sandbox)),
    slow
  )
})

/** Work and messages that somebody holds. */
const held = (url: Redacted.Redacted) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`
      select 'work' as what, kind as which, last_error as why from order_work
        where state <> 'DONE' and lease_until > clock_timestamp()
      union all select 'message', type, last_error from outbox where state <> 'SENT' and lease_until > clock_timestamp()`
  ).pipe(Effect.provide(SqlLayer.layer({ url, poolSize: 1 })))
