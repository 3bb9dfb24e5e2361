/**
 * What payment news does to an order (rules 3.4 to 3.8, 4.7). The amounts come from the payment service, never from the
 * caller, and every piece of money that has been taken ends up on the order, whatever state it is in.
 */
import { type DateTime, Result } from "effect"
import type { Actor } from "./Actor.ts"
import { changed, type DecideResult, type Decider, unchanged } from "./Decision.ts"
import { isExpired } from "./Hold.ts"
import type { RefundId } from "./Ids.ts"
import { zeroCents } from "./Money.ts"
import { type Capture, isOpen, type Order } from "./Order.ts"
import { OrderAlreadyConfirmed, PaymentMismatch } from "./OrderErrors.ts"
import type { OrderEventType } from "./OrderEvent.ts"
import { refundFacts, releaseAll, toCancelled, toExpired, voidWork, withRefund } from "./OrderSteps.ts"
import { captureVerdict, declineCancels } from "./PaymentRaces.ts"
import type { RefundCause } from "./Refund.ts"
import { quoteOrderRefund, refundTerms } from "./RefundDue.ts"
import { needsReview } from "./RefundPolicy.ts"

const mismatch = (order: Order, why: string): DecideResult =>
  Result.fail(new PaymentMismatch({ orderId: order.id, why }))

/** The order's own intent has been captured. */
export const decideCapture: Decider<"CaptureSeen"> = (order, command, actor, now) => {
  const { amount, currency, eventCancelled, paymentIntentId, refundId } = command
  if (order.intent?.id !== paymentIntentId) {
    return order.status === "CONFIRMED" || order.status === "COMPLETED"
      ? Result.fail(new OrderAlreadyConfirmed({ orderId: order.id }))
      : mismatch(order, "the payment is not the one that belongs to this order")
  }
  if (currency !== order.currency) return mismatch(order, `paid in ${currency}, not in ${order.currency}`)
  if (amount !== order.pricing.total) return mismatch(order, `paid ${amount}, not ${order.pricing.total}`)
  const capture: Capture = { paymentIntentId, amount, capturedAt: now }
  const verdict = captureVerdict(order, now, eventCancelled)
  switch (verdict._tag) {
    case "Recorded":
      return unchanged(order)
    case "Impossible":
      return mismatch(order, `a ${order.status} order takes no payment`)
    case "Allocate":
      return allocate(order, capture, "PAYMENT_CAPTURED", actor, now)
    case "Reacquire":
      return allocate(order, capture, "LATE_PAYMENT_CAPTURED", actor, now)
    case "GiveBack":
      return returnMoney(order, capture, { refundId, cause: verdict.cause, review: false, actor }, now)
    case "Review":
      return returnMoney(order, capture, { refundId, cause: "LATE_PAYMENT", review: true, actor }, now)
  }
}

const withCapture = <A extends Order>(order: A, capture: Capture): A => ({
  ...order,
  captures: [...order.captures, capture]
})

// PAID, but CONFIRMED only together with the tickets: FINALIZE brings them.
const allocate = (
  order: Order,
  capture: Capture,
  type: OrderEventType,
  actor: Actor,
  now: DateTime.Utc
): DecideResult => {
  const fact = { type, actor, data: { paymentIntentId: capture.paymentIntentId, amount: capture.amount } }
  if (isOpen(order)) {
    return changed(order, { ...withCapture(order, capture), stage: "ALLOCATING" }, fact, [{ _tag: "FINALIZE" }], now)
  }
  if (order.status === "EXPIRED") {
    return changed(order, { ...withCapture(order, capture), reacquiring: true }, fact, [{ _tag: "FINALIZE" }], now)
  }
  return mismatch(order, `a ${order.status} order takes no payment`)
}

interface MoneyBack {
  readonly refundId: RefundId
  readonly cause: RefundCause
  readonly review: boolean
  readonly actor: Actor
}

/** Ends an order that is still open, for the reason for which its money goes back. */
const ended = (order: Order, cause: RefundCause, now: DateTime.Utc): Order => {
  if (order.status === "EXPIRED") return { ...order, reacquiring: false }
  if (!isOpen(order)) return order
  switch (cause) {
    case "LATE_PAYMENT":
      return toExpired(order, "paid after the deadline", now)
    case "ORGANISER":
      return toCancelled(order, "ORGANISER", "the event was cancelled", now)
    default:
      return toCancelled(order, "STOCK_LOST", "the tickets could not be allocated", now)
  }
}

const moneyBackEvent = (before: Order, cause: RefundCause): OrderEventType => {
  if (cause === "LATE_PAYMENT") return "LATE_PAYMENT_REFUNDED"
  return isOpen(before) ? "ORDER_CANCELLED" : "PAYMENT_CAPTURED"
}

