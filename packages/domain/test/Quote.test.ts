/** The quote: price and value limits together, as plain data. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { feeSchedules, standard } from "@tickettoken/order-domain/FeeSchedule"
import { Cents } from "@tickettoken/order-domain/Money"
import { type OrderLimits, orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { quoteOrder } from "@tickettoken/order-domain/Quote"

const quote = (unitPrice: number, quantity = 1, limits: OrderLimits = orderLimits) =>
  quoteOrder({ lines: [{ unitPrice, quantity }], currency: "USD", fees: feeSchedules, limits })

const refusal = (result: ReturnType<typeof quoteOrder>) => Result.getOrThrow(Result.flip(result))

describe("quoteOrder", () => {
  it("1.2 prices two tickets of 10000 and names the schedule", () => {
    const { currency, feeVersion, pricing } = Result.getOrThrow(quote(10_000, 2))
    assert.deepEqual(
      { currency, feeVersion, total: pricing.total },
      { currency: "USD", feeVersion: "standard-1", total: 23_338 }
    )
  })

  it("1.4 lets a free order through, unless the tenant has switched that off", () => {
    assert.strictEqual(Result.getOrThrow(quote(0)).pricing.total, 0)
    const { _tag } = refusal(quote(0, 1, { ...orderLimits, freeOrdersAllowed: false }))
    assert.strictEqual(_tag, "OrderValueOutOfRange")
  })

  it("1.4 refuses totals from 1 to 99", () => {
    for (const subtotal of [1, 10, 55]) {
      const error = refusal(quote(subtotal))
      if (error._tag !== "OrderValueOutOfRange") return assert.fail(error._tag)
      assert.isBelow(error.total, 100)
      assert.deepStrictEqual([error.totalMin, error.totalMax], [Cents.make(100), Cents.make(10_000_000)])
    }
    // 57 + 2 + 31 + 7 = 97 and 60 + 3 + 31 + 7 = 101: no subtotal gives 100 itself.
    assert.isTrue(Result.isFailure(quote(57)))
    assert.strictEqual(Result.getOrThrow(quote(60)).pricing.total, 101)
  })

  it("1.5 takes the smallest and the largest total of the currency's row and nothing beyond", () => {
    const row = (totalMin: number, totalMax: number): OrderLimits => ({
      ...orderLimits,
      value: { USD: { totalMin: Cents.make(totalMin), totalMax: Cents.make(totalMax) } }
    })
    assert.isTrue(Result.isSuccess(quote(10_000, 2, row(23_338, 23_338))))
    assert.strictEqual(
      refusal(quote(10_000, 2, row(23_339, 99_999))).message,
      "a total of 23338 is outside 23339 to 99999 minor units of USD"
    )
    assert.strictEqual(refusal(quote(10_000, 2, row(100, 23_337)))._tag, "OrderValueOutOfRange")
    // The largest total of the original specification, $100,000, is about 8.58 million of subtotal.
    assert.isTrue(Result.isSuccess(quote(8_581_000)))
    assert.strictEqual(refusal(quote(10_000_000))._tag, "OrderValueOutOfRange")
  })

  it("1.6 refuses a currency without a row of fees or limits", () => {
    const lines = [{ unitPrice: 10_000, quantity: 2 }]
    const { value } = orderLimits
    const { USD, ...others } = value
    const noFees = quoteOrder({ lines, currency: "EUR", fees: { USD: standard }, limits: orderLimits })
    const noLimits = quoteOrder({
      lines,
      currency: "USD",
      fees: feeSchedules,
      limits: { ...orderLimits, value: others }
    })
    assert.isDefined(USD)
    assert.strictEqual(refusal(noFees).message, "EUR has no row in the table of fees")
    assert.strictEqual(refusal(noLimits).message, "USD has no row in the table of limits")
  })

  it("1.5 refuses bad prices and quantities instead of throwing", () => {
    for (const [unitPrice, quantity] of [
      [-1, 1],
      [0.5, 2],
      [Number.NaN, 1],
      [100, -1],
      [100, 1.5],
      [10_000_000_000, 2]
    ] as const) {
      assert.strictEqual(refusal(quote(unitPrice, quantity))._tag, "AmountOutOfRange")
    }
  })
})
