/** The explanation of a price says the same numbers as the price. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  type FeeSchedule,
  feesUntaxed,
  grossUp,
  halfUp,
  platformInBase,
  standard
} from "@tickettoken/order-domain/FeeSchedule"
import { Cents } from "@tickettoken/order-domain/Money"
import { priceSubtotal } from "@tickettoken/order-domain/Pricing"
import { explain, type PricingSource, specificationExample } from "@tickettoken/order-domain/PricingExplanation"

const explained = (schedule: FeeSchedule, source: PricingSource) => Result.getOrThrow(explain(schedule, source))
const lines = [{ unitPrice: 10_000, quantity: 2 }]

describe("explain", () => {
  it("1.1 gives one line a step, with the exact number where it was rounded", () => {
    assert.deepStrictEqual(
      explained(standard, [{ unitPrice: 5_000, quantity: 3 }]).steps.map(({ line }) => line),
      [
        "subtotal: 3 x 5000 = 15000",
        "platform fee: 5.00 % of 15000 (the subtotal) = 750",
        "processing fee: 2.90 % of 15000 (the subtotal) + 30 = 465",
        "tax: 8.00 % of 16215 (subtotal + platform fee + processing fee) = 1297 (exactly 1297.2, rounded down)",
        "total: 15000 + 750 + 465 + 1297 = 17512"
      ]
    )
  })

  it("1.1 carries fractions that round to the results, in every schedule", () => {
    for (const schedule of [standard, platformInBase, feesUntaxed, grossUp, halfUp]) {
      for (let subtotal = 1; subtotal <= 100_000; subtotal += 613) {
        const pricing = Result.getOrThrow(priceSubtotal(schedule, Cents.make(subtotal)))
        const { differences, steps } = explained(schedule, pricing)
        assert.deepStrictEqual(differences, [])
        for (const { exact, part, result } of steps) {
          assert.strictEqual(result, pricing[part])
          const fraction = exact.numerator / exact.denominator
          const rounded = schedule.rounding === "down" ? Math.floor(fraction) : Math.round(fraction)
          assert.strictEqual(result, rounded, `${schedule.version} ${subtotal} ${part}`)
        }
      }
    }
  })

  it("1.3 says that the original specification's example is one unit off its own rule", () => {
    assert.include(explained(standard, lines).notes.join(), "609")
    assert.deepStrictEqual(explained(standard, [{ unitPrice: 10_000, quantity: 1 }]).notes, [])
    assert.deepStrictEqual(explained(grossUp, lines).notes, [])
    assert.deepStrictEqual(explained(feesUntaxed, lines).notes, [])
    assert.deepStrictEqual(
      explained(standard, specificationExample).differences.map(({ line }) => line),
      ["processingFee: 609 was given, the schedule gives 610", "total: 23337 was given, the schedule gives 23338"]
    )
  })

  it("1.4 says why a free order costs nothing", () => {
    assert.deepStrictEqual(
      explained(standard, [{ unitPrice: 0, quantity: 2 }]).steps.map(({ line }) => line),
      ["subtotal: 2 x 0 = 0", "total: 0, a free order has no fees and no tax"]
    )
  })

  it("1.5 refuses what has no price", () => {
    assert.isTrue(Result.isFailure(explain(standard, [{ unitPrice: -1, quantity: 1 }])))
    assert.isTrue(Result.isFailure(explain(standard, { ...specificationExample, subtotal: 0.5 })))
  })
})
