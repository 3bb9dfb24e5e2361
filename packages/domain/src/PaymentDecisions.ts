/**
 * What payment news does to an order (rules 3.4 to 3.8, 4.7). The amounts come from the payment service, never from the
 * caller, and every piece of money that has been taken ends up on the order, whatever state it is in.
 */
import { DateTime, Result } from "effect"
import type { Actor } from "./Actor.ts"
import { changed, type DecideResult, type Decider, type EventData, unchanged } from "./Decision.ts"
import { isExpired } from "./Hold.ts"
import type { RefundId } from "./Ids.ts"
import { zeroCents } from "./Money.ts"
import { type Capture, type ExpiredOrder, isOpen, type OpenOrder, type Order } from "./Order.ts"
import { OrderAlreadyConfirmed, PaymentMismatch } from "./OrderErrors.ts"
import type { OrderEventType } from "./OrderEvent.ts"
import { refundFacts, releaseAll, toCancelled, toExpired, toReacquiring, voidWork, withRefund } from "./OrderSteps.ts"
import { captureVerdict, declineCancels } from "./PaymentRaces.ts"
import type { RefundCause } from "./Refund.ts"
import { ownCapture, ownCommittedCents, quoteOrderRefund, refundTerms } from "./RefundDue.ts"
import { needsReview } from "./RefundPolicy.ts"
import type { Work } from "./Work.ts"

const mismatch = (order: Order, why: string): DecideResult =>
  Result.fail(new PaymentMismatch({ orderId: order.id, why }))

/**
 * Why this money can not be the order's payment, or `null` if it can: the intent, the currency and the amount must be
 * the order's own (rule 3.6).
 */
export const captureFault = (
  order: Order,
  captured: { readonly paymentIntentId: string; readonly amount: number; readonly currency: string }
): string | null => {
  if (order.intent?.id !== captured.paymentIntentId) return "the payment is not the one that belongs to this order"
  if (captured.currency !== order.currency) return `paid in ${captured.currency}, not in ${order.currency}`
  return captured.amount === order.pricing.total ? null : `paid ${captured.amount}, not ${order.pricing.total}`
}

/** The order's own intent has been captured. */
export const decideCapture: Decider<"CaptureSeen"> = (order, command, actor, now) => {
  const { amount, eventCancelled, foundByExpiry, paymentIntentId, refundId } = command
  const isConfirmed = order.status === "CONFIRMED" || order.status === "COMPLETED"
  if (isConfirmed && order.intent?.id !== paymentIntentId) {
    return Result.fail(new OrderAlreadyConfirmed({ orderId: order.id }))
  }
  const fault = captureFault(order, command)
  if (fault !== null) return mismatch(order, fault)
  // Expiry finds money that came while the stock was held: it is not late, however late we ask (rule 3.5).
  const capturedAt = foundByExpiry && isOpen(order) ? DateTime.min(now, order.hold.expiresAt) : now
  const paid = withCapture(order, { paymentIntentId, amount, capturedAt })
  const verdict = captureVerdict(order, { now, eventCancelled, foundByExpiry })
  switch (verdict._tag) {
    case "Recorded":
      return unchanged(order)
    case "Impossible":
      return mismatch(order, `a ${order.status} order takes no payment`)
    case "Allocate":
      return allocate(order, paid, "PAYMENT_CAPTURED", actor, now)
    case "Reacquire":
      return allocate(order, paid, "LATE_PAYMENT_CAPTURED", actor, now)
    case "GiveBack":
      return moneyBack(order, paid, { refundId, cause: verdict.cause, review: false, actor, why: null }, now)
    case "Review":
      return moneyBack(order, paid, { refundId, cause: "LATE_PAYMENT", review: true, actor, why: null }, now)
  }
}

const withCapture = <A extends Order>(order: A, capture: Capture): A => ({
  ...order,
  captures: [...order.captures, capture]
})

/** What an audit row says of the order's own payment. */
const paymentFacts = (order: Order): EventData => {
  const capture = ownCapture(order)
  return capture === undefined ? {} : { paymentIntentId: capture.paymentIntentId, captured: capture.amount }
}

// PAID, but CONFIRMED only together with the tickets: FINALIZE brings them.
const allocate = (before: Order, paid: Order, type: OrderEventType, actor: Actor, now: DateTime.Utc): DecideResult => {
  const fact = { type, actor, data: paymentFacts(paid) }
  if (isOpen(paid))
    return changed(before, { ...paid, stage: "ALLOCATING" }, fact, [{ _tag: "FINALIZE", requestedBy: actor }], now)
  return paid.status === "EXPIRED"
    ? changed(before, toReacquiring(paid), fact, [{ _tag: "FINALIZE", requestedBy: actor }], now)
    : mismatch(before, `a ${before.status} order takes no payment`)
}

interface MoneyBack {
  readonly refundId: RefundId
  readonly cause: RefundCause
  readonly review: boolean
  readonly actor: Actor
  readonly why: string | null
}

/** Per cause of a refund: what the buyer's statement says, and how an order that is still open ends. */
const endings: {
  readonly [Cause in RefundCause]: {
    readonly reason: string
    readonly end: (order: OpenOrder, reason: string, now: DateTime.Utc) => Order
  }
} = {
  VOLUNTARY: {
    reason: "the order was cancelled",
    end: (order, reason, now) => toCancelled(order, "BUYER", reason, now)
  },
  ORGANISER: {
    reason: "the event was cancelled",
    end: (order, reason, now) => toCancelled(order, "ORGANISER", reason, now)
  },
  LATE_PAYMENT: { reason: "the payment arrived after the reservation had expired", end: toExpired },
  STOCK_LOST: {
    reason: "the tickets could not be allocated",
    end: (order, reason, now) => toCancelled(order, "STOCK_LOST", reason, now)
  },
  PAYMENT_FAILED: {
    reason: "the order had ended before the payment arrived",
    end: (order, reason, now) => toCancelled(order, "PAYMENT_FAILED", reason, now)
  },
  OVERPAYMENT: {
    reason: "a second payment arrived for the same order",
    end: (order) => order
  }
}

