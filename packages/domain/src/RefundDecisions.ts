/**
 * Cancelling, refunding and what becomes of refunds (rules 3.9, 3.10 and 4).
 */
import { type DateTime, Result } from "effect"
import type { Actor } from "./Actor.ts"
import { changed, type DecideResult, type Decider, refuse, unchanged } from "./Decision.ts"
import type { RefundId } from "./Ids.ts"
import { type CancelCause, isOpen, type Order } from "./Order.ts"
import type { CancelMode, OrderCommand } from "./OrderCommand.ts"
import { unsafeCents } from "./Money.ts"
import { CancellationWindowClosed, RefundNotFound, RefundStateConflict } from "./OrderErrors.ts"
import type { OrderEventType } from "./OrderEvent.ts"
import {
  type RefundDraft,
  refundFacts,
  refundWork,
  releaseAll,
  replaceRefund,
  toCancelled,
  toReacquiring,
  toRefunded,
  voidWork,
  withRefund
} from "./OrderSteps.ts"
import { refundCauseOfCancel } from "./PaymentRaces.ts"
import type { Refund } from "./Refund.ts"
import {
  ownCapturedCents,
  ownCommittedCents,
  ownCommittedRefunds,
  quoteOrderRefund,
  refundableRestCents,
  refundStillFits,
  refundTerms
} from "./RefundDue.ts"
import { RefundExceedsCaptured } from "./RefundQuote.ts"
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
  const committed = ownCommittedCents(order)
  return {
    id: command.refundId,
    amount,
    cause: voluntary ? "VOLUNTARY" : "ORGANISER",
    reason: command.reason ?? "the order was cancelled",
    state:
      voluntary && needsReview({ requested: amount, committed }, order.terms.refunds, order.currency)
        ? "PENDING"
        : "APPROVED",
    paymentIntentId: intentId,
    ...refundTerms(quote.success),
    idempotencyKey: null
  }
}

/**
 * Refunds that still wait for review when their order is cancelled. The organiser's cancellation bypasses review, so
 * they are approved (rule 4.5); a voluntary one takes their money into its own refund, so that one review decides.
 */
const settlePendingRefunds = <A extends Order>(
  order: A,
  mode: CancelMode,
  now: DateTime.Utc
): { readonly order: A; readonly work: ReadonlyArray<Work> } => {
  const settled = order.refunds.map((refund): Refund => {
    if (refund.state !== "PENDING" || refund.paymentIntentId !== order.intent?.id) return refund
    return mode === "organiser"
      ? { ...refund, state: "APPROVED" }
      : { ...refund, state: "REJECTED", failureReason: "replaced by the refund of the cancellation", settledAt: now }
  })
  const approved = settled.filter((refund, index) => refund.state === "APPROVED" && refund !== order.refunds[index])
  return { order: { ...order, refunds: settled }, work: approved.map(refundWork) }
}

/** Ends the order, gives the tickets back and returns what is due (rules 4.1, 4.2, 4.7). */
export const decideCancel: Decider<"Cancel"> = (order, command, actor, now) => {
  if (order.status !== "PENDING" && order.status !== "RESERVED" && order.status !== "CONFIRMED") {
    return refuse(order, command)
  }
  const overrides = command.mode === "organiser" || (command.mode === "admin" && command.reason !== null)
  if (!overrides && !isWindowOpen(now, order.eventStartsAt, order.terms.refunds)) return windowClosed(order)
  const cause = causes[command.mode]
  const settled = settlePendingRefunds(order, command.mode, now)
  const cancelled = toCancelled(settled.order, cause, command.reason, now)
  // Without a capture the intent is closed first; if that finds money after all, it is returned by the same policy.
  const closing: ReadonlyArray<Work> =
    isOpen(order) && ownCapturedCents(order) === 0
      ? [...voidWork(order), releaseAll, ...settled.work]
      : [releaseAll, ...settled.work]
  const draft = refundOfCancel(settled.order, command)
  const data = { cause, reason: command.reason }
  if (draft === null) return changed(order, cancelled, { type: "ORDER_CANCELLED", actor, data }, closing, now)
  const { order: next, refund, work } = withRefund(cancelled, draft, actor, now)
  const fact = { type: "ORDER_CANCELLED", actor, data: { ...data, ...refundFacts(refund) } } as const
  return changed(order, next, fact, [...closing, ...work], now)
}

/** How a cancelled order stands with its money (rule 4.9). */
export type CancelRefundStatus = "NOT_APPLICABLE" | "INITIATED" | "PENDING_REVIEW" | "COMPLETED"

export const cancelRefundStatus = (order: Order): CancelRefundStatus => {
  const refunds = order.refunds.filter(
    (refund) => refund.paymentIntentId === order.intent?.id && refund.state !== "REJECTED"
  )
  if (refunds.length === 0) return "NOT_APPLICABLE"
  // A failed refund waits for a person just as one that needs review.
  if (refunds.some((refund) => refund.state === "PENDING" || refund.state === "FAILED")) return "PENDING_REVIEW"
  return refunds.every((refund) => refund.state === "COMPLETED") ? "COMPLETED" : "INITIATED"
}

/**
 * A refund without cancelling: by the buyer within the window, by an admin at any time, also of what a cancelled order
 * still owes (rules 3.9, 3.10, 4.4, 4.5).
 */
