/**
 * Looks at sales: figures of a range, series for charts, the best events, the last hour, and holds that run out. Staff of
 * the tenant may look; nothing here writes, and nothing is said about a person.
 */
import { DateTime, Effect, Schema } from "effect"
import { type Caller, seesAllOrders } from "../Actor.ts"
import type { Currency } from "../Currency.ts"
import { Forbidden, type ServiceUnavailable } from "../OrderErrors.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import {
  type EventSales,
  type MinuteSales,
  type SalesInterval,
  type SalesRange,
  SalesReads
} from "../ports/SalesReads.ts"
import {
  countsOf,
  type CurrencySums,
  type MoneyFigures,
  moneyFigures,
  type OrderFigures,
  orderFigures,
  salesFigures
} from "../SalesFigures.ts"
import { expiringOrders } from "./ReadOrders.ts"

/** The longest range. */
export const RANGE_DAYS_MAX = 1_100

/** The longest range of a series by the hour: its buckets are to be drawn. */
export const HOURLY_DAYS_MAX = 31

/** The days up to today that are meant when nobody says which. */
export const RANGE_DAYS_DEFAULT = 30

/** What counts as live: the last hour. */
export const LIVE_MINUTES = 60

/** How far ahead holds that run out are listed. */
const HOLDS_AHEAD_MINUTES = 24 * 60

const MILLIS_PER_DAY = 86_400_000
const MILLIS_PER_MINUTE = 60_000
const bucketMillis = { hour: 3_600_000, day: MILLIS_PER_DAY } as const

const SalesRangeIssue = Schema.Struct({ path: Schema.String, message: Schema.String })

/** The days that are asked for are no range, or too long a one. */
export class SalesRangeInvalid extends Schema.TaggedError<SalesRangeInvalid>()("SalesRangeInvalid", {
  issues: Schema.NonEmptyArray(SalesRangeIssue)
}) {
  override get message(): string {
    return this.issues.map(({ path, message }) => `${path}: ${message}`).join("; ")
  }
}

/** Instants at the start of the first and of the last day, both within the range. */
export interface SalesRangeInput {
  readonly caller: Caller
  /** Default: {@link RANGE_DAYS_DEFAULT} days up to `to`. */
  readonly from?: DateTime.Utc | undefined
  /** Default: today. */
  readonly to?: DateTime.Utc | undefined
}

/** The first and last day of a range, and up to when its figures are counted. */
export interface CountedRange {
  readonly from: DateTime.Utc
  readonly to: DateTime.Utc
  readonly asOf: DateTime.Utc
}

const requireStaff = ({ actor }: Caller): Effect.Effect<void, Forbidden> =>
  seesAllOrders(actor) ? Effect.void : Effect.fail(new Forbidden({ needs: "a staff role" }))

const days = (from: DateTime.Utc, count: number): DateTime.Utc => DateTime.add(from, { days: count })

const daysMaxOf = (interval: SalesInterval): number => (interval === "hour" ? HOURLY_DAYS_MAX : RANGE_DAYS_MAX)

const invalid = (path: string, message: string) => new SalesRangeInvalid({ issues: [{ path, message }] })

const rangeOf = Effect.fnUntraced(function* (
  { caller, from, to }: SalesRangeInput,
  interval: SalesInterval = "day"
): Effect.fn.Return<
  SalesRange & { readonly to: DateTime.Utc },
  Forbidden | SalesRangeInvalid | ServiceUnavailable,
  OrderStore
> {
  yield* requireStaff(caller)
  const last = to ?? DateTime.startOf(yield* (yield* OrderStore).now, "day")
  const daysMax = daysMaxOf(interval)
  const first = from ?? days(last, 1 - Math.min(RANGE_DAYS_DEFAULT, daysMax))
  if (DateTime.isGreaterThan(first, last)) return yield* invalid("to", "must not be before from")
  const until = days(last, 1)
  const length = (DateTime.toEpochMillis(until) - DateTime.toEpochMillis(first)) / MILLIS_PER_DAY
  if (length > daysMax) {
    return yield* invalid(
      "from",
      `must be at most ${daysMax} days, both included${interval === "hour" ? " by the hour" : ""}`
    )
  }
  return { from: first, to: last, until }
})

/** All figures of the range. Fails with `Forbidden` for buyers. */
export const salesSummary = Effect.fn("salesSummary")(function* (input: SalesRangeInput) {
  const { from, to, until } = yield* rangeOf(input)
  const reads = yield* SalesReads
  const { asOf, totals } = yield* reads.totals({ tenantId: input.caller.tenantId, from, until })
  return { from, to, asOf, ...salesFigures(totals) }
})

