/**
 * Money as integer minor units, rates as integer basis points, and the one place that rounds.
 *
 * Every amount and every product is exact: the technical ceiling (10^10 minor units) times the largest rate
 * (10^4 basis points) is 10^14, far below 2^53, so plain integers never lose a unit. Source: rules 1.1, 1.5, 1.7.
 */
import { Result, Schema } from "effect"

/** The technical ceiling of one amount, in minor units ("$100M", rule 1.5). Checked on every sum before it is stored. */
export const AMOUNT_CEILING = 10_000_000_000

/** An amount of money in minor units of its currency (cents for USD): an integer from 0 to {@link AMOUNT_CEILING}. */
export const Cents = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: AMOUNT_CEILING })).pipe(
  Schema.brand("Cents")
)
export type Cents = typeof Cents.Type

/** One whole, in basis points. */
export const BASIS_POINTS_WHOLE = 10_000

/** A rate in basis points: 10 000 is 100 %, 290 is 2.90 %. */
export const BasisPoints = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: BASIS_POINTS_WHOLE })).pipe(
  Schema.brand("BasisPoints")
)
export type BasisPoints = typeof BasisPoints.Type

/** How a fraction of a minor unit becomes a whole one. The default everywhere is `down` (rule 1.1). */
export const Rounding = Schema.Literals(["down", "half-up", "half-even"])
export type Rounding = typeof Rounding.Type

/** A sum, difference or product left the range 0 to {@link AMOUNT_CEILING}, or was no whole number (rule 1.5). */
export class AmountOutOfRange extends Schema.TaggedError<AmountOutOfRange>()("AmountOutOfRange", {
  /** The refused value in minor units, as text: it may be negative, fractional, infinite or not a number. */
  amount: Schema.String
}) {
  override get message(): string {
    return `${this.amount} is not a whole amount from 0 to ${AMOUNT_CEILING} minor units`
  }
}

/**
 * Brands an amount that the caller has already proven to be an integer from 0 to {@link AMOUNT_CEILING}.
 *
 * `Cents.make` runs the schema and would cost more than a whole quote. Input from outside never comes through here.
 */
// oxlint-disable-next-line typescript/consistent-type-assertions -- a brand has no other constructor without its check
export const unsafeCents = (amount: number): Cents => amount as Cents

/** No money. */
export const zeroCents: Cents = unsafeCents(0)

/** Checks a computed amount in minor units. Fails with {@link AmountOutOfRange}. */
export const checked = (amount: number): Result.Result<Cents, AmountOutOfRange> =>
  Number.isInteger(amount) && amount >= 0 && amount <= AMOUNT_CEILING
    ? Result.succeed(unsafeCents(amount))
    : outOfRange(amount)

/** The failure of a computed amount, in minor units. */
export const outOfRange = (amount: number): Result.Result<never, AmountOutOfRange> =>
  Result.fail(new AmountOutOfRange({ amount: String(amount) }))

/**
 * The sum of the parts, in minor units. Fails with {@link AmountOutOfRange} above the ceiling (rule 1.5).
 *
 * Parts are never negative, so a sum that has grown past 2^53 and lost units is still above the ceiling.
 */
export const sum = (parts: ReadonlyArray<Cents>): Result.Result<Cents, AmountOutOfRange> =>
  checked(parts.reduce((total, part) => total + part, 0))

/**
 * The price of `quantity` pieces at `unit` each, in minor units. Fails with {@link AmountOutOfRange} above the ceiling
 * and on a quantity that is negative or no whole number (rule 1.5).
 */
export const multiply = (unit: Cents, quantity: number): Result.Result<Cents, AmountOutOfRange> =>
  Number.isInteger(quantity) ? checked(unit * quantity) : outOfRange(unit * quantity)

/** `amount` less `part`, in minor units. Fails with {@link AmountOutOfRange} when `part` is the larger one. */
export const minus = (amount: Cents, part: Cents): Result.Result<Cents, AmountOutOfRange> => checked(amount - part)

/** `amount` less `part`, in minor units, and nothing when `part` is the larger one. */
export const minusOrZero = (amount: Cents, part: Cents): Cents =>
  amount > part ? unsafeCents(amount - part) : zeroCents

/** The smaller of two amounts. */
export const smallerOf = (one: Cents, other: Cents): Cents => (one < other ? one : other)

/**
 * `rate` of `amount`, in minor units, rounded once: the only rounding of the order service (rule 1.1).
 *
 * *Details*: the product is an exact integer below 2^53. Its quotient by 10 000 lies at least 1/10 000 below the next
 * integer, or on one, while doubles of that size lie 2 x 10^-6 apart at most: `Math.floor` is the exact quotient.
 */
