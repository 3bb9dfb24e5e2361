/** Fees, tax and totals against golden rows, exact rationals and the definition of gross-up. */
import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import {
  FeeSchedule,
  feesUntaxed,
  grossUp,
  halfUp,
  platformInBase,
  standard,
  ticketsUntaxed
} from "@tickettoken/order-domain/FeeSchedule"
import { AMOUNT_CEILING, BasisPoints, Cents, type Rounding, unsafeCents } from "@tickettoken/order-domain/Money"
import { freePricing, type Pricing, priceLines, priceSubtotal } from "@tickettoken/order-domain/Pricing"

/** The last subtotal of the exhaustive sweep: "$100,000", the largest order (rule 1.5). */
const SWEEP_END = 10_000_000

/** A sweep takes about a second; a busy machine may take its time. */
const SWEEP_TIMEOUT_MILLIS = 60_000

const price = (schedule: FeeSchedule, subtotal: number): Pricing =>
  Result.getOrThrow(priceLines(schedule, [{ unitPrice: subtotal, quantity: 1 }]))

const roundExactly = (numerator: bigint, rounding: Rounding): bigint => {
  const whole = numerator / 10_000n
  const twice = 2n * (numerator % 10_000n)
  if (rounding === "down" || twice < 10_000n) return whole
  return twice > 10_000n || rounding === "half-up" || whole % 2n === 1n ? whole + 1n : whole
}

/** Rule 1.1 again, in exact rationals and without a line of the code under test. */
const priceExactly = (schedule: FeeSchedule, subtotal: number): Pricing => {
  const of = (base: bigint, rate: number) => roundExactly(base * BigInt(rate), schedule.rounding)
  const s = BigInt(subtotal)
  const platform = of(s, schedule.platformRate)
  const base = schedule.processingBase === "subtotal" ? s : s + platform
  const processing = of(base, schedule.processingRate) + BigInt(schedule.processingFixed)
  const { taxable } = schedule
  const taxed =
    (taxable.subtotal ? s : 0n) + (taxable.platformFee ? platform : 0n) + (taxable.processingFee ? processing : 0n)
  const tax = of(taxed, schedule.taxRate)
  const cents = (amount: bigint) => Cents.make(Number(amount))
  return {
    subtotal: cents(s),
    platformFee: cents(platform),
    processingFee: cents(processing),
    tax: cents(tax),
    total: cents(s + platform + processing + tax)
  }
}

describe("standard fees", () => {
  it.each([
    [100, 5, 32, 10, 147],
    [1_000, 50, 59, 88, 1_197],
    [2_000, 100, 88, 175, 2_363],
    [15_000, 750, 465, 1_297, 17_512],
    [20_000, 1_000, 610, 1_728, 23_338],
    [29_000, 1_450, 871, 2_505, 33_826],
    [100_000, 5_000, 2_930, 8_634, 116_564],
    [10_000_000, 500_000, 290_030, 863_202, 11_653_232]
  ])("1.2 %i costs %i + %i + %i = %i", (subtotal, platformFee, processingFee, tax, total) => {
    assert.deepEqual({ ...price(standard, subtotal) }, { subtotal, platformFee, processingFee, tax, total })
  })

  it(
    "1.1, 1.3 every subtotal to 10 000 000 is its exact rational, rounded down",
    () => {
      // q is the quotient of n / d rounded down exactly when q d <= n < (q + 1) d: whole numbers, all below 2^53.
      const isFloor = (quotient: number, numerator: number) =>
        quotient * 10_000 <= numerator && numerator < (quotient + 1) * 10_000
      for (let subtotal = 1; subtotal <= SWEEP_END; subtotal++) {
        const priced = priceSubtotal(standard, unsafeCents(subtotal))
        if (Result.isFailure(priced)) return assert.fail(`${subtotal} has no price`)
        const { platformFee, processingFee, tax, total } = priced.success
        const right =
          isFloor(platformFee, subtotal * 500) &&
          isFloor(processingFee - 30, subtotal * 290) &&
          isFloor(tax, (subtotal + platformFee + processingFee) * 800) &&
          total === subtotal + platformFee + processingFee + tax
        if (!right) assert.fail(`${subtotal} has the wrong price: ${JSON.stringify(priced.success)}`)
      }
    },
    SWEEP_TIMEOUT_MILLIS
  )

  it("1.3 follows its own rule where the original specification prints 609 and 23337", () => {
    const { processingFee, total } = price(standard, 20_000)
    assert.deepStrictEqual([processingFee, total], [Cents.make(610), Cents.make(23_338)])
    assert.strictEqual((20_000n * 290n) % 10_000n, 0n, "2.9 % of 20000 is a whole number: no rounding gives 579")
  })

  it("1.3 floating point, 2.9 / 100, is wrong on 35 % of whole-ten-dollar subtotals", () => {
    let wrong = 0
    for (let subtotal = 1_000; subtotal <= SWEEP_END; subtotal += 1_000) {
      const float = Math.floor(subtotal * (2.9 / 100)) + 30
      if (float !== price(standard, subtotal).processingFee) wrong++
    }
    assert.strictEqual(Math.round((100 * wrong) / (SWEEP_END / 1_000)), 35)
  })
})

