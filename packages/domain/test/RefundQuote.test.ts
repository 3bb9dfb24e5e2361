/** Refunds: golden amounts, and sums that come out to the unit whatever the order of returning. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { standard } from "@tickettoken/order-domain/FeeSchedule"
import { priceLines } from "@tickettoken/order-domain/Pricing"
import { refundPolicy } from "@tickettoken/order-domain/RefundPolicy"
import {
  explainRefund,
  quoteRefund,
  type RefundInput,
  type RefundLine,
  type RefundQuote,
  type RefundRequest
} from "@tickettoken/order-domain/RefundQuote"

type Order = Omit<RefundInput, "request" | "retain">

const everything: RefundRequest = { _tag: "Everything" }
const amountOf = (amount: number): RefundRequest => ({ _tag: "Amount", amount })
const ticketsOf = (itemId: string, quantity: number): RefundRequest => ({
  _tag: "Items",
  items: [{ itemId, quantity }]
})

/** A paid order at standard fees, nothing returned: items "0", "1" and so on. */
const paid = (...lines: ReadonlyArray<readonly [unitPrice: number, quantity: number]>): Order => {
  const priced = Result.getOrThrow(
    priceLines(
      standard,
      lines.map(([unitPrice, quantity]) => ({ unitPrice, quantity }))
    )
  )
  return {
    subtotal: priced.subtotal,
    total: priced.total,
    captured: priced.total,
    refundCommitted: 0,
    lines: lines.map(([unitPrice, quantity], at) => ({ itemId: String(at), quantity, unitPrice, returnedQuantity: 0 })),
    fixedRetentionTaken: false
  }
}

const quote = (order: Order, request: RefundRequest, retain = true): RefundQuote =>
  Result.getOrThrow(quoteRefund({ ...order, request, retain }, refundPolicy))

const refusal = (order: Order, request: RefundRequest, retain = true) =>
  Result.getOrThrow(Result.flip(quoteRefund({ ...order, request, retain }, refundPolicy)))

/** The order once the refund has been made. */
const after = (order: Order, refund: RefundQuote, retain = true): Order => ({
  ...order,
  refundCommitted: order.refundCommitted + refund.amount,
  fixedRetentionTaken: order.fixedRetentionTaken || refund.fixedRetentionTaken,
  lines: order.lines.map((line): RefundLine => {
    const returned = refund.items.find((item) => item.itemId === line.itemId)?.quantity ?? 0
    return {
      ...line,
      returnedQuantity: line.returnedQuantity + returned,
      waivedQuantity: (line.waivedQuantity ?? 0) + (retain ? 0 : returned)
    }
  })
})

/** What rule 4.2 keeps of a refunded subtotal in the end. */
const retentionOf = (order: Order, subtotal = order.subtotal): number =>
  Math.min(order.captured, Math.floor((subtotal * 250) / 10_000) + 30)

const golden = paid([10_000, 2])

describe("golden refunds on 23338", () => {
  it("4.2, 4.3 returning all keeps 530 and returns 22808", () => {
    const { amount, gross, items, refundableRest, retained } = quote(golden, everything)
    assert.deepEqual(
      { amount, gross, retained, refundableRest },
      { amount: 22_808, gross: 23_338, retained: 530, refundableRest: 22_808 }
    )
    assert.deepStrictEqual(items, [{ itemId: "0", quantity: 2 }])
    assert.deepStrictEqual(quote(golden, ticketsOf("0", 2)), quote(golden, everything))
  })

  it("4.3 one by one returns 11389, then 11419", () => {
    const first = quote(golden, ticketsOf("0", 1))
    assert.deepEqual([first.amount, first.retained, first.fixedRetentionTaken], [11_389, 280, true])
    const second = quote(after(golden, first), ticketsOf("0", 1))
    assert.deepEqual([second.amount, second.retained, second.fixedRetentionTaken], [11_419, 250, false])
    assert.deepEqual(quote(after(golden, first), everything).amount, 11_419)
    const done = after(after(golden, first), second)
    assert.strictEqual(quote(done, everything).amount, 0)
    assert.strictEqual(golden.captured - done.refundCommitted, 530)
  })

  it("4.2 keeps nothing where nothing may be kept, or nothing was captured", () => {
    assert.strictEqual(quote(golden, everything, false).amount, 23_338)
    assert.strictEqual(quote(golden, ticketsOf("0", 1), false).amount, 11_669)
    const { amount, retained } = quote({ ...golden, captured: 0 }, everything)
    assert.deepEqual([amount, retained], [0, 0])
  })

  it("4.2 a refund without retention does not make the next one pay for it", () => {
    const first = quote(golden, ticketsOf("0", 1), false)
    const second = quote(after(golden, first, false), ticketsOf("0", 1))
    assert.deepEqual([first.amount, second.amount, second.retained], [11_669, 11_389, 280])
    assert.deepEqual(quote(after(golden, first, false), everything).amount, 11_389)
  })
})

