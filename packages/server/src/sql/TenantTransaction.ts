/**
 * Units of work: the one place that opens a transaction for the service.
 *
 * **Details**
 *
 * A unit is a READ COMMITTED transaction whose first statement takes the role and the tenant for this transaction
 * only, with the time limits of a unit. So a session of the pool carries nothing from one tenant to the next, the
 * role that connects may even be a superuser (the embedded database), and a pooler between us and the server that
 * hands its sessions around, and refuses settings at connect, changes nothing.
 *
 * READ COMMITTED is stated and not left to the server's default: under REPEATABLE READ what is read after waiting for
 * a lock is older than the lock, and limits are overrun.
 *
 * **Gotchas**
 *
 * A unit does SQL and nothing else: after a deadlock it is run again as a whole. Units do not nest.
 */
import type { TenantId } from "@tickettoken/order-domain/Ids"
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Clock, Context, DateTime, Duration, Effect, type Exit, Fiber, Option } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { database as metrics } from "../telemetry/Metrics.ts"
import { clockRow } from "./clockRow.ts"
import { outcomeOf, retryAborted, tooSlow } from "./sqlFailures.ts"

/** How long a unit may take. The first three are kept by the database, for the transaction. */
interface UnitLimitsShape {
  readonly lock: Duration.Duration
  readonly statement: Duration.Duration
  /** An idle transaction is one whose process has been frozen. */
  readonly idle: Duration.Duration
  /**
   * How long a caller waits for the whole. The server's own limits do not help while it does not answer at all, or while
   * all connections are taken.
   */
  readonly wait: Duration.Duration
}

/** Limits of every unit (reliability R9). */
export const unitLimits: UnitLimitsShape = {
  lock: Duration.seconds(2),
  statement: Duration.seconds(5),
  idle: Duration.seconds(10),
  wait: Duration.seconds(7)
}

export const UnitLimits = Context.Reference<UnitLimitsShape>("@tickettoken/order-server/sql/UnitLimits", {
  defaultValue: () => unitLimits
})

/** The roles of migrations 0004 and 0005. */
export const appRole = "orders_app"
export const jobsRole = "orders_jobs"
export const auditorRole = "orders_auditor"

interface Unit {
  readonly role: string
  readonly tenant: string
}

/** As PostgreSQL reads a setting without a unit. */
const setting = (limit: Duration.Duration): string => String(Duration.toMillis(limit))

const enter = (sql: SqlClient.SqlClient, { role, tenant }: Unit, { idle, lock, statement }: UnitLimitsShape) =>
  sql`select set_config('role', ${role}, true), set_config('app.tenant_id', ${tenant}, true),
    set_config('statement_timeout', ${setting(statement)}, true), set_config('lock_timeout', ${setting(lock)}, true),
    set_config('idle_in_transaction_session_timeout', ${setting(idle)}, true)`

const unit = <A, E, R>(how: Unit, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    if (Option.isSome(yield* Effect.serviceOption(sql.transactionService))) {
      return yield* Effect.die(new Error("units of work do not nest"))
    }
    return yield* Effect.andThen(enter(sql, how, yield* UnitLimits), effect).pipe(
      sql.withTransaction,
      Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL READ COMMITTED"),
      retryAborted,
      withinTime,
      measured(how.role === appRole ? "requests" : "jobs")
    )
  })

/** Counts and times a unit, from the moment that it wants a connection. */
const measured =
  (role: "jobs" | "requests") =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      const startedAt = yield* Clock.currentTimeMillis
      yield* metrics.inFlight.move(1, {})
      return yield* Effect.onExit(effect, (exit) => finished(role, startedAt, exit))
    })

const finished = Effect.fnUntraced(function* (
  role: "jobs" | "requests",
  startedAt: number,
  exit: Exit.Exit<unknown, unknown>
) {
  const millis = (yield* Clock.currentTimeMillis) - startedAt
  yield* metrics.inFlight.move(-1, {})
  yield* metrics.units.record(1, { role, outcome: outcomeOf(exit) })
  yield* metrics.seconds.record(millis / 1000, { role })
})

/**
 * Bounds what asks the database outside of a unit, as units are bounded. Fails with `ServiceUnavailable` when that takes
 * longer.
 */
// The caller does not wait for an unanswered statement to be taken back: that needs the server as well.
export const withinTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | ServiceUnavailable, R> =>
  Effect.gen(function* () {
    const { wait: duration } = yield* UnitLimits
    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forkDetach(effect), (fiber) =>
        restore(
          Effect.timeoutOrElse(Fiber.join(fiber), {
            duration,
            orElse: () => Effect.andThen(Effect.forkDetach(Fiber.interrupt(fiber)), Effect.fail(tooSlow()))
          })
        ).pipe(Effect.onInterrupt(() => Fiber.interrupt(fiber)))
      )
    )
  })

/** Runs a unit of work for one tenant: everything in it sees and writes that tenant's rows only. */
export const inTenant = <A, E, R>(
  tenantId: TenantId,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError.SqlError | ServiceUnavailable, R | SqlClient.SqlClient> =>
  unit({ role: appRole, tenant: tenantId }, effect)

/** Runs a unit of work of a job: due work and messages of every tenant, and hardly anything else of them. */
export const asJobs = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError.SqlError | ServiceUnavailable, R | SqlClient.SqlClient> =>
  unit({ role: jobsRole, tenant: "" }, effect)

/** Looking through all orders takes longer than any decision about one, and nobody waits for it at a counter. */
const longLimits: UnitLimitsShape = { ...unitLimits, statement: Duration.seconds(60), wait: Duration.seconds(65) }

/** Runs a unit of work for one tenant that looks at all of its orders. */
export const inTenantAtLength = <A, E, R>(
  tenantId: TenantId,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError.SqlError | ServiceUnavailable, R | SqlClient.SqlClient> =>
  Effect.provideService(unit({ role: appRole, tenant: tenantId }, effect), UnitLimits, longLimits)

/** Runs a unit of work that only reads: the orders of every tenant, without their secrets. */
export const asAuditor = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError.SqlError | ServiceUnavailable, R | SqlClient.SqlClient> =>
  Effect.provideService(unit({ role: auditorRole, tenant: "" }, effect), UnitLimits, longLimits)

/** The database's clock: the one statement that needs no unit, because it reads no table. */
export const databaseNow: Effect.Effect<DateTime.Utc, SqlError.SqlError | ServiceUnavailable, SqlClient.SqlClient> =
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql<{ now: Date }>`select clock_timestamp() as now`).pipe(
    withinTime,
    Effect.flatMap(clockRow),
    Effect.map(({ now }) => DateTime.fromDateUnsafe(now))
  )
