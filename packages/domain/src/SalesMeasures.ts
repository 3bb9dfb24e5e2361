/**
 * What an order adds to the sales figures: counts and money, each at the instant at which it happened.
 *
 * **Details**
 *
 * Everything is read from the order as it stands, so the sums over all orders are a recount at any moment, and what a
 * store keeps beside its orders can be compared with it. What became of an order belongs to the instant of its creation;
 * a sale to its confirmation; a refund to its settlement, however much later. docs/analytics.md defines each in words.
 */
import type { DateTime } from "effect"
import type { Currency } from "./Currency.ts"
import type { EventId } from "./Ids.ts"
import { causesOfRefusal, type Order, type OrderStatus, refundCommittedCents } from "./Order.ts"
import type { Refund, RefundCause } from "./Refund.ts"

/** Of orders by their creation: how they stand, and what became of them. */
const cohortMeasures = [
  "pending",
  "reserved",
  "confirmed",
  "completed",
  "cancelled",
  "expired",
  "refunded",
  /** Of the cancelled ones, those whose creation was refused: the buyer never had tickets. */
  "refused",
  /** The buyer has renewed the hold. */
  "renewed",
  /** Confirmed at some time. */
  "converted",
  /** Cancelled at some time, and not refused. */
  "calledOff",
  /** Confirmed at some time, and some of the money is on its way back or has arrived there. */
  "givenBack",
  /** Confirmed and paid for: how many, how long that took from creation in all, and in how many it took so long at most. */
  "paid",
  "payMillis",
  "paidIn1Minute",
  "paidIn5Minutes",
  "paidIn15Minutes",
  "paidIn30Minutes"
] as const

/** Of sales, by their confirmation; and of refunds, by their settlement. Money is in minor units. */
const moneyMeasures = [
  "sales",
  "tickets",
  "subtotal",
  "platformFee",
  "processingFee",
  "tax",
  "revenue",
  "refunds",
  "refundedCents",
  "retainedCents",
  /** Money given back that never was revenue: late and double payments, and those for orders that were not confirmed. */
  "returnedCents"
] as const

/** Everything that is summed. */
export const measures = [...cohortMeasures, ...moneyMeasures] as const
export type Measure = (typeof measures)[number]

/** Each measure, summed over some orders. */
export type Sums = { readonly [M in Measure]: number }

/** What an order adds, at one instant; what is not named is 0. */
export interface SalesPart {
  readonly at: DateTime.Utc
  readonly eventId: EventId
  readonly currency: Currency
  readonly sums: Partial<Sums>
}

/** The measure that counts the orders in a state. */
export const measureOfStatus = {
  PENDING: "pending",
  RESERVED: "reserved",
  CONFIRMED: "confirmed",
  COMPLETED: "completed",
  CANCELLED: "cancelled",
  EXPIRED: "expired",
  REFUNDED: "refunded"
} as const satisfies { readonly [Status in OrderStatus]: Measure }

/** Refunds for these causes return money that never was revenue, also where the order was confirmed. */
export const causesOutsideSales: ReadonlyArray<RefundCause> = ["OVERPAYMENT", "LATE_PAYMENT"]

/** How long paying may have taken, in minutes: the steps that are counted. */
export const payMinutes = [
  ["paidIn1Minute", 1],
  ["paidIn5Minutes", 5],
  ["paidIn15Minutes", 15],
  ["paidIn30Minutes", 30]
] as const satisfies ReadonlyArray<readonly [Measure, number]>

export const MILLIS_PER_MINUTE = 60_000