const Rate = BasisPoints
const AnySchedule = Schema.Struct({
  version: Schema.Literal("any"),
  platformRate: Rate,
  processingRate: Rate,
  processingFixed: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })).pipe(Schema.brand("Cents")),
  taxRate: Rate,
  processingBase: Schema.Literals(["subtotal", "subtotal+platform"]),
  rounding: Schema.Literals(["down", "half-up", "half-even"]),
  mode: Schema.Literal("additive"),
  taxable: Schema.Struct({ subtotal: Schema.Boolean, platformFee: Schema.Boolean, processingFee: Schema.Boolean })
})
const Subtotal = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: SWEEP_END }))

describe("fee schedules", () => {
  it("1.1 presets agree with exact rationals on a stride through all subtotals", () => {
    for (const schedule of [standard, platformInBase, feesUntaxed, ticketsUntaxed, halfUp]) {
      for (let subtotal = 1; subtotal <= SWEEP_END; subtotal += 997) {
        assert.deepStrictEqual(price(schedule, subtotal), priceExactly(schedule, subtotal), schedule.version)
      }
    }
  })

  it.prop(
    "1.1 every field of a schedule counts: any schedule agrees with exact rationals",
    [AnySchedule, Subtotal],
    ([schedule, subtotal]) => {
      assert.deepStrictEqual(price(schedule, subtotal), priceExactly(schedule, subtotal))
    },
    { arbitrary: { runs: 2_000 } }
  )

  it("1.1 presets differ where they say so", () => {
    const totals = [standard, platformInBase, feesUntaxed, ticketsUntaxed, grossUp].map((schedule) => {
      const { processingFee, tax, total } = price(schedule, 20_000)
      return [processingFee, tax, total]
    })
    assert.deepEqual(totals, [
      [610, 1_728, 23_338],
      [639, 1_731, 23_370],
      [610, 1_600, 23_210],
      [610, 128, 21_738],
      [709, 1_736, 23_445]
    ])
  })

  it("1.1 a schedule is checked as data, and a gross-up that would chase itself is none", () => {
    const decode = Schema.decodeUnknownOption(FeeSchedule)
    assert.isTrue(Option.isSome(decode(grossUp)))
    assert.isTrue(Option.isNone(decode({ ...grossUp, processingRate: 2_001 })))
    assert.isTrue(Option.isSome(decode({ ...standard, processingRate: 2_001 })))
    assert.isTrue(Option.isNone(decode({ ...standard, platformRate: 0.5 })))
    assert.isTrue(Option.isNone(decode({ ...standard, version: "" })))
    const chasing = { ...grossUp, processingRate: BasisPoints.make(10_000) }
    assert.isTrue(Result.isFailure(priceSubtotal(chasing, Cents.make(100))))
  })
})

