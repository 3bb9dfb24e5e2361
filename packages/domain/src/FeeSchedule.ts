/**
 * Which fees and tax a buyer pays: versioned values, frozen on the order when it is created (rule 1.1).
 *
 * The maths that reads them is in `Pricing.ts`.
 */
import { Result, Schema } from "effect"
import { type Currency, CurrencyNotSupported } from "./Currency.ts"
import { BasisPoints, Cents, Rounding } from "./Money.ts"

/** The largest processing rate that a gross-up may have, in basis points: beyond it the fee would chase itself. */
export const GROSS_UP_RATE_MAX = 2_000

/** One row of a fee table. Rates are basis points, amounts minor units of the row's currency. */
export const FeeSchedule = Schema.Struct({
  /** Names this row for ever: an order keeps it, and a changed number needs a new name. */
  version: Schema.NonEmptyString.check(Schema.isMaxLength(64)),
  platformRate: BasisPoints,
  processingRate: BasisPoints,
  processingFixed: Cents,
  taxRate: BasisPoints,
  /** What the processing rate is taken of in `additive` mode. In `gross-up` mode it is always the grand total. */
  processingBase: Schema.Literals(["subtotal", "subtotal+platform"]),
  rounding: Rounding,
  /**
   * `additive`: the processing fee is the rate of its base plus the fixed part.
   * `gross-up`: it is the smallest fee that covers the provider's charge on the grand total, itself and its tax
   * included, so the seller keeps subtotal and platform fee whole.
   */
  mode: Schema.Literals(["additive", "gross-up"]),
  /** Which parts the tax rate is taken of. */
  taxable: Schema.Struct({
    subtotal: Schema.Boolean,
    platformFee: Schema.Boolean,
    processingFee: Schema.Boolean
  })
}).check(
  Schema.makeFilter((schedule) =>
    schedule.mode === "additive" || schedule.processingRate <= GROSS_UP_RATE_MAX
      ? undefined
      : {
          path: ["processingRate"],
          issue: `a gross-up takes a processing rate of at most ${GROSS_UP_RATE_MAX} basis points`
        }
  )
)
export type FeeSchedule = typeof FeeSchedule.Type

/** A fee schedule per currency. A currency may be absent: it is then not sold (rule 1.6). */
export const FeeTable = Schema.Struct({
  USD: Schema.optionalKey(FeeSchedule),
  EUR: Schema.optionalKey(FeeSchedule),
  GBP: Schema.optionalKey(FeeSchedule),
  CAD: Schema.optionalKey(FeeSchedule),
  AUD: Schema.optionalKey(FeeSchedule)
})
export type FeeTable = typeof FeeTable.Type

/** The rule 1.1: 5 % platform, 2.90 % + 30 of the subtotal, 8 % tax on all three, each rounded down. */
export const standard: FeeSchedule = FeeSchedule.make({
  version: "standard-1",
  platformRate: BasisPoints.make(500),
  processingRate: BasisPoints.make(290),
  processingFixed: Cents.make(30),
  taxRate: BasisPoints.make(800),
  processingBase: "subtotal",
  rounding: "down",
  mode: "additive",
  taxable: { subtotal: true, platformFee: true, processingFee: true }
})

/** As {@link standard}, the processing rate taken of subtotal and platform fee. */
export const platformInBase: FeeSchedule = {
  ...standard,
  version: "platform-in-base-1",
  processingBase: "subtotal+platform"
}

/** As {@link standard}, with a processing fee that covers what the provider charges on the whole payment. */
export const grossUp: FeeSchedule = { ...standard, version: "gross-up-1", mode: "gross-up" }

/** As {@link standard}, tax on the tickets alone. */
export const feesUntaxed: FeeSchedule = {
  ...standard,
  version: "fees-untaxed-1",
  taxable: { subtotal: true, platformFee: false, processingFee: false }
}

/** As {@link standard}, tax on the fees alone: for tickets whose price has its tax within, or that are exempt. */
export const ticketsUntaxed: FeeSchedule = {
  ...standard,
  version: "tickets-untaxed-1",
  taxable: { subtotal: false, platformFee: true, processingFee: true }
}

/** As {@link standard}, every step rounded to the nearest unit, halves up. */
export const halfUp: FeeSchedule = { ...standard, version: "half-up-1", rounding: "half-up" }

/** The rows in force when a tenant has none of its own. Each currency has its own row, equal today (rule 1.6). */
export const feeSchedules: FeeTable = { USD: standard, EUR: standard, GBP: standard, CAD: standard, AUD: standard }

/** The schedule of a currency. Fails with `CurrencyNotSupported`: nobody is given the USD numbers (rule 1.6). */
export const scheduleOf = (fees: FeeTable, currency: Currency): Result.Result<FeeSchedule, CurrencyNotSupported> => {
  const schedule = Object.hasOwn(fees, currency) ? fees[currency] : undefined
  return schedule === undefined
    ? Result.fail(new CurrencyNotSupported({ currency, table: "fees" }))
    : Result.succeed(schedule)
}