/** Builds sums from how each measure is to be had. */
export const sumsBy = (valueOf: (measure: Measure) => number): Sums => ({
  pending: valueOf("pending"),
  reserved: valueOf("reserved"),
  confirmed: valueOf("confirmed"),
  completed: valueOf("completed"),
  cancelled: valueOf("cancelled"),
  expired: valueOf("expired"),
  refunded: valueOf("refunded"),
  refused: valueOf("refused"),
  renewed: valueOf("renewed"),
  converted: valueOf("converted"),
  calledOff: valueOf("calledOff"),
  givenBack: valueOf("givenBack"),
  paid: valueOf("paid"),
  payMillis: valueOf("payMillis"),
  paidIn1Minute: valueOf("paidIn1Minute"),
  paidIn5Minutes: valueOf("paidIn5Minutes"),
  paidIn15Minutes: valueOf("paidIn15Minutes"),
  paidIn30Minutes: valueOf("paidIn30Minutes"),
  sales: valueOf("sales"),
  tickets: valueOf("tickets"),
  subtotal: valueOf("subtotal"),
  platformFee: valueOf("platformFee"),
  processingFee: valueOf("processingFee"),
  tax: valueOf("tax"),
  revenue: valueOf("revenue"),
  refunds: valueOf("refunds"),
  refundedCents: valueOf("refundedCents"),
  retainedCents: valueOf("retainedCents"),
  returnedCents: valueOf("returnedCents")
})

/** Nothing at all. */
export const noSums: Sums = sumsBy(() => 0)

export const addSums = (one: Sums, other: Partial<Sums>): Sums =>
  sumsBy((measure) => one[measure] + (other[measure] ?? 0))

const confirmedAtOf = (order: Order): DateTime.Utc | null => ("confirmedAt" in order ? order.confirmedAt : null)

const wasRefused = (order: Order): boolean => order.status === "CANCELLED" && causesOfRefusal.includes(order.cause)

/** From creation to the first payment, in milliseconds; `null` for free orders. */
const payMillisOf = ({ captures: [first], createdAt }: Order): number | null =>
  first === undefined ? null : Math.max(0, first.capturedAt.epochMilliseconds - createdAt.epochMilliseconds)

const paymentSums = (order: Order): Partial<Sums> => {
  const millis = payMillisOf(order)
  if (millis === null) return {}
  const within = (minutes: number): number => (millis <= minutes * MILLIS_PER_MINUTE ? 1 : 0)
  const steps = payMinutes.map(([measure, minutes]): Partial<Sums> => ({ [measure]: within(minutes) }))
  return steps.reduce((sums, step) => ({ ...sums, ...step }), { paid: 1, payMillis: millis })
}

/** What became of the order. */
const cohortSums = (order: Order): Partial<Sums> => {
  const isConverted = confirmedAtOf(order) !== null
  const isCancelled = "cancelledAt" in order && order.cancelledAt !== null
  return {
    [measureOfStatus[order.status]]: 1,
    refused: wasRefused(order) ? 1 : 0,
    renewed: order.status !== "PENDING" && order.reservedAt !== null ? 1 : 0,
    converted: isConverted ? 1 : 0,
    calledOff: isCancelled && !wasRefused(order) ? 1 : 0,
    givenBack: isConverted && refundCommittedCents(order) > 0 ? 1 : 0,
    ...(isConverted ? paymentSums(order) : {})
  }
}

const saleSums = ({ items, pricing }: Order): Partial<Sums> => ({
  sales: 1,
  tickets: items.reduce((sum, { quantity }) => sum + quantity, 0),
  subtotal: pricing.subtotal,
  platformFee: pricing.platformFee,
  processingFee: pricing.processingFee,
  tax: pricing.tax,
  revenue: pricing.total
})

const refundSums = (order: Order, { amount, cause, retained }: Refund): Partial<Sums> =>
  confirmedAtOf(order) !== null && !causesOutsideSales.includes(cause)
    ? { refunds: 1, refundedCents: amount, retainedCents: retained }
    : { returnedCents: amount }

/** Everything that the order, as it stands, adds to the figures. */
export const salesPartsOf = (order: Order): ReadonlyArray<SalesPart> => {
  const { createdAt, currency, eventId, refunds } = order
  const part = (at: DateTime.Utc, sums: Partial<Sums>): SalesPart => ({ at, eventId, currency, sums })
  const confirmedAt = confirmedAtOf(order)
  return [
    part(createdAt, cohortSums(order)),
    ...(confirmedAt === null ? [] : [part(confirmedAt, saleSums(order))]),
    ...refunds.flatMap((refund) =>
      refund.state === "COMPLETED" && refund.settledAt !== null
        ? [part(refund.settledAt, refundSums(order, refund))]
        : []
    )
  ]
}
