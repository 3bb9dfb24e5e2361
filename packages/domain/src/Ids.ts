/**
 * The identifiers of the order world. Each is a branded string, so an event id can not be passed for an order id.
 */
import { Schema } from "effect"

/** One spelling for an id: a UUID in its canonical lower case, so that equal ids are equal strings. */
const Uuid = Schema.String.check(Schema.isUUID(), Schema.isPattern(/^[^A-Z]*$/, { expected: "a UUID in lower case" }))

export const TenantId = Uuid.pipe(Schema.brand("TenantId"))
export type TenantId = typeof TenantId.Type

export const UserId = Uuid.pipe(Schema.brand("UserId"))
export type UserId = typeof UserId.Type

export const OrderId = Uuid.pipe(Schema.brand("OrderId"))
export type OrderId = typeof OrderId.Type

export const OrderItemId = Uuid.pipe(Schema.brand("OrderItemId"))
export type OrderItemId = typeof OrderItemId.Type

export const EventId = Uuid.pipe(Schema.brand("EventId"))
export type EventId = typeof EventId.Type

export const TicketTypeId = Uuid.pipe(Schema.brand("TicketTypeId"))
export type TicketTypeId = typeof TicketTypeId.Type

export const TicketPricingId = Uuid.pipe(Schema.brand("TicketPricingId"))
export type TicketPricingId = typeof TicketPricingId.Type

export const RefundId = Uuid.pipe(Schema.brand("RefundId"))
export type RefundId = typeof RefundId.Type

export const BulkJobId = Uuid.pipe(Schema.brand("BulkJobId"))
export type BulkJobId = typeof BulkJobId.Type

/** Given by the ticket service: opaque to us. */
export const TicketId = Schema.NonEmptyString.check(Schema.isMaxLength(255)).pipe(Schema.brand("TicketId"))
export type TicketId = typeof TicketId.Type

/** Given by the payment service: opaque to us. */
export const PaymentIntentId = Schema.NonEmptyString.check(Schema.isMaxLength(255)).pipe(
  Schema.brand("PaymentIntentId")
)
export type PaymentIntentId = typeof PaymentIntentId.Type
