/** A migrated database of its own for each layer that is built, and time that passes in it. */
import { chainAll } from "@tickettoken/order-server/sql/migrations/0006_audit_chain"
import { RequestBudget } from "@tickettoken/order-domain/RequestBudget"
import * as Migrations from "@tickettoken/order-server/sql/Migrations"
import * as PostgresLayer from "@tickettoken/order-server/sql/PostgresLayer"
import * as SqlLayer from "@tickettoken/order-server/sql/SqlLayer"
import { UnitLimits, unitLimits } from "@tickettoken/order-server/sql/TenantTransaction"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { sqlStateOf } from "@tickettoken/order-server/sql/sqlFailures"
import { Context, Duration, Effect, Layer, type Redacted } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { makeDatabase } from "../support/postgres.ts"

/** Enough for the races of the contract suites to be races. */
export const POOL_SIZE = 16

/**
 * On busy cores a unit of work and a request take as long as they take. Tests about these limits say {@link asDeployed}.
 */
const patient = Layer.merge(
  Layer.succeed(RequestBudget, Duration.minutes(1)),
  Layer.succeed(UnitLimits, {
    lock: Duration.seconds(30),
    statement: Duration.minutes(1),
    idle: Duration.minutes(1),
    wait: Duration.minutes(1)
  })
)

/** The limits of a deployed service, to be merged behind a store of this file. */
export const asDeployed = Layer.succeed(UnitLimits, unitLimits)

/** How often moving time may meet work that is under way. */
const DEADLOCKS_MAX = 10

/** Where the database is: for pools and sessions of a test's own. */
export class DatabaseUrl extends Context.Service<DatabaseUrl, Redacted.Redacted>()("test/sql/DatabaseUrl") {}

const layerUrl = Layer.effect(DatabaseUrl, makeDatabase())

/** A pool of the database's owner. */
const layerPool = Layer.unwrap(
  Effect.map(DatabaseUrl, (url) => SqlLayer.layer({ url, poolSize: POOL_SIZE, applicationName: "test" }))
)

/** An empty database and its owner's pool. */
export const layerEmpty = layerPool.pipe(Layer.provideMerge(layerUrl))

/** The same, migrated. */
export const layerMigrated = Layer.effectDiscard(Migrations.migrate).pipe(Layer.provideMerge(layerEmpty))

/** Moves every instant of every table into the past: what time passing comes to. */
const passMinutes = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, minutes: number) {
  const tables = yield* sql<{ name: string; columns: string }>`
    select c.table_name as name, string_agg(format('%I = %I - $1::int * interval ''1 minute''', c.column_name,
      c.column_name), ', ') as columns
    from information_schema.columns c
    where c.table_schema = 'public' and c.data_type = 'timestamp with time zone'
      and c.table_name <> 'orders_migrations'
    group by c.table_name order by c.table_name`
  yield* sql.withTransaction(
    Effect.andThen(
      // Guards that watch decisions do not watch a test's clock.
      sql`set local session_replication_role = replica`,
      Effect.andThen(
        Effect.forEach(tables, ({ columns, name }) => sql.unsafe(`update ${name} set ${columns}`, [minutes])),
        // The instant of a fact is part of its hash.
        sql.unsafe(chainAll).unprepared
      )
    )
  )
})

/** What PostgreSQL ends one of two for that wait for each other, or could not have come one after the other. */
const isDeadlock = (error: SqlError.SqlError): boolean => ["40P01", "40001"].includes(sqlStateOf(error) ?? "")

const layerTime = Layer.effect(
  TestTime,
  Effect.map(SqlClient.SqlClient, (sql) =>
    TestTime.of({
      // Work that is under way may lock rows in another order than these statements do.
      passMinutes: (minutes) =>
        Effect.orDie(Effect.retry(passMinutes(sql, minutes), { times: DEADLOCKS_MAX, while: isDeadlock }))
    })
  )
)

const layerPorts = (options: Parameters<typeof PostgresLayer.layer>[0] = {}) =>
  Layer.mergeAll(PostgresLayer.layer(options), layerTime, patient)

/** Every port of the store, over a migrated database of its own. */
export const layerStore = layerPorts().pipe(Layer.provideMerge(layerMigrated))

/** The same with settings of its own. */
export const layerStoreWith = (options: Parameters<typeof PostgresLayer.layer>[0]) =>
  layerPorts(options).pipe(Layer.provideMerge(layerMigrated))

/** The same over an empty database that somebody else has made. */
export const layerStoreAt = (url: Redacted.Redacted) =>
  layerPorts().pipe(
    Layer.provideMerge(Layer.effectDiscard(Migrations.migrate)),
    Layer.provideMerge(layerPool),
    Layer.provideMerge(Layer.succeed(DatabaseUrl, url))
  )

/** The ports of one more process on the same database, with a pool of its own, for as long as the scope lives. */
export const anotherNode = Layer.build(PostgresLayer.layer().pipe(Layer.provideMerge(Layer.fresh(layerPool))))
