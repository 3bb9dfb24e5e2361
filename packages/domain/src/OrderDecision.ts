/**
 * The whole state machine: `decide(order, command, now)`.
 *
 * A pure, total function on plain data, usable without Effect. It answers with the next state, the one fact to record
 * and the work to ask for; with `Unchanged` when the command has nothing (more) to do; or with the reason to refuse.
 * Payment news is decided in PaymentDecisions.ts and refunds in RefundDecisions.ts; this file holds the rest and the
 * dispatch, so that there is no second place that knows a transition.
 */
import { DateTime, Result } from "effect"
import { changed, type DecideResult, type Decider, refuse, unchanged } from "./Decision.ts"
import {
  downstreamHoldUntil,
  graceEndsAt,
  isExpired,
  isRenewable,
  processingDeadline,
  renewedDeadline
} from "./Hold.ts"
import { isOpen, type Order } from "./Order.ts"
import type { Signed } from "./OrderCommand.ts"
import { ReservationExpired } from "./OrderErrors.ts"
import { releaseAll, toCancelled, toConfirmed, toExpired, voidWork } from "./OrderSteps.ts"
import { legalFrom } from "./OrderTransitions.ts"
import {
  decideAllocationRefused,
  decideCapture,
  decidePaymentFailed,
  decideUnexpectedPayment,
  giveLateMoneyBack,
  wasPaidLate
} from "./PaymentDecisions.ts"
import { decideCancel, decideRefundRequest, decideRefundReview, decideRefundSettled } from "./RefundDecisions.ts"
import { ticketLines } from "./TicketLines.ts"

/**
 * Decides a command. `now` is the store's clock. Errors: `InvalidTransition`, `ReservationExpired`, `PaymentMismatch`,
 * `CancellationWindowClosed`, `RefundExceedsCaptured`, `RefundNotFound`, `RefundStateConflict`; state comes before
 * policy when two apply (rule 8).
 */
export const decide = (order: Order, { actor, command }: Signed, now: DateTime.Utc): DecideResult => {
  if (!legalFrom[command._tag].includes(order.status)) return refuse(order, command)
  switch (command._tag) {
    case "HoldGranted":
      return holdGranted(order, command, actor, now)
    case "HoldRefused":
      return holdRefused(order, command, actor, now)
    case "IntentOpened":
      return intentOpened(order, command, actor, now)
    case "SetupAbandoned":
      return setupAbandoned(order, command, actor, now)
    case "TicketsAllocated":
      return ticketsAllocated(order, command, actor, now)
    case "PaymentProcessing":
      return paymentProcessing(order, command, actor, now)
    case "Reserve":
      return reserve(order, command, actor, now)
    case "Expire":
      return expire(order, command, actor, now)
    case "Complete":
      return complete(order, command, actor, now)
    case "CaptureSeen":
      return decideCapture(order, command, actor, now)
    case "UnexpectedPayment":
      return decideUnexpectedPayment(order, command, actor, now)
    case "PaymentFailed":
      return decidePaymentFailed(order, command, actor, now)
    case "AllocationRefused":
      return decideAllocationRefused(order, command, actor, now)
    case "Cancel":
      return decideCancel(order, command, actor, now)
    case "RequestRefund":
      return decideRefundRequest(order, command, actor, now)
    case "RefundSettled":
      return decideRefundSettled(order, command, actor, now)
    case "ApproveRefund":
    case "RejectRefund":
    case "RetryRefund":
      return decideRefundReview(order, command, actor, now)
  }
}

// The hold stands: open a payment intent, or allocate at once when nothing is to be paid (rule 1.4).
const holdGranted: Decider<"HoldGranted"> = (order, _command, actor, now) => {
  if (order.status !== "PENDING" || order.stage !== "HOLDING") return unchanged(order)
  const fact = { type: "HOLD_GRANTED", actor, data: {} } as const
  return order.pricing.total === 0
    ? changed(order, { ...order, stage: "ALLOCATING" }, fact, [{ _tag: "FINALIZE", requestedBy: actor }], now)
    : changed(
        order,
        { ...order, stage: "OPENING_INTENT" },
        fact,
        [
          {
            _tag: "INTENT",
            userId: order.userId,
            amount: order.pricing.total,
            currency: order.currency,
            requestedBy: actor
          }
        ],
        now
      )
}

// A refused renewal is not a refused order: what stock is left is decided when the money is there.
const holdRefused: Decider<"HoldRefused"> = (order, { ticketTypeId }, actor, now) => {
  if (order.status !== "PENDING" || order.stage !== "HOLDING") return unchanged(order)
  return changed(
    order,
    toCancelled(order, "SOLD_OUT", "sold out", now),
    { type: "ORDER_CANCELLED", actor, data: { cause: "SOLD_OUT", ticketTypeId } },
    [releaseAll],
    now
  )
}

const intentOpened: Decider<"IntentOpened"> = (order, { clientSecret, paymentIntentId }, actor, now) => {
  if (order.status !== "PENDING" || order.stage !== "OPENING_INTENT") return unchanged(order)
  return changed(
    order,
    { ...order, stage: "AWAITING_PAYMENT", intent: { id: paymentIntentId, clientSecret } },
    { type: "PAYMENT_INTENT_OPENED", actor, data: { paymentIntentId } },
    [],
    now
  )
}

