/**
 * What the endpoints about sales answer; docs/analytics.md says what each figure means.
 *
 * Every bucket and day is one of UTC, which `timeZone` says. Money is in minor units of the currency that stands beside
 * it, and is never added to that of another one. Rates are whole basis points, 10 000 being all; `null` where there is
 * nothing that it would be a rate of.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { EventId, OrderId } from "@tickettoken/order-domain/Ids"
import { BasisPoints } from "@tickettoken/order-domain/Money"
import { Schema } from "effect"
import { Count, Instant } from "./Views.ts"

/** A sum of money in minor units: may be more than one order can come to. */
const Sum = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** May be below nothing. */
const NetSum = Schema.Int

const Rate = Schema.NullOr(BasisPoints)

/** A day of UTC, as YYYY-MM-DD. */
const Day = Schema.String.annotate({ format: "date" })

const rangeFields = {
  /** The first and the last day, both within the range. */
  from: Day,
  to: Day,
  timeZone: Schema.Literal("UTC"),
  /** Up to when changes are counted. */
  asOf: Instant
}

const OrderFiguresView = Schema.Struct({
  created: Count,
  refused: Count,
  held: Count,
  open: Count,
  renewed: Count,
  confirmed: Count,
  cancelled: Count,
  expired: Count,
  refunded: Count
}).annotate({ identifier: "OrderFigures" })

const MoneyFiguresView = Schema.Struct({
  currency: Currency,
  orders: Count,
  tickets: Count,
  revenue: Sum,
  averageOrderValue: Schema.NullOr(Sum),
  subtotal: Sum,
  platformFee: Sum,
  processingFee: Sum,
  tax: Sum,
  refunds: Count,
  refunded: Sum,
  retained: Sum,
  net: NetSum,
  returned: Sum
}).annotate({ identifier: "MoneyFigures" })

export const SalesSummaryView = Schema.Struct({
  ...rangeFields,
  orders: OrderFiguresView,
  statuses: Schema.Struct({
    PENDING: Count,
    RESERVED: Count,
    CONFIRMED: Count,
    COMPLETED: Count,
    CANCELLED: Count,
    EXPIRED: Count,
    REFUNDED: Count
  }),
  rates: Schema.Struct({ conversion: Rate, cancellation: Rate, expiry: Rate, refund: Rate }),
  holdToPay: Schema.Struct({
    orders: Count,
    averageSeconds: Schema.NullOr(Sum),
    within1Minute: Count,
    within5Minutes: Count,
    within15Minutes: Count,
    within30Minutes: Count
  }),
  money: Schema.Array(MoneyFiguresView)
}).annotate({ identifier: "SalesSummary" })
export type SalesSummaryView = typeof SalesSummaryView.Type

export const SalesSeriesView = Schema.Struct({
  ...rangeFields,
  interval: Schema.Literals(["hour", "day"]),
  /** Every bucket of the range, the oldest first, also empty ones. */
  buckets: Schema.Array(
    Schema.Struct({ startsAt: Instant, orders: OrderFiguresView, money: Schema.Array(MoneyFiguresView) })
  )
}).annotate({ identifier: "SalesSeries" })
export type SalesSeriesView = typeof SalesSeriesView.Type

export const TopEventsView = Schema.Struct({
  ...rangeFields,
  /** Of each currency in which something was sold, the best event first. */
  ranking: Schema.Array(
    Schema.Struct({
      currency: Currency,
      events: Schema.Array(
        Schema.Struct({ eventId: EventId, orders: Count, tickets: Count, revenue: Sum, refunded: Sum, net: NetSum })
      )
    })
  )
}).annotate({ identifier: "TopEvents" })
export type TopEventsView = typeof TopEventsView.Type

export const LiveSalesView = Schema.Struct({
  timeZone: Schema.Literal("UTC"),
  asOf: Instant,
  /** Of each currency in which something was sold in the last hour. */
  money: Schema.Array(
    Schema.Struct({
      currency: Currency,
      orders: Count,
      revenue: Sum,
      /** All 60, the oldest first; the last one is still running. */
      minutes: Schema.Array(Schema.Struct({ startsAt: Instant, orders: Count, revenue: Sum }))
    })
  )
}).annotate({ identifier: "LiveSales" })
export type LiveSalesView = typeof LiveSalesView.Type

export const OpenHoldsView = Schema.Struct({
  asOf: Instant,
  open: Count,
  /** Past the deadline that buyers see: the grace runs, or they are about to expire. */
  overdue: Count,
  /** Not overdue, and with their deadline so soon. */
  within1Minute: Count,
  within5Minutes: Count,
  within15Minutes: Count,
  /** Those with the soonest deadlines that are not overdue. */
  next: Schema.Array(Schema.Struct({ id: OrderId, reservationExpiresAt: Instant, minutesUntilExpiration: Count }))
}).annotate({ identifier: "OpenHolds" })
export type OpenHoldsView = typeof OpenHoldsView.Type
