/**
 * What must be true of orders at any time, and what must be true once nothing is under way: the invariants of
 * reliability.md, section 4, by their ids, as pure checks. Each returns the breaks that it finds as sentences.
 */
import { DateTime } from "effect"
import { graceEndsAt } from "@tickettoken/order-domain/Hold"
import {
  activeStatuses,
  capturedCents,
  isOpen,
  type Order,
  refundCommittedCents
} from "@tickettoken/order-domain/Order"
import type { OrderEvent } from "@tickettoken/order-domain/OrderEvent"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { transitions } from "@tickettoken/order-domain/OrderTransitions"
import { completedCents, isCommitted } from "@tickettoken/order-domain/Refund"
import { ticketCount } from "@tickettoken/order-domain/TicketLines"

/** An order with everything that was ever written about it. */
export interface OrderRecord {
  readonly order: Order
  /** Every version that was stored, the first one first. */
  readonly versions: ReadonlyArray<Order>
  readonly facts: ReadonlyArray<OrderEvent>
  /** Work that is not done yet. */
  readonly openWork: ReadonlyArray<{ readonly kind: string }>
  /** What the payment service says of the order's own intent, if it has one. */
  readonly intentStatus: string | null
}

export interface Invariant {
  readonly id: string
  readonly what: string
  readonly breaks: (record: OrderRecord, now: DateTime.Utc) => ReadonlyArray<string>
}

const invariant = (
  id: string,
  what: string,
  isKept: (record: OrderRecord, now: DateTime.Utc) => boolean
): Invariant => ({
  id,
  what,
  breaks: (record, now) => (isKept(record, now) ? [] : [`${id} ${record.order.id} ${record.order.status}: ${what}`])
})

const isWhole = (amount: number): boolean => Number.isInteger(amount) && amount >= 0

const isOwn =
  ({ intent }: Order) =>
  (entry: { readonly paymentIntentId: string }): boolean =>
    entry.paymentIntentId === intent?.id

/** Money taken through the order's own intent. */
const ownCaptured = (order: Order): number =>
  order.captures.filter(isOwn(order)).reduce((sum, { amount }) => sum + amount, 0)

const ownRefunds = (order: Order) => order.refunds.filter(isOwn(order))

/** What the policy keeps of an order whose buyer gave all tickets back (rule 4.2). */
const retention = ({ pricing, terms }: Order): number =>
  Math.floor((pricing.subtotal * terms.refunds.retentionRate) / 10_000) + terms.refunds.retentionFixed

/** True in every state, at every instant, whatever is under way. */
export const always: ReadonlyArray<Invariant> = [
  invariant("I01", "the total is the sum of its parts and nothing is negative", ({ order: { pricing } }) => {
    const { platformFee, processingFee, subtotal, tax, total } = pricing
    return total === subtotal + platformFee + processingFee + tax && Object.values(pricing).every(isWhole)
  }),
  invariant("I02", "the subtotal is the sum of its lines", ({ order: { items, pricing } }) => {
    const lines = items.every(({ quantity, subtotal, unitPrice }) => subtotal === quantity * unitPrice)
    return lines && items.reduce((sum, { subtotal }) => sum + subtotal, 0) === pricing.subtotal
  }),
  invariant(
    "I03",
    "refunds that hold on to money never pass what was captured, in all and per payment",
    ({ order }) =>
      refundCommittedCents(order) <= capturedCents(order) &&
      order.captures.every(
        ({ amount, paymentIntentId }) =>
          order.refunds
            .filter((refund) => isCommitted(refund) && refund.paymentIntentId === paymentIntentId)
            .reduce((sum, refund) => sum + refund.amount, 0) <= amount
      )
  ),
  invariant("I03", "every refund is of money and of a payment that was taken", ({ order }) =>
    order.refunds.every(
      (refund) =>
        refund.amount > 0 && order.captures.some((capture) => capture.paymentIntentId === refund.paymentIntentId)
    )
  ),
  invariant(
    "I04",
    "one fact per version, without gap or repeat",
    ({ facts, order }) => facts.length === order.version && facts.every(({ version }, at) => version === at + 1)
  ),
  invariant("I06", "every state follows the one before by the table", ({ versions }) =>
    versions.every((next, at) => {
      const before = versions[at - 1]
      if (before === undefined) return next.status === "PENDING"
      return next.status === before.status || transitions[before.status].includes(next.status)
    })
  ),
  invariant(
    "I07",
    "no deadline lies beyond its limit",
    ({ order }) => !isOpen(order) || DateTime.isLessThanOrEqualTo(order.hold.expiresAt, order.hold.limitAt)
  ),
  invariant(
    "I10",
    "a payment is on the order once",
    ({ order: { captures } }) =>
      new Set(captures.map(({ paymentIntentId }) => paymentIntentId)).size === captures.length
  ),
  invariant("I20", "a confirmed order is paid in full and has a ticket for each that it is for", ({ order }) =>
    order.status === "CONFIRMED" || order.status === "COMPLETED"
      ? ownCaptured(order) === order.pricing.total && order.tickets.length === ticketCount(order.items)
      : true
  ),
  invariant("I20", "no line gives back more tickets than it has", ({ order: { items } }) =>
    items.every(({ quantity, returnedQuantity }) => returnedQuantity >= 0 && returnedQuantity <= quantity)
  )
]

