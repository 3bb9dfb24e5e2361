/** Currencies and the writing of amounts. */
import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import { Currency, format, isoExponents } from "@tickettoken/order-domain/Currency"
import { feeSchedules, halfUp, scheduleOf, standard } from "@tickettoken/order-domain/FeeSchedule"
import { Cents } from "@tickettoken/order-domain/Money"
import { checkTotal, orderLimits } from "@tickettoken/order-domain/OrderLimits"

describe("currencies", () => {
  it("1.6 are the five of the original specification, in capitals", () => {
    assert.deepStrictEqual(Currency.literals, ["USD", "EUR", "GBP", "CAD", "AUD"])
    for (const code of ["usd", "JPY", "", "USDT"]) {
      assert.isTrue(Option.isNone(Schema.decodeUnknownOption(Currency)(code)))
    }
  })

  it("1.6 have their decimals from the table, with 0, 2 and 3", () => {
    assert.deepStrictEqual([isoExponents.JPY, isoExponents.USD, isoExponents.KWD], [0, 2, 3])
    assert.strictEqual(format(Cents.make(23_338), "USD"), "233.38 USD")
    assert.strictEqual(format(Cents.make(5), "EUR"), "0.05 EUR")
    assert.strictEqual(format(Cents.make(0), "GBP"), "0.00 GBP")
    assert.strictEqual(format(Cents.make(23_338), "JPY"), "23338 JPY")
    assert.strictEqual(format(Cents.make(23_338), "KWD"), "23.338 KWD")
    assert.strictEqual(format(Cents.make(10_000_000_000), "AUD"), "100000000.00 AUD")
  })

  it("1.6 without a row are refused and never get the USD numbers", () => {
    const fees = Result.flip(scheduleOf({ USD: standard }, "EUR"))
    assert.strictEqual(Result.getOrThrow(fees).message, "EUR has no row in the table of fees")
    const { USD } = orderLimits.value
    const usdOnly = { ...orderLimits, value: USD === undefined ? {} : { USD } }
    const limits = Result.getOrThrow(Result.flip(checkTotal(Cents.make(1_000), "EUR", usdOnly)))
    assert.strictEqual(limits._tag, "CurrencyNotSupported")
    assert.isTrue(Result.isSuccess(checkTotal(Cents.make(1_000), "USD", usdOnly)))
  })

  it("1.6 each read their own row of fees", () => {
    const fees = { USD: standard, EUR: halfUp }
    assert.strictEqual(Result.getOrThrow(scheduleOf(fees, "EUR")), halfUp)
    assert.strictEqual(Result.getOrThrow(scheduleOf(fees, "USD")), standard)
  })

  it("1.6 all have a row of fees and limits by default", () => {
    for (const currency of Currency.literals) {
      assert.isTrue(Result.isSuccess(scheduleOf(feeSchedules, currency)))
      assert.isDefined(orderLimits.value[currency])
    }
  })
})
