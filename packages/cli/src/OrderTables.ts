/**
 * Orders and their histories as the command prints them. The JSON has the names of the HTTP interface.
 */
import { format } from "@tickettoken/order-domain/Currency"
import { unsafeCents } from "@tickettoken/order-domain/Money"
import { capturedCents, isOpen, type Order, paymentStatusOf } from "@tickettoken/order-domain/Order"
import type { OrderPage, OrdersFound, RecordedEvent } from "@tickettoken/order-domain/ports/OrderReads"
import type { Refund } from "@tickettoken/order-domain/Refund"
import { DateTime } from "effect"
import { fields, type Printable } from "./Output.ts"

const iso = (at: DateTime.Utc): string => DateTime.formatIso(at)

const isoOrNull = (at: DateTime.Utc | null): string | null => (at === null ? null : iso(at))

/** An amount of the order's currency, as "233.38 USD". */
export const money = (amount: number, { currency }: Pick<Order, "currency">): string =>
  format(unsafeCents(amount), currency)

/** The stable JSON of a refund. */
export const refundJson = (refund: Refund) => ({
  refundId: refund.id,
  amount: refund.amount,
  status: refund.state,
  cause: refund.cause,
  reason: refund.reason,
  items: refund.items,
  retained: refund.retained,
  failureReason: refund.failureReason,
  requestedBy: refund.requestedBy,
  requestedAt: iso(refund.requestedAt),
  settledAt: isoOrNull(refund.settledAt),
  estimatedArrival: iso(refund.estimatedArrivalAt)
})

/** The stable JSON of an order. The client secret is not in it. */
const orderJson = (order: Order) => ({
  id: order.id,
  orderNumber: order.orderNumber,
  tenantId: order.tenantId,
  userId: order.userId,
  eventId: order.eventId,
  status: order.status,
  paymentStatus: paymentStatusOf(order),
  items: order.items,
  pricing: order.pricing,
  currency: order.currency,
  paymentIntentId: order.intent?.id ?? null,
  captured: capturedCents(order),
  refunds: order.refunds.map(refundJson),
  reservationExpiresAt: isOpen(order) ? iso(order.hold.expiresAt) : null,
  tickets: "tickets" in order ? order.tickets : [],
  metadata: order.metadata,
  version: order.version,
  createdAt: iso(order.createdAt),
  updatedAt: iso(order.updatedAt),
  reservedAt: "reservedAt" in order ? isoOrNull(order.reservedAt) : null,
  confirmedAt: "confirmedAt" in order ? isoOrNull(order.confirmedAt) : null,
  completedAt: "completedAt" in order ? iso(order.completedAt) : null,
  cancelledAt: "cancelledAt" in order ? isoOrNull(order.cancelledAt) : null,
  expiredAt: "expiredAt" in order ? iso(order.expiredAt) : null,
  refundedAt: "refundedAt" in order ? iso(order.refundedAt) : null
})

const ticketCount = (order: Order): number => order.items.reduce((sum, item) => sum + item.quantity, 0)

/** What was asked of the list: the page's place in it. */
export interface Place {
  readonly limit: number
  readonly offset: number
}

const placeNote = ({ hasMore, orders, total }: OrderPage, { offset }: Place): string | undefined => {
  if (orders.length === 0) return total === 0 ? "no orders" : `no orders behind the first ${total}`
  return hasMore ? `${orders.length} of ${total} orders; --offset ${offset + orders.length} shows the next` : undefined
}

/** A row for each. */
const orderRows = (orders: ReadonlyArray<Order>): Pick<Printable, "header" | "rows"> => ({
  header: ["ORDER", "NUMBER", "STATUS", "PAYMENT", "TICKETS", "TOTAL", "CREATED"],
  rows: orders.map((order) => [
    order.id,
    order.orderNumber,
    order.status,
    paymentStatusOf(order),
    String(ticketCount(order)),
    money(order.pricing.total, order),
    iso(order.createdAt)
  ])
})

export const ordersTable = (page: OrderPage, place: Place): Printable => ({
  json: {
    orders: page.orders.map(orderJson),
    pagination: { total: page.total, limit: place.limit, offset: place.offset, hasMore: page.hasMore }
  },
  ...orderRows(page.orders),
  note: placeNote(page, place)
})

const moreNote = ({ hasMore, orders }: OrdersFound): string | undefined => {
  const last = orders.at(-1)
  if (last === undefined) return "no orders"
  return hasMore ? `${orders.length} orders and more; --after ${last.id} shows the next` : undefined
}

export const foundTable = (found: OrdersFound, limit: number): Printable => ({
  json: { orders: found.orders.map(orderJson), pagination: { limit, hasMore: found.hasMore } },
  ...orderRows(found.orders),
  note: moreNote(found)
})

export const orderDetails = (order: Order): Printable => ({
  json: orderJson(order),
  ...fields([
    ["order", order.id],
    ["number", order.orderNumber],
    ["status", order.status],
    ["payment", paymentStatusOf(order)],
    ["user", order.userId],
    ["event", order.eventId],
    ["created", iso(order.createdAt)],
    ...(isOpen(order) ? [["held until", iso(order.hold.expiresAt)] as const] : []),
    ...order.items.map(
      (item) =>
        [
          "tickets",
          `${item.quantity} x ${money(item.unitPrice, order)} of type ${item.ticketTypeId}, item ${item.id}`
        ] as const
    ),
    ["subtotal", money(order.pricing.subtotal, order)],
    ["platform fee", money(order.pricing.platformFee, order)],
    ["processing fee", money(order.pricing.processingFee, order)],
    ["tax", money(order.pricing.tax, order)],
    ["total", money(order.pricing.total, order)],
    ["captured", money(capturedCents(order), order)],
    ...order.refunds.map(
      (refund) => ["refund", `${money(refund.amount, order)} ${refund.state} (${refund.cause}) ${refund.id}`] as const
    ),
    ["version", String(order.version)]
  ])
})

export const historyTable = (events: ReadonlyArray<RecordedEvent>): Printable => ({
  json: {
    events: events.map(({ event, id }) => ({
      id,
      orderId: event.orderId,
      version: event.version,
      eventType: event.type,
      actor: { kind: event.actor.kind, id: event.actor.id },
      ipAddress: event.actor.ip,
      metadata: event.data,
      createdAt: iso(event.at)
    }))
  },
  header: ["VERSION", "AT", "EVENT", "ACTOR", "IP", "DETAILS"],
  rows: events.map(({ event }) => [
    String(event.version),
    iso(event.at),
    event.type,
    `${event.actor.kind}:${event.actor.id}`,
    event.actor.ip ?? "-",
    JSON.stringify(event.data)
  ])
})
