/**
 * What happened to an order: one fact per version. The same fact is the audit row and the published message.
 */
import { Schema } from "effect"
import { Actor } from "./Actor.ts"
import { OrderId, TenantId } from "./Ids.ts"

/** The facts, and the message type under which each is published. */
export const orderEventTypes = {
  ORDER_CREATED: "order.created",
  HOLD_GRANTED: "order.hold_granted",
  PAYMENT_INTENT_OPENED: "order.payment_intent_opened",
  ORDER_RESERVED: "order.reserved",
  HOLD_EXTENDED: "order.hold_extended",
  PAYMENT_CAPTURED: "order.payment_captured",
  ORDER_CONFIRMED: "order.confirmed",
  ORDER_COMPLETED: "order.completed",
  ORDER_CANCELLED: "order.cancelled",
  RESERVATION_EXPIRED: "order.expired",
  LATE_PAYMENT_CAPTURED: "order.late_payment_captured",
  LATE_PAYMENT_REFUNDED: "order.late_payment_refunded",
  UNEXPECTED_PAYMENT: "order.unexpected_payment",
  ALLOCATION_UNDONE: "reservation.released",
  REFUND_REQUESTED: "order.refund_requested",
  REFUND_APPROVED: "order.refund_approved",
  REFUND_REJECTED: "order.refund_rejected",
  REFUND_PROCESSING: "order.refund_processing",
  REFUND_COMPLETED: "order.refund_completed",
  REFUND_FAILED: "order.refund_failed",
  ORDER_REFUNDED: "order.refunded"
} as const

export type OrderEventType = keyof typeof orderEventTypes

export const OrderEventType = Schema.Literals([
  "ORDER_CREATED",
  "HOLD_GRANTED",
  "PAYMENT_INTENT_OPENED",
  "ORDER_RESERVED",
  "HOLD_EXTENDED",
  "PAYMENT_CAPTURED",
  "ORDER_CONFIRMED",
  "ORDER_COMPLETED",
  "ORDER_CANCELLED",
  "RESERVATION_EXPIRED",
  "LATE_PAYMENT_CAPTURED",
  "LATE_PAYMENT_REFUNDED",
  "UNEXPECTED_PAYMENT",
  "ALLOCATION_UNDONE",
  "REFUND_REQUESTED",
  "REFUND_APPROVED",
  "REFUND_REJECTED",
  "REFUND_PROCESSING",
  "REFUND_COMPLETED",
  "REFUND_FAILED",
  "ORDER_REFUNDED"
])

/**
 * One audit fact. `data` holds reason, amounts and ids as plain JSON; it never holds a secret.
 */
export const OrderEvent = Schema.Struct({
  tenantId: TenantId,
  orderId: OrderId,
  version: Schema.Int,
  type: OrderEventType,
  actor: Actor,
  at: Schema.DateTimeUtc,
  data: Schema.Record(Schema.String, Schema.Json)
})
export type OrderEvent = typeof OrderEvent.Type
