/**
 * Cancelling, refunding and what becomes of refunds (rules 3.9, 3.10 and 4).
 */
import { type DateTime, Result } from "effect"
import type { Actor } from "./Actor.ts"
import { changed, type DecideResult, type Decider, refuse, unchanged } from "./Decision.ts"
import type { RefundId } from "./Ids.ts"
import { type CancelCause, isOpen, type Order } from "./Order.ts"
import type { CancelMode, OrderCommand } from "./OrderCommand.ts"
import { CancellationWindowClosed, RefundNotFound, RefundStateConflict } from "./OrderErrors.ts"
import type { OrderEventType } from "./OrderEvent.ts"
import {
  type RefundDraft,
  refundFacts,
  refundWork,
  releaseAll,
  replaceRefund,
  toCancelled,
  toRefunded,
  voidWork,
  withRefund
} from "./OrderSteps.ts"
import type { Refund } from "./Refund.ts"
import {
  ownCapturedCents,
  ownCommittedRefunds,
  quoteOrderRefund,
  refundableRestCents,
  refundTerms
} from "./RefundDue.ts"
import { canRefundBecome, cancellationDeadline, isWindowOpen, needsReview } from "./RefundPolicy.ts"
import type { TicketLine, Work } from "./Work.ts"

const windowClosed = (order: Order): DecideResult =>
  Result.fail(
    new CancellationWindowClosed({
      orderId: order.id,
      deadline: cancellationDeadline(order.eventStartsAt, order.terms.refunds)
    })
  )

const causes: { readonly [Mode in CancelMode]: CancelCause } = {
  buyer: "BUYER",
  admin: "ADMIN",
  organiser: "ORGANISER"
}

const committedSum = (order: Order): number => ownCommittedRefunds(order).reduce((sum, { amount }) => sum + amount, 0)

/** The refund that a cancelled order owes: the policy's amount, or everything when the organiser cancels. */
const refundOfCancel = (
  order: Order,
  command: Extract<OrderCommand, { readonly _tag: "Cancel" }>
): RefundDraft | null => {
  const intentId = order.intent?.id
  const voluntary = command.mode !== "organiser"
  const quote = quoteOrderRefund(order, { _tag: "Everything" }, voluntary)
  if (intentId === undefined || Result.isFailure(quote) || quote.success.amount === 0) return null
  const { amount } = quote.success
  const review =
    voluntary && needsReview({ requested: amount, committed: committedSum(order) }, order.terms.refunds, order.currency)
  return {
    id: command.refundId,
    amount,
    cause: voluntary ? "VOLUNTARY" : "ORGANISER",
    reason: command.reason ?? "the order was cancelled",
    state: review ? "PENDING" : "APPROVED",
    paymentIntentId: intentId,
    ...refundTerms(quote.success),
    idempotencyKey: null
  }
}

/** Ends the order, gives the tickets back and returns what is due (rules 4.1, 4.2, 4.7). */
export const decideCancel: Decider<"Cancel"> = (order, command, actor, now) => {
  if (order.status !== "PENDING" && order.status !== "RESERVED" && order.status !== "CONFIRMED") {
    return refuse(order, command)
  }
  if (command.mode === "buyer" && !isWindowOpen(now, order.eventStartsAt, order.terms.refunds)) {
    return windowClosed(order)
  }
  const cause = causes[command.mode]
  const cancelled = toCancelled(order, cause, command.reason, now)
  // Without a capture the intent is closed first; if that finds money after all, it is returned by the same policy.
  const closing: ReadonlyArray<Work> =
    isOpen(order) && ownCapturedCents(order) === 0 ? [...voidWork(order), releaseAll] : [releaseAll]
  const draft = refundOfCancel(order, command)
  const data = { cause, reason: command.reason }
  if (draft === null) return changed(order, cancelled, { type: "ORDER_CANCELLED", actor, data }, closing, now)
  const { order: next, refund, work } = withRefund(cancelled, draft, actor, now)
  const fact = { type: "ORDER_CANCELLED", actor, data: { ...data, ...refundFacts(refund) } } as const
  return changed(order, next, fact, [...closing, ...work], now)
}

