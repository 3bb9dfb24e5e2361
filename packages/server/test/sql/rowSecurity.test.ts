/** Tenants are kept apart by the database itself: inventory of every table, and what each role can reach. */
import { assert, layer } from "@effect/vitest"
import { constraintOf, sqlStateOf } from "@tickettoken/order-server/sql/sqlFailures"
import { foldAllSales } from "@tickettoken/order-server/sql/SalesRollupSql"
import { salesTables } from "@tickettoken/order-server/sql/migrations/0013_sales_figures"
import { keyedOtherwise, sharedTables, tenantTables } from "@tickettoken/order-server/sql/tenantTables"
import {
  appRole,
  asAuditor,
  asJobs,
  auditorRole,
  inTenant,
  jobsRole
} from "@tickettoken/order-server/sql/TenantTransaction"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import { openMet } from "@tickettoken/order-testing/contracts/bulkFixture"
import { create, createConfirmed, createPayable, send } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer, jobActor } from "@tickettoken/order-testing/TestOrders"
import { cancelAs } from "@tickettoken/order-testing/TestOrdersNews"
import { Effect } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { layerStore } from "./database.ts"

const INSUFFICIENT_PRIVILEGE = "42501"

/** Orders in several states, with rows in every table. */
const fill = Effect.gen(function* () {
  const closures = yield* EventClosures
  const buyer = yield* freshBuyer
  const other = yield* freshBuyer
  const claim = {
    tenantId: buyer.tenantId,
    principal: buyer.userId,
    operation: "create",
    key: "k",
    fingerprint: "f"
  } as const
  const { order: held } = yield* create(buyer, { idempotencyKey: "k", metadata: { seat: "A1" } }, { claim })
  const confirmed = yield* createConfirmed(buyer)
  yield* send(confirmed, cancelAs(confirmed, "organiser"))
  const cancelled = yield* createPayable(buyer)
  yield* send(cancelled, cancelAs(cancelled, "buyer"))
  yield* closures.close(buyer.tenantId, (yield* freshBuyer).eventId, { reason: "rain", actor: jobActor })
  const { raise } = yield* Alarms
  yield* raise({ kind: "WORK_REFUSED", tenantId: buyer.tenantId, subject: held.id, detail: "no" })
  yield* openMet(buyer, [held])
  const { receive } = yield* Inbox
  const message = {
    tenantId: buyer.tenantId,
    source: "payments",
    messageId: held.id,
    type: "t",
    body: "{}",
    bytes: 2,
    traceparent: null
  }
  yield* receive(message)
  yield* foldAllSales
  // And one change that waits to be folded.
  yield* createPayable({ ...other, tenantId: buyer.tenantId })
  return { buyer, held, cancelled, refunded: confirmed }
})

const countIn = (table: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(sql<{ n: number }>`select count(*)::int as n from ${sql(table)}`, ([row]) => row?.n ?? -1)
  )

/** The SQLSTATE with which a statement is refused; "ok" if it is not. */
const refusalOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, {
    onSuccess: () => "ok",
    onFailure: (error) => (SqlError.isSqlError(error) ? sqlStateOf(error) : String(error))
  })

