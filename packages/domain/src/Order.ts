/**
 * The order: facts common to every state, and a state that carries exactly what it must have.
 *
 * A CONFIRMED order has tickets, a PENDING one has a hold deadline, a CANCELLED one has a cause: a wrong order can not
 * be written down. Payment is an axis of its own (`captures`, `refunds`), because money may arrive or leave in any
 * state.
 */
import { Schema } from "effect"
import { Currency } from "./Currency.ts"
import { FeeSchedule } from "./FeeSchedule.ts"
import { HoldPolicy } from "./Hold.ts"
import {
  EventId,
  OrderId,
  OrderItemId,
  PaymentIntentId,
  TenantId,
  TicketId,
  TicketPricingId,
  TicketTypeId,
  UserId
} from "./Ids.ts"
import { Metadata } from "./Metadata.ts"
import { Cents } from "./Money.ts"
import { OrderNumber } from "./OrderNumber.ts"
import { Pricing } from "./Pricing.ts"
import { committedCents, completedCents, Refund } from "./Refund.ts"
import { type PaymentStatus, paymentStatus, RefundPolicy } from "./RefundPolicy.ts"

export const OrderStatus = Schema.Literals([
  "PENDING",
  "RESERVED",
  "CONFIRMED",
  "COMPLETED",
  "CANCELLED",
  "EXPIRED",
  "REFUNDED"
])
export type OrderStatus = typeof OrderStatus.Type

/** One line: `returnedQuantity` counts tickets that finished refunds have given back. */
export const OrderItem = Schema.Struct({
  id: OrderItemId,
  ticketTypeId: TicketTypeId,
  ticketPricingId: TicketPricingId,
  quantity: Schema.Int,
  unitPrice: Cents,
  subtotal: Cents,
  returnedQuantity: Schema.Int
})
export type OrderItem = typeof OrderItem.Type

/** A ticket that the ticket service has allocated for good. */
export const AllocatedTicket = Schema.Struct({ id: TicketId, ticketTypeId: TicketTypeId })
export type AllocatedTicket = typeof AllocatedTicket.Type

/** Money that the payment service says it has taken for this order, one entry per intent. */
export const Capture = Schema.Struct({
  paymentIntentId: PaymentIntentId,
  amount: Cents,
  capturedAt: Schema.DateTimeUtc
})
export type Capture = typeof Capture.Type

/** What happens to money that arrives after the order has expired (rule 3.7). */
export const LatePaymentPolicy = Schema.Literals(["reacquire", "refund", "review"])
export type LatePaymentPolicy = typeof LatePaymentPolicy.Type

/** What a failed payment does (rule 3.8): keep the hold on a retryable decline, or cancel on any failure. */
export const DeclinePolicy = Schema.Literals(["keep-hold", "cancel"])
export type DeclinePolicy = typeof DeclinePolicy.Type

/** The policies as they stood when the order was made. They are frozen on the order and never looked up again. */
export const OrderTerms = Schema.Struct({
  fees: FeeSchedule,
  refunds: RefundPolicy,
  hold: HoldPolicy,
  latePayment: LatePaymentPolicy,
  declines: DeclinePolicy
})
export type OrderTerms = typeof OrderTerms.Type

/** The order's payment intent. The client secret is handed to the buyer once, at creation, and never shown again. */
export const PaymentIntentRef = Schema.Struct({ id: PaymentIntentId, clientSecret: Schema.NullOr(Schema.String) })
export type PaymentIntentRef = typeof PaymentIntentRef.Type

const facts = {
  id: OrderId,
  tenantId: TenantId,
  orderNumber: OrderNumber,
  userId: UserId,
  eventId: EventId,
  eventStartsAt: Schema.DateTimeUtc,
  eventEndsAt: Schema.DateTimeUtc,
  currency: Currency,
  items: Schema.NonEmptyArray(OrderItem),
  pricing: Pricing,
  terms: OrderTerms,
  /** The order's hold class (rule 3.2). */
  vip: Schema.Boolean,
  metadata: Metadata,
  /** The creating caller's idempotency key, unique for ever per tenant and user (rule 6). */
  idempotencyKey: Schema.NullOr(Schema.String),
  /** Absent until the payment service has opened one, and for free orders. */
  intent: Schema.NullOr(PaymentIntentRef),
  captures: Schema.Array(Capture),
  refunds: Schema.Array(Refund),
  createdAt: Schema.DateTimeUtc,
  updatedAt: Schema.DateTimeUtc,
  /** 1 at creation, one more with every change: one audit row, one message, one version. */
  version: Schema.Int
}

/**
 * How far an open order has got.
 *
 * - HOLDING: the ticket service has been asked for a hold
 * - OPENING_INTENT: stock is held, the payment service has been asked for an intent
 * - AWAITING_PAYMENT: held and payable
 * - ALLOCATING: paid (or free); the ticket service has been asked to allocate for good
 */
export const OpenStage = Schema.Literals(["HOLDING", "OPENING_INTENT", "AWAITING_PAYMENT", "ALLOCATING"])
export type OpenStage = typeof OpenStage.Type