/** How a cancelled order stands with its money (rule 4.9). */
export type CancelRefundStatus = "NOT_APPLICABLE" | "INITIATED" | "PENDING_REVIEW" | "COMPLETED"

export const cancelRefundStatus = (order: Order): CancelRefundStatus => {
  const refunds = ownCommittedRefunds(order)
  if (ownCapturedCents(order) === 0 || refunds.length === 0) return "NOT_APPLICABLE"
  if (refunds.some((refund) => refund.state === "PENDING")) return "PENDING_REVIEW"
  return refunds.every((refund) => refund.state === "COMPLETED") ? "COMPLETED" : "INITIATED"
}

/** A refund without cancelling: by the buyer within the window, by an admin at any time (rules 3.9, 3.10, 4.4, 4.5). */
export const decideRefundRequest: Decider<"RequestRefund"> = (order, command, actor, now) => {
  if (order.status === "COMPLETED" && !command.byAdmin) return refuse(order, command, "the event is over")
  if (!command.byAdmin && !isWindowOpen(now, order.eventStartsAt, order.terms.refunds)) return windowClosed(order)
  const intentId = order.intent?.id
  if (intentId === undefined) return refuse(order, command, "nothing was paid for this order")
  const quote = quoteOrderRefund(order, command.request, true)
  if (Result.isFailure(quote)) return Result.fail(quote.failure)
  const { amount } = quote.success
  if (amount === 0) return refuse(order, command, "nothing is left to refund")
  const review = needsReview({ requested: amount, committed: committedSum(order) }, order.terms.refunds, order.currency)
  const {
    order: next,
    refund,
    work
  } = withRefund(
    order,
    {
      id: command.refundId,
      amount,
      cause: "VOLUNTARY",
      reason: command.reason,
      state: review ? "PENDING" : "APPROVED",
      paymentIntentId: intentId,
      ...refundTerms(quote.success),
      idempotencyKey: command.idempotencyKey
    },
    actor,
    now
  )
  const fact = { type: "REFUND_REQUESTED", actor, data: { ...refundFacts(refund), reason: command.reason } } as const
  return changed(order, next, fact, work, now)
}

const findRefund = (order: Order, refundId: RefundId): Result.Result<Refund, RefundNotFound> => {
  const refund = order.refunds.find(({ id }) => id === refundId)
  return refund === undefined ? Result.fail(new RefundNotFound({ refundId })) : Result.succeed(refund)
}

/** A person approves or rejects a refund that waits for review, or tries one again that has failed (rules 4.5, 4.6). */
export const decideRefundReview: Decider<"ApproveRefund" | "RejectRefund" | "RetryRefund"> = (
  order,
  command,
  actor,
  now
) => {
  const found = findRefund(order, command.refundId)
  if (Result.isFailure(found)) return Result.fail(found.failure)
  const refund = found.success
  const from = command._tag === "RetryRefund" ? "FAILED" : "PENDING"
  if (refund.state !== from) {
    return Result.fail(new RefundStateConflict({ refundId: refund.id, from: refund.state, command: command._tag }))
  }
  if (command._tag === "RejectRefund") {
    const rejected: Refund = { ...refund, state: "REJECTED", failureReason: command.reason, settledAt: now }
    const fact = { type: "REFUND_REJECTED", actor, data: { ...refundFacts(rejected), reason: command.reason } } as const
    return changed(order, replaceRefund(order, rejected), fact, [], now)
  }
  const approved: Refund =
    command._tag === "RetryRefund"
      ? { ...refund, state: "APPROVED", attempt: refund.attempt + 1, failureReason: null, settledAt: null }
      : { ...refund, state: "APPROVED" }
  const fact = { type: "REFUND_APPROVED", actor, data: refundFacts(approved) } as const
  return changed(order, replaceRefund(order, approved), fact, [refundWork(approved)], now)
}

