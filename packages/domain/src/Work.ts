/**
 * External effects as data: what a decision asks of the ticket and payment services.
 *
 * A decision never calls anything. The work it asks for is written in the same transaction as the order, so a crash
 * between any two lines leaves a row that says what to do next.
 */
import { Schema } from "effect"
import { Actor } from "./Actor.ts"
import { Currency } from "./Currency.ts"
import { EventId, OrderId, PaymentIntentId, RefundId, TenantId, TicketPricingId, TicketTypeId, UserId } from "./Ids.ts"
import { Cents } from "./Money.ts"

/** Tickets of one type and pricing, as the ticket service counts them. */
export const TicketLine = Schema.Struct({
  ticketTypeId: TicketTypeId,
  ticketPricingId: TicketPricingId,
  quantity: Schema.Int
})
export type TicketLine = typeof TicketLine.Type

/**
 * - HOLD: hold all lines until the given instant, or lengthen that hold
 * - INTENT: open the payment intent
 * - FINALIZE: allocate the tickets for good; takes stock again if the hold is gone
 * - RELEASE: give tickets back (`null`: all of them) and refuse a hold that arrives later
 * - VOID: cancel the payment intent, asking for it first if its id never reached us
 * - REFUND: return money
 * - EXPIRE: ask the payment service for the last word, then confirm or expire
 *
 * `requestedBy` is the one on whose account a step is done: its success is that one's doing in the audit history.
 */
export const Work = Schema.TaggedUnion({
  HOLD: { eventId: EventId, lines: Schema.Array(TicketLine), holdUntil: Schema.DateTimeUtc, requestedBy: Actor },
  INTENT: { userId: UserId, amount: Cents, currency: Currency, requestedBy: Actor },
  FINALIZE: { requestedBy: Actor },
  RELEASE: { lines: Schema.NullOr(Schema.Array(TicketLine)) },
  VOID: {
    paymentIntentId: Schema.NullOr(PaymentIntentId),
    userId: UserId,
    amount: Cents,
    currency: Currency
  },
  REFUND: {
    refundId: RefundId,
    paymentIntentId: PaymentIntentId,
    amount: Cents,
    reason: Schema.String,
    attempt: Schema.Int
  },
  EXPIRE: { reason: Schema.String, requestedBy: Actor }
})
export type Work = typeof Work.Type
export type WorkKind = Work["_tag"]

/**
 * A work row. Its id is also the idempotency key of the call: order, step and a number that rises only when the step
 * is asked for anew, so an unknown outcome is always repeated with the same key.
 */
export const WorkItem = Schema.Struct({
  id: Schema.String,
  tenantId: TenantId,
  orderId: OrderId,
  work: Work,
  createdAt: Schema.DateTimeUtc
})
export type WorkItem = typeof WorkItem.Type

/** How long a claim lasts: after that another process may take the item. */
export const WORK_LEASE_SECONDS = 10

/** How long one step may take in all. Shorter than the lease, so that an answer is written by the one who asked. */
export const STEP_SECONDS_MAX = 8

/** The right to run one work item: the result commits only while the token is still the row's (the fence). */
export const WorkLease = Schema.Struct({ id: Schema.String, token: Schema.Int })
export type WorkLease = typeof WorkLease.Type

/** A work item with the lease under which this process may run it. `attempts` counts claims, this one included. */
export const ClaimedWork = Schema.Struct({ item: WorkItem, lease: WorkLease, attempts: Schema.Int })
export type ClaimedWork = typeof ClaimedWork.Type

/** The id of the order's only intent request: VOID repeats it to learn an id that got lost. */
export const intentWorkId = (orderId: OrderId): string => `${orderId}:INTENT:1`

/** The id of a work item: for refunds refund and attempt, for the intent a constant, else the asking version. */
export const workId = (orderId: OrderId, version: number, work: Work): string => {
  switch (work._tag) {
    case "REFUND":
      return `${work.refundId}:REFUND:${work.attempt}`
    case "INTENT":
      return intentWorkId(orderId)
    default:
      return `${orderId}:${work._tag}:${version}`
  }
}
