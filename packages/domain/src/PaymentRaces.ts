/**
 * Payment races have one answer each: what money that has been taken means for an order, whatever the order has become
 * in the meantime (rules 3.4 to 3.8 and 4.7).
 */
import { Data, type DateTime } from "effect"
import { isExpired } from "./Hold.ts"
import type { CancelCause, LatePaymentPolicy, Order } from "./Order.ts"
import { isOpen } from "./Order.ts"
import type { RefundCause } from "./Refund.ts"

/**
 * - Allocate: the money is in time; allocate the tickets
 * - Reacquire: the money is late; take stock again and confirm if that works (rule 3.7)
 * - GiveBack: keep no ticket, return the money; `cause` says with or without retention
 * - Review: the money is late and an operator decides
 * - Recorded: this intent's capture is already on the order
 * - Impossible: the order has no use for this intent; nothing is recorded
 */
export type CaptureVerdict = Data.TaggedEnum<{
  Allocate: object
  Reacquire: object
  GiveBack: { readonly cause: RefundCause }
  Review: object
  Recorded: object
  Impossible: object
}>
export const CaptureVerdict = Data.taggedEnum<CaptureVerdict>()

/** What late money leads to under each policy; a cancelled event always returns it in full (rule 3.7). */
export const lateVerdict = (policy: LatePaymentPolicy, eventCancelled: boolean): CaptureVerdict => {
  if (eventCancelled) return CaptureVerdict.GiveBack({ cause: "LATE_PAYMENT" })
  switch (policy) {
    case "reacquire":
      return CaptureVerdict.Reacquire()
    case "refund":
      return CaptureVerdict.GiveBack({ cause: "LATE_PAYMENT" })
    case "review":
      return CaptureVerdict.Review()
  }
}

/**
 * How money is returned that arrives on a cancelled order: a buyer who cancelled keeps to the policy (rule 4.7); in
 * every other case nothing is retained (rule 4.2).
 */
export const refundCauseOfCancel = (cause: CancelCause): RefundCause => {
  switch (cause) {
    case "BUYER":
    case "ADMIN":
      return "VOLUNTARY"
    case "ORGANISER":
      return "ORGANISER"
    case "STOCK_LOST":
      return "STOCK_LOST"
    case "PAYMENT_FAILED":
    case "SOLD_OUT":
    case "CREATE_FAILED":
    case "CREATE_TIMEOUT":
      return "PAYMENT_FAILED"
  }
}

/** What is known of a capture besides the money. */
export interface CaptureCircumstances {
  readonly now: DateTime.Utc
  readonly eventCancelled: boolean
  /** Expiry has found it: the stock is still held, so the payment confirms (rule 3.5). */
  readonly foundByExpiry: boolean
}

/** The one answer to "this order's own intent has been captured". */
export const captureVerdict = (
  order: Order,
  { eventCancelled, foundByExpiry, now }: CaptureCircumstances
): CaptureVerdict => {
  const intentId = order.intent?.id
  if (order.captures.some((capture) => capture.paymentIntentId === intentId)) return CaptureVerdict.Recorded()
  if (isOpen(order)) {
    if (eventCancelled) return CaptureVerdict.GiveBack({ cause: "ORGANISER" })
    return !foundByExpiry && isExpired(order.hold.expiresAt, now, order.terms.hold)
      ? lateVerdict(order.terms.latePayment, eventCancelled)
      : CaptureVerdict.Allocate()
  }
  switch (order.status) {
    case "EXPIRED":
      return lateVerdict(order.terms.latePayment, eventCancelled)
    case "CANCELLED":
      return CaptureVerdict.GiveBack({ cause: refundCauseOfCancel(order.cause) })
    case "REFUNDED":
      return CaptureVerdict.GiveBack({ cause: "PAYMENT_FAILED" })
    case "CONFIRMED":
    case "COMPLETED":
      return CaptureVerdict.Impossible()
  }
}

/** What a failed payment means (rule 3.8): the hold stays, or the order is cancelled. A paid order ignores it. */
export const declineCancels = (order: Order, retryable: boolean): boolean =>
  isOpen(order) && order.captures.length === 0 && (!retryable || order.terms.declines === "cancel")

/** What the payment service's last word means for an order whose time is up (rule 3.5). */
export type ExpiryVerdict = "confirm" | "extend" | "close-intent" | "expire"

/** `extendedForPayment`: the one extension for a payment still on its way has been used. */
export const expiryVerdict = (
  intentStatus: "requires_payment" | "processing" | "succeeded" | "canceled",
  extendedForPayment: boolean
): ExpiryVerdict => {
  if (intentStatus === "succeeded") return "confirm"
  if (intentStatus === "canceled") return "expire"
  return intentStatus === "processing" && !extendedForPayment ? "extend" : "close-intent"
}