/** The time limit of an open order. `limitAt` is the furthest that renewals can push `expiresAt` (rule 3.3). */
export const OrderHold = Schema.Struct({
  expiresAt: Schema.DateTimeUtc,
  limitAt: Schema.DateTimeUtc,
  /** The one extension for a payment that was still processing has been used (rule 3.5). */
  extendedForPayment: Schema.Boolean
})
export type OrderHold = typeof OrderHold.Type

/** Why an order was cancelled. */
export const CancelCause = Schema.Literals([
  "BUYER",
  "ADMIN",
  "ORGANISER",
  "PAYMENT_FAILED",
  "STOCK_LOST",
  "SOLD_OUT",
  "CREATE_FAILED",
  "CREATE_TIMEOUT"
])
export type CancelCause = typeof CancelCause.Type

/**
 * The causes with which creating an order is refused: the buyer never got an order to pay. Such an order gives its
 * idempotency key back and does not count against the buyer's orders of a day (rule 2.2).
 */
export const causesOfRefusal: ReadonlyArray<CancelCause> = ["SOLD_OUT", "CREATE_FAILED", "CREATE_TIMEOUT"]

const reservedAt = Schema.NullOr(Schema.DateTimeUtc)

export const PendingOrder = Schema.Struct({
  ...facts,
  status: Schema.Literal("PENDING"),
  stage: OpenStage,
  hold: OrderHold
})
export type PendingOrder = typeof PendingOrder.Type

export const ReservedOrder = Schema.Struct({
  ...facts,
  status: Schema.Literal("RESERVED"),
  stage: Schema.Literals(["AWAITING_PAYMENT", "ALLOCATING"]),
  hold: OrderHold,
  reservedAt: Schema.DateTimeUtc
})
export type ReservedOrder = typeof ReservedOrder.Type

export const ConfirmedOrder = Schema.Struct({
  ...facts,
  status: Schema.Literal("CONFIRMED"),
  reservedAt,
  confirmedAt: Schema.DateTimeUtc,
  /** The money came after the deadline and stock was taken again (rule 3.7). */
  late: Schema.Boolean,
  tickets: Schema.Array(AllocatedTicket)
})
export type ConfirmedOrder = typeof ConfirmedOrder.Type

export const CompletedOrder = Schema.Struct({
  ...facts,
  status: Schema.Literal("COMPLETED"),
  reservedAt,
  confirmedAt: Schema.DateTimeUtc,
  completedAt: Schema.DateTimeUtc,
  late: Schema.Boolean,
  tickets: Schema.Array(AllocatedTicket)
})
export type CompletedOrder = typeof CompletedOrder.Type

export const CancelledOrder = Schema.Struct({
  ...facts,
  status: Schema.Literal("CANCELLED"),
  reservedAt,
  confirmedAt: Schema.NullOr(Schema.DateTimeUtc),
  cancelledAt: Schema.DateTimeUtc,
  cause: CancelCause,
  reason: Schema.String
})
export type CancelledOrder = typeof CancelledOrder.Type

export const ExpiredOrder = Schema.Struct({
  ...facts,
  status: Schema.Literal("EXPIRED"),
  reservedAt,
  expiredAt: Schema.DateTimeUtc,
  reason: Schema.String,
  /** Late money is in and the ticket service has been asked for stock again (rule 3.7). */
  reacquiring: Schema.Boolean
})
export type ExpiredOrder = typeof ExpiredOrder.Type

export const RefundedOrder = Schema.Struct({
  ...facts,
  status: Schema.Literal("REFUNDED"),
  reservedAt,
  confirmedAt: Schema.NullOr(Schema.DateTimeUtc),
  cancelledAt: Schema.NullOr(Schema.DateTimeUtc),
  refundedAt: Schema.DateTimeUtc
})
export type RefundedOrder = typeof RefundedOrder.Type

export const Order = Schema.Union([
  PendingOrder,
  ReservedOrder,
  ConfirmedOrder,
  CompletedOrder,
  CancelledOrder,
  ExpiredOrder,
  RefundedOrder
])
export type Order = typeof Order.Type

/** An order that holds stock against a deadline. */
export type OpenOrder = PendingOrder | ReservedOrder

export const isOpen = (order: Order): order is OpenOrder => order.status === "PENDING" || order.status === "RESERVED"

/** The states that count against a user's orders for one event (rule 2.2). */
export const activeStatuses: ReadonlyArray<OrderStatus> = ["PENDING", "RESERVED", "CONFIRMED", "COMPLETED"]

export const isActive = (order: Order): boolean => activeStatuses.includes(order.status)

/** All money taken for the order, in minor units. */
export const capturedCents = (order: Order): number => order.captures.reduce((sum, capture) => sum + capture.amount, 0)

/** Money that refunds hold on to or have returned, in minor units. */
export const refundCommittedCents = (order: Order): number => committedCents(order.refunds)

/**
 * The payment axis: UNPAID, PAID, PARTIALLY_REFUNDED, REFUNDED or OVERPAID. A REFUNDED order has returned all that was
 * due, whatever the policy retained (rule 3.10).
 */
export const paymentStatusOf = (order: Order): PaymentStatus =>
  order.status === "REFUNDED"
    ? "REFUNDED"
    : paymentStatus({
        total: order.pricing.total,
        captured: capturedCents(order),
        refundedCompleted: completedCents(order.refunds)
      })
