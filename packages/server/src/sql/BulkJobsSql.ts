/**
 * `BulkJobs` on PostgreSQL: jobs are claimed like work, by due time under a lease with a rising token
 * (LeasedRows.ts).
 *
 * Everything that a run writes begins with its job's row, locked and compared with the token: two runs of a job take
 * turns, and the one whose lease was taken over writes nothing. The event's closure and the job commit together.
 */
import type { BulkLease, OpenBulkItem } from "@tickettoken/order-domain/BulkJob"
import { BulkJobId, OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import {
  type BulkClaim,
  BulkJobs,
  type MetOrders,
  type NewBulkJob,
  type RecordedOutcome
} from "@tickettoken/order-domain/ports/BulkJobs"
import { LeaseLost } from "@tickettoken/order-domain/ports/OrderStore"
import { Duration, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type BulkJobRow, jobColumns, readTally, toJob } from "./BulkJobRows.ts"
import { closeEvent } from "./EventClosuresSql.ts"
import { claimRows, type LeasedRow, type LeasedTable } from "./LeasedRows.ts"
import { storableJson, storableText } from "./OrderColumns.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { type StoreOptions, storeOptions } from "./StoreOptions.ts"
import { inTenant } from "./TenantTransaction.ts"

/** The longest error that is kept of an order. */
const ERROR_CHARS_MAX = 2_000

const leaseMillis = ({ workLease }: StoreOptions): number => Duration.toMillis(workLease)

const open = Effect.fnUntraced(function* (asked: NewBulkJob, options: StoreOptions) {
  const sql = yield* SqlClient.SqlClient
  const { actor, eventId, id, kind, reason, tenantId } = asked
  return yield* inTenant(
    tenantId,
    Effect.gen(function* () {
      yield* closeEvent(tenantId, eventId, { reason, actor })
      const made = yield* sql<BulkJobRow>`
        insert into bulk_jobs (tenant_id, id, kind, event_id, reason, actor_kind, actor_id, ip, attempts, lease_token,
          lease_until)
        values (${tenantId}, ${id}, ${kind}, ${eventId}, ${storableText(reason)}, ${actor.kind}, ${storableText(actor.id)},
          ${actor.ip}, 1, 1, clock_timestamp() + ${leaseMillis(options)}::int * interval '1 millisecond')
        on conflict (tenant_id, kind, event_id) where state = 'RUNNING' do nothing
        returning ${sql.literal(jobColumns)}`
      const [row] = made
      if (row !== undefined) {
        return { job: yield* toJob(row), lease: { tenantId, jobId: id, token: 1 } }
      }
      // The closure's lock is held: the job that is in the way can not have been made in this moment and be hidden.
      const [running] = yield* sql<BulkJobRow>`select ${sql.literal(jobColumns)} from bulk_jobs
        where tenant_id = ${tenantId} and kind = ${kind} and event_id = ${eventId} and state = 'RUNNING'`
      return running === undefined ? null : { job: yield* toJob(running), lease: null }
    })
  )
})

/** A job that was in the way may end before it is read: then the way is free. */
const openOrJoin = (asked: NewBulkJob, options: StoreOptions) =>
  Effect.flatMap(Effect.repeat(open(asked, options), { while: (opened) => opened === null, times: 3 }), (opened) =>
    opened === null ? Effect.die(new Error("a bulk job is in the way and can not be found")) : Effect.succeed(opened)
  )

interface ClaimedRow extends LeasedRow {
  readonly tenant_id: string
  readonly id: string
}

/** A job that is held and one that waits are both RUNNING: its lease tells them apart. */
const table: LeasedTable = {
  name: "bulk_jobs",
  key: { tenant_id: "uuid", id: "uuid" },
  open: "d.state = 'RUNNING'",
  waiting: "RUNNING",
  held: "RUNNING",
  columns: ["tenant_id", "id"]
}

const claim = Effect.fnUntraced(function* ({ limit, only }: BulkClaim, { workLease }: StoreOptions) {
  const sql = yield* SqlClient.SqlClient
  const named = only === undefined ? undefined : sql`d.tenant_id = ${only.tenantId} and d.id = ${only.jobId}`
  const rows = yield* claimRows<ClaimedRow>(table, limit, workLease, named)
  return rows.map(
    ({ id, lease_token, tenant_id }): BulkLease => ({
      tenantId: TenantId.make(tenant_id),
      jobId: BulkJobId.make(id),
      token: Number(lease_token)
    })
  )
})

/** A unit of work of a run: first of all, the job is still its own. */
const underLease = <A, E, R>(lease: BulkLease, work: Effect.Effect<A, E, R>) =>
  inTenant(
    lease.tenantId,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const held = yield* sql`select 1 from bulk_jobs
        where tenant_id = ${lease.tenantId} and id = ${lease.jobId} and state = 'RUNNING'
          and lease_until is not null and lease_token = ${lease.token}::bigint for update`
      if (held.length === 0) return yield* new LeaseLost({ workId: lease.jobId })
      return yield* work
    })
  )

