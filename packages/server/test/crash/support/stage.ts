/**
 * Where processes are made to end: a database, the sandbox services with their journals, and servers that come and go.
 */
import type { CrashStop } from "@tickettoken/order-testing/chaos/CrashStops"
import * as Sandbox from "@tickettoken/order-testing/sandbox/Sandbox"
import { Context, Duration, Effect, Layer, Redacted, Ref, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { environment } from "../../http/support/credentials.ts"
import { start } from "../../lifecycle/support/serviceProcess.ts"
import { DatabaseUrl, layerMigrated } from "../../sql/database.ts"

/** For a process that boots beside others on two busy cores. */
const BOOT_MAX = Duration.minutes(3)

/** How long a flow may take to its point before the point is said not to be on its way. */
const REACH_MAX = Duration.minutes(2)

/** A server with crash points, with these stops from its first line on. */
const startServer = Effect.fn("startServer")(function* (stops: ReadonlyArray<CrashStop>) {
  const sandbox = yield* Sandbox.Sandbox
  const service = yield* start("crashing", {
    ...environment,
    NODE_ENV: "test",
    LOG_LEVEL: "none",
    DATABASE_URL: Redacted.value(yield* DatabaseUrl),
    TICKET_SERVICE_URL: sandbox.tickets.url,
    PAYMENT_SERVICE_URL: sandbox.payments.url,
    EVENT_SERVICE_URL: sandbox.events.url,
    EXPIRATION_CHECK_INTERVAL_MINUTES: "0.0167",
    // Who is on his way to a point gets there, however slow the machine is.
    ORDER_REQUEST_BUDGET_SECONDS: "60"
  })
  const stopAt = (more: ReadonlyArray<CrashStop>) => service.tell(JSON.stringify(more))
  yield* stopAt(stops)
  const port = yield* Effect.timeout(service.port, BOOT_MAX)
  /** Waits until somebody has come to the point, or the one who is named, and says who it was. */
  const reached = (point: string, subject = "\\S+") =>
    service.printed(new RegExp(`reached ${point} (${subject})\n`)).pipe(
      Effect.timeoutOrElse({
        duration: REACH_MAX,
        orElse: () => Effect.die(new Error(`crash point ${point} was not reached`))
      }),
      Effect.map(([, found = ""]) => found)
    )
  // The first line was given before it started.
  let told = 1
  return {
    port,
    reached,
    send: service.send,
    /** More stops; they hold as soon as this is done. */
    stopAt: Effect.fnUntraced(function* (more: ReadonlyArray<CrashStop>) {
      told += 1
      yield* stopAt(more)
      yield* Effect.timeout(service.printed(new RegExp(`(?:stops taken\n[^]*){${told}}`)), BOOT_MAX)
    }),
    /** SIGTERM: it ends what it has begun. */
    stop: Effect.andThen(service.send("SIGTERM"), service.outcome),
    /** SIGKILL, and nothing of it is left when this is done. */
    kill: Effect.andThen(service.send("SIGKILL"), service.outcome)
  }
})

export type Server = Effect.Success<ReturnType<typeof startServer>>

/** Servers live as long as the stage does, unless they are killed: one that is left goes on in the next test. */
export class Servers extends Context.Service<
  Servers,
  {
    readonly start: (stops: ReadonlyArray<CrashStop>) => Effect.Effect<Server>
    /** Runs a test on the server that the last one has left, and keeps the one that it leaves in turn. */
    readonly pass: <E, R>(test: (first: Server) => Effect.Effect<Server, E, R>) => Effect.Effect<void, E, R>
  }
>()("test/crash/Servers") {}

const servers = Layer.effect(
  Servers,
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const context = yield* Effect.context<Sandbox.Sandbox | DatabaseUrl>()
    const left = yield* Ref.make<Server | null>(null)
    const start = (stops: ReadonlyArray<CrashStop>) =>
      startServer(stops).pipe(Effect.provideContext(context), Scope.provide(scope), Effect.orDie)
    return Servers.of({
      start,
      pass: Effect.fnUntraced(function* <E, R>(test: (first: Server) => Effect.Effect<Server, E, R>) {
        // A test that fails may leave one that is dead.
        const first = (yield* Ref.getAndSet(left, null)) ?? (yield* start([]))
        yield* Ref.set(left, yield* test(first))
      })
    })
  })
)

/** The database, the services with their journals, and servers on them. */
export const layer = servers.pipe(
  Layer.provideMerge(
    Layer.merge(layerMigrated, Layer.orDie(Sandbox.layer({ ticketPort: 0, paymentPort: 0, eventPort: 0 })))
  )
)

/** How often ageing may meet units of work that lock rows in another order. */
const DEADLOCKS_MAX = 10

/** The leases of processes that are gone run out. */
export const ageLeases = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`update order_work set lease_until = clock_timestamp() where state = 'DOING'`
  for (const table of ["bulk_jobs", "outbox"]) {
    yield* sql`update ${sql(table)} set lease_until = clock_timestamp() where lease_until is not null`
  }
}).pipe(Effect.retry({ times: DEADLOCKS_MAX }))
