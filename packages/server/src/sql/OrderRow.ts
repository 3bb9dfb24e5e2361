/**
 * A row of `orders`, with its lines, captures and refunds, as an order of the domain.
 *
 * Read through the domain's own schemas: a row that is no order is a bug, or somebody's hand in the database, and dies
 * with the order's id rather than going on half understood; only among many others it is left out and logged. The way
 * into the row is OrderColumns.ts.
 */
import {
  CancelledOrder,
  CompletedOrder,
  ConfirmedOrder,
  ExpiredOrder,
  type Order,
  type OrderStatus,
  PendingOrder,
  RefundedOrder,
  ReservedOrder
} from "@tickettoken/order-domain/Order"
import { Effect, Schema } from "effect"

/** The row as the driver gives it: bigints for int8, dates for timestamptz, parsed JSON. */
export interface OrderRow {
  readonly tenant_id: string
  readonly id: string
  readonly version: number
  readonly order_number: string
  readonly user_id: string
  readonly event_id: string
  readonly event_starts_at: Date
  readonly event_ends_at: Date
  readonly status: OrderStatus
  readonly stage: string | null
  readonly currency: string
  readonly subtotal_cents: bigint
  readonly platform_fee_cents: bigint
  readonly processing_fee_cents: bigint
  readonly tax_cents: bigint
  readonly total_cents: bigint
  readonly terms: unknown
  readonly vip: boolean
  readonly metadata: unknown
  readonly idempotency_key: string | null
  readonly payment_intent_id: string | null
  readonly payment_client_secret: string | null
  readonly hold_expires_at: Date | null
  readonly hold_limit_at: Date | null
  readonly hold_extended: boolean | null
  readonly tickets: unknown
  readonly late: boolean | null
  readonly reacquiring: boolean | null
  readonly cancel_cause: string | null
  readonly end_reason: string | null
  readonly reserved_at: Date | null
  readonly confirmed_at: Date | null
  readonly completed_at: Date | null
  readonly cancelled_at: Date | null
  readonly expired_at: Date | null
  readonly refunded_at: Date | null
  readonly created_at: Date
  readonly updated_at: Date
  /** Aggregated by the statement, in the domain's shape. */
  readonly items: unknown
  readonly captures: unknown
  readonly refunds: unknown
}

// JSON of a timestamptz would be in the session's zone and with microseconds.
const isoOf = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

const childrenOf = (table: string, fields: ReadonlyArray<readonly [name: string, value: string]>): string =>
  `(select coalesce(json_agg(json_build_object(${fields.map(([name, value]) => `'${name}', ${value}`).join(", ")})
      order by c.position), '[]')
    from ${table} c where c.tenant_id = o.tenant_id and c.order_id = o.id)`

const items = childrenOf("order_items", [
  ["id", "c.id"],
  ["ticketTypeId", "c.ticket_type_id"],
  ["ticketPricingId", "c.ticket_pricing_id"],
  ["quantity", "c.quantity"],
  ["unitPrice", "c.unit_price_cents"],
  ["subtotal", "c.subtotal_cents"],
  ["returnedQuantity", "c.returned_quantity"]
])

const captures = childrenOf("payments", [
  ["paymentIntentId", "c.payment_intent_id"],
  ["amount", "c.amount_cents"],
  ["capturedAt", isoOf("c.captured_at")]
])

const refunds = childrenOf("order_refunds", [
  ["id", "c.id"],
  ["amount", "c.amount_cents"],
  ["cause", "c.cause"],
  ["reason", "c.reason"],
  ["state", "c.state"],
  ["paymentIntentId", "c.payment_intent_id"],
  ["items", "c.items"],
  ["retained", "c.retained_cents"],
  ["fixedRetention", "c.fixed_retention"],
  ["attempt", "c.attempt"],
  ["failureReason", "c.failure_reason"],
  ["requestedBy", "c.requested_by"],
  ["requestedAt", isoOf("c.requested_at")],
  ["estimatedArrivalAt", isoOf("c.estimated_arrival_at")],
  ["settledAt", isoOf("c.settled_at")],
  ["idempotencyKey", "c.idempotency_key"]
])

/** What to select `from orders o` for {@link toOrder}. */
export const orderRowColumns = `o.tenant_id, o.id, o.version, o.order_number, o.user_id, o.event_id, o.event_starts_at,
  o.event_ends_at, o.status, o.stage, o.currency, o.subtotal_cents, o.platform_fee_cents, o.processing_fee_cents,
  o.tax_cents, o.total_cents, o.terms, o.vip, o.metadata, o.idempotency_key, o.payment_intent_id,
  o.payment_client_secret, o.hold_expires_at, o.hold_limit_at, o.hold_extended, o.tickets, o.late, o.reacquiring,
  o.cancel_cause, o.end_reason, o.reserved_at, o.confirmed_at, o.completed_at, o.cancelled_at, o.expired_at,
  o.refunded_at, o.created_at, o.updated_at,
  ${items} as items, ${captures} as captures, ${refunds} as refunds`