const renew = Effect.fnUntraced(function* (lease: BulkLease, options: StoreOptions) {
  const sql = yield* SqlClient.SqlClient
  const job = yield* underLease(
    lease,
    Effect.flatMap(
      sql<BulkJobRow>`update bulk_jobs
        set lease_until = clock_timestamp() + ${leaseMillis(options)}::int * interval '1 millisecond'
        where tenant_id = ${lease.tenantId} and id = ${lease.jobId} returning ${sql.literal(jobColumns)}`,
      ([row]) => (row === undefined ? Effect.die(new Error("a held job has a row")) : toJob(row))
    )
  )
  return job.state === "RUNNING" ? job : yield* Effect.die(new Error("a held job is running"))
})

const meet = Effect.fnUntraced(function* (lease: BulkLease, { failed, next, orders }: MetOrders) {
  const sql = yield* SqlClient.SqlClient
  const items = [
    ...orders.map(({ currency, orderId, orderNumber, plannedCents }) => ({
      order_id: orderId,
      order_number: orderNumber,
      state: "OPEN",
      error: null,
      amount_cents: plannedCents,
      currency
    })),
    ...failed.map(({ error, orderId, orderNumber }) => ({
      order_id: orderId,
      order_number: orderNumber,
      state: "FAILED",
      error,
      amount_cents: 0,
      currency: null
    }))
  ]
  yield* underLease(
    lease,
    Effect.andThen(
      sql`insert into bulk_items (tenant_id, job_id, order_id, order_number, state, error, amount_cents, currency, done_at)
        select ${lease.tenantId}::uuid, ${lease.jobId}::uuid, r.order_id, r.order_number, r.state, r.error, r.amount_cents,
          r.currency, case when r.state <> 'OPEN' then clock_timestamp() end
        from json_to_recordset(${storableJson(items)}::json) as r(order_id uuid, order_number text, state text, error text,
          amount_cents bigint, currency text)
        on conflict (tenant_id, job_id, order_id) do nothing`,
      sql`update bulk_jobs set met_up_to = coalesce(${next}::uuid, met_up_to), met_all = ${next === null}
        where tenant_id = ${lease.tenantId} and id = ${lease.jobId}`
    )
  )
})

interface DueRow {
  readonly order_id: string
  readonly order_number: string
  readonly attempts: number
  readonly amount_cents: bigint
}

const due = Effect.fnUntraced(function* (lease: BulkLease, limit: number) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* underLease(
    lease,
    sql<DueRow>`select order_id, order_number, attempts, amount_cents from bulk_items
      where tenant_id = ${lease.tenantId} and job_id = ${lease.jobId} and state = 'OPEN'
        and next_at <= statement_timestamp() order by next_at, order_id limit ${limit}`
  )
  return rows.map(
    (row): OpenBulkItem => ({
      orderId: OrderId.make(row.order_id),
      orderNumber: row.order_number,
      attempts: row.attempts,
      plannedCents: Number(row.amount_cents)
    })
  )
})

