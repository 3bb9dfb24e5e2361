/**
 * Why an order costs what it costs: each step with its rate, its base, the exact fraction before rounding and the
 * result, as data and as one line for people (rules 1.1, 1.3).
 *
 * The numbers come from `Pricing.ts`; this file only says how.
 */
import { Result } from "effect"
import type { FeeSchedule } from "./FeeSchedule.ts"
import {
  type AmountOutOfRange,
  BASIS_POINTS_WHOLE,
  type BasisPoints,
  type Cents,
  checked,
  formatRate
} from "./Money.ts"
import { type PricedLine, type Pricing, priceSubtotal, subtotalOf, taxBase } from "./Pricing.ts"

/** One step of a price. Amounts are minor units; `exact` is the result before rounding, as a fraction. */
export interface PricingStep {
  readonly part: keyof Pricing
  /** Absent where the step is a plain sum. */
  readonly rate?: BasisPoints
  readonly base: number
  readonly fixed: number
  readonly exact: { readonly numerator: number; readonly denominator: number }
  readonly result: Cents
  readonly line: string
}

/** A part of a given price that its schedule does not give. */
export interface PricingDifference {
  readonly part: keyof Pricing
  readonly given: number
  readonly computed: Cents
  readonly line: string
}

/** A price in steps, and where the price to explain was another. */
export interface PricingExplanation {
  readonly feeVersion: string
  readonly pricing: Pricing
  readonly steps: ReadonlyArray<PricingStep>
  /** Empty unless the price to explain was given and is not what the schedule gives. */
  readonly differences: ReadonlyArray<PricingDifference>
  readonly notes: ReadonlyArray<string>
}

/** What the original specification prints for 20000: one unit off its own rule in two places (rule 1.3). */
export const specificationExample = {
  subtotal: 20_000,
  platformFee: 1_000,
  processingFee: 609,
  tax: 1_728,
  total: 23_337
}

/** A price to explain: one that an order carries (plain numbers will do), or the lines to price. */
export type PricingSource = { readonly [Part in keyof Pricing]: number } | ReadonlyArray<PricedLine>

/** Explains a price under a schedule. Fails with `AmountOutOfRange` where `priceLines` does. */
export const explain = (
  schedule: FeeSchedule,
  source: PricingSource
): Result.Result<PricingExplanation, AmountOutOfRange> =>
  Result.gen(function* () {
    const subtotal = yield* "total" in source ? checked(source.subtotal) : subtotalOf(source)
    const pricing = yield* priceSubtotal(schedule, subtotal)
    return {
      feeVersion: schedule.version,
      pricing,
      steps: stepsOf(schedule, pricing, "total" in source ? [] : source),
      differences: "total" in source ? differencesOf(source, pricing) : [],
      notes:
        pricing.processingFee === specificationExample.processingFee + 1 && isSpecificationOrder(pricing)
          ? [specificationNote]
          : []
    }
  })

const isSpecificationOrder = (pricing: Pricing): boolean =>
  pricing.subtotal === specificationExample.subtotal &&
  pricing.platformFee === specificationExample.platformFee &&
  pricing.tax === specificationExample.tax

const specificationNote =
  "the original specification prints a processing fee of 609 and a total of 23337 for this order: one unit off its own rule, " +
  "since 2.90 % of 20000 is exactly 580 and 580 + 30 = 610. The rule is followed (1.3)"

