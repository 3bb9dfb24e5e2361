/**
 * The steps that decisions are made of: one function per state that an order can be taken to, and the refund that goes
 * with it. Nothing here asks whether a step is legal; `decide` does.
 */
import type { DateTime } from "effect"
import type { Actor } from "./Actor.ts"
import type { EventData } from "./Decision.ts"
import type { RefundId } from "./Ids.ts"
import {
  type AllocatedTicket,
  type CancelCause,
  type CancelledOrder,
  causesOfRefusal,
  type ConfirmedOrder,
  type ExpiredOrder,
  isOpen,
  type OpenOrder,
  type Order,
  type RefundedOrder
} from "./Order.ts"
import type { Cents } from "./Money.ts"
import type { Refund, RefundCause, RefundedItem } from "./Refund.ts"
import { estimatedArrival, type RefundState } from "./RefundPolicy.ts"
import type { Work } from "./Work.ts"

/** What all states have in common, and nothing of the state that is being left. */
const factsOf = (order: Order) => ({
  id: order.id,
  tenantId: order.tenantId,
  orderNumber: order.orderNumber,
  userId: order.userId,
  eventId: order.eventId,
  eventStartsAt: order.eventStartsAt,
  eventEndsAt: order.eventEndsAt,
  currency: order.currency,
  items: order.items,
  pricing: order.pricing,
  terms: order.terms,
  vip: order.vip,
  metadata: order.metadata,
  idempotencyKey: order.idempotencyKey,
  intent: order.intent === null ? null : { id: order.intent.id, clientSecret: null },
  captures: order.captures,
  refunds: order.refunds,
  createdAt: order.createdAt,
  updatedAt: order.updatedAt,
  version: order.version
})

const reservedAtOf = (order: Order): DateTime.Utc | null => (order.status === "PENDING" ? null : order.reservedAt)

const confirmedAtOf = (order: Order): DateTime.Utc | null => {
  switch (order.status) {
    case "CONFIRMED":
    case "COMPLETED":
    case "CANCELLED":
    case "REFUNDED":
      return order.confirmedAt
    default:
      return null
  }
}

export const toCancelled = (
  order: Order,
  cause: CancelCause,
  reason: string | null,
  now: DateTime.Utc
): CancelledOrder => ({
  ...factsOf(order),
  idempotencyKey: causesOfRefusal.includes(cause) ? null : order.idempotencyKey,
  status: "CANCELLED",
  reservedAt: reservedAtOf(order),
  confirmedAt: confirmedAtOf(order),
  cancelledAt: now,
  cause,
  reason: reason ?? ""
})

export const toExpired = (order: OpenOrder, reason: string, now: DateTime.Utc): ExpiredOrder => ({
  ...factsOf(order),
  status: "EXPIRED",
  reservedAt: reservedAtOf(order),
  expiredAt: now,
  reason,
  reacquiring: false
})

export const toConfirmed = (
  order: Order,
  tickets: ReadonlyArray<AllocatedTicket>,
  late: boolean,
  now: DateTime.Utc
): ConfirmedOrder => ({
  ...factsOf(order),
  status: "CONFIRMED",
  reservedAt: reservedAtOf(order),
  confirmedAt: now,
  late,
  tickets
})

export const toRefunded = (order: Order, now: DateTime.Utc): RefundedOrder => ({
  ...factsOf(order),
  status: "REFUNDED",
  reservedAt: reservedAtOf(order),
  confirmedAt: confirmedAtOf(order),
  cancelledAt: order.status === "CANCELLED" ? order.cancelledAt : null,
  refundedAt: now
})

/** A refund that does not exist yet. */
export interface RefundDraft {
  readonly id: RefundId
  readonly amount: Cents
  readonly cause: RefundCause
  readonly reason: string
  readonly state: Extract<RefundState, "PENDING" | "APPROVED">
  readonly paymentIntentId: Refund["paymentIntentId"]
  readonly items: ReadonlyArray<RefundedItem>
  readonly retained: Cents
  readonly fixedRetention: boolean
  readonly idempotencyKey: string | null
}

/** The order with one more refund, and the work that carries it out if it needs no review. */
export const withRefund = <A extends Order>(
  order: A,
  draft: RefundDraft,
  actor: Actor,
  now: DateTime.Utc
): { readonly order: A; readonly refund: Refund; readonly work: ReadonlyArray<Work> } => {
  const refund: Refund = {
    ...draft,
    attempt: 1,
    failureReason: null,
    requestedBy: `${actor.kind}:${actor.id}`,
    requestedAt: now,
    estimatedArrivalAt: estimatedArrival(now, order.terms.refunds),
    settledAt: null
  }
  return {
    order: { ...order, refunds: [...order.refunds, refund] },
    refund,
    work: refund.state === "APPROVED" ? [refundWork(refund)] : []
  }
}

/** The work that carries out a refund's current attempt. */
export const refundWork = (refund: Refund): Work => ({
  _tag: "REFUND",
  refundId: refund.id,
  paymentIntentId: refund.paymentIntentId,
  amount: refund.amount,
  reason: refund.reason,
  attempt: refund.attempt
})

/** The order with late money on it, asking for its stock again (rule 3.7). */
export const toReacquiring = (order: ExpiredOrder): ExpiredOrder => ({ ...order, reacquiring: true })

/** The order with one of its refunds replaced. */
export const replaceRefund = <A extends Order>(order: A, refund: Refund): A => ({
  ...order,
  refunds: order.refunds.map((known) => (known.id === refund.id ? refund : known))
})

/** Gives all tickets back, and refuses a hold that arrives later. */
export const releaseAll: Work = { _tag: "RELEASE", lines: null }

/** Closes the intent of an order that has one or has asked for one. */
export const voidWork = (order: Order): ReadonlyArray<Work> =>
  order.intent !== null || (isOpen(order) && order.stage === "OPENING_INTENT")
    ? [
        {
          _tag: "VOID",
          paymentIntentId: order.intent?.id ?? null,
          userId: order.userId,
          amount: order.pricing.total,
          currency: order.currency
        }
      ]
    : []

/** What an audit row says of a refund. */
export const refundFacts = (refund: Refund): EventData => ({
  refundId: refund.id,
  amount: refund.amount,
  refundCause: refund.cause,
  paymentIntentId: refund.paymentIntentId,
  refundState: refund.state,
  attempt: refund.attempt
})
