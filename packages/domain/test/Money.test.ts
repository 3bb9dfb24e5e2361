/** Amounts, the one rounding function, and splits that lose nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import {
  AMOUNT_CEILING,
  allocate,
  allocateGroups,
  BasisPoints,
  Cents,
  checked,
  formatRate,
  minus,
  minusOrZero,
  multiply,
  parsePercentage,
  portion,
  type Rounding,
  sum
} from "@tickettoken/order-domain/Money"

const cents = (amount: number): Cents => Cents.make(amount)

/** The rate of an amount in exact rationals: an integer quotient and twice its remainder, in `bigint`. */
const portionExactly = (amount: number, rate: number, rounding: Rounding): number => {
  const product = BigInt(amount) * BigInt(rate)
  const whole = product / 10_000n
  const twice = 2n * (product % 10_000n)
  const up =
    rounding !== "down" && (twice > 10_000n || (twice === 10_000n && (rounding === "half-up" || whole % 2n === 1n)))
  return Number(up ? whole + 1n : whole)
}

describe("portion", () => {
  it.prop(
    "1.1 rounds like exact rationals in every mode, up to the technical ceiling",
    [Cents, BasisPoints],
    ([amount, rate]) => {
      for (const rounding of ["down", "half-up", "half-even"] as const) {
        assert.strictEqual(portion(amount, rate, rounding), portionExactly(amount, rate, rounding))
      }
    },
    { arbitrary: { runs: 2_000 } }
  )

  it("1.1 is exact next to whole units at the technical ceiling", () => {
    for (let amount = AMOUNT_CEILING - 20_000; amount <= AMOUNT_CEILING; amount++) {
      for (const rate of [1, 290, 9_999]) {
        assert.strictEqual(portion(cents(amount), BasisPoints.make(rate), "down"), portionExactly(amount, rate, "down"))
      }
    }
  })

  it("1.1 takes a half down, up, or to the even neighbour, as the schedule says", () => {
    const half = BasisPoints.make(5_000)
    const row = (amount: number) =>
      (["down", "half-up", "half-even"] as const).map((rounding) => portion(cents(amount), half, rounding))
    assert.deepStrictEqual([1, 2, 3, 5].map(row), [
      [0, 1, 0],
      [1, 1, 1],
      [1, 2, 2],
      [2, 3, 2]
    ])
  })
})

describe("sums, products and differences", () => {
  it("1.5 accept the technical ceiling and refuse one unit more", () => {
    assert.deepStrictEqual(sum([cents(AMOUNT_CEILING - 1), cents(1)]), Result.succeed(cents(AMOUNT_CEILING)))
    assert.isTrue(Result.isFailure(sum([cents(AMOUNT_CEILING), cents(1)])))
    assert.deepStrictEqual(multiply(cents(AMOUNT_CEILING / 100), 100), Result.succeed(cents(AMOUNT_CEILING)))
    assert.isTrue(Result.isFailure(multiply(cents(AMOUNT_CEILING / 100 + 1), 100)))
  })

  it("1.5 refuse what is no whole, not negative amount, and name it", () => {
    for (const amount of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, AMOUNT_CEILING + 1]) {
      const error = Result.getOrThrow(Result.flip(checked(amount)))
      assert.strictEqual(error._tag, "AmountOutOfRange")
      assert.include(error.message, String(amount))
    }
    for (const quantity of [-1, 1.5, Number.NaN]) assert.isTrue(Result.isFailure(multiply(cents(100), quantity)))
    assert.isTrue(Result.isFailure(minus(cents(1), cents(2))))
    assert.strictEqual(minusOrZero(cents(1), cents(2)), 0)
    assert.strictEqual(minusOrZero(cents(5), cents(2)), 3)
  })

  it("1.5 stay exact over more parts than fit below 2^53 together", () => {
    assert.isTrue(Result.isFailure(sum(Array.from({ length: 2_000_000 }, () => cents(AMOUNT_CEILING)))))
  })

  it.prop("1.5 agree with bigint sums", [Schema.Array(Cents)], ([parts]) => {
    const exact = parts.reduce((all, part) => all + BigInt(part), 0n)
    const result = sum(parts)
    assert.strictEqual(Result.isSuccess(result), exact <= BigInt(AMOUNT_CEILING))
    if (Result.isSuccess(result)) assert.strictEqual(BigInt(result.success), exact)
  })
})

const Weight = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: AMOUNT_CEILING }))
const Weights = Schema.NonEmptyArray(Weight)

describe("allocate", () => {
  it("1.7 gives left-over units to the largest remainders, and equal ones by position", () => {
    assert.deepStrictEqual(allocate(cents(100), [1, 1, 1]), [34, 33, 33].map(cents))
    assert.deepStrictEqual(allocate(cents(100), [1, 2]), [33, 67].map(cents))
    assert.deepStrictEqual(allocate(cents(2), [1, 1, 1]), [1, 1, 0].map(cents))
    assert.deepStrictEqual(allocate(cents(23_338), [10_000, 10_000]), [11_669, 11_669].map(cents))
  })

  it("1.7 gives nothing to a zero weight, equal parts where no weight says anything, and no part without weights", () => {
    assert.deepStrictEqual(allocate(cents(7), [0, 3, 0]), [0, 7, 0].map(cents))
    assert.deepStrictEqual(allocate(cents(7), [0, 0, 0]), [3, 2, 2].map(cents))
    assert.deepStrictEqual(allocate(cents(7), [-1, Number.NaN, 2]), [0, 0, 7].map(cents))
    assert.deepStrictEqual(allocate(cents(7), []), [])
  })

  it.prop(
    "1.7 parts always sum to the whole and lie less than one unit from the exact share",
    [Cents, Weights],
    ([total, weights]) => {
      const parts = allocate(total, weights)
      assert.strictEqual(
        parts.reduce((all, part) => all + part, 0),
        total
      )
      const whole = weights.reduce((all, weight) => all + BigInt(weight), 0n)
      parts.forEach((part, at) => {
        const distance = BigInt(part) * whole - BigInt(total) * BigInt(weights[at] ?? 0)
        if (whole > 0n) assert.isTrue(distance > -whole && distance < whole)
      })
    },
    { arbitrary: { runs: 1_000 } }
  )

  it.prop(
    "1.7 groups of equal claims get what the claims would get one by one",
    [
      Cents,
      Schema.NonEmptyArray(
        Schema.Struct({ weight: Weight, count: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10 })) })
      )
    ],
    ([total, groups]) => {
      const one = allocate(
        total,
        groups.flatMap(({ count, weight }) => Array.from({ length: count }, () => weight))
      )
      const grouped = allocateGroups(total, groups).flatMap(({ each, extras }, at) =>
        Array.from({ length: groups[at]?.count ?? 0 }, (_, ticket) => each + (ticket < extras ? 1 : 0))
      )
      assert.deepStrictEqual(grouped, [...one])
    },
    { arbitrary: { runs: 1_000 } }
  )
})

describe("percentages", () => {
  it("1.1 are read exactly from decimal digits", () => {
    const read = (text: string): number | string => Result.getOrElse(parsePercentage(text), (error) => error._tag)
    assert.deepStrictEqual(
      ["2.9", "2.90", "5.0", "0", "8", "100", "0.01"].map(read),
      [290, 290, 500, 0, 800, 10_000, 1]
    )
    for (const text of ["", "100.01", "101", "2.905", "-1", "1e1", "2,9", " 2.9", "NaN", ".5"]) {
      assert.strictEqual(read(text), "PercentageInvalid", text)
    }
    assert.strictEqual(formatRate(BasisPoints.make(290)), "2.90 %")
  })
})
