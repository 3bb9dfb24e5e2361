/** A database is brought to its schema once, whoever starts at once and whatever is killed on the way. */
import { assert, layer } from "@effect/vitest"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import * as Migrations from "@tickettoken/order-server/sql/Migrations"
import { orderTables } from "@tickettoken/order-server/sql/migrations/0001_orders"
import { workTables } from "@tickettoken/order-server/sql/migrations/0002_work"
import { functions, guards } from "@tickettoken/order-server/sql/migrations/0003_guards"
import { rowSecurity } from "@tickettoken/order-server/sql/migrations/0004_row_security"
import { alarmStatements } from "@tickettoken/order-server/sql/migrations/0005_alarms"
import { bulkJobs } from "@tickettoken/order-server/sql/migrations/0008_bulk_jobs"
import { auditChain, auditFunctions } from "@tickettoken/order-server/sql/migrations/0006_audit_chain"
import { inbox } from "@tickettoken/order-server/sql/migrations/0007_inbox"
import { paymentWatch } from "@tickettoken/order-server/sql/migrations/0009_payment_watch"
import { refundKeys } from "@tickettoken/order-server/sql/migrations/0010_refund_keys"
import { graceFractions } from "@tickettoken/order-server/sql/migrations/0011_grace_fractions"
import { paymentLooks } from "@tickettoken/order-server/sql/migrations/0012_payment_looks"
import { salesFigures, salesFunctions } from "@tickettoken/order-server/sql/migrations/0013_sales_figures"
import { messageTraces } from "@tickettoken/order-server/sql/migrations/0014_message_traces"
import { orderSearch, searchFunctions } from "@tickettoken/order-server/sql/migrations/0015_order_search"
import * as PostgresLayer from "@tickettoken/order-server/sql/PostgresLayer"
import * as RoleCheck from "@tickettoken/order-server/sql/RoleCheck"
import * as SqlLayer from "@tickettoken/order-server/sql/SqlLayer"
import { create, leaseOf } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer, randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect, Fiber, Layer, Redacted, Schedule, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { createHash } from "node:crypto"
import { makeDatabase } from "../support/postgres.ts"
import { DatabaseUrl, layerEmpty, layerMigrated } from "./database.ts"

const all = [
  "0001_orders",
  "0002_work",
  "0003_guards",
  "0004_row_security",
  "0005_alarms",
  "0006_audit_chain",
  "0007_inbox",
  "0008_bulk_jobs",
  "0009_payment_watch",
  "0010_refund_keys",
  "0011_grace_fractions",
  "0012_payment_looks",
  "0013_sales_figures",
  "0014_message_traces",
  "0015_order_search"
]

/** An empty database for each test. */
const onEmpty = <A, E>(effect: Effect.Effect<A, E, DatabaseUrl | SqlClient.SqlClient | Scope.Scope>) =>
  effect.pipe(Effect.scoped, Effect.provide(layerEmpty))

const tables = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<{ name: string }>`select tablename as name from pg_tables where schemaname = 'public' order by tablename`,
    (rows) => rows.map(({ name }) => name)
  )
)

/** A login that is no superuser and may make no roles; a member of the given roles. */
const login = Effect.fnUntraced(function* (attributes: string, roles: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const name = `login_${(yield* randomUuid).replaceAll("-", "")}`
  const run = (text: string) => Effect.orDie(sql.unsafe(text).unprepared)
  yield* Effect.acquireRelease(run(`create role ${name} login ${attributes} password 'test'`), () =>
    run(`drop role ${name}`)
  )
  for (const role of roles) yield* run(`grant ${role} to ${name}`)
  return { name, run }
})

/** Such a login with a database of its own. */
const ordinaryOwner = Effect.fnUntraced(function* (roles: ReadonlyArray<string>) {
  const { name, run } = yield* login("", roles)
  const admin = yield* makeDatabase()
  const url = new URL(Redacted.value(admin))
  yield* run(`alter database ${url.pathname.slice(1)} owner to ${name}`)
  url.username = name
  url.password = "test"
  return { name, url: Redacted.make(url.href), admin }
})

const storeOn = (url: Redacted.Redacted) =>
  PostgresLayer.layer().pipe(Layer.provideMerge(SqlLayer.layer({ url, poolSize: 2 })))

