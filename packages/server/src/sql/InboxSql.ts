/**
 * `Inbox` on PostgreSQL: a row for each message, claimed by state under leases (LeasedRows.ts).
 *
 * The insert is the claim of whoever is first; everybody else finds the row. With a change of an order the row is ended by
 * OrderWrites.ts, in the transaction of that change.
 */
import { TenantId } from "@tickettoken/order-domain/Ids"
import type { ClaimedDelivery, InboxLease, MessageKey, ReceivedMessage } from "@tickettoken/order-domain/InboundMessage"
import {
  type DeadMessage,
  type DeadQuery,
  Inbox,
  type InboxEnd,
  type InboxRetry
} from "@tickettoken/order-domain/ports/Inbox"
import { LeaseLost } from "@tickettoken/order-domain/ports/OrderStore"
import { DateTime, Duration, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { claimRows, endRows, giveRowsBack, type LeasedTable } from "./LeasedRows.ts"
import { storableText } from "./OrderColumns.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { type StoreOptions, storeOptions } from "./StoreOptions.ts"
import { inTenant } from "./TenantTransaction.ts"

const table: LeasedTable = {
  name: "inbox",
  key: { tenant_id: "uuid", source: "text", message_id: "text" },
  open: "state = 'NEW'",
  waiting: "NEW",
  held: "NEW",
  columns: ["tenant_id", "source", "message_id", "type", "body", "bytes", "traceparent"]
}

interface MessageRow {
  readonly tenant_id: string
  readonly source: string
  readonly message_id: string
  readonly type: string
  readonly body: string
  readonly bytes: number
  readonly traceparent: string | null
}

interface InboxRow extends MessageRow {
  readonly lease_token: bigint
  readonly attempts: number
}

const keyOf = (row: Pick<MessageRow, "tenant_id" | "source" | "message_id">): MessageKey => ({
  tenantId: TenantId.make(row.tenant_id),
  source: row.source,
  messageId: row.message_id
})

const messageOf = (row: MessageRow): ReceivedMessage => ({
  ...keyOf(row),
  type: row.type,
  body: row.body,
  bytes: row.bytes,
  traceparent: row.traceparent
})

const toClaimed = (row: InboxRow): ClaimedDelivery => ({
  message: messageOf(row),
  lease: { ...keyOf(row), token: Number(row.lease_token) },
  attempts: row.attempts
})

const receive = Effect.fnUntraced(function* (message: ReceivedMessage, { workLease }: StoreOptions) {
  const sql = yield* SqlClient.SqlClient
  const { bytes, messageId, source, tenantId, traceparent, type } = message
  const [row] = yield* inTenant(
    tenantId,
    sql<InboxRow>`
      insert into inbox (tenant_id, source, message_id, type, body, bytes, traceparent, state, attempts, next_at, lease_until,
        lease_token, received_at)
      values (${tenantId}, ${source}, ${messageId}, ${type}, ${storableText(message.body)}, ${bytes}, ${traceparent}, 'NEW', 1,
        clock_timestamp(), clock_timestamp() + ${Duration.toMillis(workLease)}::int * interval '1 millisecond', 1,
        clock_timestamp())
      on conflict (tenant_id, source, message_id) do nothing
      returning tenant_id, source, message_id, type, body, bytes, traceparent, lease_token, attempts`
  )
  return row === undefined ? null : toClaimed(row)
})

const claimDue = (limit: number, { workLease }: StoreOptions) =>
  Effect.map(claimRows<InboxRow>(table, limit, workLease), (rows) => rows.map(toClaimed))

const rowLease = ({ messageId, source, tenantId, token }: InboxLease) => ({
  tenant_id: tenantId,
  source,
  message_id: messageId,
  token: String(token)
})

/** Fails when the lease is another one's by now. */
const requireHeld = <E, R>({ messageId }: InboxLease, written: Effect.Effect<number, E, R>) =>
  Effect.flatMap(written, (rows) => (rows === 0 ? Effect.fail(new LeaseLost({ workId: messageId })) : Effect.void))

const ends: { readonly [Tag in InboxEnd["_tag"]]: string } = {
  Unchanged: `state = 'DONE', outcome = 'UNCHANGED', settled_at = clock_timestamp()`,
  Dead: `state = 'DEAD', settled_at = clock_timestamp(), last_error = r.why`
}

const end = (lease: InboxLease, how: InboxEnd) =>
  requireHeld(lease, endRows(table, [rowLease(lease)], ends[how._tag], how._tag === "Dead" ? how.why : ""))

const retry = (lease: InboxLease, how: InboxRetry) =>
  requireHeld(lease, giveRowsBack(table, [{ lease: rowLease(lease), ...how }]))

interface DeadRow extends MessageRow {
  readonly attempts: number
  readonly last_error: string | null
  readonly received_at: Date
}

/** The rows of a query, as a condition with its order and limit. */
const chosen = (sql: SqlClient.SqlClient, { limit, messageId, since, tenantId }: DeadQuery) => sql`
  tenant_id = ${tenantId} and state = 'DEAD'
    ${messageId === null ? sql`` : sql`and message_id = ${messageId}`}
    ${since === null ? sql`` : sql`and received_at >= ${DateTime.toDateUtc(since)}`}
  order by received_at, source, message_id limit ${limit}`

const dead = Effect.fnUntraced(function* (query: DeadQuery) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* inTenant(
    query.tenantId,
    sql<DeadRow>`select tenant_id, source, message_id, type, body, bytes, traceparent, attempts, last_error, received_at
      from inbox where ${chosen(sql, query)}`
  )
  return rows.map(
    (row): DeadMessage => ({
      message: messageOf(row),
      attempts: row.attempts,
      why: row.last_error ?? "",
      receivedAt: DateTime.fromDateUnsafe(row.received_at)
    })
  )
})

const revive = Effect.fnUntraced(function* (query: DeadQuery) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* inTenant(
    query.tenantId,
    sql<MessageRow>`
      update inbox i set state = 'NEW', attempts = 0, next_at = clock_timestamp(), lease_until = null, settled_at = null
      from (select tenant_id as t, source as s, message_id as m from inbox where ${chosen(sql, query)} for update) d
      where i.tenant_id = d.t and i.source = d.s and i.message_id = d.m
      returning i.tenant_id, i.source, i.message_id`
  )
  return rows.map(keyOf)
})

export const layer = (given: Partial<StoreOptions> = {}): Layer.Layer<Inbox, never, SqlClient.SqlClient> =>
  Layer.effect(
    Inbox,
    Effect.gen(function* () {
      const options = storeOptions(given)
      const sql = yield* SqlClient.SqlClient
      const withSql = Effect.provideService(SqlClient.SqlClient, sql)
      return Inbox.of({
        receive: Effect.fn("Inbox.receive")((message) => receive(message, options), orUnavailable, withSql),
        claimDue: Effect.fn("Inbox.claimDue")((limit) => claimDue(limit, options), orUnavailable, withSql),
        end: Effect.fn("Inbox.end")(end, orUnavailable, withSql),
        retry: Effect.fn("Inbox.retry")(retry, orUnavailable, withSql),
        dead: Effect.fn("Inbox.dead")(dead, orUnavailable, withSql),
        revive: Effect.fn("Inbox.revive")(revive, orUnavailable, withSql)
      })
    })
  )
