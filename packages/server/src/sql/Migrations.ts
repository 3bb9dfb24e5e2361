/**
 * Brings a database to the schema that this code needs, and says what is missing.
 *
 * **Details**
 *
 * Run as the role that is to own the tables. All pending migrations run in one transaction: a process that is killed
 * midway leaves nothing, and the next run starts over. Two nodes that start together take turns by an advisory lock;
 * the second finds nothing to do. The transaction is READ COMMITTED whatever the server's default is: under REPEATABLE
 * READ the second one would not see what it has waited for. Roles belong to the whole cluster and are made first, on their own.
 *
 * **Gotchas**
 *
 * A session of the service that is not its owner needs `GRANT orders_app, orders_jobs, orders_auditor TO <login>` from
 * an administrator: `migrate` grants them to the role that runs it. RoleCheck says so if it is missing. A login that is
 * NOINHERIT has no rights of its own until a unit of work takes a role.
 */
import { Effect, Schema } from "effect"
import { Migrator, SqlClient, SqlError } from "effect/sql"
import { orderTables } from "./migrations/0001_orders.ts"
import { workTables } from "./migrations/0002_work.ts"
import { guards } from "./migrations/0003_guards.ts"
import { rowSecurity } from "./migrations/0004_row_security.ts"
import { alarmStatements } from "./migrations/0005_alarms.ts"
import { auditChain } from "./migrations/0006_audit_chain.ts"
import { bulkJobs } from "./migrations/0008_bulk_jobs.ts"
import { paymentWatch } from "./migrations/0009_payment_watch.ts"
import { refundKeys } from "./migrations/0010_refund_keys.ts"
import { graceFractions } from "./migrations/0011_grace_fractions.ts"
import { paymentLooks } from "./migrations/0012_payment_looks.ts"
import { salesFigures } from "./migrations/0013_sales_figures.ts"
import { messageTraces } from "./migrations/0014_message_traces.ts"
import { orderSearch } from "./migrations/0015_order_search.ts"
import { appRole, auditorRole, jobsRole } from "./TenantTransaction.ts"
import { inbox } from "./migrations/0007_inbox.ts"

/** Keeps other users of the same database apart from us. */
const LOCK = 7_221_001

/** How long to wait for the locks of live traffic before giving up: a migration never stops the sale for longer. */
const LOCK_TIMEOUT = "5s"

/** How long one statement, or the wait for another node's migration, may take. */
const STATEMENT_TIMEOUT = "10min"

const TABLE = "orders_migrations"

/** By number and name, in the order in which they run. A migration that has run anywhere is never edited again. */
export const migrationTexts: { readonly [name: string]: ReadonlyArray<string> } = {
  "0001_orders": orderTables,
  "0002_work": workTables,
  "0003_guards": guards,
  "0004_row_security": rowSecurity,
  "0005_alarms": alarmStatements,
  "0006_audit_chain": auditChain,
  "0007_inbox": inbox,
  "0008_bulk_jobs": bulkJobs,
  "0009_payment_watch": paymentWatch,
  "0010_refund_keys": refundKeys,
  "0011_grace_fractions": graceFractions,
  "0012_payment_looks": paymentLooks,
  "0013_sales_figures": salesFigures,
  "0014_message_traces": messageTraces,
  "0015_order_search": orderSearch
}

const statements = (texts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* Effect.forEach(texts, (text) => sql.unsafe(text).unprepared, { discard: true })
  })

const migrations = Object.fromEntries(Object.entries(migrationTexts).map(([name, texts]) => [name, statements(texts)]))

/** The database can not be brought to the needed schema. Nothing was changed. */
export class MigrationFailed extends Schema.TaggedError<MigrationFailed>()("MigrationFailed", {
  why: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `the database can not be migrated: ${this.why}`
  }
}