/**
 * The text of each migration, frozen. The lists in it come from the domain: a new status, cause, event type or
 * transition changes it too. Once a release has run a migration, its line here stays as it is: the old text is kept, and
 * a new migration makes the change.
 */
const frozen = {
  "0001_orders": "17957b46110284b6",
  "0002_work": "46c30a3b7e76df07",
  "0003_guards": "a498ed36bc5b6a1d",
  "0004_row_security": "ea313e982e0060ff",
  "0005_alarms": "51bc2306428a4c81",
  "0006_audit_chain": "439e7dea4e718ea4",
  "0007_inbox": "7b710912ceedf146",
  "0008_bulk_jobs": "53ddc2f302afa760",
  "0009_payment_watch": "8d5309953d0acaef",
  "0010_refund_keys": "db569cbed5a7130d",
  "0011_grace_fractions": "f4bdd143fbcb960b",
  "0012_payment_looks": "f7c6ad4a4aa46699",
  "0013_sales_figures": "d58a0d930ad4b18e",
  "0014_message_traces": "b4d27e9eab1ae598",
  "0015_order_search": "b5e955150f651dca"
}

/** Refunds that two have asked for, one of them with one key for two buyers. */
const twoBuyers = `insert into order_refunds (tenant_id, id, order_id, user_id, position, amount_cents, cause, reason,
    state, payment_intent_id, items, retained_cents, fixed_retention, attempt, requested_by, requested_at,
    estimated_arrival_at, idempotency_key)
  select '00000000-0000-4000-8000-000000000001', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 0, 5,
    'ORGANISER', reason, 'APPROVED', 'intent', '[]', 0, false, 1, requested_by, now() + after * interval '1 second',
    now(), key
  from (values ('second', 'admin:one', 2, 'k'), ('first', 'organiser:one', 1, 'k'), ('another''s', 'admin:two', 3, 'k'),
    ('keyless', 'admin:one', 4, null)) asked (reason, requested_by, after, key)`

const digestOf = (texts: ReadonlyArray<string>): string =>
  createHash("sha256").update(texts.join("\n")).digest("hex").slice(0, 16)