const setupAbandoned: Decider<"SetupAbandoned"> = (order, { cause, why }, actor, now) => {
  if (order.status !== "PENDING" || (order.stage !== "HOLDING" && order.stage !== "OPENING_INTENT")) {
    return unchanged(order)
  }
  return changed(
    order,
    toCancelled(order, cause, why, now),
    { type: "ORDER_CANCELLED", actor, data: { cause, reason: why } },
    [...voidWork(order), releaseAll],
    now
  )
}

/** The money came after deadline and grace (rule 3.7). */
const isLate = (order: Order): boolean => order.status === "EXPIRED" || (isOpen(order) && wasPaidLate(order))

// CONFIRMED is written here and nowhere else: together with its tickets (rule 3.6).
const ticketsAllocated: Decider<"TicketsAllocated"> = (order, command, actor, now) => {
  const { eventCancelled, tickets } = command
  const wanted = (isOpen(order) && order.stage === "ALLOCATING") || (order.status === "EXPIRED" && order.reacquiring)
  // Bulk cancellation does not meet an expired order: it is ended here, when its tickets come (rules 3.7, 5).
  if (wanted && eventCancelled && order.status === "EXPIRED") {
    return giveLateMoneyBack(order, command.refundId, actor, now)
  }
  if (wanted) {
    const late = isLate(order)
    return changed(
      order,
      toConfirmed(order, tickets, late, now),
      { type: "ORDER_CONFIRMED", actor, data: { late, ticketIds: tickets.map((ticket) => ticket.id) } },
      [],
      now
    )
  }
  // An allocation that was overtaken by the end of the order is undone; one that is already recorded is not news.
  const isOver = order.status === "CANCELLED" || order.status === "EXPIRED" || order.status === "REFUNDED"
  return isOver
    ? changed(order, order, { type: "ALLOCATION_UNDONE", actor, data: {} }, [releaseAll], now)
    : unchanged(order)
}

// A payment is on its way at the deadline: wait for it once, and keep the stock that long (rule 3.5).
const paymentProcessing: Decider<"PaymentProcessing"> = (order, _command, actor, now) => {
  if (!isOpen(order) || order.stage !== "AWAITING_PAYMENT" || order.hold.extendedForPayment) return unchanged(order)
  const expiresAt = processingDeadline(order.terms.hold, order.hold.expiresAt, now)
  const hold = { expiresAt, limitAt: DateTime.max(order.hold.limitAt, expiresAt), extendedForPayment: true }
  return changed(
    order,
    { ...order, hold },
    { type: "HOLD_EXTENDED", actor, data: { expiresAt: DateTime.formatIso(expiresAt) } },
    [
      {
        _tag: "HOLD",
        requestedBy: actor,
        eventId: order.eventId,
        lines: ticketLines(order.items),
        holdUntil: downstreamHoldUntil(expiresAt, order.terms.hold)
      }
    ],
    now
  )
}

// The ticket service has already lengthened its hold: a longer hold without a row is harmless (ADR 0003).
const reserve: Decider<"Reserve"> = (order, command, actor, now) => {
  if (!isOpen(order)) return refuse(order, command)
  if (order.stage !== "AWAITING_PAYMENT") {
    return refuse(
      order,
      command,
      order.stage === "ALLOCATING" ? "the order is paid and being confirmed" : "the order is still being set up"
    )
  }
  if (!isRenewable(order.hold.expiresAt, now)) {
    return Result.fail(new ReservationExpired({ orderId: order.id, expiredAt: order.hold.expiresAt }))
  }
  const expiresAt = renewedDeadline(order.terms.hold, {
    vip: order.vip,
    createdAt: order.createdAt,
    deadline: order.hold.expiresAt,
    now
  })
  return changed(
    order,
    { ...order, status: "RESERVED", stage: "AWAITING_PAYMENT", hold: { ...order.hold, expiresAt }, reservedAt: now },
    { type: "ORDER_RESERVED", actor, data: { expiresAt: DateTime.formatIso(expiresAt) } },
    [],
    now
  )
}

// Whoever asks, the deadline is checked again here, with grace, against the store's clock (rules 3.4, 3.5).
const expire: Decider<"Expire"> = (order, command, actor, now) => {
  if (!isOpen(order)) return refuse(order, command)
  if (order.stage === "ALLOCATING") return refuse(order, command, "the order is paid and being confirmed")
  if (!isExpired(order.hold.expiresAt, now, order.terms.hold)) {
    const until = DateTime.formatIso(graceEndsAt(order.hold.expiresAt, order.terms.hold))
    return refuse(order, command, `the hold runs until ${until}`)
  }
  return changed(
    order,
    toExpired(order, command.reason, now),
    { type: "RESERVATION_EXPIRED", actor, data: { reason: command.reason } },
    command.intentClosed ? [releaseAll] : [...voidWork(order), releaseAll],
    now
  )
}

const complete: Decider<"Complete"> = (order, command, actor, now) => {
  if (order.status !== "CONFIRMED") return refuse(order, command)
  if (DateTime.isLessThan(now, order.eventEndsAt)) return refuse(order, command, "the event has not ended yet")
  return changed(
    order,
    { ...order, status: "COMPLETED", completedAt: now },
    { type: "ORDER_COMPLETED", actor, data: {} },
    [],
    now
  )
}
