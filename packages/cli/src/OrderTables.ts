/**
 * Orders, their histories and quotes as the command prints them.
 */
import { format } from "@tickettoken/order-domain/Currency"
import type { BulkCancelPlan, BulkCancelResults } from "@tickettoken/order-domain/BulkCancel"
import { unsafeCents } from "@tickettoken/order-domain/Money"
import { capturedCents, isOpen, type Order, paymentStatusOf } from "@tickettoken/order-domain/Order"
import type { RecordedEvent } from "@tickettoken/order-domain/ports/OrderReads"
import { cancelRefundStatus } from "@tickettoken/order-domain/RefundDecisions"
import type { RefundOfOrder } from "@tickettoken/order-domain/workflows/RequestRefund"
import type { PricedOrder } from "@tickettoken/order-domain/workflows/CreateOrder"
import { DateTime } from "effect"
import { fields, type Printable } from "./Output.ts"

const iso = (at: DateTime.Utc): string => DateTime.formatIso(at)

const money = (amount: number, order: Pick<Order, "currency">): string => format(unsafeCents(amount), order.currency)

/** The stable JSON of an order. The client secret is not in it. */
export const orderJson = (order: Order) => ({
  id: order.id,
  orderNumber: order.orderNumber,
  tenantId: order.tenantId,
  userId: order.userId,
  eventId: order.eventId,
  status: order.status,
  paymentStatus: paymentStatusOf(order),
  currency: order.currency,
  pricing: order.pricing,
  items: order.items,
  paymentIntentId: order.intent?.id ?? null,
  captured: capturedCents(order),
  refunds: order.refunds.map((refund) => ({
    id: refund.id,
    amount: refund.amount,
    status: refund.state,
    cause: refund.cause,
    reason: refund.reason,
    requestedAt: iso(refund.requestedAt)
  })),
  tickets: "tickets" in order ? order.tickets : [],
  reservationExpiresAt: isOpen(order) ? iso(order.hold.expiresAt) : null,
  createdAt: iso(order.createdAt),
  updatedAt: iso(order.updatedAt),
  version: order.version
})

export const ordersTable = (orders: ReadonlyArray<Order>): Printable => ({
  json: orders.map(orderJson),
  header: ["ORDER", "NUMBER", "STATUS", "PAYMENT", "TICKETS", "TOTAL", "CREATED"],
  rows: orders.map((order) => [
    order.id,
    order.orderNumber,
    order.status,
    paymentStatusOf(order),
    String(order.items.reduce((sum, item) => sum + item.quantity, 0)),
    money(order.pricing.total, order),
    iso(order.createdAt)
  ]),
  empty: "no orders"
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
  json: events.map(({ event, id }) => ({
    id,
    version: event.version,
    eventType: event.type,
    actor: { kind: event.actor.kind, id: event.actor.id },
    ipAddress: event.actor.ip,
    metadata: event.data,
    createdAt: iso(event.at)
  })),
  header: ["VERSION", "AT", "EVENT", "ACTOR", "IP", "DETAILS"],
  rows: events.map(({ event }) => [
    String(event.version),
    iso(event.at),
    event.type,
    `${event.actor.kind}:${event.actor.id}`,
    event.actor.ip ?? "-",
    JSON.stringify(event.data)
  ]),
  empty: "no history"
})

export const quoteDetails = (priced: PricedOrder, currency: Order["currency"]): Printable => ({
  json: { eventId: priced.event.id, currency, vip: priced.vip, pricing: priced.pricing },
  ...fields([
    ["event", priced.event.name],
    ["subtotal", format(priced.pricing.subtotal, currency)],
    ["platform fee", format(priced.pricing.platformFee, currency)],
    ["processing fee", format(priced.pricing.processingFee, currency)],
    ["tax", format(priced.pricing.tax, currency)],
    ["total", format(priced.pricing.total, currency)]
  ])
})

export const cancelDetails = (order: Order): Printable => {
  const refund = order.refunds[order.refunds.length - 1]
  const refundStatus = cancelRefundStatus(order)
  return {
    json: { orderId: order.id, status: order.status, refundStatus, refund: refund?.amount ?? 0 },
    ...fields([
      ["order", order.id],
      ["status", order.status],
      ["refund", refundStatus],
      ...(refund === undefined ? [] : [["returned", money(refund.amount, order)] as const])
    ])
  }
}

export const refundDetails = ({ order, refund }: RefundOfOrder): Printable => ({
  json: {
    refundId: refund.id,
    orderId: order.id,
    amount: refund.amount,
    status: refund.state,
    estimatedArrival: iso(refund.estimatedArrivalAt)
  },
  ...fields([
    ["refund", refund.id],
    ["order", order.id],
    ["amount", money(refund.amount, order)],
    ["status", refund.state],
    ["arrives about", iso(refund.estimatedArrivalAt)]
  ])
})

export const planDetails = (plan: BulkCancelPlan): Printable => ({
  json: { dryRun: true, ...plan },
  ...fields([
    ["orders to cancel", String(plan.orders)],
    ["holds to release", String(plan.releases)],
    ["refunds to make", String(plan.refunds)],
    ...Object.entries(plan.refundCents).map(
      ([currency, amount]) => [`refunded in ${currency}`, String(amount)] as const
    )
  ])
})

export const bulkDetails = (results: BulkCancelResults): Printable => ({
  json: results,
  header: ["ORDER", "NUMBER", "RESULT"],
  rows: [
    ...results.errors.map((failed) => [failed.orderId, failed.orderNumber, failed.error]),
    ["total", String(results.total), `${results.succeeded} cancelled, ${results.failed} failed`]
  ]
})
