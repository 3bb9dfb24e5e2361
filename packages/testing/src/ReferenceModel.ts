/**
 * A second, small opinion about orders: what a command leads to, told from the rules and not from `decide`.
 *
 * The model knows of an order where it stands, its deadline and its sums of money, nothing else. It predicts whether a
 * command is refused, changes nothing, or where it leads, and which sums it may leave. It is compared with `decide`
 * after every step of random histories: two implementations that agree a hundred thousand times are seldom both wrong.
 */
import { DateTime } from "effect"
import type { Order } from "@tickettoken/order-domain/Order"
import type { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import type { RefundState } from "@tickettoken/order-domain/RefundPolicy"
import { pointOf, type StatePoint } from "./TestOrdersByState.ts"

/** A refund as the model sees it. */
interface ModelRefund {
  readonly id: string
  readonly amount: number
  readonly state: RefundState
  readonly attempt: number
  readonly isOwn: boolean
  /** The policy keeps its part of it. */
  readonly isVoluntary: boolean
  /** It returns money that came late. */
  readonly isLate: boolean
  /** Tickets that it returns, by line. */
  readonly tickets: ReadonlyArray<number>
}

export interface Model {
  readonly at: StatePoint
  /** Instants in milliseconds. */
  readonly deadline: number
  readonly graceMillis: number
  readonly cutoff: number
  readonly eventEnd: number
  readonly extended: boolean
  readonly total: number
  /** Kept of a voluntary refund of everything (rule 4.2). */
  readonly retention: number
  readonly latePayment: string
  readonly declinesCancel: boolean
  readonly intent: string | null
  /** Captured through the order's own intent, and when; through others, by intent. */
  readonly paid: number
  readonly paidAt: number
  readonly strays: ReadonlyArray<string>
  readonly currency: string
  readonly refunds: ReadonlyArray<ModelRefund>
  readonly quantities: ReadonlyArray<number>
  /** A cancelled order whose buyer did not want that gets everything back. */
  readonly isInvoluntary: boolean
}

/** What an order looks like to the model. */
export const modelOf = (order: Order): Model => {
  const isOwn = ({ paymentIntentId }: { readonly paymentIntentId: string }) => paymentIntentId === order.intent?.id
  const own = order.captures.find(isOwn)
  const { pricing, terms } = order
  const millis = DateTime.toEpochMillis
  return {
    at: pointOf(order),
    deadline: "hold" in order ? millis(order.hold.expiresAt) : 0,
    graceMillis: terms.hold.graceMinutes * 60_000,
    cutoff: millis(order.eventStartsAt) - terms.refunds.cutoffHours * 3_600_000,
    eventEnd: millis(order.eventEndsAt),
    extended: "hold" in order && order.hold.extendedForPayment,
    total: pricing.total,
    retention: Math.floor((pricing.subtotal * 250) / 10_000) + 30,
    latePayment: terms.latePayment,
    declinesCancel: terms.declines === "cancel",
    intent: order.intent?.id ?? null,
    paid: own?.amount ?? 0,
    paidAt: own === undefined ? 0 : millis(own.capturedAt),
    strays: order.captures.filter((capture) => !isOwn(capture)).map(({ paymentIntentId }) => paymentIntentId),
    currency: order.currency,
    refunds: order.refunds.map((refund) => ({
      id: refund.id,
      amount: refund.amount,
      state: refund.state,
      attempt: refund.attempt,
      isOwn: isOwn(refund),
      isVoluntary: refund.cause === "VOLUNTARY",
      isLate: refund.cause === "LATE_PAYMENT",
      tickets: order.items.map(({ id }) =>
        refund.items.reduce((sum, { itemId, quantity }) => (itemId === id ? sum + quantity : sum), 0)
      )
    })),
    quantities: order.items.map(({ quantity }) => quantity),
    isInvoluntary: order.status === "CANCELLED" && order.cause !== "BUYER" && order.cause !== "ADMIN"
  }
}

/** What the model expects: a refusal, nothing, or a place; `maybe` leaves the choice between a refusal and a place. */
export type Expected =
  | { readonly is: "refused" }
  | { readonly is: "same" }
  | { readonly is: "moved" | "maybe"; readonly to: StatePoint }

const refused: Expected = { is: "refused" }
const same: Expected = { is: "same" }
const moved = (to: StatePoint): Expected => ({ is: "moved", to })

const holdsMoney = ({ state }: ModelRefund): boolean => state !== "REJECTED" && state !== "FAILED"

/** Own money that refunds hold on to. */
const committed = ({ refunds }: Model): number =>
  refunds.reduce((sum, refund) => (refund.isOwn && holdsMoney(refund) ? sum + refund.amount : sum), 0)

/** The most that can go back, with or without the policy's part. */
const rest = (model: Model, voluntary: boolean): number =>
  Math.max(0, model.paid - committed(model) - (voluntary ? model.retention : 0))

const freeTickets = (model: Model, line: number): number =>
  (model.quantities[line] ?? 0) -
  model.refunds.reduce(
    (sum, refund) => (refund.isOwn && holdsMoney(refund) ? sum + (refund.tickets[line] ?? 0) : sum),
    0
  )

const isOpen = ({ at }: Model): boolean => at.startsWith("PENDING/") || at.startsWith("RESERVED/")
const isAllocating = ({ at }: Model): boolean => at.endsWith("/ALLOCATING")
const isPayable = ({ at }: Model): boolean => at.endsWith("/AWAITING_PAYMENT")
const hasEnded = ({ at }: Model): boolean => at === "CANCELLED" || at === "REFUNDED" || at === "EXPIRED"

const captured = (model: Model, news: Extract<OrderCommand, { _tag: "CaptureSeen" }>, now: number): Expected => {
  const fits = news.paymentIntentId === model.intent && news.amount === model.total && news.currency === model.currency
  if (!fits) return refused
  if (model.paid > 0) return same
  const back = model.latePayment !== "reacquire" || news.eventCancelled
  if (isOpen(model)) {
    if (news.eventCancelled) return moved("CANCELLED")
    const late = !news.foundByExpiry && now >= model.deadline + model.graceMillis
    if (late && back) return moved("EXPIRED")
    return moved(model.at.startsWith("PENDING/") ? "PENDING/ALLOCATING" : "RESERVED/ALLOCATING")
  }
  if (model.at === "EXPIRED") return moved(back ? "EXPIRED" : "EXPIRED/REACQUIRING")
  return model.at === "CANCELLED" ? moved("CANCELLED") : refused
}

const asked = (model: Model, ask: Extract<OrderCommand, { _tag: "RequestRefund" }>, now: number): Expected => {
  const buyerMay = model.at === "CONFIRMED" && now <= model.cutoff
  const adminMay = model.at === "CONFIRMED" || model.at === "COMPLETED" || model.at === "CANCELLED"
  if (model.paid === 0 || !(ask.byAdmin ? adminMay : buyerMay)) return refused
  const left = rest(model, !model.isInvoluntary)
  switch (ask.request._tag) {
    case "Everything":
      return left > 0 ? moved(model.at) : refused
    case "Amount":
      return ask.request.amount >= 1 && ask.request.amount <= left ? moved(model.at) : refused
    case "Items":
      // A ticket may be worth less than what is kept of it: then there is nothing to refund.
      return left > 0 ? { is: "maybe", to: model.at } : refused
  }
}

const settled = (model: Model, news: Extract<OrderCommand, { _tag: "RefundSettled" }>): Expected => {
  const refund = model.refunds.find(({ id }) => id === news.refundId)
  if (refund === undefined) return refused
  const isRunning = refund.state === "APPROVED" || refund.state === "PROCESSING"
  if (!isRunning || news.attempt !== refund.attempt) return same
  if (news.outcome._tag === "Pending") return refund.state === "PROCESSING" ? same : moved(model.at)
  if (news.outcome._tag === "Failed") return moved(model.at)
  const ends = model.at === "CONFIRMED" || model.at === "COMPLETED" || model.at === "CANCELLED"
  const others = model.refunds.filter((known) => known.isOwn && holdsMoney(known) && known.id !== refund.id)
  const isAll = rest(model, !model.isInvoluntary) === 0 && others.every(({ state }) => state === "COMPLETED")
  return moved(refund.isOwn && ends && isAll ? "REFUNDED" : model.at)
}

const reviewed = (
  model: Model,
  review: Extract<OrderCommand, { _tag: "ApproveRefund" | "RejectRefund" | "RetryRefund" }>
): Expected => {
  const refund = model.refunds.find(({ id }) => id === review.refundId)
  if (refund?.state !== (review._tag === "RetryRefund" ? "FAILED" : "PENDING")) return refused
  switch (review._tag) {
    case "ApproveRefund":
      return moved(model.at)
    case "RejectRefund":
      if (refund.isVoluntary) return moved(model.at)
      return refund.isLate && model.at === "EXPIRED" ? moved("EXPIRED/REACQUIRING") : refused
    case "RetryRefund": {
      if (!refund.isOwn) return moved(model.at)
      const fits = refund.tickets.every((tickets, line) => tickets <= freeTickets(model, line))
      return fits && refund.amount <= rest(model, refund.isVoluntary && !model.isInvoluntary)
        ? moved(model.at)
        : refused
    }
  }
}

/** What a command at this instant should lead to. */
export const expected = (model: Model, command: OrderCommand, instant: DateTime.Utc): Expected => {
  const now = DateTime.toEpochMillis(instant)
  switch (command._tag) {
    case "HoldGranted":
      if (model.at !== "PENDING/HOLDING") return same
      return moved(model.total === 0 ? "PENDING/ALLOCATING" : "PENDING/OPENING_INTENT")
    case "HoldRefused":
      return model.at === "PENDING/HOLDING" ? moved("CANCELLED") : same
    case "IntentOpened":
      return model.at === "PENDING/OPENING_INTENT" ? moved("PENDING/AWAITING_PAYMENT") : same
    case "SetupAbandoned":
      return model.at === "PENDING/HOLDING" || model.at === "PENDING/OPENING_INTENT" ? moved("CANCELLED") : same
    case "TicketsAllocated":
      if (isAllocating(model)) return moved("CONFIRMED")
      if (model.at === "EXPIRED/REACQUIRING") return moved(command.eventCancelled ? "EXPIRED" : "CONFIRMED")
      return hasEnded(model) ? moved(model.at) : same
    case "AllocationRefused": {
      if (model.at === "EXPIRED/REACQUIRING") return moved("EXPIRED")
      const late = model.paid > 0 && model.paidAt >= model.deadline + model.graceMillis
      return isAllocating(model) ? moved(late ? "EXPIRED" : "CANCELLED") : same
    }
    case "CaptureSeen":
      return captured(model, command, now)
    case "UnexpectedPayment":
      if (model.strays.includes(command.paymentIntentId) || command.amount === 0) return same
      if (command.paymentIntentId === model.intent) return model.paid > 0 ? same : refused
      return command.currency === model.currency ? moved(model.at) : refused
    case "PaymentFailed":
      if (command.paymentIntentId !== model.intent) return refused
      return isPayable(model) && (!command.retryable || model.declinesCancel) ? moved("CANCELLED") : same
    case "PaymentProcessing":
      return isPayable(model) && !model.extended ? moved(model.at) : same
    case "Reserve":
      return isPayable(model) && now < model.deadline ? moved("RESERVED/AWAITING_PAYMENT") : refused
    case "Cancel": {
      const inTime = now <= model.cutoff || command.mode === "organiser" || command.mode === "admin"
      return (isOpen(model) || model.at === "CONFIRMED") && inTime ? moved("CANCELLED") : refused
    }
    case "Expire":
      return isOpen(model) && !isAllocating(model) && now >= model.deadline + model.graceMillis
        ? moved("EXPIRED")
        : refused
    case "Complete":
      return model.at === "CONFIRMED" && now >= model.eventEnd ? moved("COMPLETED") : refused
    case "RequestRefund":
      return asked(model, command, now)
    case "RefundSettled":
      return settled(model, command)
    case "ApproveRefund":
    case "RejectRefund":
    case "RetryRefund":
      return reviewed(model, command)
  }
}

/** Sums that must hold after a step, as sentences about those that do not. */
export const moneyFaults = (before: Model, after: Model, command: OrderCommand): ReadonlyArray<string> => {
  const faults: Array<string> = []
  if (committed(after) > after.paid) faults.push(`refunds hold ${committed(after)} of ${after.paid}`)
  if (after.paid < before.paid) faults.push("captured money has gone")
  if (after.refunds.some(({ amount }) => amount < 1)) faults.push("a refund of nothing")
  const ends = command._tag === "Cancel" && after.at === "CANCELLED"
  if (ends && command.mode === "organiser" && committed(after) !== after.paid) {
    faults.push(`the organiser cancelled, and ${committed(after)} of ${after.paid} goes back`)
  }
  if (ends && command.mode !== "organiser" && rest(after, true) > 0) {
    faults.push(`${rest(after, true)} is left to refund after a cancellation`)
  }
  const gaveAllBack = after.refunds.length > before.refunds.length && (after.at === "EXPIRED" || after.isInvoluntary)
  if (
    gaveAllBack &&
    before.at !== "CANCELLED" &&
    command._tag !== "UnexpectedPayment" &&
    committed(after) !== after.paid
  ) {
    faults.push(`nothing may be kept, and ${after.paid - committed(after)} is`)
  }
  return faults
}
