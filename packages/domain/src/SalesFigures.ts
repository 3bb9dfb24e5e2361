/**
 * The sales figures of a range, from its sums: counts, rates in basis points, and money of each currency by itself.
 *
 * Money of different currencies is never added. Rates and means are rounded down, and `null` where there is nothing to
 * divide by. docs/analytics.md defines each in words.
 */
import { Currency } from "./Currency.ts"
import { type BasisPoints, meanOf, rateOf } from "./Money.ts"
import type { OrderStatus } from "./Order.ts"
import { addSums, measureOfStatus, noSums, type Sums } from "./SalesMeasures.ts"

/** Sums over orders of one currency. */
export interface CurrencySums {
  readonly currency: Currency
  readonly sums: Sums
}

/** Orders that were created in the range, by what became of them. */
export interface OrderFigures {
  readonly created: number
  /** Creation was refused: the tickets were not to be had, or it could not be set up. */
  readonly refused: number
  /** The others: tickets were held for the buyer. */
  readonly held: number
  /** Of those held, the ones that nobody has decided about. */
  readonly open: number
  readonly renewed: number
  readonly confirmed: number
  readonly cancelled: number
  readonly expired: number
  /** Confirmed, and some of the money is on its way back or has arrived there. */
  readonly refunded: number
}

/** Rates of the orders that were created in the range. `null`: there is nothing that it would be a rate of. */
export interface RateFigures {
  readonly conversion: BasisPoints | null
  readonly cancellation: BasisPoints | null
  readonly expiry: BasisPoints | null
  readonly refund: BasisPoints | null
}

/** From the creation of an order, which holds its tickets, to its payment: of confirmed orders that were paid for. */
export interface HoldToPay {
  readonly orders: number
  readonly averageSeconds: number | null
  readonly within1Minute: number
  readonly within5Minutes: number
  readonly within15Minutes: number
  readonly within30Minutes: number
}

/** Money of one currency, in minor units: sales by their confirmation, refunds by their settlement. */
export interface MoneyFigures {
  readonly currency: Currency
  readonly orders: number
  readonly tickets: number
  readonly revenue: number
  readonly averageOrderValue: number | null
  readonly subtotal: number
  readonly platformFee: number
  readonly processingFee: number
  readonly tax: number
  readonly refunds: number
  readonly refunded: number
  /** What the policy kept of the refunds. */
  readonly retained: number
  /** Revenue less refunds: negative where refunds of earlier sales are more than the sales. */
  readonly net: number
  /** Given back, and never revenue. */
  readonly returned: number
}

export interface SalesFigures {
  readonly orders: OrderFigures
  readonly statuses: { readonly [Status in OrderStatus]: number }
  readonly rates: RateFigures
  readonly holdToPay: HoldToPay
  /** One entry for each currency in which money has moved. */
  readonly money: ReadonlyArray<MoneyFigures>
}

const createdOf = (sums: Sums): number =>
  Object.values(measureOfStatus).reduce((created, measure) => created + sums[measure], 0)

export const orderFigures = (sums: Sums): OrderFigures => {
  const created = createdOf(sums)
  return {
    created,
    refused: sums.refused,
    held: created - sums.refused,
    open: sums.pending + sums.reserved,
    renewed: sums.renewed,
    confirmed: sums.converted,
    cancelled: sums.calledOff,
    expired: sums.expired,
    refunded: sums.givenBack
  }
}

/** Orders that are still open are left out: nobody has decided about them. */
const rateFigures = ({ cancelled, confirmed, expired, held, open, refunded }: OrderFigures): RateFigures => {
  const decided = held - open
  return {
    conversion: rateOf(confirmed, decided),
    cancellation: rateOf(cancelled, decided),
    expiry: rateOf(expired, decided),
    refund: rateOf(refunded, confirmed)
  }
}

const MILLIS_PER_SECOND = 1000

const holdToPay = (sums: Sums): HoldToPay => ({
  orders: sums.paid,
  averageSeconds: meanOf(sums.payMillis, sums.paid * MILLIS_PER_SECOND),
  within1Minute: sums.paidIn1Minute,
  within5Minutes: sums.paidIn5Minutes,
  within15Minutes: sums.paidIn15Minutes,
  within30Minutes: sums.paidIn30Minutes
})

const moneyOf = ({ currency, sums }: CurrencySums): MoneyFigures => ({
  currency,
  orders: sums.sales,
  tickets: sums.tickets,
  revenue: sums.revenue,
  averageOrderValue: meanOf(sums.revenue, sums.sales),
  subtotal: sums.subtotal,
  platformFee: sums.platformFee,
  processingFee: sums.processingFee,
  tax: sums.tax,
  refunds: sums.refunds,
  refunded: sums.refundedCents,
  retained: sums.retainedCents,
  net: sums.revenue - sums.refundedCents,
  returned: sums.returnedCents
})

const hasMoved = ({ sums }: CurrencySums): boolean => sums.sales > 0 || sums.refunds > 0 || sums.returnedCents > 0

/** The money of each currency in which some has moved, in the order of the list of currencies. */
export const moneyFigures = (totals: ReadonlyArray<CurrencySums>): ReadonlyArray<MoneyFigures> =>
  totals
    .filter(hasMoved)
    .map(moneyOf)
    .toSorted((one, other) => Currency.literals.indexOf(one.currency) - Currency.literals.indexOf(other.currency))

/** The sums of every currency together: for counts, and never for money. */
export const countsOf = (totals: ReadonlyArray<CurrencySums>): Sums =>
  totals.reduce((all, { sums }) => addSums(all, sums), noSums)

/** All figures of a range. `totals` has one entry for each currency. */
export const salesFigures = (totals: ReadonlyArray<CurrencySums>): SalesFigures => {
  const all = countsOf(totals)
  const orders = orderFigures(all)
  return {
    orders,
    statuses: {
      PENDING: all.pending,
      RESERVED: all.reserved,
      CONFIRMED: all.confirmed,
      COMPLETED: all.completed,
      CANCELLED: all.cancelled,
      EXPIRED: all.expired,
      REFUNDED: all.refunded
    },
    rates: rateFigures(orders),
    holdToPay: holdToPay(all),
    money: moneyFigures(totals)
  }
}