/** The payment service's word on a refund: on its way, arrived, or definitely failed (rule 4.6). */
export const decideRefundSettled: Decider<"RefundSettled"> = (order, command, actor, now) => {
  const found = findRefund(order, command.refundId)
  if (Result.isFailure(found)) return Result.fail(found.failure)
  const refund = found.success
  if (!canRefundBecome(refund.state, "COMPLETED")) return unchanged(order)
  switch (command.outcome._tag) {
    case "Pending": {
      if (refund.state === "PROCESSING") return unchanged(order)
      const processing: Refund = { ...refund, state: "PROCESSING" }
      return record(order, processing, "REFUND_PROCESSING", actor, [], now)
    }
    case "Failed": {
      const failed: Refund = { ...refund, state: "FAILED", failureReason: command.outcome.reason, settledAt: now }
      return record(order, failed, "REFUND_FAILED", actor, [], now)
    }
    case "Succeeded":
      return refundArrived(order, { ...refund, state: "COMPLETED", settledAt: now }, actor, now)
  }
}

const record = (
  order: Order,
  refund: Refund,
  type: OrderEventType,
  actor: Actor,
  work: ReadonlyArray<Work>,
  now: DateTime.Utc
): DecideResult => changed(order, replaceRefund(order, refund), { type, actor, data: refundFacts(refund) }, work, now)

// Tickets whose refund has arrived are counted on their line; a line that is back as a whole is released (rule 4.7).
const refundArrived = (before: Order, refund: Refund, actor: Actor, now: DateTime.Utc): DecideResult => {
  const returned = replaceRefund(countReturned(before, refund), refund)
  const mayEnd = before.status === "CONFIRMED" || before.status === "COMPLETED" || before.status === "CANCELLED"
  if (mayEnd && isSettled(returned)) {
    const fact = { type: "ORDER_REFUNDED", actor, data: refundFacts(refund) } as const
    // A cancelled order has given its tickets back already.
    return changed(before, toRefunded(returned, now), fact, before.status === "CANCELLED" ? [] : [releaseAll], now)
  }
  const lines = wholeLines(before, returned)
  const work: ReadonlyArray<Work> =
    before.status === "CONFIRMED" && lines.length > 0 ? [{ _tag: "RELEASE", lines }] : []
  return changed(before, returned, { type: "REFUND_COMPLETED", actor, data: refundFacts(refund) }, work, now)
}

const countReturned = <A extends Order>(order: A, refund: Refund): A => {
  const [first, ...rest] = order.items
  const count = (item: Order["items"][number]) => ({
    ...item,
    returnedQuantity:
      item.returnedQuantity +
      refund.items.reduce((sum, { itemId, quantity }) => (itemId === item.id ? sum + quantity : sum), 0)
  })
  return { ...order, items: [count(first), ...rest.map(count)] }
}

/** All money that is due has been returned: nothing is left to refund and no refund is under way or has failed. */
const isSettled = (order: Order): boolean => {
  const voluntary = order.status !== "CANCELLED" || order.cause === "BUYER" || order.cause === "ADMIN"
  return (
    refundableRestCents(order, voluntary) === 0 &&
    ownCommittedRefunds(order).every((refund) => refund.state === "COMPLETED")
  )
}

/** The lines that have come back as a whole with this change. */
const wholeLines = (before: Order, after: Order): ReadonlyArray<TicketLine> =>
  after.items.flatMap((item, index) =>
    item.returnedQuantity >= item.quantity && (before.items[index]?.returnedQuantity ?? 0) < item.quantity
      ? [{ ticketTypeId: item.ticketTypeId, ticketPricingId: item.ticketPricingId, quantity: item.quantity }]
      : []
  )
