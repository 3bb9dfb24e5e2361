/** Order numbers: their shape, their letters and their growth. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Option, Schema } from "effect"
import {
  drawSuffix,
  formatOrderNumber,
  ORDER_NUMBER_ALPHABET,
  OrderNumber,
  suffixLength
} from "@tickettoken/order-domain/OrderNumber"

describe("order numbers", () => {
  it("3.11 carry the UTC day and six letters", () => {
    const lastMillisecond = DateTime.makeUnsafe("2025-11-22T23:59:59.999Z")
    assert.strictEqual(formatOrderNumber(lastMillisecond, "7KQX4M"), "ORD-20251122-7KQX4M")
    assert.strictEqual(
      formatOrderNumber(DateTime.makeUnsafe("2025-11-23T00:30:00+01:00"), "7KQX4M"),
      "ORD-20251122-7KQX4M"
    )
  })

  it("3.11 hold at most one of two letters that look alike, and none twice", () => {
    const letters = ORDER_NUMBER_ALPHABET.split("")
    assert.strictEqual(new Set(letters).size, letters.length)
    for (const alike of ["0OQ", "0OD", "1IL", "2Z", "5S", "6G", "8B", "UV"]) {
      assert.isAtMost(letters.filter((letter) => alike.includes(letter)).length, 1, alike)
    }
  })

  it("3.11 get one more letter after 20 tries, up to 12", () => {
    assert.deepStrictEqual([0, 19, 20, 39, 40, 1_000_000].map(suffixLength), [6, 6, 7, 7, 8, 12])
  })

  it("3.11 are drawn letter by letter from whole numbers, all letters alike", () => {
    assert.strictEqual(drawSuffix([0, 1, 25, 26, 51, 52]), "23Y2Y2")
    const all = drawSuffix(Array.from({ length: ORDER_NUMBER_ALPHABET.length }, (_, at) => at))
    assert.strictEqual(all, ORDER_NUMBER_ALPHABET)
  })

  it.prop(
    "3.11 are valid whatever is drawn",
    [Schema.Array(Schema.Int).check(Schema.isMinLength(6), Schema.isMaxLength(12)), Schema.DateTimeUtc],
    ([randomInts, now]) => {
      const year = DateTime.getPartUtc(now, "year")
      if (year < 0 || year > 9_999) return
      assert.isTrue(Schema.is(OrderNumber)(formatOrderNumber(now, drawSuffix(randomInts))))
    }
  )

  it("3.11 of another shape are refused", () => {
    const bad = [
      "ORD-20251122-ABC123",
      "ORD-20251122-7KQX4",
      "ord-20251122-7KQX4M",
      "ORD-2025112-7KQX4M",
      "ORD-20251122-7KQX4M7KQX4M7",
      "ORD-20251122-7KQX4M\n"
    ]
    for (const text of bad) assert.isTrue(Option.isNone(Schema.decodeUnknownOption(OrderNumber)(text)), text)
  })
})