/** What an outcome makes of the row of its order. */
const outcomeColumns = ({ orderId, outcome }: RecordedOutcome) => {
  const done = { order_id: orderId, state: "UNTOUCHED", error: null, amount_cents: 0, delay_millis: 0 }
  switch (outcome._tag) {
    case "Untouched":
      return done
    case "Succeeded":
      return { ...done, state: "SUCCEEDED", amount_cents: outcome.refundCents }
    case "Failed":
      return { ...done, state: "FAILED", error: outcome.error.slice(0, ERROR_CHARS_MAX) }
    case "TryAgain":
      return {
        ...done,
        state: "OPEN",
        error: outcome.error.slice(0, ERROR_CHARS_MAX),
        amount_cents: null,
        delay_millis: Duration.toMillis(outcome.delay)
      }
  }
}

const record = Effect.fnUntraced(function* (lease: BulkLease, outcomes: ReadonlyArray<RecordedOutcome>) {
  const sql = yield* SqlClient.SqlClient
  yield* underLease(
    lease,
    sql`update bulk_items i set state = r.state, error = r.error, attempts = i.attempts + 1,
        amount_cents = coalesce(r.amount_cents, i.amount_cents),
        next_at = clock_timestamp() + r.delay_millis * interval '1 millisecond',
        done_at = case when r.state <> 'OPEN' then clock_timestamp() end
      from json_to_recordset(${storableJson(outcomes.map(outcomeColumns))}::json) as r(order_id uuid, state text,
        error text, amount_cents bigint, delay_millis double precision)
      where i.tenant_id = ${lease.tenantId} and i.job_id = ${lease.jobId} and i.order_id = r.order_id
        and i.state = 'OPEN'`
  )
})

const leave = Effect.fnUntraced(function* (lease: BulkLease) {
  const sql = yield* SqlClient.SqlClient
  return yield* underLease(
    lease,
    Effect.gen(function* () {
      const tally = yield* readTally(lease)
      const [row] = yield* tally.pending === 0
        ? sql<BulkJobRow>`update bulk_jobs set lease_until = null, next_at = clock_timestamp(),
            state = case when met_all then 'DONE' else 'RUNNING' end,
            finished_at = case when met_all then clock_timestamp() end,
            total = case when met_all then ${tally.total}::int end,
            succeeded = case when met_all then ${tally.succeeded}::int end,
            failed = case when met_all then ${tally.failed}::int end,
            refund_cents = case when met_all then ${storableJson(tally.refundCents)}::jsonb end
          where tenant_id = ${lease.tenantId} and id = ${lease.jobId} returning ${sql.literal(jobColumns)}`
        : sql<BulkJobRow>`update bulk_jobs set lease_until = null,
            next_at = case when met_all then (
              select min(i.next_at) from bulk_items i
              where i.tenant_id = ${lease.tenantId} and i.job_id = ${lease.jobId} and i.state = 'OPEN'
            ) else clock_timestamp() end
          where tenant_id = ${lease.tenantId} and id = ${lease.jobId} returning ${sql.literal(jobColumns)}`
      return row === undefined ? yield* Effect.die(new Error("a held job has a row")) : yield* toJob(row)
    })
  )
})

export const layer = (given: Partial<StoreOptions> = {}): Layer.Layer<BulkJobs, never, SqlClient.SqlClient> =>
  Layer.effect(
    BulkJobs,
    Effect.gen(function* () {
      const options = storeOptions(given)
      const sql = yield* SqlClient.SqlClient
      const withSql = Effect.provideService(SqlClient.SqlClient, sql)
      return BulkJobs.of({
        open: Effect.fn("BulkJobs.open")((job) => openOrJoin(job, options), orUnavailable, withSql),
        claim: Effect.fn("BulkJobs.claim")((asked) => claim(asked, options), orUnavailable, withSql),
        renew: Effect.fn("BulkJobs.renew")((lease) => renew(lease, options), orUnavailable, withSql),
        meet: Effect.fn("BulkJobs.meet")(meet, orUnavailable, withSql),
        due: Effect.fn("BulkJobs.due")(due, orUnavailable, withSql),
        record: Effect.fn("BulkJobs.record")(record, orUnavailable, withSql),
        leave: Effect.fn("BulkJobs.leave")(leave, orUnavailable, withSql)
      })
    })
  )