describe("a given amount", () => {
  it("4.4 is refunded exactly, from 1 to the rest", () => {
    assert.deepEqual(quote(golden, amountOf(1)).amount, 1)
    assert.deepEqual(quote(golden, amountOf(22_808)).amount, 22_808)
    const error = refusal(golden, amountOf(22_809))
    assert.strictEqual(error._tag, "RefundExceedsCaptured")
    assert.strictEqual(error.message, "22809 was asked for, 22808 can be refunded")
    assert.deepEqual(quote(golden, amountOf(23_338), false).amount, 23_338)
    assert.strictEqual(refusal(golden, amountOf(23_339), false)._tag, "RefundExceedsCaptured")
  })

  it("4.4 of nothing, or of a part of a unit, is refused", () => {
    assert.strictEqual(refusal(golden, amountOf(0)).message, "amount: at least 1")
    for (const amount of [-1, 0.5, Number.NaN])
      assert.strictEqual(refusal(golden, amountOf(amount))._tag, "AmountOutOfRange")
  })

  it("4.4 leaves less for what follows, and keeps no retention of its own", () => {
    const afterAmount = after(golden, quote(golden, amountOf(20_000)))
    assert.isFalse(afterAmount.fixedRetentionTaken)
    assert.deepEqual(quote(afterAmount, everything).amount, 2_808)
    const { alreadyReturned, amount, gross, retained } = quote(afterAmount, ticketsOf("0", 1))
    assert.deepEqual([gross, retained, alreadyReturned, amount], [11_669, 280, 8_581, 2_808])
    assert.strictEqual(refusal(afterAmount, amountOf(2_809))._tag, "RefundExceedsCaptured")
  })
})

describe("returned tickets", () => {
  it("4.7 must exist, be listed once, and not be back already; every fault is named", () => {
    const order = after(golden, quote(golden, ticketsOf("0", 1)))
    const items = (...rows: ReadonlyArray<readonly [string, number]>): RefundRequest => ({
      _tag: "Items",
      items: rows.map(([itemId, quantity]) => ({ itemId, quantity }))
    })
    assert.strictEqual(
      refusal(order, items(["0", 2], ["9", 1], ["0", 1])).message,
      "items[0].quantity: a whole number from 1 to the 1 not yet returned; items[1].itemId: no such item in this order; items[2].itemId: the item is listed twice"
    )
    assert.strictEqual(refusal(order, items()).message, "items: at least one item")
    for (const quantity of [0, -1, 0.5, Number.NaN]) {
      assert.strictEqual(refusal(order, items(["0", quantity]))._tag, "RefundRequestInvalid")
    }
  })

  it("4.2 tickets worth less than their retention return nothing, and what they lack is kept of the next ones", () => {
    const order = paid([10, 1], [10_000, 1])
    const first = quote(order, ticketsOf("0", 1))
    assert.deepEqual([first.amount, first.retained, first.gross], [0, 12, 12])
    assert.isTrue(first.fixedRetentionTaken)
    const second = quote(after(order, first), ticketsOf("1", 1))
    assert.strictEqual(first.amount + second.amount, quote(order, everything).amount)
  })

  it("4.2 a free ticket keeps nothing, and the fixed part stays due", () => {
    const order = paid([0, 1], [10_000, 2])
    const free = quote(order, ticketsOf("0", 1))
    assert.deepEqual([free.amount, free.retained, free.fixedRetentionTaken], [0, 0, false])
    assert.deepEqual(quote(after(order, free), ticketsOf("1", 1)).amount, 11_389)
  })

  it("4.4 more committed than captured leaves nothing, not less than nothing", () => {
    assert.deepEqual(quote({ ...golden, refundCommitted: 99_999 }, everything).amount, 0)
    assert.strictEqual(refusal({ ...golden, refundCommitted: 99_999 }, amountOf(1))._tag, "RefundExceedsCaptured")
  })

  it("1.5 data that are no amounts are refused", () => {
    for (const bad of [{ captured: -1 }, { subtotal: 0.5 }, { refundCommitted: Number.NaN }]) {
      assert.strictEqual(refusal({ ...golden, ...bad }, everything)._tag, "AmountOutOfRange")
    }
  })
})

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Lines = Schema.NonEmptyArray(
  Schema.Struct({ unitPrice: Schema.Union([between(0, 60), between(1, 60_000)]), quantity: between(1, 10) })
).check(Schema.isMaxLength(8))

/** Numbers from which a walk draws what to return next. */
const Draws = Schema.NonEmptyArray(Schema.Struct({ line: between(0, 1_000), quantity: between(0, 1_000) }))

