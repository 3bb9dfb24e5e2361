/**
 * One refund of an order: how much goes back, why, and how far it has got.
 */
import { Schema } from "effect"
import { OrderItemId, PaymentIntentId, RefundId } from "./Ids.ts"
import { Cents } from "./Money.ts"
import { RefundState } from "./RefundPolicy.ts"

/**
 * Why money goes back. VOLUNTARY follows the policy with its retention; all other causes return everything
 * (rule 4.2). OVERPAYMENT is a second payment that nobody asked for (rule 3.6).
 */
export const RefundCause = Schema.Literals([
  "VOLUNTARY",
  "ORGANISER",
  "LATE_PAYMENT",
  "STOCK_LOST",
  "PAYMENT_FAILED",
  "OVERPAYMENT"
])
export type RefundCause = typeof RefundCause.Type

/** Tickets of one line that a refund gives back. */
export const RefundedItem = Schema.Struct({ itemId: OrderItemId, quantity: Schema.Int })
export type RefundedItem = typeof RefundedItem.Type

export const Refund = Schema.Struct({
  id: RefundId,
  amount: Cents,
  cause: RefundCause,
  reason: Schema.String,
  state: RefundState,
  /** The captured intent that the money goes back to. */
  paymentIntentId: PaymentIntentId,
  /** The tickets that come back with it; empty when only money moves. */
  items: Schema.Array(RefundedItem),
  /** What the policy kept of the tickets that come back (rule 4.2), and whether its fixed part is in it. */
  retained: Cents,
  fixedRetention: Schema.Boolean,
  /** Part of the provider's idempotency key: rises only after a definite failure (rule 4.6). */
  attempt: Schema.Int,
  failureReason: Schema.NullOr(Schema.String),
  requestedBy: Schema.String,
  requestedAt: Schema.DateTimeUtc,
  estimatedArrivalAt: Schema.DateTimeUtc,
  settledAt: Schema.NullOr(Schema.DateTimeUtc),
  /** The caller's idempotency key, unique for ever per tenant and user (rule 6). */
  idempotencyKey: Schema.NullOr(Schema.String)
})
export type Refund = typeof Refund.Type

/** The states in which a refund holds on to its part of the captured money (rule 4.4). */
export const isCommitted = (refund: Refund): boolean => refund.state !== "REJECTED" && refund.state !== "FAILED"

/** The money that refunds hold on to: what may never pass the captured amount. */
export const committedCents = (refunds: ReadonlyArray<Refund>): number =>
  refunds.reduce((sum, refund) => (isCommitted(refund) ? sum + refund.amount : sum), 0)

/** The money that has arrived back at the buyer. */
export const completedCents = (refunds: ReadonlyArray<Refund>): number =>
  refunds.reduce((sum, refund) => (refund.state === "COMPLETED" ? sum + refund.amount : sum), 0)

/** A refund says who asked for it as "kind:id"; its key is the id's, whatever part that one plays today (rule 6). */
export const requesterOf = ({ requestedBy }: Pick<Refund, "requestedBy">): string =>
  requestedBy.slice(requestedBy.indexOf(":") + 1)