/** How long after grace an order may still wait for the next sweep (I07). */
const SWEEP_SLACK_SECONDS = 15

const isUnderWay = (order: Order): boolean =>
  ownRefunds(order).some(({ state }) => state !== "COMPLETED" && state !== "REJECTED")

/** True once all work is done and nobody is asked for anything. */
export const atRest: ReadonlyArray<Invariant> = [
  invariant("I07", "no unpaid order outlives its grace by more than one sweep", ({ order }, now) => {
    if (!isOpen(order) || ownCaptured(order) > 0) return true
    const until = DateTime.add(graceEndsAt(order.hold.expiresAt, order.terms.hold), {
      seconds: order.terms.hold.intervalSeconds + SWEEP_SLACK_SECONDS
    })
    return DateTime.isLessThanOrEqualTo(now, until)
  }),
  invariant("I11", "what is kept of the money is what the state allows", ({ order }) => {
    const kept = ownCaptured(order) - completedCents(ownRefunds(order))
    if (isUnderWay(order) || ownCaptured(order) === 0) return true
    switch (order.status) {
      case "PENDING":
      case "RESERVED":
      case "CONFIRMED":
      case "COMPLETED":
        return kept >= 0
      case "EXPIRED":
        return kept === 0 || ownRefunds(order).length === 0
      case "CANCELLED":
        return order.cause === "BUYER" || order.cause === "ADMIN" ? kept >= 0 : kept === 0
      case "REFUNDED":
        return kept === 0 || kept === Math.min(retention(order), ownCaptured(order))
    }
  }),
  invariant("I13", "no work is left", ({ openWork }) => openWork.length === 0),
  invariant(
    "I20",
    "no paid order waits for its tickets",
    ({ order }) => !isOpen(order) || order.stage !== "ALLOCATING"
  ),
  invariant("I22", "an order that has ended has no open intent", ({ intentStatus, order }) =>
    order.status === "CANCELLED" || order.status === "EXPIRED" || order.status === "REFUNDED"
      ? intentStatus === null || intentStatus === "canceled" || intentStatus === "succeeded"
      : true
  )
]

/** Breaks of I16: more active orders for an event, or more orders in 24 hours, than a user may have. */
export const quotaBreaks = (orders: ReadonlyArray<Order>): ReadonlyArray<string> => {
  const refused = (order: Order): boolean =>
    order.status === "CANCELLED" && ["SOLD_OUT", "CREATE_FAILED", "CREATE_TIMEOUT"].includes(order.cause)
  return orders.flatMap((order) => {
    const own = orders.filter(({ tenantId, userId }) => tenantId === order.tenantId && userId === order.userId)
    const active = own.filter(({ eventId, status }) => eventId === order.eventId && activeStatuses.includes(status))
    const until = DateTime.add(order.createdAt, { hours: 24 })
    const day = own.filter(
      (known) =>
        !refused(known) &&
        DateTime.isGreaterThanOrEqualTo(known.createdAt, order.createdAt) &&
        DateTime.isLessThan(known.createdAt, until)
    )
    return [
      ...(active.filter((known) => known.status !== "CONFIRMED" || !known.late).length >
      orderLimits.ordersActivePerUserPerEventMax
        ? [`I16 ${order.userId} has ${active.length} active orders for ${order.eventId}`]
        : []),
      ...(day.length > orderLimits.ordersPerUserPerDayMax
        ? [`I16 ${order.userId} has ${day.length} orders in 24 hours`]
        : [])
    ]
  })
}

/** Every break of these invariants. */
export const breaksOf = (
  invariants: ReadonlyArray<Invariant>,
  records: ReadonlyArray<OrderRecord>,
  now: DateTime.Utc
): ReadonlyArray<string> => records.flatMap((record) => invariants.flatMap(({ breaks }) => breaks(record, now)))