/** Records a capture, keeps no ticket and returns the money, with the policy's retention only if it is voluntary. */
const returnMoney = (before: Order, capture: Capture, how: MoneyBack, now: DateTime.Utc): DecideResult =>
  endWithRefund(before, withCapture(before, capture), how, now)

const endWithRefund = (before: Order, paid: Order, how: MoneyBack, now: DateTime.Utc): DecideResult => {
  const { actor, cause, refundId } = how
  const intentId = paid.intent?.id
  const quote = quoteOrderRefund(paid, { _tag: "Everything" }, cause === "VOLUNTARY")
  if (intentId === undefined || Result.isFailure(quote)) return mismatch(before, "there is no money to return")
  const { amount } = quote.success
  const review =
    how.review ||
    (cause === "VOLUNTARY" && needsReview({ requested: amount, committed: 0 }, before.terms.refunds, before.currency))
  const { order, refund, work } = withRefund(
    ended(paid, cause, now),
    {
      id: refundId,
      amount,
      cause,
      reason: refundReasons[cause],
      state: review ? "PENDING" : "APPROVED",
      paymentIntentId: intentId,
      ...refundTerms(quote.success),
      idempotencyKey: null
    },
    actor,
    now
  )
  const release = order.status === "EXPIRED" || isOpen(before) ? [releaseAll] : []
  const fact = { type: moneyBackEvent(before, cause), actor, data: refundFacts(refund) }
  return changed(before, order, fact, [...release, ...work], now)
}

/** What the buyer's statement and the audit row say. */
const refundReasons: { readonly [Cause in RefundCause]: string } = {
  VOLUNTARY: "the order was cancelled",
  ORGANISER: "the event was cancelled",
  LATE_PAYMENT: "the payment arrived after the reservation had expired",
  STOCK_LOST: "the tickets could not be allocated",
  PAYMENT_FAILED: "the order had been cancelled before the payment arrived",
  OVERPAYMENT: "a second payment arrived for the same order"
}

/** Captured money found no tickets: late money leaves the order EXPIRED, money in time ends it (rule 3.7). */
export const decideAllocationRefused: Decider<"AllocationRefused"> = (order, { refundId, why }, actor, now) => {
  if (order.status === "EXPIRED" && order.reacquiring) {
    return endWithRefund(order, order, { refundId, cause: "LATE_PAYMENT", review: false, actor }, now)
  }
  if (!isOpen(order) || order.stage !== "ALLOCATING") return unchanged(order)
  const [capture] = order.captures
  if (capture === undefined) {
    const fact = { type: "ORDER_CANCELLED", actor, data: { cause: "STOCK_LOST", reason: why } } as const
    return changed(order, toCancelled(order, "STOCK_LOST", why, now), fact, [releaseAll], now)
  }
  const cause = isExpired(order.hold.expiresAt, capture.capturedAt, order.terms.hold) ? "LATE_PAYMENT" : "STOCK_LOST"
  return endWithRefund(order, order, { refundId, cause, review: false, actor }, now)
}

/** Money of an intent that this order never asked for: recorded and returned whole (rule 3.6). */
export const decideUnexpectedPayment: Decider<"UnexpectedPayment"> = (order, command, actor, now) => {
  const { amount, currency, paymentIntentId, refundId } = command
  if (order.captures.some((capture) => capture.paymentIntentId === paymentIntentId)) return unchanged(order)
  if (currency !== order.currency) return mismatch(order, `paid in ${currency}, not in ${order.currency}`)
  const {
    order: next,
    refund,
    work
  } = withRefund(
    withCapture(order, { paymentIntentId, amount, capturedAt: now }),
    {
      id: refundId,
      amount,
      cause: "OVERPAYMENT",
      reason: refundReasons.OVERPAYMENT,
      state: "APPROVED",
      paymentIntentId,
      items: [],
      retained: zeroCents,
      fixedRetention: false,
      idempotencyKey: null
    },
    actor,
    now
  )
  return changed(order, next, { type: "UNEXPECTED_PAYMENT", actor, data: refundFacts(refund) }, work, now)
}

/** A final failure ends the order; a retryable decline keeps the hold (rule 3.8). A paid order ignores both. */
export const decidePaymentFailed: Decider<"PaymentFailed"> = (order, command, actor, now) => {
  if (order.intent?.id !== command.paymentIntentId) {
    return mismatch(order, "the payment is not the one that belongs to this order")
  }
  if (!declineCancels(order, command.retryable)) return unchanged(order)
  return changed(
    order,
    toCancelled(order, "PAYMENT_FAILED", command.reason, now),
    { type: "ORDER_CANCELLED", actor, data: { cause: "PAYMENT_FAILED", reason: command.reason } },
    [...voidWork(order), releaseAll],
    now
  )
}
