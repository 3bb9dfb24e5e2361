/**
 * `Outbox` on PostgreSQL: the rows that OrderWrites.ts leaves, claimed by state under leases (LeasedRows.ts).
 *
 * **Details**
 *
 * A message may be claimed when no lower version of its order is unsent. A lower version can not appear later: versions
 * of one order are written one after the other, each seeing the one before it committed. So a transaction that stays
 * open for long keeps nothing but itself, and what it wrote is found by its state whenever it commits.
 *
 * **Gotchas**
 *
 * A holder that was frozen may send a message again after another one has sent it and those behind it. Consumers know
 * it by its id.
 */
import { OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import { orderMessage } from "@tickettoken/order-domain/OrderMessage"
import {
  type ClaimedMessage,
  Outbox,
  type OutboxLease,
  type Postponed,
  type ReplayRequest
} from "@tickettoken/order-domain/ports/Outbox"
import { DateTime, Duration, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { claimRows, endRows, giveRowsBack, type LeasedTable } from "./LeasedRows.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { type StoreOptions, storeOptions } from "./StoreOptions.ts"
import { asJobs } from "./TenantTransaction.ts"

const table: LeasedTable = {
  name: "outbox",
  key: { tenant_id: "uuid", order_id: "uuid", version: "integer" },
  open: "state = 'NEW'",
  claimable: `not exists (select 1 from outbox lower where lower.tenant_id = d.tenant_id
    and lower.order_id = d.order_id and lower.version < d.version and lower.state = 'NEW')`,
  behind: `f.tenant_id = g.tenant_id and f.order_id = g.order_id and f.version > g.version`,
  waiting: "NEW",
  held: "NEW",
  columns: ["tenant_id", "order_id", "version", "message_id", "type", "payload", "traceparent", "created_at"]
}

interface OutboxRow {
  readonly tenant_id: string
  readonly order_id: string
  readonly version: number
  readonly message_id: string
  readonly type: string
  readonly payload: ClaimedMessage["message"]["data"]
  readonly traceparent: string | null
  readonly created_at: Date
  readonly lease_token: bigint
  readonly attempts: number
}

const toClaimed = (row: OutboxRow): ClaimedMessage => {
  const orderId = OrderId.make(row.order_id)
  const tenantId = TenantId.make(row.tenant_id)
  const { type, version } = row
  return {
    message: orderMessage({
      id: row.message_id,
      type,
      tenantId,
      orderId,
      version,
      at: DateTime.fromDateUnsafe(row.created_at),
      traceparent: row.traceparent,
      data: row.payload
    }),
    lease: { tenantId, orderId, version, token: Number(row.lease_token) },
    attempts: row.attempts
  }
}

const claim = (limit: number, { workLease }: StoreOptions) =>
  Effect.map(claimRows<OutboxRow>(table, limit, workLease), (rows) => rows.map(toClaimed))

const rowLease = ({ orderId, tenantId, token, version }: OutboxLease) => ({
  tenant_id: tenantId,
  order_id: orderId,
  version,
  token: String(token)
})

const sent = (leases: ReadonlyArray<OutboxLease>) =>
  endRows(table, leases.map(rowLease), `state = 'SENT', sent_at = clock_timestamp(), last_error = null`)

const postpone = (messages: ReadonlyArray<Postponed>) =>
  giveRowsBack(
    table,
    messages.map(({ delay, lease, why }) => ({ lease: rowLease(lease), delay, why }))
  )

/** How many are counted: beyond it there is no need to know. */
const OVERDUE_MAX = 10_000

const overdue = Effect.fnUntraced(function* (age: Duration.Duration) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* asJobs(sql<{
    messages: number
    message_id: string
    type: string
    order_id: string
    last_error: string | null
  }>`
    with late as materialized (
      select message_id, type, order_id, last_error, created_at from outbox
      where state = 'NEW' and coalesce(replayed_at, created_at) <= statement_timestamp() - ${Duration.toMillis(age)}::double precision * interval '1 millisecond'
      limit ${OVERDUE_MAX}
    )
    select message_id, type, order_id, last_error, (select count(*)::int from late) as messages
    from late order by created_at limit 1`)
  return row === undefined
    ? null
    : {
        messages: row.messages,
        oldest: { id: row.message_id, type: row.type, orderId: OrderId.make(row.order_id), why: row.last_error }
      }
})

const replay = Effect.fnUntraced(function* ({ limit, orderId, sentUntil, since, tenantId }: ReplayRequest) {
  const sql = yield* SqlClient.SqlClient
  const from = since === null ? null : DateTime.toDateUtc(since)
  // What was written since then was sent since then too, which is what the index knows.
  const rows = yield* asJobs(sql`
    update outbox o set state = 'NEW', attempts = 0, next_at = clock_timestamp(), lease_until = null,
      last_error = null, sent_at = null, replayed_at = clock_timestamp()
    from (
      select tenant_id, order_id, version from outbox
      where tenant_id = ${tenantId} and state = 'SENT' and sent_at <= ${DateTime.toDateUtc(sentUntil)}
        ${orderId === null ? sql`` : sql`and order_id = ${orderId}`}
        ${from === null ? sql`` : sql`and created_at >= ${from} and sent_at >= ${from}`}
      order by created_at, order_id, version limit ${limit} for update skip locked
    ) again
    where o.tenant_id = again.tenant_id and o.order_id = again.order_id and o.version = again.version
    returning 1`)
  return rows.length
})

export const layer = (given: Partial<StoreOptions> = {}): Layer.Layer<Outbox, never, SqlClient.SqlClient> =>
  Layer.effect(
    Outbox,
    Effect.gen(function* () {
      const options = storeOptions(given)
      const sql = yield* SqlClient.SqlClient
      const withSql = Effect.provideService(SqlClient.SqlClient, sql)
      return Outbox.of({
        claim: Effect.fn("Outbox.claim")((limit) => claim(limit, options), orUnavailable, withSql),
        sent: Effect.fn("Outbox.sent")(sent, orUnavailable, withSql),
        postpone: Effect.fn("Outbox.postpone")(postpone, orUnavailable, withSql),
        overdue: Effect.fn("Outbox.overdue")(overdue, orUnavailable, withSql),
        replay: Effect.fn("Outbox.replay")(replay, orUnavailable, withSql)
      })
    })
  )