/** One bucket of a series. */
export interface SalesBucket {
  readonly startsAt: DateTime.Utc
  readonly orders: OrderFigures
  readonly money: ReadonlyArray<MoneyFigures>
}

/** Every bucket of the range, the oldest first, also those in which nothing has happened. */
export const salesSeries = Effect.fn("salesSeries")(function* (
  input: SalesRangeInput & { readonly interval: SalesInterval }
) {
  const { from, to, until } = yield* rangeOf(input, input.interval)
  const reads = yield* SalesReads
  const { interval } = input
  const { asOf, buckets } = yield* reads.series({ tenantId: input.caller.tenantId, from, until, interval })
  const known = Map.groupBy<number, CurrencySums & { readonly startsAt: DateTime.Utc }>(buckets, ({ startsAt }) =>
    DateTime.toEpochMillis(startsAt)
  )
  const start = DateTime.toEpochMillis(from)
  const step = bucketMillis[interval]
  const count = (DateTime.toEpochMillis(until) - start) / step
  return {
    from,
    to,
    asOf,
    interval,
    buckets: Array.from({ length: count }, (_, at): SalesBucket => {
      const startsAt = start + at * step
      const totals = known.get(startsAt) ?? []
      return {
        startsAt: DateTime.makeUnsafe(startsAt),
        orders: orderFigures(countsOf(totals)),
        money: moneyFigures(totals)
      }
    })
  }
})

/** The events of one currency with the most revenue, the best first. */
export interface EventRanking {
  readonly currency: Currency
  readonly events: ReadonlyArray<EventSales>
}

/** The best events of each currency, or of one. */
export const topEvents = Effect.fn("topEvents")(function* (
  input: SalesRangeInput & { readonly currency?: Currency | undefined; readonly limit: number }
) {
  const { from, to, until } = yield* rangeOf(input)
  const reads = yield* SalesReads
  const { caller, currency = null, limit } = input
  const { asOf, events } = yield* reads.topEvents({ tenantId: caller.tenantId, from, until, currency, limit })
  const byCurrency = Map.groupBy(events, (event) => event.currency)
  const ranking = [...byCurrency].map(([of, ranked]): EventRanking => ({ currency: of, events: ranked }))
  return { from, to, asOf, ranking }
})

/** Sales of one currency, minute by minute. */
export interface LiveSales {
  readonly currency: Currency
  readonly orders: number
  readonly revenue: number
  /** Every minute of the hour, the oldest first; the last one is still running. */
  readonly minutes: ReadonlyArray<Pick<MinuteSales, "startsAt" | "orders" | "revenue">>
}

const sumOf = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, number) => sum + number, 0)

const liveOf = (currency: Currency, sales: ReadonlyArray<MinuteSales>, first: number): LiveSales => {
  const known = new Map(sales.map((sale) => [DateTime.toEpochMillis(sale.startsAt), sale]))
  return {
    currency,
    orders: sumOf(sales.map(({ orders }) => orders)),
    revenue: sumOf(sales.map(({ revenue }) => revenue)),
    minutes: Array.from({ length: LIVE_MINUTES }, (_, at) => {
      const startsAt = first + at * MILLIS_PER_MINUTE
      const { orders = 0, revenue = 0 } = known.get(startsAt) ?? {}
      return { startsAt: DateTime.makeUnsafe(startsAt), orders, revenue }
    })
  }
}

/** What has been sold in the last hour, of each currency in which something was. */
export const liveSales = Effect.fn("liveSales")(function* (caller: Caller) {
  yield* requireStaff(caller)
  const reads = yield* SalesReads
  const { now, sales } = yield* reads.live(caller.tenantId, LIVE_MINUTES)
  const first = DateTime.toEpochMillis(DateTime.startOf(now, "minute")) - (LIVE_MINUTES - 1) * MILLIS_PER_MINUTE
  const byCurrency = Map.groupBy(sales, ({ currency }) => currency)
  return { now, money: [...byCurrency].map(([currency, of]) => liveOf(currency, of, first)) }
})

/** Open holds by how soon they run out, and up to `limit` of those that do so next. */
export const openHolds = Effect.fn("openHolds")(function* (input: { readonly caller: Caller; readonly limit: number }) {
  const { caller, limit } = input
  yield* requireStaff(caller)
  const reads = yield* SalesReads
  const holds = yield* reads.holds(caller.tenantId)
  const next = yield* expiringOrders({ tenantId: caller.tenantId, minutes: HOLDS_AHEAD_MINUTES, limit })
  return { ...holds, next }
})
