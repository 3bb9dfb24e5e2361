/**
 * What an order costs: subtotal, fees, tax and total under one fee schedule, exactly (rules 1.1, 1.4, 1.5).
 *
 * The parts sum to the total by construction. Nothing here reads a clock or a table: the schedule is an argument.
 */
import { Result, Schema } from "effect"
import type { FeeSchedule } from "./FeeSchedule.ts"
import {
  type AmountOutOfRange,
  Cents,
  checked,
  multiply,
  outOfRange,
  portion,
  unsafeCents,
  zeroCents
} from "./Money.ts"

/** The price of an order in minor units of its currency: `total` is the sum of the other four. */
export const Pricing = Schema.Struct({
  subtotal: Cents,
  platformFee: Cents,
  processingFee: Cents,
  tax: Cents,
  total: Cents
})
export type Pricing = typeof Pricing.Type

/** A line as the price sees it: `unitPrice` in minor units, from the ticket service (rule 1.8). */
export interface PricedLine {
  readonly unitPrice: number
  readonly quantity: number
}

/** The price of an order of free tickets: no fee on nothing (rule 1.4). */
export const freePricing: Pricing = {
  subtotal: zeroCents,
  platformFee: zeroCents,
  processingFee: zeroCents,
  tax: zeroCents,
  total: zeroCents
}

/**
 * The price of a subtotal (rule 1.1). Fails with `AmountOutOfRange` when the total passes the technical ceiling, and
 * for a gross-up schedule whose fee would chase itself, which the `FeeSchedule` schema refuses.
 */
export const priceSubtotal = (schedule: FeeSchedule, subtotal: Cents): Result.Result<Pricing, AmountOutOfRange> => {
  if (subtotal === 0) return Result.succeed(freePricing)
  const platformFee = portion(subtotal, schedule.platformRate, schedule.rounding)
  if (schedule.mode === "gross-up") return priceGrossUp(schedule, subtotal, platformFee)
  const base = processingBase(schedule, subtotal, platformFee)
  return Result.isFailure(base)
    ? Result.fail(base.failure)
    : withProcessingFee(schedule, subtotal, platformFee, processingCharge(schedule, base.success))
}

/** What the processing rate is taken of in additive mode. Fails with `AmountOutOfRange`. */
const processingBase = (schedule: FeeSchedule, subtotal: Cents, platformFee: Cents) =>
  checked(schedule.processingBase === "subtotal" ? subtotal : subtotal + platformFee)

/** The processing rate of `base` plus the fixed part, in minor units; {@link withProcessingFee} checks the sum. */
const processingCharge = (schedule: FeeSchedule, base: Cents): number =>
  portion(base, schedule.processingRate, schedule.rounding) + schedule.processingFixed

/** The whole price once the processing fee is known. Fails with `AmountOutOfRange`. */
const withProcessingFee = (
  schedule: FeeSchedule,
  subtotal: Cents,
  platformFee: Cents,
  processingFee: number
): Result.Result<Pricing, AmountOutOfRange> => {
  const beforeTax = checked(subtotal + platformFee + processingFee)
  if (Result.isFailure(beforeTax)) return Result.fail(beforeTax.failure)
  const tax = portion(
    taxBase(schedule, subtotal, platformFee, unsafeCents(processingFee)),
    schedule.taxRate,
    schedule.rounding
  )
  const total = checked(beforeTax.success + tax)
  // All parts are whole and not negative, and none is larger than the checked total.
  return Result.isFailure(total)
    ? Result.fail(total.failure)
    : Result.succeed({ subtotal, platformFee, processingFee: unsafeCents(processingFee), tax, total: total.success })
}

/** The sum of the taxable parts in minor units, never more than the sum of all three that the caller has checked. */
export const taxBase = ({ taxable }: FeeSchedule, subtotal: Cents, platformFee: Cents, processingFee: Cents): Cents =>
  unsafeCents(
    (taxable.subtotal ? subtotal : 0) +
      (taxable.platformFee ? platformFee : 0) +
      (taxable.processingFee ? processingFee : 0)
  )

/** Steps within which every fee that the `FeeSchedule` schema lets through is found (see {@link priceGrossUp}). */
const GROSS_UP_STEPS_MAX = 64

/**
 * The smallest processing fee p that covers the provider's charge on the grand total: p >= charge(total(p)), where
 * total(p) holds p and the tax on p. So total - charge - tax >= subtotal + platform fee, and not with p - 1.
 *
 * *Details*: charge(total(p)) never falls as p grows. Starting below the answer and replacing p by charge(total(p))
 * climbs, never passes the least p with p >= charge(total(p)), and stops only there. With rates up to
 * `GROSS_UP_RATE_MAX` and tax up to 100 % each step closes at least 60 % of the gap, so 64 are plenty for 10^10.
 */
const priceGrossUp = (
  schedule: FeeSchedule,
  subtotal: Cents,
  platformFee: Cents
): Result.Result<Pricing, AmountOutOfRange> => {
  let processingFee = 0
  for (let step = 0; step < GROSS_UP_STEPS_MAX; step++) {
    const priced = withProcessingFee(schedule, subtotal, platformFee, processingFee)
    if (Result.isFailure(priced)) return priced
    const charge = processingCharge(schedule, priced.success.total)
    if (charge <= processingFee) return priced
    processingFee = charge
  }
  return outOfRange(processingFee)
}

/** The sum of the lines in minor units. Fails with `AmountOutOfRange` on a bad price or quantity, or above the ceiling. */
export const subtotalOf = (lines: ReadonlyArray<PricedLine>): Result.Result<Cents, AmountOutOfRange> => {
  let subtotal = zeroCents
  for (const line of lines) {
    const price = checked(line.unitPrice)
    if (Result.isFailure(price)) return price
    const product = multiply(price.success, line.quantity)
    if (Result.isFailure(product)) return product
    const sum = checked(subtotal + product.success)
    if (Result.isFailure(sum)) return sum
    subtotal = sum.success
  }
  return Result.succeed(subtotal)
}

/** The price of lines: {@link priceSubtotal} of their sum. Fails with `AmountOutOfRange`. */
export const priceLines = (
  schedule: FeeSchedule,
  lines: ReadonlyArray<PricedLine>
): Result.Result<Pricing, AmountOutOfRange> => {
  const subtotal = subtotalOf(lines)
  return Result.isFailure(subtotal) ? Result.fail(subtotal.failure) : priceSubtotal(schedule, subtotal.success)
}