const iso = (date: Date | null): string | null => (date === null ? null : date.toISOString())

const facts = (row: OrderRow) => ({
  id: row.id,
  tenantId: row.tenant_id,
  orderNumber: row.order_number,
  userId: row.user_id,
  eventId: row.event_id,
  eventStartsAt: iso(row.event_starts_at),
  eventEndsAt: iso(row.event_ends_at),
  currency: row.currency,
  items: row.items,
  pricing: {
    subtotal: Number(row.subtotal_cents),
    platformFee: Number(row.platform_fee_cents),
    processingFee: Number(row.processing_fee_cents),
    tax: Number(row.tax_cents),
    total: Number(row.total_cents)
  },
  terms: row.terms,
  vip: row.vip,
  metadata: row.metadata,
  idempotencyKey: row.idempotency_key,
  intent:
    row.payment_intent_id === null ? null : { id: row.payment_intent_id, clientSecret: row.payment_client_secret },
  captures: row.captures,
  refunds: row.refunds,
  createdAt: iso(row.created_at),
  updatedAt: iso(row.updated_at),
  version: row.version,
  status: row.status
})

const holdOf = (row: OrderRow) => ({
  expiresAt: iso(row.hold_expires_at),
  limitAt: iso(row.hold_limit_at),
  extendedForPayment: row.hold_extended
})

const encodedOf = (row: OrderRow): object => {
  const common = facts(row)
  const reservedAt = iso(row.reserved_at)
  const confirmedAt = iso(row.confirmed_at)
  const cancelledAt = iso(row.cancelled_at)
  switch (row.status) {
    case "PENDING":
      return { ...common, stage: row.stage, hold: holdOf(row) }
    case "RESERVED":
      return { ...common, stage: row.stage, hold: holdOf(row), reservedAt }
    case "CONFIRMED":
      return { ...common, reservedAt, confirmedAt, late: row.late, tickets: row.tickets }
    case "COMPLETED": {
      const completedAt = iso(row.completed_at)
      return { ...common, reservedAt, confirmedAt, completedAt, late: row.late, tickets: row.tickets }
    }
    case "CANCELLED":
      return { ...common, reservedAt, confirmedAt, cancelledAt, cause: row.cancel_cause, reason: row.end_reason }
    case "EXPIRED": {
      const expiredAt = iso(row.expired_at)
      return { ...common, reservedAt, expiredAt, reason: row.end_reason, reacquiring: row.reacquiring }
    }
    case "REFUNDED":
      return { ...common, reservedAt, confirmedAt, cancelledAt, refundedAt: iso(row.refunded_at) }
  }
}

// By status, so that a fault is named in one state's terms instead of seven.
const decoders: { readonly [Status in OrderStatus]: (row: unknown) => Effect.Effect<Order, Schema.SchemaError> } = {
  PENDING: Schema.decodeUnknownEffect(Schema.toCodecJson(PendingOrder)),
  RESERVED: Schema.decodeUnknownEffect(Schema.toCodecJson(ReservedOrder)),
  CONFIRMED: Schema.decodeUnknownEffect(Schema.toCodecJson(ConfirmedOrder)),
  COMPLETED: Schema.decodeUnknownEffect(Schema.toCodecJson(CompletedOrder)),
  CANCELLED: Schema.decodeUnknownEffect(Schema.toCodecJson(CancelledOrder)),
  EXPIRED: Schema.decodeUnknownEffect(Schema.toCodecJson(ExpiredOrder)),
  REFUNDED: Schema.decodeUnknownEffect(Schema.toCodecJson(RefundedOrder))
}

/** The order of a row. Dies on a row that is none. */
export const toOrder = (row: OrderRow): Effect.Effect<Order> =>
  Effect.catch(
    Effect.suspend(() => decoders[row.status](encodedOf(row))),
    (error) =>
      Effect.die(new Error(`the row of order ${row.id} is no ${row.status} order: ${error.message}`, { cause: error }))
  )

/**
 * The order of a row among others; `null`, and an error in the log, for a row that is none. The log says no more than
 * which one: what is wrong would quote what buyers wrote, and whoever loads the order alone is told.
 */
export const toOrderOrNull = (row: OrderRow): Effect.Effect<Order | null> =>
  Effect.catchDefect(toOrder(row), () =>
    Effect.as(Effect.logError(`order ${row.id} can not be read and is left out`), null)
  )
