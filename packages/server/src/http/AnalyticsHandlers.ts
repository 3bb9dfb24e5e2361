/**
 * The endpoints about sales: decode, ask the workflow, show what it answers.
 */
import type { Currency } from "@tickettoken/order-domain/Currency"
import type { SalesInterval } from "@tickettoken/order-domain/ports/SalesReads"
import {
  liveSales,
  openHolds,
  salesSeries,
  salesSummary,
  topEvents
} from "@tickettoken/order-domain/workflows/ReadSales"
import { DateTime, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OrderServiceApi } from "../contract/Api.ts"
import { CurrentCaller } from "../contract/Auth.ts"
import { providePorts } from "./Ports.ts"
import { answering } from "./toProblem.ts"

export const layer = HttpApiBuilder.group(
  OrderServiceApi,
  "analytics",
  Effect.fnUntraced(function* (handlers) {
    const withPorts = yield* providePorts
    return handlers.handleAll({
      summary: ({ query }) => withPorts(summary(query)),
      series: ({ query }) => withPorts(series(query)),
      topEvents: ({ query }) => withPorts(top(query)),
      live: () => withPorts(live),
      holds: ({ query }) => withPorts(holds(query.limit))
    })
  })
)

interface RangeQuery {
  readonly from?: DateTime.Utc
  readonly to?: DateTime.Utc
}

const timeZone = "UTC" as const

const rangeView = ({ from, to }: { readonly from: DateTime.Utc; readonly to: DateTime.Utc }) => ({
  from: DateTime.formatIsoDateUtc(from),
  to: DateTime.formatIsoDateUtc(to),
  timeZone
})

const summary = Effect.fnUntraced(function* (range: RangeQuery) {
  const caller = yield* CurrentCaller
  const figures = yield* answering(salesSummary({ caller, ...range }))
  return { ...figures, ...rangeView(figures) }
})

const series = Effect.fnUntraced(function* ({ interval, ...range }: RangeQuery & { readonly interval: SalesInterval }) {
  const caller = yield* CurrentCaller
  const found = yield* answering(salesSeries({ caller, ...range, interval }))
  return { ...found, ...rangeView(found) }
})

const top = Effect.fnUntraced(function* ({
  currency,
  limit,
  ...range
}: RangeQuery & { readonly currency?: Currency; readonly limit: number }) {
  const caller = yield* CurrentCaller
  const found = yield* answering(topEvents({ caller, ...range, currency, limit }))
  return {
    ...rangeView(found),
    asOf: found.asOf,
    ranking: found.ranking.map((of) => ({
      currency: of.currency,
      events: of.events.map(({ eventId, orders, refunded, revenue, tickets }) => ({
        eventId,
        orders,
        tickets,
        revenue,
        refunded,
        net: revenue - refunded
      }))
    }))
  }
})

const live = Effect.gen(function* () {
  const { money, now } = yield* answering(liveSales(yield* CurrentCaller))
  return { timeZone, asOf: now, money }
})

const holds = Effect.fnUntraced(function* (limit: number) {
  const caller = yield* CurrentCaller
  const { next, now, ...counts } = yield* answering(openHolds({ caller, limit }))
  return {
    asOf: now,
    ...counts,
    next: next.map(({ expiresAt, id, minutesUntilExpiration }) => ({
      id,
      reservationExpiresAt: expiresAt,
      minutesUntilExpiration
    }))
  }
})
