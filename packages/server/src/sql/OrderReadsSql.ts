/**
 * `OrderReads` on PostgreSQL: questions about orders, one unit of work each.
 */
import { type EventId, OrderId, type TenantId } from "@tickettoken/order-domain/Ids"
import { OrderNotFound } from "@tickettoken/order-domain/OrderErrors"
import { OrderEvent } from "@tickettoken/order-domain/OrderEvent"
import { legalFrom } from "@tickettoken/order-domain/OrderTransitions"
import {
  type ExpiringQuery,
  type OrderQuery,
  OrderReads,
  type OrderSearch,
  type RecordedEvent
} from "@tickettoken/order-domain/ports/OrderReads"
import { DateTime, Effect, Layer, Predicate, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { clockRow } from "./clockRow.ts"
import { criteriaFragments } from "./OrderCriteriaSql.ts"
import { type OrderRow, orderRowColumns, toOrderOrNull } from "./OrderRow.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { inTenant } from "./TenantTransaction.ts"

/** A list is a search by what it is filtered by. */
const searchOf = ({ after, eventId, limit, status, tenantId, userId }: OrderQuery): OrderSearch => ({
  tenantId,
  eventId: eventId ?? undefined,
  status: status ?? undefined,
  userId: userId ?? undefined,
  limit,
  after
})

/**
 * A page and one row more. Newest first; orders of the same instant by id, so that no page repeats or skips one. Each
 * filter has an index (OrderCriteriaSql.ts). Exported for a test that asks PostgreSQL how it would run it.
 */
export const pageStatement = (
  sql: SqlClient.SqlClient,
  query: OrderSearch,
  offset = 0
): Statement.Statement<OrderRow> => {
  const { after, limit, tenantId } = query
  const filters = criteriaFragments(sql, tenantId, query)
  const page: ReadonlyArray<Statement.Fragment> =
    after === null
      ? filters
      : [...filters, sql`(o.created_at, o.id) < (${DateTime.toDateUtc(after.createdAt)}, ${after.id}::uuid)`]
  return sql<OrderRow>`select ${sql.literal(orderRowColumns)} from orders o where ${sql.and(page)}
    order by o.created_at desc, o.id desc limit ${limit + 1} offset ${after === null ? offset : 0}`
}

/** What there is of a page of `limit` rows and one more. */
const pageOf = Effect.fnUntraced(function* (rows: ReadonlyArray<OrderRow>, limit: number) {
  const orders = yield* Effect.forEach(rows.slice(0, limit), toOrderOrNull)
  return { orders: orders.filter(Predicate.isNotNull), hasMore: rows.length > limit }
})

const search = Effect.fnUntraced(function* (query: OrderSearch) {
  const sql = yield* SqlClient.SqlClient
  return yield* pageOf(yield* inTenant(query.tenantId, pageStatement(sql, query)), query.limit)
})

const list = Effect.fnUntraced(function* (query: OrderQuery) {
  const sql = yield* SqlClient.SqlClient
  const { limit, tenantId } = query
  const asked = searchOf(query)
  const [rows, counted] = yield* inTenant(
    tenantId,
    Effect.all([
      pageStatement(sql, asked, query.offset),
      // Reads all that match, however small the page: the price of a total in every answer. An index holds all it needs.
      sql<{
        total: bigint
      }>`select count(*) as total from orders o where ${sql.and(criteriaFragments(sql, tenantId, asked))}`
    ])
  )
  return { ...(yield* pageOf(rows, limit)), total: Number(counted[0]?.total ?? 0n) }
})

interface EventRow {
  readonly id: string
  readonly version: number
  readonly type: string
  readonly actor_kind: string
  readonly actor_id: string
  readonly ip: string | null
  readonly data: unknown
  readonly at: Date
}

const decodeEvent = Schema.decodeUnknownEffect(Schema.toCodecJson(OrderEvent))

const toRecorded = (tenantId: TenantId, orderId: OrderId, row: EventRow): Effect.Effect<RecordedEvent> =>
  decodeEvent({
    tenantId,
    orderId,
    version: row.version,
    type: row.type,
    actor: { kind: row.actor_kind, id: row.actor_id, ip: row.ip },
    at: row.at.toISOString(),
    data: row.data
  }).pipe(
    Effect.map((event) => ({ id: row.id, event })),
    Effect.catch((error) =>
      Effect.die(
        new Error(`audit row ${row.version} of order ${orderId} is no fact: ${error.message}`, { cause: error })
      )
    )
  )

const history = Effect.fnUntraced(function* (tenantId: TenantId, orderId: OrderId) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* inTenant(
    tenantId,
    sql<EventRow>`select id, version, type, actor_kind, actor_id, ip, data, at from order_events
      where tenant_id = ${tenantId} and order_id = ${orderId} order by version`
  )
  // No order is without its first fact.
  if (rows.length === 0) return yield* new OrderNotFound({ orderId })
  return yield* Effect.forEach(rows, (row) => toRecorded(tenantId, orderId, row))
})