export const portion = (amount: Cents, rate: BasisPoints, rounding: Rounding): Cents => {
  const product = amount * rate
  const whole = Math.floor(product / BASIS_POINTS_WHOLE)
  if (rounding === "down") return unsafeCents(whole)
  const twiceTheRest = 2 * (product - whole * BASIS_POINTS_WHOLE)
  const roundsUp =
    twiceTheRest > BASIS_POINTS_WHOLE ||
    (twiceTheRest === BASIS_POINTS_WHOLE && (rounding === "half-up" || whole % 2 === 1))
  return unsafeCents(roundsUp ? whole + 1 : whole)
}

/** `count` equal claims on an amount, each weighing `weight` (whole numbers; anything else counts as 0). */
export interface Claims {
  readonly weight: number
  readonly count: number
}

/** What `count` equal claims got, in minor units: the first `extras` of them one unit more than `each`. */
export interface Shares {
  readonly each: Cents
  readonly extras: number
}

/**
 * Splits `total` by largest remainder over groups of equal claims, so that ten thousand tickets cost as much as one.
 *
 * Every share is the exact one rounded down or up. Units left over go to the largest remainders; equal remainders go
 * by position. Without any weight all claims count alike. The shares sum to `total` unless there is no claim at all.
 */
export const allocateGroups = (total: Cents, groups: ReadonlyArray<Claims>): ReadonlyArray<Shares> => {
  const counts = groups.map(({ count }) => BigInt(wholeOrZero(count)))
  const given = groups.map(({ weight }) => BigInt(wholeOrZero(weight)))
  const weighs = (weights: ReadonlyArray<bigint>) =>
    weights.reduce((all, weight, at) => all + weight * (counts[at] ?? 0n), 0n)
  const weights = weighs(given) > 0n ? given : given.map(() => 1n)
  const whole = weighs(weights)
  if (whole === 0n) return groups.map(() => ({ each: zeroCents, extras: 0 }))

  // BigInt: an amount times a weight passes 2^53, and no quote comes through here.
  const each = weights.map((weight) => (BigInt(total) * weight) / whole)
  const rest = weights.map((weight) => (BigInt(total) * weight) % whole)
  let left = BigInt(total) - weighs(each)
  const extras = groups.map(() => 0n)
  const byRest = rest
    .map((size, at) => ({ size, at }))
    .sort((a, b) => (a.size === b.size ? a.at - b.at : a.size < b.size ? 1 : -1))
  for (const { at } of byRest) {
    const count = counts[at] ?? 0n
    extras[at] = left < count ? left : count
    left -= extras[at]
  }
  return each.map((share, at) => ({ each: unsafeCents(Number(share)), extras: Number(extras[at] ?? 0n) }))
}

/**
 * Splits `total` by largest remainder: part i has the share of `weights[i]`, in minor units (rule 1.7).
 *
 * Parts are in the order of the weights and always sum to `total`; equal remainders go by position. Weights that are
 * all 0 say nothing, so the parts are equal. Without a weight there is no part, and `total` goes nowhere.
 */
export const allocate = (total: Cents, weights: ReadonlyArray<number>): ReadonlyArray<Cents> =>
  allocateGroups(
    total,
    weights.map((weight) => ({ weight, count: 1 }))
  ).map(({ each, extras }) => unsafeCents(each + extras))

/**
 * `part` of `whole` in basis points, rounded down; `null` where there is no whole. Both are sums, which may pass
 * {@link AMOUNT_CEILING}: a product of such a sum may pass 2^53, so it is made of BigInts.
 */
export const rateOf = (part: number, whole: number): BasisPoints | null =>
  whole === 0 ? null : BasisPoints.make(Number((BigInt(part) * BigInt(BASIS_POINTS_WHOLE)) / BigInt(whole)))

/** What each of `count` equal parts of a sum comes to, rounded down; `null` where there is none. */
export const meanOf = (sum: number, count: number): number | null => (count === 0 ? null : Math.floor(sum / count))

const wholeOrZero = (value: number): number => (Number.isInteger(value) && value > 0 ? value : 0)

/**
 * A percentage in decimal digits ("2.9", "5.00", "100") as basis points, exactly. Fails with {@link PercentageInvalid}
 * on anything else: a sign, an exponent, more than two decimals, more than 100 %.
 */
export const parsePercentage = (text: string): Result.Result<BasisPoints, PercentageInvalid> => {
  const digits = /^(\d{1,3})(?:\.(\d{1,2}))?$/.exec(text)
  const points = digits === null ? Number.NaN : Number(`${digits[1]}${(digits[2] ?? "").padEnd(2, "0")}`)
  return points <= BASIS_POINTS_WHOLE
    ? Result.succeed(BasisPoints.make(points))
    : Result.fail(new PercentageInvalid({ text }))
}

/** A text that is no percentage from 0 to 100 with at most two decimals. */
export class PercentageInvalid extends Schema.TaggedError<PercentageInvalid>()("PercentageInvalid", {
  text: Schema.String
}) {
  override get message(): string {
    return `"${this.text}" is not a percentage from 0 to 100 with at most two decimals, such as 2.9`
  }
}

/** A rate as people write it: 290 basis points are "2.90 %". */
export const formatRate = (rate: BasisPoints): string => `${(rate / 100).toFixed(2)} %`