/** The columns that a role may read, or write, in a table. */
const columnsOf = Effect.fnUntraced(function* (role: string, table: string, privilege: "SELECT" | "UPDATE") {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ name: string }>`
    select attname as name from pg_attribute where attrelid = ${table}::regclass and attnum > 0 and not attisdropped
      and has_column_privilege(${role}, attrelid, attnum, ${privilege}) order by attname`
  return rows.map(({ name }) => name)
})

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("row security", (it) => {
  it.effect("7.1 is on, forced and with a policy for both directions on every table of the schema", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const tables = yield* sql<{ name: string; secured: boolean; forced: boolean; policies: number; first: string }>`
        select c.relname as name, c.relrowsecurity as secured, c.relforcerowsecurity as forced,
          (select count(*)::int from pg_policy p where p.polrelid = c.oid and p.polcmd = '*'
            and p.polroles = array[${appRole}::regrole::oid]
            and pg_get_expr(p.polqual, p.polrelid) like '%app.tenant_id%'
            and pg_get_expr(p.polwithcheck, p.polrelid) like '%app.tenant_id%') as policies,
          (select a.attname from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
            where i.indrelid = c.oid and i.indisprimary) as first
        from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and c.relname not in ${sql.in(sharedTables)} order by c.relname`
      assert.deepStrictEqual(
        tables,
        tenantTables.toSorted().map((name) => ({
          name,
          secured: true,
          forced: true,
          policies: 1,
          first: keyedOtherwise.includes(name) ? "id" : "tenant_id"
        }))
      )
    })
  )

  it.effect("7.1 shows a tenant its own rows in every table, and nobody else's", () =>
    Effect.gen(function* () {
      const { buyer } = yield* fill
      const { tenantId: stranger } = yield* freshBuyer
      for (const table of tenantTables) {
        assert.isAbove(yield* inTenant(buyer.tenantId, countIn(table)), 0, table)
        assert.strictEqual(yield* inTenant(stranger, countIn(table)), 0, table)
      }
    })
  )

  it.effect("7.1 shows the tenant's role nothing while no tenant is set, also after a unit of work has ended", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { buyer } = yield* fill
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`select set_config('role', ${appRole}, true)`
          for (const table of tenantTables) assert.strictEqual(yield* countIn(table), 0, table)
        })
      )
      // The same session, before and after: what was set is gone, and reads as an empty text that is no uuid.
      const connection = yield* sql.reserve
      const run = (text: string) => connection.executeUnprepared(text, [], undefined)
      yield* run("begin")
      yield* run(
        `select set_config('role', '${appRole}', true), set_config('app.tenant_id', '${buyer.tenantId}', true)`
      )
      const seen = yield* run("select count(*)::int as n from orders")
      yield* run("commit")
      yield* run("begin")
      yield* run(`select set_config('role', '${appRole}', true)`)
      const left = yield* run("select count(*)::int as n, current_setting('app.tenant_id', true) as tenant from orders")
      yield* run("rollback")
      assert.notDeepEqual(seen, [{ n: 0 }])
      assert.deepStrictEqual(left, [{ n: 0, tenant: "" }])
    }).pipe(Effect.scoped)
  )

  it.effect("7.1 refuses rows for another tenant", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { buyer } = yield* fill
      const { tenantId: stranger } = yield* freshBuyer
      const insert = sql`insert into quota_user (tenant_id, user_id) values (${stranger}, ${buyer.userId})`
      assert.strictEqual(yield* refusalOf(inTenant(buyer.tenantId, insert)), INSUFFICIENT_PRIVILEGE)
      assert.strictEqual(yield* refusalOf(inTenant(stranger, insert)), "ok")
      const steal = sql`update order_work set state = 'DONE', lease_until = null returning 1`
      assert.deepStrictEqual(yield* inTenant(stranger, steal), [])
    })
  )

  it.effect("gives the tenant's role no way to change the history, the price or the owner of an order", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { buyer, held } = yield* fill
      const refused = [
        sql`update order_events set data = '{}'`,
        sql`update order_events set type = type`,
        sql`delete from order_events`,
        sql`truncate order_events`,
        sql`delete from orders`,
        sql`update orders set total_cents = 0 where id = ${held.id}`,
        sql`update orders set user_id = ${buyer.tenantId} where id = ${held.id}`,
        sql`update orders set terms = '{}' where id = ${held.id}`,
        sql`update order_items set quantity = 1`,
        sql`update payments set amount_cents = 1`,
        sql`delete from payments`,
        sql`update order_refunds set amount_cents = 1`,
        sql`delete from order_refunds`,
        sql`delete from cancelled_events`,
        sql`update outbox set state = 'SENT'`,
        sql`delete from bulk_jobs`,
        sql`update bulk_jobs set reason = ''`,
        sql`update bulk_jobs set lease_token = 0`,
        sql`delete from bulk_items`,
        sql`update bulk_items set order_id = order_id`,
        sql`update inbox set body = '{}'`,
        sql`delete from inbox`,
        sql`alter table orders disable row level security`,
        sql`create policy mine on orders to orders_app using (true)`
      ]
      for (const statement of refused) {
        const [text] = statement.compile()
        assert.strictEqual(yield* refusalOf(inTenant(buyer.tenantId, statement)), INSUFFICIENT_PRIVILEGE, text)
      }
    })
  )

  it.effect("shows the jobs' role due times and leases, and no more of an order", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { cancelled, held } = yield* fill
      assert.deepStrictEqual(yield* columnsOf(jobsRole, "orders", "SELECT"), [
        "cancelled_at",
        "created_at",
        "event_ends_at",
        "expired_at",
        "hold_expires_at",
        "hold_grace_minutes",
        "id",
        "stage",
        "status",
        "tenant_id",
        "version"
      ])
      const seen = Effect.map(asJobs(sql<{ id: string }>`select id from orders`), (rows) => rows.map(({ id }) => id))
      assert.includeMembers(yield* seen, [held.id, cancelled.id])
      // An order that has ended, as long as somebody may look back at it.
      yield* sql.withTransaction(
        Effect.andThen(
          sql`set local session_replication_role = replica`,
          sql`update orders set cancelled_at = cancelled_at - interval '8 days' where id = ${cancelled.id}`
        )
      )
      assert.notInclude(yield* seen, cancelled.id)
      // Of keys, those that are to be forgotten, without what they have answered.
      assert.deepStrictEqual(yield* columnsOf(jobsRole, "idempotency", "SELECT"), [
        "expires_at",
        "key",
        "operation",
        "principal",
        "tenant_id"
      ])
      assert.strictEqual(yield* asJobs(countIn("idempotency")), 0)
      // Of bulk jobs, when they are due.
      assert.deepStrictEqual(yield* columnsOf(jobsRole, "bulk_jobs", "SELECT"), [
        "attempts",
        "id",
        "lease_token",
        "lease_until",
        "next_at",
        "state",
        "tenant_id"
      ])
      const readable = ["orders", "order_work", "outbox", "idempotency", "alarms", "bulk_jobs", "inbox", ...salesTables]
      const unreadable = tenantTables.filter((table) => !readable.includes(table))
      for (const table of unreadable) {
        assert.strictEqual(yield* refusalOf(asJobs(countIn(table))), INSUFFICIENT_PRIVILEGE, table)
      }
    })
  )

  it.effect("lets the jobs' role write leases and EXPIRE work, and nothing else", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { held, refunded } = yield* fill
      const refused = [
        sql`update orders set status = 'EXPIRED'`,
        sql`delete from orders`,
        sql`update order_work set kind = 'EXPIRE'`,
        sql`update order_work set tenant_id = order_id`,
        sql`update outbox set payload = '{}'`,
        sql`update bulk_jobs set state = 'DONE'`,
        sql`update bulk_items set state = 'OPEN'`,
        sql`update inbox set body = '{}'`,
        sql`update inbox set tenant_id = tenant_id`,
        sql`insert into sales_changes (tenant_id, sign) values (${held.tenantId}, 1)`,
        sql`update sales_changes set sign = 1`,
        sql`delete from sales_rollup`,
        sql`insert into order_work (id, tenant_id, order_id, order_version, kind, payload, state, next_at, created_at)
          values ('x', ${held.tenantId}, ${held.id}, 1, 'RELEASE', '{}', 'TODO', now(), now())`
      ]
      for (const statement of refused) {
        const [text] = statement.compile()
        assert.strictEqual(yield* refusalOf(asJobs(statement)), INSUFFICIENT_PRIVILEGE, text)
      }
      // The price of asking for expiry anew is the right to write its words: a guard keeps that to expiry that is done.
      const refund = sql<{ id: string }>`select id from order_work where kind = 'REFUND' and order_id = ${refunded.id}`
      const [{ id } = { id: "" }] = yield* refund
      const rewritten = [
        sql`update order_work set payload = '{}' where id = ${id}`,
        sql`update order_work set created_at = now() where id = ${id}`,
        sql`update order_work set state = 'DONE', lease_until = null, payload = '{}' where id = ${id}`,
        sql`update order_work set state = 'DONE', lease_until = null, payload = '{}' where kind <> 'EXPIRE'`
      ]
      for (const statement of rewritten) {
        const [text] = statement.compile()
        const error = yield* Effect.flip(asJobs(statement))
        assert.strictEqual(
          SqlError.isSqlError(error) ? constraintOf(error) : String(error),
          "order_work_written_once",
          text
        )
      }
      for (const column of ["id", "tenant_id", "order_id", "order_version", "kind"]) {
        const moved = sql.unsafe(`update order_work set ${column} = ${column} where id = $1`, [id])
        assert.strictEqual(yield* refusalOf(asJobs(moved)), INSUFFICIENT_PRIVILEGE, column)
      }
      const settled = sql`update order_work set state = 'DONE', lease_until = null where id = ${id}`
      assert.strictEqual(yield* refusalOf(asJobs(settled)), "ok")
      // The one column that it may write, so that it may lock: the policy refuses the write, without the guard's help.
      const write = sql.withTransaction(
        Effect.andThen(
          sql`select set_config('session_replication_role', 'replica', true), set_config('role', ${jobsRole}, true)`,
          sql`update orders set updated_at = now() where id = ${held.id}`
        )
      )
      assert.strictEqual(yield* refusalOf(write), INSUFFICIENT_PRIVILEGE)
      const open = yield* asJobs(sql`select 1 from orders where id = ${held.id} for update skip locked`)
      assert.strictEqual(open.length, 1)
    })
  )

  it.effect("shows the auditor every tenant's rows without their secrets, and lets it write nothing", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { held, refunded } = yield* fill
      const ids = yield* asAuditor(sql<{ id: string }>`select id from orders`)
      assert.includeMembers(
        ids.map(({ id }) => id),
        [held.id, refunded.id]
      )
      for (const table of tenantTables) assert.isAbove(yield* asAuditor(countIn(table)), 0, table)
      const hidden = {
        orders: ["end_reason", "metadata", "payment_client_secret"],
        outbox: ["payload"],
        inbox: ["body"]
      }
      for (const [table, expected] of Object.entries({ ...hidden, idempotency: ["answer_body", "fingerprint"] })) {
        const all = yield* sql<{ name: string }>`
          select attname as name from pg_attribute where attrelid = ${table}::regclass and attnum > 0
            and not attisdropped order by attname`
        const seen = yield* columnsOf(auditorRole, table, "SELECT")
        assert.deepStrictEqual(
          all.map(({ name }) => name).filter((name) => !seen.includes(name)),
          expected
        )
      }
      for (const statement of [
        sql`update orders set updated_at = now()`,
        sql`delete from alarms`,
        sql`insert into quota_user (tenant_id, user_id) values (${held.tenantId}, ${held.id})`,
        sql`select payment_client_secret from orders`,
        sql`select answer_body from idempotency`
      ]) {
        const [text] = statement.compile()
        assert.strictEqual(yield* refusalOf(asAuditor(statement)), INSUFFICIENT_PRIVILEGE, text)
      }
    })
  )
})