const decodeExpiring = Schema.decodeUnknownEffect(
  Schema.toCodecJson(Schema.Struct({ id: OrderId, expiresAt: Schema.DateTimeUtc }))
)

const expiring = Effect.fnUntraced(function* ({ limit, minutes, tenantId }: ExpiringQuery) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* inTenant(
    tenantId,
    sql<{ now: Date; id: string | null; expires_at: Date | null }>`
      select clock.now, due.id, due.expires_at
      from (select statement_timestamp() as now) clock left join lateral (
        select o.id, o.hold_expires_at as expires_at from orders o
        where o.tenant_id = ${tenantId} and o.status in ('PENDING', 'RESERVED')
          and o.hold_expires_at > clock.now
          and o.hold_expires_at <= clock.now + ${minutes}::int * interval '1 minute'
        order by o.hold_expires_at, o.id limit ${limit}
      ) due on true`
  )
  const first = yield* clockRow(rows)
  return {
    now: DateTime.fromDateUnsafe(first.now),
    orders: yield* Effect.forEach(
      rows.filter((row) => row.id !== null),
      ({ expires_at, id }) => Effect.orDie(decodeExpiring({ id, expiresAt: expires_at?.toISOString() ?? null }))
    )
  }
})

const cancellableOfEvent = Effect.fnUntraced(function* (
  tenantId: TenantId,
  eventId: EventId,
  after: OrderId | null,
  limit: number
) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* inTenant(
    tenantId,
    sql<OrderRow>`select ${sql.literal(orderRowColumns)} from orders o
      where o.tenant_id = ${tenantId} and o.event_id = ${eventId} and ${sql.in("status", legalFrom.Cancel)}
        and (${after}::uuid is null or o.id > ${after}::uuid)
      order by o.id limit ${limit + 1}`
  )
  const page = rows.slice(0, limit)
  const read = yield* Effect.forEach(page, toOrderOrNull)
  const last = rows.length > limit ? page.at(-1) : undefined
  return {
    orders: read.filter(Predicate.isNotNull),
    unreadable: page
      .filter((_, at) => read[at] === null)
      .map(({ id, order_number }) => ({ id, orderNumber: order_number })),
    next: last === undefined ? null : OrderId.make(last.id)
  }
})

export const layer: Layer.Layer<OrderReads, never, SqlClient.SqlClient> = Layer.effect(
  OrderReads,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const withSql = Effect.provideService(SqlClient.SqlClient, sql)
    return OrderReads.of({
      list: Effect.fn("OrderReads.list")(list, orUnavailable, withSql),
      search: Effect.fn("OrderReads.search")(search, orUnavailable, withSql),
      history: Effect.fn("OrderReads.history")(history, orUnavailable, withSql),
      expiring: Effect.fn("OrderReads.expiring")(expiring, orUnavailable, withSql),
      cancellableOfEvent: Effect.fn("OrderReads.cancellableOfEvent")(cancellableOfEvent, orUnavailable, withSql)
    })
  })
)