const ended = (order: Order, cause: RefundCause, now: DateTime.Utc): Order => {
  if (order.status === "EXPIRED") return { ...order, reacquiring: false }
  return isOpen(order) ? endings[cause].end(order, endings[cause].reason, now) : order
}

const moneyBackEvent = (before: Order, cause: RefundCause): OrderEventType => {
  if (cause === "LATE_PAYMENT") return "LATE_PAYMENT_REFUNDED"
  return isOpen(before) ? "ORDER_CANCELLED" : "PAYMENT_CAPTURED"
}

/**
 * Keeps no ticket and returns the order's money, ending the order if it is still open. The policy's retention and its
 * review apply to voluntary refunds alone (rules 4.2, 4.5); where it retains everything, only the money is recorded.
 */
const moneyBack = (before: Order, paid: Order, how: MoneyBack, now: DateTime.Utc): DecideResult => {
  const { actor, cause, refundId, why } = how
  const quote = quoteOrderRefund(paid, { _tag: "Everything" }, cause === "VOLUNTARY")
  if (Result.isFailure(quote)) return Result.fail(quote.failure)
  const { amount } = quote.success
  const end = ended(paid, cause, now)
  const release: ReadonlyArray<Work> = end.status === "EXPIRED" || isOpen(before) ? [releaseAll] : []
  const facts = { ...paymentFacts(paid), status: end.status, ...(why === null ? {} : { why }) }
  const type = moneyBackEvent(before, cause)
  const intentId = paid.intent?.id
  if (amount === 0 || intentId === undefined) return changed(before, end, { type, actor, data: facts }, release, now)
  const committed = ownCommittedCents(paid)
  const review =
    how.review ||
    (cause === "VOLUNTARY" && needsReview({ requested: amount, committed }, before.terms.refunds, before.currency))
  const { order, refund, work } = withRefund(
    end,
    {
      id: refundId,
      amount,
      cause,
      reason: endings[cause].reason,
      state: review ? "PENDING" : "APPROVED",
      paymentIntentId: intentId,
      ...refundTerms(quote.success),
      idempotencyKey: null
    },
    actor,
    now
  )
  return changed(before, order, { type, actor, data: { ...facts, ...refundFacts(refund) } }, [...release, ...work], now)
}

/** The order's own payment came after deadline and grace (rule 3.7). */
export const wasPaidLate = (order: OpenOrder): boolean => {
  const capture = ownCapture(order)
  return capture !== undefined && isExpired(order.hold.expiresAt, capture.capturedAt, order.terms.hold)
}

/** Late money whose event has been cancelled while its stock was being taken again: all of it goes back (rule 3.7). */
export const giveLateMoneyBack = (
  order: ExpiredOrder,
  refundId: RefundId,
  actor: Actor,
  now: DateTime.Utc
): DecideResult =>
  moneyBack(
    order,
    order,
    { refundId, cause: "LATE_PAYMENT", review: false, actor, why: "the event was cancelled" },
    now
  )

/** Captured money found no tickets: late money leaves the order EXPIRED, money in time ends it (rule 3.7). */
export const decideAllocationRefused: Decider<"AllocationRefused"> = (order, { refundId, why }, actor, now) => {
  const how = { refundId, review: false, actor, why }
  if (order.status === "EXPIRED" && order.reacquiring) {
    return moneyBack(order, order, { ...how, cause: "LATE_PAYMENT" }, now)
  }
  if (!isOpen(order) || order.stage !== "ALLOCATING") return unchanged(order)
  if (ownCapture(order) !== undefined) {
    return moneyBack(order, order, { ...how, cause: wasPaidLate(order) ? "LATE_PAYMENT" : "STOCK_LOST" }, now)
  }
  const fact = { type: "ORDER_CANCELLED", actor, data: { cause: "STOCK_LOST", reason: why } } as const
  return changed(order, toCancelled(order, "STOCK_LOST", why, now), fact, [releaseAll], now)
}

/** Money of an intent that this order never asked for: recorded and returned whole (rule 3.6). */
export const decideUnexpectedPayment: Decider<"UnexpectedPayment"> = (order, command, actor, now) => {
  const { amount, currency, paymentIntentId, refundId } = command
  const isKnown = order.captures.some((capture) => capture.paymentIntentId === paymentIntentId)
  // A capture of nothing leaves nothing to return.
  if (isKnown || amount === 0) return unchanged(order)
  // The intent may have become the order's own since the sender looked: then it is no unexpected payment.
  if (order.intent?.id === paymentIntentId) return mismatch(order, "the payment is the one that belongs to this order")
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
      reason: endings.OVERPAYMENT.reason,
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
  // Only the order's own payment keeps a failure from ending it: a second one goes back in any case.
  const own: Order = {
    ...order,
    captures: order.captures.filter((known) => known.paymentIntentId === order.intent?.id)
  }
  if (!declineCancels(own, command.retryable)) return unchanged(order)
  return changed(
    order,
    toCancelled(order, "PAYMENT_FAILED", command.reason, now),
    { type: "ORDER_CANCELLED", actor, data: { cause: "PAYMENT_FAILED", reason: command.reason } },
    [...voidWork(order), releaseAll],
    now
  )
}
