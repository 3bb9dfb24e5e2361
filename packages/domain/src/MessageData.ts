/**
 * What the data of each of our messages hold: the order as it stood after the fact, and what the fact adds.
 *
 * They are here for consumers: asyncapi.json is written from them. What a fact may have and need not is optional.
 */
import { Schema } from "effect"
import { Currency } from "./Currency.ts"
import { EventId, OrderId, PaymentIntentId, RefundId, TicketId, TicketTypeId, UserId } from "./Ids.ts"
import { Cents } from "./Money.ts"
import { CancelCause, OrderItem, OrderStatus } from "./Order.ts"
import type { OrderEventType } from "./OrderEvent.ts"
import { OrderNumber } from "./OrderNumber.ts"
import { Pricing } from "./Pricing.ts"
import { RefundCause } from "./Refund.ts"
import { RefundState } from "./RefundPolicy.ts"

/** In every message. */
const order = {
  orderId: OrderId,
  orderNumber: OrderNumber,
  userId: UserId,
  eventId: EventId,
  status: OrderStatus,
  currency: Currency,
  pricing: Pricing,
  items: Schema.NonEmptyArray(OrderItem)
}

const refund = {
  refundId: RefundId,
  amount: Cents,
  refundCause: RefundCause,
  paymentIntentId: PaymentIntentId,
  refundState: RefundState,
  attempt: Schema.Int
}

/** Money that came, and how it goes back if it does. */
const money = {
  paymentIntentId: Schema.optionalKey(PaymentIntentId),
  captured: Schema.optionalKey(Cents),
  why: Schema.optionalKey(Schema.String),
  refundId: Schema.optionalKey(RefundId),
  amount: Schema.optionalKey(Cents),
  refundCause: Schema.optionalKey(RefundCause),
  refundState: Schema.optionalKey(RefundState),
  attempt: Schema.optionalKey(Schema.Int)
}

const nothing = {}

const facts = {
  ORDER_CREATED: { total: Cents },
  HOLD_GRANTED: nothing,
  PAYMENT_INTENT_OPENED: { paymentIntentId: PaymentIntentId },
  ORDER_RESERVED: { expiresAt: Schema.String },
  HOLD_EXTENDED: { expiresAt: Schema.String },
  PAYMENT_CAPTURED: money,
  ORDER_CONFIRMED: { late: Schema.Boolean, ticketIds: Schema.Array(TicketId) },
  ORDER_COMPLETED: nothing,
  ORDER_CANCELLED: {
    ...money,
    cause: Schema.optionalKey(CancelCause),
    reason: Schema.optionalKey(Schema.String),
    ticketTypeId: Schema.optionalKey(Schema.NullOr(TicketTypeId))
  },
  RESERVATION_EXPIRED: { reason: Schema.String },
  LATE_PAYMENT_CAPTURED: money,
  LATE_PAYMENT_REFUNDED: money,
  UNEXPECTED_PAYMENT: refund,
  ALLOCATION_UNDONE: nothing,
  REFUND_REQUESTED: { ...refund, reason: Schema.String },
  REFUND_APPROVED: refund,
  REFUND_REJECTED: { ...refund, reason: Schema.String },
  REFUND_PROCESSING: refund,
  REFUND_COMPLETED: refund,
  REFUND_FAILED: refund,
  ORDER_REFUNDED: refund
} as const satisfies { readonly [Type in OrderEventType]: Schema.Struct.Fields }

/** The data of the message about a fact. */
export const messageDataOf = (type: OrderEventType) => Schema.Struct({ ...order, ...facts[type] })
