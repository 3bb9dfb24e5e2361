/**
 * Orders, refunds and events as the contract shows them. Nothing is decided here and nothing secret passes, except the
 * client secret to the one who has just created the order.
 */
import type { BulkCancelPlan, BulkCancelResults } from "@tickettoken/order-domain/BulkCancel"
import { confirmationToken, type EventOfTenant } from "@tickettoken/order-domain/BulkConfirmation"
import type { BulkJob } from "@tickettoken/order-domain/BulkJob"
import type { StoredAnswer } from "@tickettoken/order-domain/Idempotency"
import { isOpen, type Order, paymentStatusOf } from "@tickettoken/order-domain/Order"
import type { BulkFailuresPage } from "@tickettoken/order-domain/ports/BulkJobReads"
import type { RecordedEvent } from "@tickettoken/order-domain/ports/OrderReads"
import type { Refund } from "@tickettoken/order-domain/Refund"
import { cancelRefundStatus } from "@tickettoken/order-domain/RefundDecisions"
import type { RefundQuote } from "@tickettoken/order-domain/RefundQuote"
import { OrderItemId } from "@tickettoken/order-domain/Ids"
import type { RefundOfOrder } from "@tickettoken/order-domain/workflows/RequestRefund"
import { Schema } from "effect"
import * as Views from "../contract/Views.ts"

export const orderView = (order: Order): Views.OrderView => ({
  id: order.id,
  orderNumber: order.orderNumber,
  userId: order.userId,
  eventId: order.eventId,
  status: order.status,
  paymentStatus: paymentStatusOf(order),
  items: order.items.map(({ id, quantity, subtotal, ticketPricingId, ticketTypeId, unitPrice }) => ({
    id,
    ticketTypeId,
    ticketPricingId,
    quantity,
    unitPrice,
    subtotal
  })),
  pricing: order.pricing,
  currency: order.currency,
  paymentIntentId: order.intent?.id ?? null,
  reservationExpiresAt: isOpen(order) ? order.hold.expiresAt : null,
  tickets: "tickets" in order ? order.tickets : [],
  metadata: order.metadata,
  version: order.version,
  createdAt: order.createdAt,
  updatedAt: order.updatedAt,
  reservedAt: "reservedAt" in order ? order.reservedAt : null,
  confirmedAt: "confirmedAt" in order ? order.confirmedAt : null,
  completedAt: "completedAt" in order ? order.completedAt : null,
  cancelledAt: "cancelledAt" in order ? order.cancelledAt : null,
  expiredAt: "expiredAt" in order ? order.expiredAt : null,
  refundedAt: "refundedAt" in order ? order.refundedAt : null
})

const createdOrderView = (order: Order): Views.CreatedOrderView => ({
  ...orderView(order),
  clientSecret: order.intent?.clientSecret ?? null
})

/** A renewed order is RESERVED and has both instants; anything else is a broken invariant. */
const reservationView = (order: Order): Views.ReservationView => {
  if (order.status !== "RESERVED") throw new Error(`a renewed order is ${order.status}`)
  return {
    orderId: order.id,
    status: order.status,
    reservationExpiresAt: order.hold.expiresAt,
    reservedAt: order.reservedAt
  }
}

const cancellationView = (order: Order): Views.CancellationView => {
  if (!("cancelledAt" in order) || order.cancelledAt === null) {
    throw new Error(`a cancelled order is ${order.status}`)
  }
  return {
    orderId: order.id,
    status: order.status,
    cancelledAt: order.cancelledAt,
    refundStatus: cancelRefundStatus(order)
  }
}

const refundRequestedView = ({ order, refund }: RefundOfOrder): Views.RefundRequestedView => ({
  refundId: refund.id,
  orderId: order.id,
  amount: refund.amount,
  status: refund.state,
  estimatedArrival: refund.estimatedArrivalAt
})

export const refundView = (order: Order, refund: Refund): Views.RefundView => ({
  ...refundRequestedView({ order, refund }),
  cause: refund.cause,
  reason: refund.reason,
  items: refund.items,
  retained: refund.retained,
  failureReason: refund.failureReason,
  requestedAt: refund.requestedAt,
  settledAt: refund.settledAt
})

/** People are named by their id; what services and our own jobs did has no user. */
const people: ReadonlySet<string> = new Set(["user", "support", "finance", "admin"])

export const orderEventView = ({ event, id }: RecordedEvent): Views.OrderEventView => ({
  id,
  orderId: event.orderId,
  version: event.version,
  eventType: event.type,
  userId: people.has(event.actor.kind) ? event.actor.id : null,
  actor: { kind: event.actor.kind, id: event.actor.id },
  ipAddress: event.actor.ip,
  metadata: event.data,
  createdAt: event.at
})

export const bulkView = (results: BulkCancelResults) => ({
  message: `Bulk cancellation completed: ${results.succeeded} succeeded, ${results.failed} failed`,
  results
})

export const bulkPlanView = (event: EventOfTenant, plan: BulkCancelPlan) => ({
  dryRun: true as const,
  eventId: event.eventId,
  ...plan,
  confirmationToken: confirmationToken(event, plan)
})

const bulkJobView = (job: BulkJob): Views.BulkJobView => {
  const { createdAt, eventId, finishedAt, id, kind, reason, state } = job
  const { refundCents, ...results } = job.tally
  return { id, kind, eventId, reason, state, results, refundCents, createdAt, finishedAt }
}

export const bulkJobDetailsView = (job: BulkJob, { failures, next }: BulkFailuresPage) => ({
  ...bulkJobView(job),
  failures,
  nextFailure: next
})

export const bulkStartedView = (job: BulkJob) => ({
  message: "Bulk cancellation goes on in the background",
  job: bulkJobView(job)
})

export const refundQuoteView = (order: Order, quote: RefundQuote) => ({
  orderId: order.id,
  currency: order.currency,
  amount: quote.amount,
  retained: quote.retained,
  gross: quote.gross,
  alreadyReturned: quote.alreadyReturned,
  refundableRest: quote.refundableRest,
  items: quote.items.map(({ itemId, quantity }) => ({ itemId: OrderItemId.make(itemId), quantity }))
})

/** Writes an answer down: what is sent and, for a keyed request, stored are the same characters. */
const written = <A, I>(status: number, view: Schema.Codec<A, I>): ((value: A) => StoredAnswer) => {
  const encode = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(view)))
  return (value) => ({ status, body: encode(value) })
}

const writeCreated = written(201, Views.CreatedOrderView)
const writeReservation = written(200, Views.ReservationView)
const writeCancellation = written(200, Views.CancellationView)
const writeRefundRequested = written(200, Views.RefundRequestedView)

export const createdAnswer = (order: Order): StoredAnswer => writeCreated(createdOrderView(order))
export const reservationAnswer = (order: Order): StoredAnswer => writeReservation(reservationView(order))
export const cancellationAnswer = (order: Order): StoredAnswer => writeCancellation(cancellationView(order))
export const refundAnswer = (refunded: RefundOfOrder): StoredAnswer =>
  writeRefundRequested(refundRequestedView(refunded))

const readVersion = Schema.decodeSync(Schema.fromJsonString(Schema.Struct({ version: Schema.Int })))

/** The version of the order in an answer that {@link createdAnswer} has written. */
export const versionIn = (body: string): number => readVersion(body).version
