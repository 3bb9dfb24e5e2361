/**
 * Counts what has changed into the sales figures every few minutes, and tells monitoring how sales have gone lately.
 *
 * Every replica runs it: they take turns at counting, and each tells its own monitoring what the figures say then.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { OrderStatus } from "@tickettoken/order-domain/Order"
import { type Duration, Effect, Layer, Schedule } from "effect"
import { readRecentSales } from "../sql/RecentSalesSql.ts"
import { FOLD_BATCH, foldSales } from "../sql/SalesRollupSql.ts"
import { sales as metrics } from "../telemetry/Metrics.ts"
import { runChore } from "./chore.ts"

const rates = ["conversion", "cancellation", "expiry", "refund"] as const

/** What there is nothing of is no number: a 0 would be a claim. */
const orNone = (value: number | null | undefined): number => value ?? Number.NaN

const tellRecent = Effect.gen(function* () {
  const { figures, oldestSeconds } = yield* readRecentSales
  const means = new Map(figures.money.map(({ averageOrderValue, currency }) => [currency, averageOrderValue]))
  for (const status of OrderStatus.literals) yield* metrics.orders.record(figures.statuses[status], { status })
  for (const rate of rates) yield* metrics.rates.record(orNone(figures.rates[rate]), { rate })
  for (const currency of Currency.literals) {
    yield* metrics.averageOrder.record(orNone(means.get(currency)), { currency })
  }
  yield* metrics.holdToPay.record(orNone(figures.holdToPay.averageSeconds), {})
  yield* metrics.oldestUncounted.record(oldestSeconds, {})
})

/** One batch; after the last one, what monitoring is to know. */
const round = Effect.gen(function* () {
  const folded = yield* foldSales
  if (folded < FOLD_BATCH) yield* tellRecent
  return folded
})

export const layer = (every: Duration.Duration) =>
  Layer.effectDiscard(runChore({ name: "sales", round, full: FOLD_BATCH, schedule: Schedule.spaced(every) }))
