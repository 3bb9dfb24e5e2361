/**
 * Until when a buyer gets money back, how much is kept, who must approve it and which states a refund has (rules 4.1,
 * 4.2, 4.5, 4.6, 4.8). How one refund is computed is in `RefundQuote.ts`.
 *
 * A policy is a versioned value, frozen on the order when it is created. Nothing here reads a clock.
 */
import { DateTime, Schema } from "effect"
import type { Currency } from "./Currency.ts"
import { BasisPoints, Cents } from "./Money.ts"

const Days = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 365 }))

/** The rules of cancelling and refunding of one order. */
export const RefundPolicy = Schema.Struct({
  /** Names this policy for ever: an order keeps it, and a changed number needs a new name. */
  version: Schema.NonEmptyString.check(Schema.isMaxLength(64)),
  /** How long before the start of the event a buyer may still cancel (rule 4.1). */
  cutoffHours: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 24 * 365 })),
  /** Kept of the refunded subtotal (rule 4.2). */
  retentionRate: BasisPoints,
  /** Kept once per order, in minor units (rule 4.2). */
  retentionFixed: Cents,
  /** Refunds of an order that together stay below this need no review. No row: always reviewed (rules 1.6, 4.5). */
  autoApproveBelow: Schema.Struct({
    USD: Schema.optionalKey(Cents),
    EUR: Schema.optionalKey(Cents),
    GBP: Schema.optionalKey(Cents),
    CAD: Schema.optionalKey(Cents),
    AUD: Schema.optionalKey(Cents)
  }),
  /** How long the money takes to arrive where the payment method is unknown or has no row (rule 4.8). */
  arrivalDays: Days,
  arrivalDaysByMethod: Schema.Record(Schema.String, Days)
})
export type RefundPolicy = typeof RefundPolicy.Type

const autoApproveBelow = Cents.make(50_000)

/** The policy in force when a tenant has none of its own: 24 h, 2.50 % + 30, review from 500.00, 7 days. */
export const refundPolicy: RefundPolicy = {
  version: "standard-1",
  cutoffHours: 24,
  retentionRate: BasisPoints.make(250),
  retentionFixed: Cents.make(30),
  autoApproveBelow: {
    USD: autoApproveBelow,
    EUR: autoApproveBelow,
    GBP: autoApproveBelow,
    CAD: autoApproveBelow,
    AUD: autoApproveBelow
  },
  arrivalDays: 7,
  arrivalDaysByMethod: {}
}

/** The last instant at which a buyer may cancel or ask for a refund (rule 4.1). */
export const cancellationDeadline = (eventStartsAt: DateTime.Utc, policy: RefundPolicy): DateTime.Utc =>
  DateTime.subtract(eventStartsAt, { hours: policy.cutoffHours })

/** Whether a buyer may still cancel or ask for a refund: the deadline itself is in time (rule 4.1). */
export const isWindowOpen = (now: DateTime.Utc, eventStartsAt: DateTime.Utc, policy: RefundPolicy): boolean =>
  DateTime.isLessThanOrEqualTo(now, cancellationDeadline(eventStartsAt, policy))

/** When a refund asked for at `requestedAt` should have arrived (rule 4.8). */
export const estimatedArrival = (requestedAt: DateTime.Utc, policy: RefundPolicy, method?: string): DateTime.Utc => {
  const days =
    method !== undefined && Object.hasOwn(policy.arrivalDaysByMethod, method)
      ? policy.arrivalDaysByMethod[method]
      : undefined
  return DateTime.add(requestedAt, { days: days ?? policy.arrivalDays })
}

/**
 * Whether a person must approve a refund: as soon as it and the order's other refunds, pending or done, together
 * reach the threshold of the currency, so that two of 400 do not slip under 500 (rule 4.5).
 */
export const needsReview = (
  { requested, committed }: { readonly requested: number; readonly committed: number },
  policy: RefundPolicy,
  currency: Currency
): boolean => requested + committed >= (policy.autoApproveBelow[currency] ?? 0)

/** How far a refund has got (rule 4.6). PENDING waits for review. */
export const RefundState = Schema.Literals(["PENDING", "APPROVED", "REJECTED", "PROCESSING", "COMPLETED", "FAILED"])
export type RefundState = typeof RefundState.Type

/**
 * The states that each state may turn into. The payment service may answer at once or say that it is still working on
 * it (PROCESSING). FAILED is tried again, as a new attempt; nothing leaves the other ends.
 */
export const refundTransitions: { readonly [From in RefundState]: ReadonlyArray<RefundState> } = {
  PENDING: ["APPROVED", "REJECTED"],
  APPROVED: ["PROCESSING", "COMPLETED", "FAILED"],
  REJECTED: [],
  PROCESSING: ["COMPLETED", "FAILED"],
  COMPLETED: [],
  FAILED: ["APPROVED"]
}

/** The states that a new refund may have: reviewed first, or approved by policy. */
export const refundStatesInitial: ReadonlyArray<RefundState> = ["PENDING", "APPROVED"]

/** Whether a refund in `from` may turn into `to`. */
export const canRefundBecome = (from: RefundState, to: RefundState): boolean => refundTransitions[from].includes(to)

/** How an order stands with the money (rule 3.10). */
export const PaymentStatus = Schema.Literals(["UNPAID", "PAID", "PARTIALLY_REFUNDED", "REFUNDED", "OVERPAID"])
export type PaymentStatus = typeof PaymentStatus.Type

/** What the payment axis is read from, in minor units. */
export interface PaymentSums {
  readonly total: number
  /** Everything the payment service has taken for the order. */
  readonly captured: number
  /** Refunds that have arrived (COMPLETED). */
  readonly refundedCompleted: number
}

/**
 * The payment axis from its sums: UNPAID until the whole total has been captured, OVERPAID while more than the total
 * is with us, PAID with exactly the total (a free order at once), and then as refunds take from it.
 */
export const paymentStatus = ({ total, captured, refundedCompleted }: PaymentSums): PaymentStatus => {
  const kept = captured - refundedCompleted
  if (refundedCompleted > 0 && kept <= 0) return "REFUNDED"
  if (kept > total) return "OVERPAID"
  if (kept === total) return "PAID"
  return refundedCompleted > 0 ? "PARTIALLY_REFUNDED" : "UNPAID"
}