describe("gross-up", () => {
  const chargeOf = (total: number) => Math.floor((total * 290) / 10_000) + 30
  const totalWith = (subtotal: number, platformFee: number, fee: number) => {
    const beforeTax = subtotal + platformFee + fee
    return beforeTax + Math.floor((beforeTax * 800) / 10_000)
  }

  it(
    "1.1 covers the provider's charge on the grand total with the smallest fee, for every subtotal to 1 000 000 and a stride beyond",
    () => {
      for (let subtotal = 1; subtotal <= SWEEP_END; subtotal += subtotal < 1_000_000 ? 1 : 37) {
        const priced = priceSubtotal(grossUp, unsafeCents(subtotal))
        if (Result.isFailure(priced)) return assert.fail(`${subtotal} has no price`)
        const { platformFee, processingFee, tax, total } = priced.success
        const net = total - chargeOf(total) - tax
        // One unit of fee adds at most two of total and one of charge: if fee - 1 falls short, so does every smaller fee.
        const oneLess = processingFee - 1 >= chargeOf(totalWith(subtotal, platformFee, processingFee - 1))
        const right =
          total === totalWith(subtotal, platformFee, processingFee) && net >= subtotal + platformFee && !oneLess
        if (!right) assert.fail(`${subtotal} has the wrong gross-up: ${JSON.stringify(priced.success)}`)
      }
    },
    SWEEP_TIMEOUT_MILLIS
  )

  it.prop(
    "1.1 finds the smallest fee under the largest rate and any tax and rounding",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2_000 })),
      Schema.Struct({
        processingRate: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000 })).pipe(
          Schema.brand("BasisPoints")
        ),
        taxRate: Rate,
        rounding: Schema.Literals(["down", "half-up", "half-even"])
      })
    ],
    ([subtotal, fields]) => {
      const schedule: FeeSchedule = { ...grossUp, ...fields }
      const additive: FeeSchedule = { ...schedule, mode: "additive", processingRate: BasisPoints.make(0) }
      const covers = (fee: number): boolean => {
        const { total } = priceExactly({ ...additive, processingFixed: Cents.make(fee) }, subtotal)
        return fee >= Number(roundExactly(BigInt(total) * BigInt(fields.processingRate), fields.rounding)) + 30
      }
      let smallest = 0
      while (!covers(smallest)) smallest++
      assert.strictEqual(price(schedule, subtotal).processingFee, smallest)
    }
  )
})

describe("edges of a price", () => {
  it("1.4 nothing costs nothing, in every schedule", () => {
    for (const schedule of [standard, grossUp, platformInBase]) {
      assert.deepStrictEqual(priceLines(schedule, [{ unitPrice: 0, quantity: 5 }]), Result.succeed(freePricing))
    }
  })

  it("1.5 a product, a sum or a total past the technical ceiling is refused", () => {
    const refused = (lines: Parameters<typeof priceLines>[1]) =>
      Result.getOrThrow(Result.flip(priceLines(standard, lines)))._tag
    assert.strictEqual(refused([{ unitPrice: AMOUNT_CEILING, quantity: 2 }]), "AmountOutOfRange")
    assert.strictEqual(refused([{ unitPrice: AMOUNT_CEILING, quantity: 1 }]), "AmountOutOfRange")
    const most = { unitPrice: AMOUNT_CEILING / 2 + 1, quantity: 1 }
    assert.strictEqual(refused([most, most]), "AmountOutOfRange")
    for (const unitPrice of [-1, 0.5, Number.NaN]) {
      assert.strictEqual(refused([{ unitPrice, quantity: 1 }]), "AmountOutOfRange")
    }
    for (const schedule of [grossUp, platformInBase]) {
      assert.isTrue(Result.isFailure(priceSubtotal(schedule, Cents.make(AMOUNT_CEILING - 1))))
    }
  })

  it("1.1 lines are summed before any rounding", () => {
    const lines = Array.from({ length: 10 }, () => ({ unitPrice: 199, quantity: 1 }))
    assert.deepStrictEqual(priceLines(standard, lines), Result.succeed(price(standard, 1_990)))
  })
})
