/** Quantities against an oracle, and a user's quota at its edges. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import {
  checkQuantities,
  checkUserQuota,
  OrderLimits,
  orderLimits,
  type QuantityLine
} from "@tickettoken/order-domain/OrderLimits"

/** Lines of their own type and pricing each. */
const linesOf = (...quantities: ReadonlyArray<number>): ReadonlyArray<QuantityLine> =>
  quantities.map((quantity, at) => ({ ticketTypeId: `type-${at}`, ticketPricingId: `pricing-${at}`, quantity }))

const issues = (lines: ReadonlyArray<QuantityLine>): ReadonlyArray<string> =>
  Result.match(checkQuantities(lines, orderLimits), {
    onFailure: (error) => error.issues.map(({ message, path }) => `${path}: ${message}`),
    onSuccess: () => []
  })

describe("checkQuantities", () => {
  it("2.1 takes 1 and 50 lines, and neither 0 nor 51", () => {
    assert.deepStrictEqual(issues(linesOf(1)), [])
    assert.deepStrictEqual(issues(linesOf(...Array.from({ length: 50 }, () => 2))), [])
    assert.deepStrictEqual(issues([]), ["items: 1 to 50 lines, not 0"])
    assert.deepStrictEqual(issues(linesOf(...Array.from({ length: 51 }, () => 1))), ["items: 1 to 50 lines, not 51"])
  })

  it("2.1 takes 1 to 10 a line, whole", () => {
    assert.deepStrictEqual(issues(linesOf(1, 10)), [])
    for (const quantity of [0, 11, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const [first, ...others] = issues(linesOf(1, quantity))
      assert.strictEqual(first, `items[1].quantity: a whole number from 1 to 10, not ${quantity}`)
      assert.deepStrictEqual(others, [])
    }
  })

  it("2.1 takes 20 of a type over all its pricings, and names the line that passes them", () => {
    const ofOneType = (...quantities: ReadonlyArray<number>) =>
      linesOf(...quantities).map((line) => ({ ...line, ticketTypeId: "type" }))
    assert.deepStrictEqual(issues(ofOneType(10, 10)), [])
    assert.deepStrictEqual(issues(ofOneType(10, 10, 1, 1)), [
      "items[2].quantity: at most 20 of one ticket type over all lines"
    ])
  })

  it("2.1 takes 100 tickets in all", () => {
    assert.deepStrictEqual(issues(linesOf(...Array.from({ length: 10 }, () => 10))), [])
    assert.deepStrictEqual(issues(linesOf(...Array.from({ length: 10 }, () => 10), 1)), [
      "items: at most 100 tickets in all, not 101"
    ])
  })

  it("2.1 refuses the same type and pricing twice, not one of them", () => {
    const line = { ticketTypeId: "a", ticketPricingId: "b", quantity: 1 }
    assert.deepStrictEqual(issues([line, { ...line, ticketPricingId: "c" }, { ...line, ticketTypeId: "c" }]), [])
    assert.deepStrictEqual(issues([line, { ...line, quantity: 2 }]), [
      "items[1]: same ticket type and pricing as items[0]"
    ])
    // Joined as they are, both pairs read "aab".
    assert.deepStrictEqual(
      issues([
        { ...line, ticketTypeId: "aa" },
        { ...line, ticketPricingId: "ab" }
      ]),
      []
    )
  })

  it("2.1 names every broken rule at once", () => {
    const line = { ticketTypeId: "a", ticketPricingId: "b", quantity: 11 }
    assert.strictEqual(issues([line, line]).length, 4)
  })

  const Line = Schema.Struct({
    ticketTypeId: Schema.Literals(["a", "b", "c", "d", "e", "f"]),
    ticketPricingId: Schema.Literals(["p", "q", "r", "s", "t", "u", "v", "w", "x", "y"]),
    quantity: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))
  })

  it.prop(
    "2.1 agrees with a plain reading of the rule on any lines",
    [Schema.Array(Line).check(Schema.isMaxLength(60))],
    ([lines]) => {
      const perType = Map.groupBy(lines, (line) => line.ticketTypeId)
      const sum = (some: ReadonlyArray<{ readonly quantity: number }>) =>
        some.reduce((all, line) => all + line.quantity, 0)
      const pairs = new Set(lines.map((line) => line.ticketTypeId + line.ticketPricingId))
      const legal =
        lines.length >= 1 &&
        lines.length <= 50 &&
        lines.every(({ quantity }) => quantity >= 1 && quantity <= 10) &&
        [...perType.values()].every((some) => sum(some) <= 20) &&
        sum(lines) <= 100 &&
        pairs.size === lines.length
      assert.strictEqual(Result.isSuccess(checkQuantities(lines, orderLimits)), legal)
    },
    { arbitrary: { runs: 2_000 } }
  )

  it("2.1 reads every number from the limits", () => {
    const narrow: OrderLimits = {
      ...orderLimits,
      linesMax: 2,
      quantityPerLineMax: 3,
      quantityPerTypeMax: 4,
      quantityPerOrderMax: 5
    }
    const broken = (lines: ReadonlyArray<QuantityLine>) => Result.isFailure(checkQuantities(lines, narrow))
    const ofOneType = linesOf(3, 2).map((line) => ({ ...line, ticketTypeId: "type" }))
    assert.isFalse(broken(linesOf(3, 2)))
    assert.deepStrictEqual([linesOf(1, 1, 1), linesOf(4), linesOf(3, 3), ofOneType].map(broken), [
      true,
      true,
      true,
      true
    ])
  })
})

describe("checkUserQuota", () => {
  const which = (createdLast24h: number, activeForEvent: number) =>
    Result.match(checkUserQuota({ createdLast24h, activeForEvent }, orderLimits), {
      onFailure: (error) => `${error.which} ${error.limit}`,
      onSuccess: () => "allowed"
    })

  it("2.2 allows the 20th order of 24 hours and the 5th active one of an event, and no other", () => {
    assert.strictEqual(which(19, 4), "allowed")
    assert.strictEqual(which(20, 4), "createdLast24h 20")
    assert.strictEqual(which(19, 5), "activeForEvent 5")
    assert.strictEqual(which(20, 5), "createdLast24h 20")
  })
})

describe("the limits", () => {
  it("2.1, 2.2 are valid as data by default", () => {
    assert.deepStrictEqual(Schema.decodeUnknownSync(OrderLimits)(structuredClone(orderLimits)), orderLimits)
  })
})
