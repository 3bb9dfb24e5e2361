/**
 * How much one order may hold and how many orders one user may have: the numbers and the pure checks (rules 1.4, 1.5,
 * 2.1, 2.2).
 */
import { Result, Schema } from "effect"
import { type Currency, CurrencyNotSupported } from "./Currency.ts"
import { Cents } from "./Money.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))

/** The grand totals that an order of one currency may have, in minor units, both ends allowed (rule 1.5). */
export const OrderValueLimits = Schema.Struct({ totalMin: Cents, totalMax: Cents })
export type OrderValueLimits = typeof OrderValueLimits.Type

/** Every limit of an order. A tenant may have its own. */
export const OrderLimits = Schema.Struct({
  linesMax: Count,
  quantityPerLineMax: Count,
  quantityPerTypeMax: Count,
  quantityPerOrderMax: Count,
  ordersPerUserPerDayMax: Count,
  ordersActivePerUserPerEventMax: Count,
  /** Whether an order may cost nothing (rule 1.4). */
  freeOrdersAllowed: Schema.Boolean,
  /** A currency without a row is refused (rule 1.6). */
  value: Schema.Struct({
    USD: Schema.optionalKey(OrderValueLimits),
    EUR: Schema.optionalKey(OrderValueLimits),
    GBP: Schema.optionalKey(OrderValueLimits),
    CAD: Schema.optionalKey(OrderValueLimits),
    AUD: Schema.optionalKey(OrderValueLimits)
  })
})
export type OrderLimits = typeof OrderLimits.Type

const valueLimits: OrderValueLimits = { totalMin: Cents.make(100), totalMax: Cents.make(10_000_000) }

/** The limits in force when a tenant has none of its own (rules 1.4, 1.5, 2.1, 2.2). */
export const orderLimits: OrderLimits = {
  linesMax: 50,
  quantityPerLineMax: 10,
  quantityPerTypeMax: 20,
  quantityPerOrderMax: 100,
  ordersPerUserPerDayMax: 20,
  ordersActivePerUserPerEventMax: 5,
  freeOrdersAllowed: true,
  value: { USD: valueLimits, EUR: valueLimits, GBP: valueLimits, CAD: valueLimits, AUD: valueLimits }
}

/** The grand total is outside what the currency allows: too small, too large, or free where that is off (1.4, 1.5). */
export class OrderValueOutOfRange extends Schema.TaggedError<OrderValueOutOfRange>()("OrderValueOutOfRange", {
  currency: Schema.String,
  total: Cents,
  totalMin: Cents,
  totalMax: Cents
}) {
  override get message(): string {
    return `a total of ${this.total} is outside ${this.totalMin} to ${this.totalMax} minor units of ${this.currency}`
  }
}

/** One broken rule about quantities, with the place in the request: `items`, `items[3]` or `items[3].quantity`. */
export const QuantityIssue = Schema.Struct({ path: Schema.String, message: Schema.String })
export type QuantityIssue = typeof QuantityIssue.Type

/** The lines break rule 2.1; every break is listed, in the order of the lines. */
export class QuantityRuleBroken extends Schema.TaggedError<QuantityRuleBroken>()("QuantityRuleBroken", {
  issues: Schema.NonEmptyArray(QuantityIssue)
}) {
  override get message(): string {
    return this.issues.map(({ path, message }) => `${path}: ${message}`).join("; ")
  }
}

/** The user has as many orders as rule 2.2 allows, in 24 hours or active for this event. */
export class OrderLimitExceeded extends Schema.TaggedError<OrderLimitExceeded>()("OrderLimitExceeded", {
  which: Schema.Literals(["createdLast24h", "activeForEvent"]),
  limit: Schema.Int
}) {
  override get message(): string {
    return this.which === "createdLast24h"
      ? `at most ${this.limit} orders in 24 hours`
      : `at most ${this.limit} active orders for one event`
  }
}

/**
 * Checks a grand total against the limits of its currency (rules 1.4, 1.5). Fails with `CurrencyNotSupported` or
 * {@link OrderValueOutOfRange}.
 */
export const checkTotal = (
  total: Cents,
  currency: Currency,
  limits: OrderLimits
): Result.Result<void, CurrencyNotSupported | OrderValueOutOfRange> => {
  const row = Object.hasOwn(limits.value, currency) ? limits.value[currency] : undefined
  if (row === undefined) return Result.fail(new CurrencyNotSupported({ currency, table: "limits" }))
  const allowed = total === 0 ? limits.freeOrdersAllowed : total >= row.totalMin && total <= row.totalMax
  return allowed ? Result.void : Result.fail(new OrderValueOutOfRange({ currency, total, ...row }))
}