layer(Layer.empty, { excludeTestServices: true, timeout: "300 seconds" })("migrations", (it) => {
  it.effect("are never changed once they have run", () =>
    Effect.sync(() =>
      assert.deepStrictEqual(
        {
          "0001_orders": digestOf(orderTables),
          "0002_work": digestOf(workTables),
          "0003_guards": digestOf(guards),
          "0004_row_security": digestOf(rowSecurity),
          "0005_alarms": digestOf(alarmStatements),
          "0006_audit_chain": digestOf(auditChain),
          "0007_inbox": digestOf(inbox),
          "0008_bulk_jobs": digestOf(bulkJobs),
          "0009_payment_watch": digestOf(paymentWatch),
          "0010_refund_keys": digestOf(refundKeys),
          "0011_grace_fractions": digestOf(graceFractions),
          "0012_payment_looks": digestOf(paymentLooks),
          "0013_sales_figures": digestOf(salesFigures),
          "0014_message_traces": digestOf(messageTraces),
          "0015_order_search": digestOf(orderSearch)
        },
        frozen
      )
    )
  )

  it.effect("run in order, once", () =>
    onEmpty(
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* Migrations.pending, all)
        assert.deepStrictEqual(yield* tables, [])
        assert.deepStrictEqual(yield* Migrations.migrate, all)
        assert.deepStrictEqual(yield* Migrations.pending, [])
        const status = yield* Migrations.status
        assert.deepStrictEqual(
          status.map(({ name }) => name),
          all
        )
        assert.isTrue(status.every(({ ranAt }) => ranAt instanceof Date))
        assert.deepStrictEqual(yield* Migrations.migrate, [])
      })
    )
  )

  it.effect("run once when several nodes start together", () =>
    onEmpty(
      Effect.gen(function* () {
        const ran = yield* Effect.all(
          Array.from({ length: 5 }, () => Migrations.migrate),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(ran.flat(), all)
        assert.deepStrictEqual(yield* Migrations.pending, [])
      })
    )
  )

  it.effect("see what the node before them has done, also where transactions are repeatable reads by default", () =>
    onEmpty(
      Effect.gen(function* () {
        const url = yield* DatabaseUrl
        const sql = yield* SqlClient.SqlClient
        const name = new URL(Redacted.value(url)).pathname.slice(1)
        yield* sql.unsafe(`alter database ${name} set default_transaction_isolation = 'repeatable read'`).unprepared
        const older = yield* sql.reserve
        const run = (text: string) => older.executeUnprepared(text, [], undefined)
        // A node of an older build, which knows the first migration only, is at it when a newer one starts.
        yield* run("begin isolation level read committed")
        yield* run("select pg_advisory_xact_lock(7221001)")
        const newer = yield* Migrations.migrate.pipe(
          Effect.provide(Layer.fresh(SqlLayer.layer({ url, poolSize: 2 }))),
          Effect.forkChild
        )
        yield* sql`select 1 from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`.pipe(
          Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced("10 millis") })
        )
        yield* run(`create table orders_migrations (migration_id integer primary key,
          created_at timestamptz not null default now(), name text not null)`)
        yield* run("insert into orders_migrations (migration_id, name) values (1, 'orders')")
        for (const text of orderTables) yield* run(text)
        yield* run("commit")
        assert.deepStrictEqual(yield* Fiber.join(newer), all.slice(1))
        assert.deepStrictEqual(yield* Migrations.pending, [])
      })
    )
  )

  it.effect("settle what a name in a function means, in the schema of the tables alone", () =>
    onEmpty(
      Effect.gen(function* () {
        yield* Migrations.migrate
        const sql = yield* SqlClient.SqlClient
        const made = yield* sql<{ name: string; config: ReadonlyArray<string> | null }>`
          select proname as name, proconfig as config from pg_proc
          where pronamespace = 'public'::regnamespace order by proname`
        assert.deepStrictEqual(
          made,
          [...functions, ...auditFunctions, ...salesFunctions, ...searchFunctions]
            .toSorted()
            .map((name) => ({ name, config: ["search_path=pg_catalog, public, pg_temp"] }))
        )
      })
    )
  )

  it.effect("leave nobody but the owner the right to make temporary tables", () =>
    onEmpty(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const mayHide = sql<{ role: string; may: boolean }>`
          select role, has_database_privilege(role, current_database(), 'TEMPORARY') as may
          from unnest(array['orders_app', 'orders_jobs', 'orders_auditor']) role`
        yield* Migrations.migrate
        assert.deepStrictEqual(yield* mayHide, [
          { role: "orders_app", may: false },
          { role: "orders_jobs", may: false },
          { role: "orders_auditor", may: false }
        ])
      })
    )
  )

  it.effect("run in several databases of a cluster at once, which share their roles", () =>
    Effect.gen(function* () {
      const ran = yield* Effect.all(
        Array.from({ length: 3 }, () => onEmpty(Migrations.migrate)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(ran, [all, all, all])
    })
  )

  it.effect("leave nothing when they are killed midway, and start over", () =>
    onEmpty(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const block = yield* sql.reserve
        const run = (text: string) => block.executeUnprepared(text, [], undefined)
        // A table of the same name that is not committed holds the second migration up, with the first one done.
        yield* run("begin")
        yield* run("create table quota_user (id int)")
        const migrating = yield* Effect.forkChild(Effect.exit(Migrations.migrate))
        const waiting = sql<{ pid: number }>`select pid from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like '%quota_user%'`
        const [waiter] = yield* waiting.pipe(
          Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced("10 millis") })
        )
        yield* sql`select pg_terminate_backend(${waiter?.pid ?? 0})`
        const exit = yield* Fiber.join(migrating)
        assert.strictEqual(exit._tag, "Failure")
        yield* run("rollback")
        assert.deepStrictEqual(yield* tables, [])
        assert.deepStrictEqual(yield* Migrations.pending, all)
        assert.deepStrictEqual(yield* Migrations.migrate, all)
      })
    )
  )

  it.effect("say why they can not run, and change nothing", () =>
    onEmpty(
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`create table outbox (id int)`
        const error = yield* Effect.flip(Migrations.migrate)
        assert.include(error.message, `"2_work" failed`)
        assert.include(error.message, `relation "outbox" already exists`)
        assert.deepStrictEqual(yield* tables, ["outbox"])
      })
    )
  )

  it.effect("run as an ordinary owner, who serves through the same roles", () =>
    Effect.gen(function* () {
      const { url } = yield* ordinaryOwner(["orders_app", "orders_jobs", "orders_auditor"])
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* Migrations.migrate, all)
        yield* RoleCheck.check()
        const made = yield* create(yield* freshBuyer)
        const queue = yield* WorkQueue
        yield* queue.settle(leaseOf(made.work, "HOLD"))
      }).pipe(Effect.provide(storeOn(url)))
    }).pipe(Effect.scoped, Effect.provide(layerMigrated))
  )

  it.effect("keep a key for the oldest refund where one has asked with it for two buyers", () =>
    Effect.gen(function* () {
      const { admin, url } = yield* ordinaryOwner(["orders_app", "orders_jobs", "orders_auditor"])
      const older = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`create table orders_migrations (migration_id integer primary key,
          created_at timestamptz not null default now(), name text not null)`
        const texts = [
          orderTables,
          workTables,
          guards,
          rowSecurity,
          alarmStatements,
          auditChain,
          inbox,
          bulkJobs,
          paymentWatch
        ]
        for (const [at, migration] of texts.entries()) {
          for (const text of migration) yield* sql.unsafe(text).unprepared
          yield* sql`insert into orders_migrations (migration_id, name) values (${at + 1}, ${(all[at] ?? "").slice(5)})`
        }
      })
      yield* older.pipe(Effect.provide(SqlLayer.layer({ url, poolSize: 1 })))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql.withTransaction(
          Effect.andThen(sql`set local session_replication_role = replica`, sql.unsafe(twoBuyers).unprepared)
        )
        const left = yield* Migrations.migrate.pipe(Effect.provide(Layer.fresh(SqlLayer.layer({ url, poolSize: 2 }))))
        assert.deepStrictEqual(left, all.slice(9))
        const keys = yield* sql`select reason, idempotency_key as key from order_refunds order by reason`
        assert.deepStrictEqual(keys, [
          { reason: "another's", key: "k" },
          { reason: "first", key: "k" },
          { reason: "keyless", key: null },
          { reason: "second", key: null }
        ])
        const [table] = yield* sql`select relforcerowsecurity as forced from pg_class where relname = 'order_refunds'`
        assert.deepStrictEqual(table, { forced: true })
      }).pipe(Effect.provide(Layer.fresh(SqlLayer.layer({ url: admin, poolSize: 2 }))))
    }).pipe(Effect.scoped, Effect.provide(layerMigrated))
  )

  it.effect("are looked at by a login that owns nothing and inherits nothing, and serves", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const url = new URL(Redacted.value(yield* DatabaseUrl))
      const { name } = yield* login("noinherit", ["orders_app", "orders_jobs", "orders_auditor"])
      yield* sql.unsafe(`grant connect on database ${url.pathname.slice(1)} to ${name}`).unprepared
      url.username = name
      url.password = "test"
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* Migrations.pending, [])
        yield* RoleCheck.check()
        const made = yield* create(yield* freshBuyer)
        const queue = yield* WorkQueue
        yield* queue.settle(leaseOf(made.work, "HOLD"))
        const own = yield* SqlClient.SqlClient
        const look = yield* Effect.flip(own`select count(*) from orders`)
        assert.strictEqual(look.reason._tag, "AuthorizationError")
      }).pipe(Effect.provide(storeOn(Redacted.make(url.href))))
      yield* sql.unsafe(`revoke connect on database ${url.pathname.slice(1)} from ${name}`).unprepared
    }).pipe(Effect.scoped, Effect.provide(layerMigrated))
  )

  it.effect("say what an owner lacks who may not take the roles", () =>
    Effect.gen(function* () {
      const { name, url } = yield* ordinaryOwner([])
      const pool = SqlLayer.layer({ url, poolSize: 2 })
      const error = yield* Effect.flip(Migrations.migrate).pipe(Effect.provide(pool))
      assert.include(error.message, `role "orders_app"`)
      const refused = yield* Effect.flip(RoleCheck.check()).pipe(Effect.provide(pool))
      assert.include(refused.message, `${name} may not take the role orders_app`)
    }).pipe(Effect.scoped, Effect.provide(layerMigrated))
  )
})
