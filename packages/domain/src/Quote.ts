/**
 * The price of an order before it exists: what `CreateOrder` will charge for the same lines, to the unit.
 *
 * A plain function on plain data, usable without Effect: it takes every table as an argument and returns a `Result`.
 */
import { Result } from "effect"
import type { Currency, CurrencyNotSupported } from "./Currency.ts"
import { type FeeTable, scheduleOf } from "./FeeSchedule.ts"
import type { AmountOutOfRange } from "./Money.ts"
import { checkTotal, type OrderLimits, type OrderValueOutOfRange } from "./OrderLimits.ts"
import { type PricedLine, type Pricing, priceLines } from "./Pricing.ts"

/** What to price, and the tables in force. */
export interface QuoteInput {
  readonly lines: ReadonlyArray<PricedLine>
  readonly currency: Currency
  readonly fees: FeeTable
  readonly limits: OrderLimits
}

/** A price that an order may have, with the schedule it was made by. Amounts in minor units of `currency`. */
export interface OrderQuote {
  readonly currency: Currency
  readonly feeVersion: string
  readonly pricing: Pricing
}

/** Why there is no quote. */
export type QuoteError = CurrencyNotSupported | AmountOutOfRange | OrderValueOutOfRange

/**
 * Prices an order and checks the total (rules 1.1, 1.4, 1.5, 1.6). Quantities have a check of their own,
 * `checkQuantities`, because it needs the ticket types.
 *
 * Fails with the first that applies: `CurrencyNotSupported` (no row of fees, then of limits), `AmountOutOfRange` (a
 * bad price or quantity, or past the technical ceiling), `OrderValueOutOfRange` (below, above, or free where off).
 */
export const quoteOrder = ({ currency, fees, limits, lines }: QuoteInput): Result.Result<OrderQuote, QuoteError> => {
  const schedule = scheduleOf(fees, currency)
  if (Result.isFailure(schedule)) return Result.fail(schedule.failure)
  const pricing = priceLines(schedule.success, lines)
  if (Result.isFailure(pricing)) return Result.fail(pricing.failure)
  const allowed = checkTotal(pricing.success.total, currency, limits)
  if (Result.isFailure(allowed)) return Result.fail(allowed.failure)
  return Result.succeed({ currency, feeVersion: schedule.success.version, pricing: pricing.success })
}
