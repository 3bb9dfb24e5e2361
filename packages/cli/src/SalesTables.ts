/**
 * Sales figures as the command prints them. The JSON has the names of the HTTP interface.
 */
import { type Currency, format } from "@tickettoken/order-domain/Currency"
import { type BasisPoints, formatRate, unsafeCents } from "@tickettoken/order-domain/Money"
import type { MoneyFigures, SalesFigures } from "@tickettoken/order-domain/SalesFigures"
import type { CountedRange, EventRanking, SalesBucket } from "@tickettoken/order-domain/workflows/ReadSales"
import { DateTime } from "effect"
import type { Printable } from "./Output.ts"
import { sparkline } from "./Sparkline.ts"

const iso = (at: DateTime.Utc): string => DateTime.formatIso(at)

const rangeJson = ({ asOf, from, to }: CountedRange) => ({
  from: DateTime.formatIsoDateUtc(from),
  to: DateTime.formatIsoDateUtc(to),
  timeZone: "UTC",
  asOf: iso(asOf)
})

/** An amount that may be below nothing. */
const money = (amount: number, currency: Currency): string =>
  `${amount < 0 ? "-" : ""}${format(unsafeCents(Math.abs(amount)), currency)}`

const orNone = <A>(value: A | null, text: (value: A) => string): string => (value === null ? "-" : text(value))

const rate = (points: BasisPoints | null): string => orNone(points, formatRate)

const noteOf = ({ asOf, from, to }: CountedRange): string =>
  `${DateTime.formatIsoDateUtc(from)} to ${DateTime.formatIsoDateUtc(to)}, days of UTC, counted up to ${iso(asOf)}`

type Row = readonly [figure: string, value: string, trend: string]

const moneyRows = (of: MoneyFigures, buckets: ReadonlyArray<SalesBucket>): ReadonlyArray<Row> => {
  const { currency } = of
  const trend = (value: (of: MoneyFigures) => number): string =>
    sparkline(
      buckets.map((bucket) => {
        const found = bucket.money.find((entry) => entry.currency === currency)
        return found === undefined ? 0 : value(found)
      })
    )
  return [
    [`${currency} revenue`, money(of.revenue, currency), trend(({ revenue }) => revenue)],
    [`${currency} refunded`, money(of.refunded, currency), trend(({ refunded }) => refunded)],
    [`${currency} net`, money(of.net, currency), trend(({ net }) => net)],
    [`${currency} orders`, String(of.orders), trend(({ orders }) => orders)],
    [`${currency} tickets`, String(of.tickets), trend(({ tickets }) => tickets)],
    [`${currency} average order`, orNone(of.averageOrderValue, (mean) => money(mean, currency)), ""],
    [`${currency} platform fees`, money(of.platformFee, currency), ""],
    [`${currency} processing fees`, money(of.processingFee, currency), ""],
    [`${currency} tax`, money(of.tax, currency), ""],
    [`${currency} kept of refunds`, money(of.retained, currency), ""],
    [`${currency} returned, never revenue`, money(of.returned, currency), ""]
  ]
}

/** The figures of a range, with their trend over its buckets. */
export const statsTable = (
  figures: SalesFigures & CountedRange,
  series: { readonly interval: "hour" | "day"; readonly buckets: ReadonlyArray<SalesBucket> }
): Printable => {
  const { holdToPay, money: byCurrency, orders, rates, statuses } = figures
  const trend = (value: (of: SalesBucket["orders"]) => number): string =>
    sparkline(series.buckets.map((bucket) => value(bucket.orders)))
  const rows: ReadonlyArray<Row> = [
    ["orders created", String(orders.created), trend(({ created }) => created)],
    ["refused", String(orders.refused), trend(({ refused }) => refused)],
    ["held", String(orders.held), trend(({ held }) => held)],
    ["open", String(orders.open), trend(({ open }) => open)],
    ["confirmed", String(orders.confirmed), trend(({ confirmed }) => confirmed)],
    ["cancelled", String(orders.cancelled), trend(({ cancelled }) => cancelled)],
    ["expired", String(orders.expired), trend(({ expired }) => expired)],
    ["refunded", String(orders.refunded), trend(({ refunded }) => refunded)],
    ["conversion", rate(rates.conversion), ""],
    ["cancellation", rate(rates.cancellation), ""],
    ["expiry", rate(rates.expiry), ""],
    ["refund", rate(rates.refund), ""],
    ["hold to pay", orNone(holdToPay.averageSeconds, (seconds) => `${seconds} s`), ""],
    ...Object.entries(statuses).map(([status, count]): Row => [`now ${status}`, String(count), ""]),
    ...byCurrency.flatMap((of) => moneyRows(of, series.buckets))
  ]
  return {
    json: {
      ...rangeJson(figures),
      orders,
      statuses,
      rates,
      holdToPay,
      money: byCurrency,
      series: {
        interval: series.interval,
        buckets: series.buckets.map((bucket) => ({ ...bucket, startsAt: iso(bucket.startsAt) }))
      }
    },
    header: ["FIGURE", "VALUE", "TREND"],
    rows,
    note: noteOf(figures)
  }
}

export const topEventsTable = (found: CountedRange & { readonly ranking: ReadonlyArray<EventRanking> }): Printable => {
  const events = found.ranking.flatMap(({ events: ranked }) =>
    ranked.map((event) => ({ ...event, net: event.revenue - event.refunded }))
  )
  return {
    json: { events, ...rangeJson(found) },
    header: ["EVENT", "CURRENCY", "ORDERS", "TICKETS", "REVENUE", "REFUNDED", "NET"],
    rows: events.map(({ currency, eventId, net, orders, refunded, revenue, tickets }) => [
      eventId,
      currency,
      String(orders),
      String(tickets),
      money(revenue, currency),
      money(refunded, currency),
      money(net, currency)
    ]),
    note: noteOf(found)
  }
}