const orderOf = (lines: typeof Lines.Type): Order =>
  paid(...lines.map(({ quantity, unitPrice }) => [unitPrice, quantity] as const))

/** The request that a draw stands for: some tickets of a line that still has some, or `undefined` at the end. */
const drawn = (order: Order, { line, quantity }: (typeof Draws.Type)[number]): RefundRequest | undefined => {
  const open = order.lines.filter((candidate) => candidate.returnedQuantity < candidate.quantity)
  const picked = open[line % open.length]
  return picked === undefined
    ? undefined
    : ticketsOf(picked.itemId, 1 + (quantity % (picked.quantity - picked.returnedQuantity)))
}

/** Returns all tickets, in the order that the draws give. */
const returnAll = (order: Order, draws: typeof Draws.Type): Order => {
  let current = order
  for (let step = 0; ; step++) {
    const request = drawn(current, draws[step % draws.length] ?? draws[0])
    if (request === undefined) return current
    const refund = quote(current, request)
    assert.strictEqual(refund.gross, refund.amount + refund.retained + refund.alreadyReturned)
    assert.isAtMost(refund.amount, refund.refundableRest)
    current = after(current, refund)
  }
}

describe("splits", () => {
  it.prop(
    "1.7, 4.2 any order of returning the tickets returns in all what one refund of everything does",
    [Lines, Draws, Draws],
    ([lines, draws, otherDraws]) => {
      const order = orderOf(lines)
      const whole = quote(order, everything).amount
      assert.strictEqual(whole, order.captured - (order.captured === 0 ? 0 : retentionOf(order)))
      assert.strictEqual(returnAll(order, draws).refundCommitted, whole)
      assert.strictEqual(returnAll(order, otherDraws).refundCommitted, whole)
    },
    { arbitrary: { runs: 1_000 } }
  )

  it.prop(
    "1.7 without retention the parts sum to the captured amount",
    [Lines, Draws],
    ([lines, draws]) => {
      let order = orderOf(lines)
      for (const draw of [...draws, ...draws, ...draws]) {
        const request = drawn(order, draw)
        if (request !== undefined) order = after(order, quote(order, request, false), false)
      }
      order = after(order, quote(order, everything, false), false)
      assert.strictEqual(order.refundCommitted, order.captured)
    },
    { arbitrary: { runs: 500 } }
  )

  const Step = Schema.Struct({
    kind: Schema.Literals(["items", "items", "waived items", "amount"]),
    line: between(0, 1_000),
    quantity: between(0, 1_000)
  })

  it.prop(
    "4.4 no mixture of tickets, amounts and waivers returns more than was captured less what is kept",
    [Lines, Schema.NonEmptyArray(Step)],
    ([lines, steps]) => {
      let order = orderOf(lines)
      for (const step of steps) {
        const retain = step.kind !== "waived items"
        const { refundableRest } = quote(order, everything, retain)
        if (step.kind === "amount" && refundableRest === 0) continue
        const request =
          step.kind === "amount"
            ? amountOf(1 + ((step.line * 1_000 + step.quantity) % refundableRest))
            : drawn(order, step)
        if (request === undefined) continue
        order = after(order, quote(order, request, retain), retain)
        assert.isAtMost(order.refundCommitted, order.captured)
      }
      const waived = order.lines.reduce((sum, line) => sum + (line.waivedQuantity ?? 0) * line.unitPrice, 0)
      const last = quote(order, everything)
      const kept =
        order.subtotal === waived && !order.fixedRetentionTaken ? 0 : retentionOf(order, order.subtotal - waived)
      const most = Math.max(order.captured - kept, order.refundCommitted)
      assert.strictEqual(after(order, last).refundCommitted, most)
    },
    { arbitrary: { runs: 1_000 } }
  )
})

describe("explainRefund", () => {
  it("4.3 tells the golden refunds step by step", () => {
    const told = (order: Order, request: RefundRequest, retain = true) =>
      Result.getOrThrow(explainRefund({ ...order, request, retain }, refundPolicy)).map(({ line }) => line)
    assert.deepStrictEqual(told(golden, ticketsOf("0", 1)), [
      "captured: 23338 for an order of 23338",
      "refunds so far: 0, rejected and failed ones left out",
      "refundable: 22808 once the whole retention is set aside",
      "share of the captured money: 11669",
      "retained: 2.50 % of the refunded subtotal + 30 once per order = 280, at most what is refundable (policy standard-1)",
      "returned before by refunds of an amount: 0",
      "refund: 11669 - 280 - 0 = 11389"
    ])
    assert.include(told(golden, everything, false), "retained: nothing")
    assert.include(told(golden, amountOf(5)), "refund: 5 - 0 - 0 = 5")
    assert.isTrue(Result.isFailure(explainRefund({ ...golden, request: amountOf(0), retain: true }, refundPolicy)))
  })
})