/** A line as rule 2.1 sees it. */
export interface QuantityLine {
  readonly ticketTypeId: string
  readonly ticketPricingId: string
  readonly quantity: number
}

/** Checks the lines against rule 2.1. Fails with {@link QuantityRuleBroken}, which names every break. */
export const checkQuantities = (
  lines: ReadonlyArray<QuantityLine>,
  limits: OrderLimits
): Result.Result<void, QuantityRuleBroken> => {
  const [first, ...rest] = [
    ...orderIssues(lines, limits),
    ...lineIssues(lines, limits),
    ...typeIssues(lines, limits),
    ...duplicateIssues(lines)
  ]
  return first === undefined ? Result.void : Result.fail(new QuantityRuleBroken({ issues: [first, ...rest] }))
}

const orderIssues = (lines: ReadonlyArray<QuantityLine>, limits: OrderLimits): ReadonlyArray<QuantityIssue> => {
  const issues: Array<QuantityIssue> = []
  if (lines.length < 1 || lines.length > limits.linesMax) {
    issues.push({ path: "items", message: `1 to ${limits.linesMax} lines, not ${lines.length}` })
  }
  const quantity = lines.reduce((all, line) => all + countable(line), 0)
  if (quantity > limits.quantityPerOrderMax) {
    issues.push({ path: "items", message: `at most ${limits.quantityPerOrderMax} tickets in all, not ${quantity}` })
  }
  return issues
}

const lineIssues = (lines: ReadonlyArray<QuantityLine>, limits: OrderLimits): ReadonlyArray<QuantityIssue> =>
  lines.flatMap(({ quantity }, at) =>
    Number.isInteger(quantity) && quantity >= 1 && quantity <= limits.quantityPerLineMax
      ? []
      : [
          {
            path: `items[${at}].quantity`,
            message: `a whole number from 1 to ${limits.quantityPerLineMax}, not ${quantity}`
          }
        ]
  )

/** Points at the line with which a ticket type passes its limit, once per type. */
const typeIssues = (lines: ReadonlyArray<QuantityLine>, limits: OrderLimits): ReadonlyArray<QuantityIssue> => {
  const sums = new Map<string, number>()
  return lines.flatMap((line, at) => {
    const before = sums.get(line.ticketTypeId) ?? 0
    const after = before + countable(line)
    sums.set(line.ticketTypeId, after)
    return before <= limits.quantityPerTypeMax && after > limits.quantityPerTypeMax
      ? [
          {
            path: `items[${at}].quantity`,
            message: `at most ${limits.quantityPerTypeMax} of one ticket type over all lines`
          }
        ]
      : []
  })
}

const duplicateIssues = (lines: ReadonlyArray<QuantityLine>): ReadonlyArray<QuantityIssue> => {
  const firstAt = new Map<string, number>()
  return lines.flatMap((line, at) => {
    // The length keeps apart pairs whose texts join to the same one.
    const pair = `${line.ticketTypeId.length}:${line.ticketTypeId}${line.ticketPricingId}`
    const earlier = firstAt.get(pair)
    if (earlier === undefined) firstAt.set(pair, at)
    return earlier === undefined
      ? []
      : [{ path: `items[${at}]`, message: `same ticket type and pricing as items[${earlier}]` }]
  })
}

/** What a line adds to a sum: a quantity that is no positive whole number has its own issue and adds nothing. */
const countable = ({ quantity }: QuantityLine): number =>
  Number.isSafeInteger(quantity) && quantity > 0 ? quantity : 0

/** How many orders a user has before the new one. */
export interface UserOrderCounts {
  /** Created in the last 24 hours, whatever became of them, in this tenant. */
  readonly createdLast24h: number
  /** PENDING, RESERVED, CONFIRMED or COMPLETED for the event. */
  readonly activeForEvent: number
}

/** Whether one more order is allowed (rule 2.2). Fails with {@link OrderLimitExceeded}, the daily limit first. */
export const checkUserQuota = (
  { createdLast24h, activeForEvent }: UserOrderCounts,
  limits: OrderLimits
): Result.Result<void, OrderLimitExceeded> => {
  if (createdLast24h >= limits.ordersPerUserPerDayMax) {
    return Result.fail(new OrderLimitExceeded({ which: "createdLast24h", limit: limits.ordersPerUserPerDayMax }))
  }
  if (activeForEvent >= limits.ordersActivePerUserPerEventMax) {
    return Result.fail(
      new OrderLimitExceeded({ which: "activeForEvent", limit: limits.ordersActivePerUserPerEventMax })
    )
  }
  return Result.void
}