export const decideRefundRequest: Decider<"RequestRefund"> = (order, command, actor, now) => {
  const intentId = order.intent?.id
  if (order.status !== "CONFIRMED" && !command.byAdmin) return refuse(order, command)
  if (intentId === undefined || ownCapturedCents(order) === 0) {
    return refuse(order, command, "nothing was paid for this order")
  }
  if (!command.byAdmin && !isWindowOpen(now, order.eventStartsAt, order.terms.refunds)) return windowClosed(order)
  const quote = quoteOrderRefund(order, command.request, isVoluntary(order))
  if (Result.isFailure(quote)) return Result.fail(quote.failure)
  const { amount } = quote.success
  if (amount === 0) return refuse(order, command, "nothing is left to refund")
  const review = needsReview(
    { requested: amount, committed: ownCommittedCents(order) },
    order.terms.refunds,
    order.currency
  )
  const {
    order: next,
    refund,
    work
  } = withRefund(
    order,
    {
      id: command.refundId,
      amount,
      cause: order.status === "CANCELLED" ? refundCauseOfCancel(order.cause) : "VOLUNTARY",
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
  if (refund.state !== from) return stateConflict(refund, command)
  switch (command._tag) {
    case "ApproveRefund":
      return approve(order, { ...refund, state: "APPROVED" }, actor, now)
    case "RejectRefund":
      return reject(order, refund, command, actor, now)
    case "RetryRefund":
      if (!refundStillFits(order, asOwed(order, refund))) {
        const refundable = unsafeCents(refundableRestCents(order, asOwed(order, refund).cause === "VOLUNTARY") ?? 0)
        return Result.fail(new RefundExceedsCaptured({ requested: refund.amount, refundable }))
      }
      return approve(
        order,
        { ...refund, state: "APPROVED", attempt: refund.attempt + 1, failureReason: null, settledAt: null },
        actor,
        now
      )
  }
}

// An order that was cancelled since owes by its cancellation: an organiser keeps nothing of a refund tried again either.
const asOwed = (order: Order, refund: Refund): Refund =>
  order.status === "CANCELLED" && refund.cause === "VOLUNTARY"
    ? { ...refund, cause: refundCauseOfCancel(order.cause) }
    : refund

const stateConflict = (refund: Refund, command: OrderCommand): DecideResult =>
  Result.fail(new RefundStateConflict({ refundId: refund.id, from: refund.state, command: command._tag }))

const approve = (order: Order, approved: Refund, actor: Actor, now: DateTime.Utc): DecideResult =>
  record(order, approved, "REFUND_APPROVED", actor, [refundWork(approved)], now)

// Only what the buyer asked for can be refused. Late money that does not go back buys its tickets after all (rule 3.7).
const reject = (
  order: Order,
  refund: Refund,
  command: Extract<OrderCommand, { readonly _tag: "RejectRefund" }>,
  actor: Actor,
  now: DateTime.Utc
): DecideResult => {
  const rejected: Refund = { ...refund, state: "REJECTED", failureReason: command.reason, settledAt: now }
  const fact = { type: "REFUND_REJECTED", actor, data: { ...refundFacts(rejected), reason: command.reason } } as const
  if (refund.cause === "VOLUNTARY") return changed(order, replaceRefund(order, rejected), fact, [], now)
  if (refund.cause === "LATE_PAYMENT" && order.status === "EXPIRED") {
    return changed(
      order,
      toReacquiring(replaceRefund(order, rejected)),
      fact,
      [{ _tag: "FINALIZE", requestedBy: actor }],
      now
    )
  }
  return stateConflict(refund, command)
}

/** The payment service's word on a refund: on its way, arrived, or definitely failed (rule 4.6). */
export const decideRefundSettled: Decider<"RefundSettled"> = (order, command, actor, now) => {
  const found = findRefund(order, command.refundId)
  if (Result.isFailure(found)) return Result.fail(found.failure)
  const refund = found.success
  // News of an attempt that has been given up says nothing about the one that is running.
  if (command.attempt !== refund.attempt || !canRefundBecome(refund.state, "COMPLETED")) return unchanged(order)
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
  const isOwn = refund.paymentIntentId === before.intent?.id
  const mayEnd = before.status === "CONFIRMED" || before.status === "COMPLETED" || before.status === "CANCELLED"
  if (isOwn && mayEnd && isSettled(returned)) {
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

/** The policy retains its part unless the order was ended by somebody else than the buyer (rule 4.2). */
const isVoluntary = (order: Order): boolean =>
  order.status !== "CANCELLED" || refundCauseOfCancel(order.cause) === "VOLUNTARY"

/** All money that is due has been returned: nothing is left to refund and no refund is under way or has failed. */
const isSettled = (order: Order): boolean =>
  refundableRestCents(order, isVoluntary(order)) === 0 &&
  ownCommittedRefunds(order).every((refund) => refund.state === "COMPLETED")

/** The lines that have come back as a whole with this change. */
const wholeLines = (before: Order, after: Order): ReadonlyArray<TicketLine> =>
  after.items.flatMap((item, index) =>
    item.returnedQuantity >= item.quantity && (before.items[index]?.returnedQuantity ?? 0) < item.quantity
      ? [{ ticketTypeId: item.ticketTypeId, ticketPricingId: item.ticketPricingId, quantity: item.quantity }]
      : []
  )