const failed = (error: Migrator.MigrationError | SqlError.SqlError) => {
  const cause = error._tag === "MigrationError" ? error.cause : error
  // PostgreSQL's own words are two wrappers down.
  const said = SqlError.isSqlError(cause) ? cause.reason.cause : cause
  const detail = said instanceof Error ? `: ${said.message}` : ""
  return new MigrationFailed({ why: `${error.message}${detail}`, cause: error })
}

/** Another database of the cluster may be making the same role at this moment: then it is there afterwards. */
const ensureRole = (role: string) => `do $$
begin
  if not exists (select 1 from pg_roles where rolname = '${role}') then
    create role ${role} nologin noinherit nosuperuser nocreatedb nocreaterole nobypassrls;
  end if;
exception when duplicate_object or unique_violation then
  null;
end $$`

/**
 * From version 16 on, whoever makes a role may grant it but is not yet allowed to take it; and a member need not
 * inherit: what a session may do and see before it takes a role is then nothing.
 */
const ensureMember = (role: string) => `do $$
begin
  if not pg_has_role(
    current_user, '${role}', case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end
  ) then
    if current_setting('server_version_num')::int >= 160000 then
      execute 'grant ${role} to current_user with inherit false, set true';
    else
      grant ${role} to current_user;
    end if;
  end if;
exception when unique_violation then
  null;
end $$`

const serviceRoles = [appRole, jobsRole, auditorRole]

const ensureRoles = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.forEach(
    [...serviceRoles.map(ensureRole), ...serviceRoles.map(ensureMember)],
    (text) => sql.unsafe(text).unprepared,
    { discard: true }
  )
)

const runPending = Migrator.make({})({ loader: Migrator.fromRecord(migrations), table: TABLE })

/** Runs what is pending and returns the names of what was run. */
export const migrate: Effect.Effect<ReadonlyArray<string>, MigrationFailed, SqlClient.SqlClient> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    yield* ensureRoles
    const done = yield* Effect.gen(function* () {
      yield* sql`select set_config('statement_timeout', ${STATEMENT_TIMEOUT}, true)`
      yield* sql`select pg_advisory_xact_lock(${LOCK})`
      yield* sql`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`
      // As the migrator would make it, but here a refusal keeps its reason.
      yield* sql.unsafe(`create table if not exists ${TABLE} (migration_id integer primary key,
          created_at timestamptz not null default now(), name text not null)`)
      return yield* runPending
    }).pipe(
      sql.withTransaction,
      Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL READ COMMITTED")
    )
    return done.map(([id, name]) => nameOf(id, name))
  }
).pipe(Effect.mapError(failed), Effect.withSpan("Migrations.migrate"))

/** One migration and when it was run; `null` while it is pending. */
export interface MigrationStatus {
  readonly name: string
  readonly ranAt: Date | null
}

/** Every migration of this build, in order. */
export const status: Effect.Effect<ReadonlyArray<MigrationStatus>, MigrationFailed, SqlClient.SqlClient> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    const known = yield* sql`select 1 from pg_class where oid = to_regclass(${TABLE})`
    const rows =
      known.length === 0
        ? []
        : yield* sql<{ migration_id: number; name: string; created_at: Date }>`
            select migration_id, name, created_at from ${sql(TABLE)}`
    const ranAt = new Map(rows.map((row) => [nameOf(row.migration_id, row.name), row.created_at]))
    return Object.keys(migrations).map((name) => ({ name, ranAt: ranAt.get(name) ?? null }))
  }
).pipe(Effect.mapError(failed), Effect.withSpan("Migrations.status"))

/** The names of the migrations that this build needs and this database lacks. */
export const pending: Effect.Effect<ReadonlyArray<string>, MigrationFailed, SqlClient.SqlClient> = Effect.map(
  status,
  (all) => all.filter(({ ranAt }) => ranAt === null).map(({ name }) => name)
)

const nameOf = (id: number, name: string): string => `${String(id).padStart(4, "0")}_${name}`
