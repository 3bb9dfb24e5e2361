/**
 * Money as integer minor units, rates as integer basis points, and the one place that rounds.
 *
 * Every amount and every product is exact: the technical ceiling (10^10 minor units) times the largest rate
 * (10^4 basis points) is 10^14, far below 2^53, so plain integers never lose a unit. Source: rules 1.1, 1.5, 1.7.
 */
import { Schema } from "effect"

/** The technical ceiling of one amount, in minor units ("$100M", rule 1.5). Checked on every sum before it is stored. */
export const AMOUNT_CEILING = 10_000_000_000

/** An amount of money in minor units of its currency (cents for USD): an integer from 0 to {@link AMOUNT_CEILING}. */
export const Cents = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: AMOUNT_CEILING })).pipe(
  Schema.brand("Cents")
)
export type Cents = typeof Cents.Type

/** A rate in basis points: 10 000 is 100 %, 290 is 2.90 %. */
export const BasisPoints = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })).pipe(
  Schema.brand("BasisPoints")
)
export type BasisPoints = typeof BasisPoints.Type

/** How a fraction of a minor unit becomes a whole one. The default everywhere is `down` (rule 1.1). */
export const Rounding = Schema.Literals(["down", "half-up", "half-even"])
export type Rounding = typeof Rounding.Type
