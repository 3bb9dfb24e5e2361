/**
 * Every way in which an operation on an order can be refused, as typed errors.
 *
 * None of them knows HTTP: the server maps tags to problems in one file. When two apply, the one that comes first in
 * {@link errorPrecedence} wins (rule 8).
 */
import { Schema } from "effect"
import { Currency } from "./Currency.ts"
import { EventId, OrderId, RefundId, TicketTypeId } from "./Ids.ts"
import type { RefundError } from "./RefundQuote.ts"

/** No such order in this tenant, or one that this caller may not know of: the two are never told apart (rule 7.1). */
export class OrderNotFound extends Schema.TaggedError<OrderNotFound>()("OrderNotFound", { orderId: Schema.String }) {
  override get message(): string {
    return `order ${this.orderId} does not exist`
  }
}

/** No such refund on this order. */
export class RefundNotFound extends Schema.TaggedError<RefundNotFound>()("RefundNotFound", { refundId: RefundId }) {
  override get message(): string {
    return `refund ${this.refundId} does not exist`
  }
}

/** The event service knows no such event in this tenant. */
export class EventNotFound extends Schema.TaggedError<EventNotFound>()("EventNotFound", { eventId: EventId }) {
  override get message(): string {
    return `event ${this.eventId} does not exist`
  }
}

/** The caller is known but its role or scope does not allow this. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", { needs: Schema.String }) {
  override get message(): string {
    return `this needs ${this.needs}`
  }
}

/** The command is not legal from the order's state (the table in OrderTransitions.ts). */
export class InvalidTransition extends Schema.TaggedError<InvalidTransition>()("InvalidTransition", {
  orderId: OrderId,
  from: Schema.String,
  command: Schema.String,
  why: Schema.NullOr(Schema.String)
}) {
  override get message(): string {
    return this.why ?? `${this.command} is not possible while the order is ${this.from}`
  }
}

/** The hold's deadline has passed: no renewal, no new payment (rules 3.3, 3.4). */
export class ReservationExpired extends Schema.TaggedError<ReservationExpired>()("ReservationExpired", {
  orderId: OrderId,
  expiredAt: Schema.DateTimeUtc
}) {
  override get message(): string {
    return "the reservation has expired"
  }
}

/** The order is already confirmed with another payment (rule 3.6). */
export class OrderAlreadyConfirmed extends Schema.TaggedError<OrderAlreadyConfirmed>()("OrderAlreadyConfirmed", {
  orderId: OrderId
}) {
  override get message(): string {
    return "the order is already confirmed with another payment"
  }
}

/** The payment does not fit the order: another intent, not captured, another amount or currency (rule 3.6). */
export class PaymentMismatch extends Schema.TaggedError<PaymentMismatch>()("PaymentMismatch", {
  orderId: OrderId,
  why: Schema.String
}) {
  override get message(): string {
    return this.why
  }
}

/** A buyer cancels or asks for a refund after the cutoff (rule 4.1). */
export class CancellationWindowClosed extends Schema.TaggedError<CancellationWindowClosed>()(
  "CancellationWindowClosed",
  { orderId: OrderId, deadline: Schema.DateTimeUtc }
) {
  override get message(): string {
    return "the time to cancel or to ask for a refund has passed"
  }
}

/** The event has been cancelled: no orders, no confirmations (rules 2.3, 5). */
export class EventCancelled extends Schema.TaggedError<EventCancelled>()("EventCancelled", { eventId: EventId }) {
  override get message(): string {
    return "the event has been cancelled"
  }
}

/** The event is not on sale, or has started (rule 2.3). */
export class EventNotOnSale extends Schema.TaggedError<EventNotOnSale>()("EventNotOnSale", {
  eventId: EventId,
  why: Schema.String
}) {
  override get message(): string {
    return this.why
  }
}

/** The ticket service has not enough of this type. */
export class TicketsSoldOut extends Schema.TaggedError<TicketsSoldOut>()("TicketsSoldOut", {
  ticketTypeId: Schema.NullOr(TicketTypeId)
}) {
  override get message(): string {
    return this.ticketTypeId === null
      ? "not enough tickets are left"
      : `not enough tickets of type ${this.ticketTypeId} are left`
  }
}

/** A ticket type that is not of this event, or a pricing that is not of this type (rule 2.1). */
export class PricingMismatch extends Schema.TaggedError<PricingMismatch>()("PricingMismatch", {
  path: Schema.String,
  why: Schema.String
}) {
  override get message(): string {
    return `${this.path}: ${this.why}`
  }
}

/** The order's currency is not the event's (rule 1.6). */
export class CurrencyMismatch extends Schema.TaggedError<CurrencyMismatch>()("CurrencyMismatch", {
  expected: Schema.String,
  given: Currency
}) {
  override get message(): string {
    return `the event sells in ${this.expected}, not in ${this.given}`
  }
}

/** Somebody else changed the order in between and the caller asked for one exact version. */
export class VersionConflict extends Schema.TaggedError<VersionConflict>()("VersionConflict", {
  orderId: OrderId,
  expected: Schema.Int,
  actual: Schema.NullOr(Schema.Int)
}) {
  override get message(): string {
    return `the order is no longer at version ${this.expected}`
  }
}

/** A refund is not in a state that allows this (rule 4.6). */
export class RefundStateConflict extends Schema.TaggedError<RefundStateConflict>()("RefundStateConflict", {
  refundId: RefundId,
  from: Schema.String,
  command: Schema.String
}) {
  override get message(): string {
    return `${this.command} is not possible while the refund is ${this.from}`
  }
}

/**
 * Something that we need did not answer, or answered nonsense. The outcome of the call is unknown; the same request
 * with the same idempotency key may be sent again after `retryAfterSeconds`.
 */
export class ServiceUnavailable extends Schema.TaggedError<ServiceUnavailable>()("ServiceUnavailable", {
  service: Schema.Literals(["orders", "database", "tickets", "payments", "events"]),
  why: Schema.String,
  retryAfterSeconds: Schema.Int
}) {
  override get message(): string {
    return `the ${this.service} service is not available: ${this.why}`
  }
}

/** What an operation checks first wins when two refusals apply (rule 8). */
export const errorPrecedence = [
  "authentication",
  "rate limit",
  "body shape",
  "idempotency",
  "existence",
  "state",
  "policy",
  "downstream"
] as const

/** Every reason for which `decide` refuses a command. */
export type OrderError =
  | InvalidTransition
  | ReservationExpired
  | OrderAlreadyConfirmed
  | PaymentMismatch
  | CancellationWindowClosed
  | RefundNotFound
  | RefundStateConflict
  | RefundError
