/**
 * `WorkQueue` on PostgreSQL: due work is claimed in batches, under leases with a rising token (LeasedRows.ts). A row is
 * open while its state is TODO, which waits, or DOING, which is held.
 *
 * **Gotchas**
 *
 * A row that can not be read (a bug, or somebody's hand in the database) stops nobody but itself: it is logged by id
 * and kind, given back for {@link UNREADABLE_DELAY}, and not answered, so a batch may be smaller than what was claimed.
 */
import { LeaseLost } from "@tickettoken/order-domain/ports/OrderStore"
import { type ExpiryRequest, WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { OrderId, type TenantId } from "@tickettoken/order-domain/Ids"
import { type ClaimedWork, Work, WorkItem, workId, type WorkLease } from "@tickettoken/order-domain/Work"
import { Duration, Effect, Layer, Predicate, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { CLAIM_MAX, claimRows, endRows, giveRowsBack, type LeasedTable } from "./LeasedRows.ts"
import { storableJson } from "./OrderColumns.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { type StoreOptions, storeOptions } from "./StoreOptions.ts"
import { asJobs, inTenant } from "./TenantTransaction.ts"

/** How long a row that can not be read is left alone: it needs an operator, who is told of it again as often. */
const UNREADABLE_DELAY = Duration.minutes(5)

/** What stands in a row that can not be read. */
export const UNREADABLE = "the row can not be read"

interface WorkRow {
  readonly id: string
  readonly kind: string
  readonly tenant_id: string
  readonly order_id: string
  readonly payload: unknown
  readonly created_at: Date
  readonly lease_token: bigint
  readonly attempts: number
}

const table: LeasedTable = {
  name: "order_work",
  key: { id: "text" },
  open: "state in ('TODO', 'DOING')",
  waiting: "TODO",
  held: "DOING",
  columns: ["id", "kind", "tenant_id", "order_id", "payload", "created_at"]
}

const returned = [...table.columns, "lease_token", "attempts"].join(", ")

const decodeItem = Schema.decodeUnknownEffect(Schema.toCodecJson(WorkItem))

/** The work of a row; `null` for a row that is none. */
const toClaimed = (row: WorkRow): Effect.Effect<ClaimedWork | null> =>
  Effect.suspend(() =>
    decodeItem({
      id: row.id,
      tenantId: row.tenant_id,
      orderId: row.order_id,
      work: row.payload,
      createdAt: row.created_at.toISOString()
    })
  ).pipe(
    Effect.map((item) => ({
      item,
      lease: { id: row.id, token: Number(row.lease_token) },
      attempts: row.attempts
    })),
    // What is wrong is not logged: it would quote the payload.
    Effect.catch(() => Effect.succeed(null)),
    // An instant that is no date throws on the way to its text.
    Effect.catchDefect(() => Effect.succeed(null))
  )

/** Takes the rows that can not be read off the hands of this process, all with one statement. */
const leaveAlone = Effect.fnUntraced(function* (rows: ReadonlyArray<WorkRow>) {
  for (const { id, kind } of rows) {
    yield* Effect.logError(`work ${id} of kind ${kind} can not be read and is left alone for a while`)
  }
  yield* giveRowsBack(
    table,
    rows.map(({ id, lease_token }) => ({
      lease: { id, token: String(lease_token) },
      delay: UNREADABLE_DELAY,
      why: UNREADABLE
    }))
  )
})

/** The work of the rows that were claimed. Their leases are committed: whatever is wrong with one, the others run. */
const toBatch = Effect.fnUntraced(function* (rows: ReadonlyArray<WorkRow>) {
  const read = yield* Effect.forEach(rows, toClaimed)
  const unreadable = rows.filter((_, at) => read[at] === null)
  if (unreadable.length > 0) {
    yield* leaveAlone(unreadable).pipe(
      orUnavailable,
      // Their leases run out by themselves; the readable ones must not wait for that.
      Effect.catch((outage) => Effect.logWarning(`unreadable work was not given back: ${outage.message}`))
    )
  }
  return read.filter(Predicate.isNotNull)
})

const claimDue = Effect.fnUntraced(function* (limit: number, { workLease }: StoreOptions) {
  return yield* toBatch(yield* claimRows<WorkRow>(table, limit, workLease))
})

/** Open orders past deadline and grace, the earliest first; those with open EXPIRE work are left to it. */
const findExpired = (sql: SqlClient.SqlClient, limit: number, { only }: ExpiryRequest) => sql<{
  readonly tenant_id: string
  readonly id: string
  readonly version: number
}>`
  select o.tenant_id, o.id, o.version from orders o
  where o.status in ('PENDING', 'RESERVED') and o.stage <> 'ALLOCATING'
    and o.hold_expires_at <= statement_timestamp()
    and o.hold_expires_at + o.hold_grace_minutes * interval '1 minute' <= statement_timestamp()
    ${only === undefined ? sql`` : sql`and o.tenant_id = ${only.tenantId} and o.id = ${only.orderId}`}
    and not exists (
      select 1 from order_work k
      where k.tenant_id = o.tenant_id and k.order_id = o.id and k.kind = 'EXPIRE' and k.state <> 'DONE'
    )
  order by o.hold_expires_at limit ${Math.min(limit, CLAIM_MAX)} for update of o skip locked`

const encodeWork = Schema.encodeSync(Schema.toCodecJson(Work))

const claimExpired = Effect.fnUntraced(function* (limit: number, request: ExpiryRequest, { workLease }: StoreOptions) {
  const sql = yield* SqlClient.SqlClient
  const work: Work = { _tag: "EXPIRE", reason: request.reason, requestedBy: request.requestedBy }
  const rows = yield* asJobs(
    Effect.gen(function* () {
      const expired = yield* findExpired(sql, limit, request)
      if (expired.length === 0) return []
      const items = expired.map(({ id, tenant_id, version }, position) => ({
        position,
        id: workId(OrderId.make(id), version, work),
        tenant_id,
        order_id: id,
        order_version: version
      }))
      // Work of the same version that is done and has changed nothing is asked for once more. Of two processes that
      // find the same order one after the other, one writes the row.
      return yield* sql<WorkRow>`
        insert into order_work as known (id, tenant_id, order_id, order_version, kind, payload, state, attempts,
          next_at, lease_until, lease_token, created_at)
        select r.id, r.tenant_id, r.order_id, r.order_version, 'EXPIRE', ${storableJson(encodeWork(work))}::jsonb,
          'DOING', 1, clock_timestamp(),
          clock_timestamp() + ${Duration.toMillis(workLease)}::int * interval '1 millisecond', 1, clock_timestamp()
        from json_to_recordset(${storableJson(items)}::json)
          as r(position int, id text, tenant_id uuid, order_id uuid, order_version int)
        order by r.position
        on conflict (id) do update set state = 'DOING', attempts = known.attempts + 1,
          lease_token = known.lease_token + 1, lease_until = excluded.lease_until, payload = excluded.payload,
          created_at = excluded.created_at
        where known.state = 'DONE'
        returning ${sql.literal(returned)}`
    })
  )
  return yield* toBatch(rows)
})

// A row that nobody could finish is still to be done.
const hasOpenRelease = Effect.fnUntraced(function* (tenantId: TenantId, orderId: OrderId) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* inTenant(
    tenantId,
    sql`select 1 from order_work
      where tenant_id = ${tenantId} and order_id = ${orderId} and kind = 'RELEASE' and state <> 'DONE' limit 1`
  )
  return rows.length > 0
})

const rowLease = ({ id, token }: WorkLease) => ({ id, token: String(token) })

/** Fails when the lease is another one's by now. */
const requireHeld = <E, R>({ id }: WorkLease, written: Effect.Effect<number, E, R>) =>
  Effect.flatMap(written, (rows) => (rows === 0 ? Effect.fail(new LeaseLost({ workId: id })) : Effect.void))

const settle = (lease: WorkLease) =>
  requireHeld(lease, endRows(table, [rowLease(lease)], `state = 'DONE', done_at = clock_timestamp()`))

const retry = (lease: WorkLease, delay: Duration.Duration, why: string) =>
  requireHeld(lease, giveRowsBack(table, [{ lease: rowLease(lease), delay, why }]))

export const layer = (given: Partial<StoreOptions> = {}): Layer.Layer<WorkQueue, never, SqlClient.SqlClient> =>
  Layer.effect(
    WorkQueue,
    Effect.gen(function* () {
      const options = storeOptions(given)
      const sql = yield* SqlClient.SqlClient
      const withSql = Effect.provideService(SqlClient.SqlClient, sql)
      return WorkQueue.of({
        claimDue: Effect.fn("WorkQueue.claimDue")((limit) => claimDue(limit, options), orUnavailable, withSql),
        claimExpired: Effect.fn("WorkQueue.claimExpired")(
          (limit, request) => claimExpired(limit, request, options),
          orUnavailable,
          withSql
        ),
        hasOpenRelease: Effect.fn("WorkQueue.hasOpenRelease")(hasOpenRelease, orUnavailable, withSql),
        settle: Effect.fn("WorkQueue.settle")(settle, orUnavailable, withSql),
        retry: Effect.fn("WorkQueue.retry")(retry, orUnavailable, withSql)
      })
    })
  )