const stepsOf = (
  schedule: FeeSchedule,
  pricing: Pricing,
  lines: ReadonlyArray<PricedLine>
): ReadonlyArray<PricingStep> => {
  const terms = lines.map(({ quantity, unitPrice }) => `${quantity} x ${unitPrice}`).join(" + ")
  const subtotal = sumStep(
    "subtotal",
    pricing.subtotal,
    `subtotal: ${terms === "" ? "" : `${terms} = `}${pricing.subtotal}`
  )
  const { platformFee, processingFee, tax, total } = pricing
  const sums = `${pricing.subtotal} + ${platformFee} + ${processingFee} + ${tax}`
  if (total === 0) return [subtotal, sumStep("total", total, "total: 0, a free order has no fees and no tax")]
  return [
    subtotal,
    rateStep(schedule, {
      part: "platformFee",
      name: "platform fee",
      rate: schedule.platformRate,
      base: pricing.subtotal,
      of: "the subtotal",
      fixed: 0,
      result: platformFee
    }),
    rateStep(schedule, {
      part: "processingFee",
      name: "processing fee",
      rate: schedule.processingRate,
      ...processingBaseOf(schedule, pricing),
      fixed: schedule.processingFixed,
      result: processingFee
    }),
    rateStep(schedule, {
      part: "tax",
      name: "tax",
      rate: schedule.taxRate,
      base: taxBase(schedule, pricing.subtotal, platformFee, processingFee),
      of: taxedParts(schedule),
      fixed: 0,
      result: tax
    }),
    sumStep("total", total, `total: ${sums} = ${total}`)
  ]
}

const processingBaseOf = (schedule: FeeSchedule, pricing: Pricing): { readonly base: number; readonly of: string } => {
  if (schedule.mode === "gross-up") return { base: pricing.total, of: "the grand total, this fee within" }
  return schedule.processingBase === "subtotal"
    ? { base: pricing.subtotal, of: "the subtotal" }
    : { base: pricing.subtotal + pricing.platformFee, of: "the subtotal and the platform fee" }
}

const taxedParts = ({ taxable }: FeeSchedule): string => {
  const parts = [
    ...(taxable.subtotal ? ["subtotal"] : []),
    ...(taxable.platformFee ? ["platform fee"] : []),
    ...(taxable.processingFee ? ["processing fee"] : [])
  ]
  return parts.length === 0 ? "nothing" : parts.join(" + ")
}

const sumStep = (part: keyof Pricing, result: Cents, line: string): PricingStep => ({
  part,
  base: result,
  fixed: 0,
  exact: { numerator: result, denominator: 1 },
  result,
  line
})

interface Rated {
  readonly part: keyof Pricing
  readonly name: string
  readonly rate: BasisPoints
  readonly base: number
  /** What `base` is, in words. */
  readonly of: string
  readonly fixed: number
  readonly result: Cents
}

const rateStep = (schedule: FeeSchedule, { part, name, rate, base, of, fixed, result }: Rated): PricingStep => {
  // At most 2 x 10^14: exact.
  const numerator = base * rate + fixed * BASIS_POINTS_WHOLE
  const sum = `${formatRate(rate)} of ${base} (${of})${fixed === 0 ? "" : ` + ${fixed}`}`
  const exact = decimal(numerator)
  const rounded = exact === String(result) ? "" : ` (exactly ${exact}, rounded ${schedule.rounding})`
  return {
    part,
    rate,
    base,
    fixed,
    exact: { numerator, denominator: BASIS_POINTS_WHOLE },
    result,
    line: `${name}: ${sum} = ${result}${rounded}`
  }
}

/** A number of ten-thousandths as an exact decimal. */
const decimal = (tenThousandths: number): string => {
  const rest = tenThousandths % BASIS_POINTS_WHOLE
  const whole = (tenThousandths - rest) / BASIS_POINTS_WHOLE
  return rest === 0 ? String(whole) : `${whole}.${String(rest).padStart(4, "0").replace(/0+$/, "")}`
}

const differencesOf = (
  given: { readonly [Part in keyof Pricing]: number },
  pricing: Pricing
): ReadonlyArray<PricingDifference> =>
  (["subtotal", "platformFee", "processingFee", "tax", "total"] as const)
    .filter((part) => given[part] !== pricing[part])
    .map((part) => ({
      part,
      given: given[part],
      computed: pricing[part],
      line: `${part}: ${given[part]} was given, the schedule gives ${pricing[part]}`
    }))
