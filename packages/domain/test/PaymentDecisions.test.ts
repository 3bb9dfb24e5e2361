/**
 * Payment races: what money means for an order, by the instant at which it is seen and by what the order has become
 * (rules 3.4 to 3.8, 4.2, 4.7).
 */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result } from "effect"
import { OrderId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { type CancelCause, type LatePaymentPolicy, type Order, paymentStatusOf } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { decide } from "@tickettoken/order-domain/OrderDecision"
import { expiryVerdict, refundCauseOfCancel } from "@tickettoken/order-domain/PaymentRaces"
import type { RefundCause } from "@tickettoken/order-domain/Refund"
import { after, draftOf, fixedId, jobActor, ownIntentId, placed } from "@tickettoken/order-testing/TestOrders"
import {
  allocateAll,
  allocationRefused,
  cancelAs,
  captureOwn,
  expireNow,
  openIntent,
  paymentFailed,
  refundNumbers,
  refundSettled,
  strayPayment
} from "@tickettoken/order-testing/TestOrdersNews"
import { pathsTo, pointOf, sampleCreatedAt, samples, walk } from "@tickettoken/order-testing/TestOrdersByState"

const [DEADLINE, GRACE_END] = [15 * 60_000, 17 * 60_000]

const at = (millis: number): DateTime.Utc => DateTime.addDuration(sampleCreatedAt, millis)

/** The five instants around which everything turns. */
const instants = {
  "deadline -1 ms": DEADLINE - 1,
  deadline: DEADLINE,
  "grace -1 ms": GRACE_END - 1,
  grace: GRACE_END,
  "grace +1 ms": GRACE_END + 1
} as const

const payable = (latePayment: LatePaymentPolicy): Order =>
  walk(
    draftOf(OrderId.make(fixedId(1)), sampleCreatedAt, { terms: { latePayment } }),
    pathsTo["PENDING/AWAITING_PAYMENT"],
    sampleCreatedAt
  )

/** What the money leads to, in a word. */
const answerTo = (order: Order, command: OrderCommand, now: DateTime.Utc): string => {
  const answer = decide(order, { actor: jobActor, command }, now)
  if (Result.isFailure(answer)) return `! ${answer.failure._tag}`
  if (answer.success._tag === "Unchanged") return "="
  const { event, order: next } = answer.success.decision
  const refund = next.refunds.at(-1)
  const back = refund === undefined ? "" : ` ${refund.state === "PENDING" ? "review" : "refund"} ${refund.amount}`
  return `${event.type === "LATE_PAYMENT_CAPTURED" ? "late " : ""}${pointOf(next)}${back}`
}

const inTime = "PENDING/ALLOCATING"
const late = "late PENDING/ALLOCATING"
const back = "EXPIRED refund 23338"
const review = "EXPIRED review 23338"
const called = "CANCELLED refund 23338"

const none = {}
const off = { eventCancelled: true }
const found = { foundByExpiry: true }

const races = [
  // policy, circumstances, and the answers at the five instants
  ["reacquire", "as such", none, [inTime, inTime, inTime, late, late]],
  ["refund", "as such", none, [inTime, inTime, inTime, back, back]],
  ["review", "as such", none, [inTime, inTime, inTime, review, review]],
  ["reacquire", "event cancelled", off, [called, called, called, called, called]],
  ["refund", "event cancelled", off, [called, called, called, called, called]],
  ["review", "event cancelled", off, [called, called, called, called, called]],
  ["reacquire", "found by expiry", found, [inTime, inTime, inTime, inTime, inTime]],
  ["refund", "found by expiry", found, [inTime, inTime, inTime, inTime, inTime]],
  ["review", "found by expiry", found, [inTime, inTime, inTime, inTime, inTime]],
  ["reacquire", "found, event cancelled", { ...off, ...found }, [called, called, called, called, called]]
] as const

describe("a success on an open order", () => {
  it.each(races)(
    "3.4, 3.7 under the policy %s, %s: in time until the end of grace, late from then on",
    (policy, _what, changes, answers) => {
      const order = payable(policy)
      const seen = Object.values(instants).map((millis) => answerTo(order, captureOwn(order, changes), at(millis)))
      assert.deepStrictEqual(seen, [...answers])
    }
  )

  it.each(Object.entries(instants))(
    "3.4 at %s is late or not by the same instant when its tickets come",
    (_name, millis) => {
      const order = payable("reacquire")
      const paid = after(order, captureOwn(order), at(millis))
      const confirmed = after(paid, allocateAll(paid), at(millis + 60_000))
      assert.strictEqual(confirmed.status === "CONFIRMED" && confirmed.late, millis >= GRACE_END)
      const refused = after(paid, allocationRefused(paid), at(millis + 60_000))
      assert.strictEqual(refused.status, millis >= GRACE_END ? "EXPIRED" : "CANCELLED")
      assert.deepStrictEqual(
        refused.refunds.map(({ amount, cause, retained }) => [amount, cause, retained]),
        [[23_338, millis >= GRACE_END ? "LATE_PAYMENT" : "STOCK_LOST", 0]]
      )
    }
  )

  it("3.4 of a renewed order is judged by the renewed deadline", () => {
    const order = payable("refund")
    const renewed = after(order, OrderCommand.Reserve(), at(10 * 60_000))
    const seen = [27 * 60_000 - 1, 27 * 60_000].map((millis) => answerTo(renewed, captureOwn(renewed), at(millis)))
    assert.deepStrictEqual(seen, ["RESERVED/ALLOCATING", back])
  })

  it("3.5 of an order extended for its payment is judged by the extended deadline", () => {
    const order = payable("refund")
    const extended = after(order, OrderCommand.PaymentProcessing(), at(GRACE_END))
    const seen = [29 * 60_000 - 1, 29 * 60_000].map((millis) => answerTo(extended, captureOwn(extended), at(millis)))
    assert.deepStrictEqual(seen, [inTime, back])
  })

  it("3.5 never both: at every instant either the success is in time or expiry may act", () => {
    const order = payable("refund")
    for (const millis of Object.values(instants)) {
      const expires = answerTo(order, expireNow, at(millis)) === "EXPIRED"
      const confirms = answerTo(order, captureOwn(order), at(millis)) === inTime
      assert.notStrictEqual(expires, confirms, String(millis))
    }
  })
})

describe("a success on an expired order", () => {
  it.each([
    ["reacquire", none, "late EXPIRED/REACQUIRING"],
    ["refund", none, back],
    ["review", none, review],
    ["reacquire", off, back],
    ["refund", off, back],
    ["review", off, back],
    ["reacquire", found, "late EXPIRED/REACQUIRING"]
  ] as const)("3.7 under the policy %s with %j leads to %s", (policy, changes, answer) => {
    const order = after(payable(policy), expireNow, at(GRACE_END))
    assert.strictEqual(answerTo(order, captureOwn(order, changes), at(GRACE_END + 3_600_000)), answer)
  })

  it("3.7 leads to one refund, however often it is told", () => {
    const expired = after(payable("reacquire"), expireNow, at(GRACE_END))
    const paid = after(expired, captureOwn(expired), at(GRACE_END + 1))
    const gone = after(paid, allocationRefused(paid), at(GRACE_END + 2))
    for (const news of [captureOwn(gone), allocationRefused(gone)]) {
      assert.strictEqual(after(gone, news, at(GRACE_END + 3)), gone)
    }
    assert.strictEqual(gone.refunds.length, 1)
    const back = after(gone, refundSettled(gone, refundNumbers.allocation, "Succeeded"), at(GRACE_END + 4))
    assert.deepStrictEqual([back.status, paymentStatusOf(back)], ["EXPIRED", "REFUNDED"])
  })
})

/** What a capture on an order cancelled for each cause returns. */
const afterCancel: { readonly [C in CancelCause]: RefundCause } = {
  BUYER: "VOLUNTARY",
  ADMIN: "VOLUNTARY",
  ORGANISER: "ORGANISER",
  PAYMENT_FAILED: "PAYMENT_FAILED",
  STOCK_LOST: "STOCK_LOST",
  SOLD_OUT: "PAYMENT_FAILED",
  CREATE_FAILED: "PAYMENT_FAILED",
  CREATE_TIMEOUT: "PAYMENT_FAILED"
}

describe("a success on a cancelled order", () => {
  it("4.7 is returned by the policy when the buyer cancelled, and whole in every other case", () => {
    for (const [cause, refund] of Object.entries(afterCancel)) {
      const cancelled = after(payable("reacquire"), cancelAs(payable("reacquire"), "buyer"), at(1))
      assert.strictEqual(cancelled.status, "CANCELLED")
      if (cancelled.status !== "CANCELLED") continue
      const order: Order = { ...cancelled, cause: causeOf(cause) }
      const paid = after(order, captureOwn(order), at(GRACE_END * 2))
      assert.deepStrictEqual(
        paid.refunds.map((known) => [known.cause, known.amount, known.state]),
        [[refund, refund === "VOLUNTARY" ? 22_808 : 23_338, "APPROVED"]],
        cause
      )
      assert.strictEqual(refundCauseOfCancel(causeOf(cause)), refund)
      const settled = after(paid, refundSettled(paid, refundNumbers.late, "Succeeded"), at(GRACE_END * 3))
      assert.strictEqual(settled.status, "REFUNDED", cause)
    }
  })

  it("4.7 that the allocation has overtaken gives the tickets back again", () => {
    const order = payable("reacquire")
    const paid = after(order, captureOwn(order), at(1))
    const cancelled = after(paid, cancelAs(paid, "buyer"), at(2))
    const answer = decide(cancelled, { actor: jobActor, command: allocateAll(cancelled) }, at(3))
    const work = Result.isSuccess(answer) && answer.success._tag === "Changed" ? answer.success.decision.work : []
    assert.deepStrictEqual(
      work.map((item) => item.work),
      [{ _tag: "RELEASE", lines: null }]
    )
  })
})

const causes: ReadonlyArray<CancelCause> = [
  "BUYER",
  "ADMIN",
  "ORGANISER",
  "PAYMENT_FAILED",
  "STOCK_LOST",
  "SOLD_OUT",
  "CREATE_FAILED",
  "CREATE_TIMEOUT"
]

const causeOf = (name: string): CancelCause => {
  const known = causes.find((cause) => cause === name)
  if (known === undefined) throw new Error(`no such cause: ${name}`)
  return known
}

describe("failure and success in any order", () => {
  const order = payable("reacquire")
  const success = captureOwn(order)
  const final = paymentFailed(order, false)
  const retryable = paymentFailed(order, true)

  it.each([
    ["a success, then a final failure", [success, final], "PENDING/ALLOCATING"],
    ["a success, then a decline", [success, retryable], "PENDING/ALLOCATING"],
    ["a decline, then a success", [retryable, success], "PENDING/ALLOCATING"],
    ["two declines, then a success", [retryable, retryable, success], "PENDING/ALLOCATING"],
    ["a final failure, then a success", [final, success], "CANCELLED"],
    ["a final failure twice", [final, final], "CANCELLED"],
    ["a success twice", [success, success], "PENDING/ALLOCATING"]
  ] as const)("3.8 %s", (_name, news, point) => {
    const end = news.reduce<Order>((known, next) => after(known, next, at(60_000)), order)
    assert.strictEqual(pointOf(end), point)
    const hasPaid = news.some((command) => command === success)
    assert.strictEqual(end.captures.length, hasPaid ? 1 : 0)
    assert.deepStrictEqual(
      end.refunds.map(({ amount }) => amount),
      hasPaid && point === "CANCELLED" ? [23_338] : []
    )
  })
})

describe("a second payment", () => {
  it.each(Object.entries(samples))(
    "3.6, 4.2 on a %s order is returned whole and changes nothing else",
    (_point, order) => {
      const stray = strayPayment(order)
      const paid = after(order, stray, at(60_000))
      assert.strictEqual(pointOf(paid), pointOf(order))
      const [refund, ...more] = paid.refunds.slice(order.refunds.length)
      assert.deepStrictEqual(more, [])
      assert.strictEqual(
        `${refund?.cause} ${refund?.state} ${refund?.amount}, kept ${refund?.retained}, ${refund?.items.length} tickets`,
        "OVERPAYMENT APPROVED 5000, kept 0, 0 tickets"
      )
      assert.strictEqual(after(paid, stray, at(60_001)), paid)
      const back = after(paid, refundSettled(paid, refundNumbers.stray, "Succeeded"), at(120_000))
      assert.strictEqual(pointOf(back), pointOf(order))
      if (order.captures.length > 0) assert.strictEqual(paymentStatusOf(back), paymentStatusOf(order))
    }
  )

  it("3.6 of the intent that has become the order's own is no second payment", () => {
    const order = payable("reacquire")
    const own = strayPayment(order, { paymentIntentId: ownIntentId(order.id), amount: order.pricing.total })
    assert.strictEqual(answerTo(order, own, at(1)), "! PaymentMismatch")
    const paid = after(order, captureOwn(order), at(1))
    assert.strictEqual(answerTo(paid, own, at(2)), "=")
  })

  it("3.7 does not make the order's own payment late", () => {
    const order = payable("reacquire")
    const stray = after(order, strayPayment(order), at(1))
    const paid = after(stray, captureOwn(stray), at(2))
    const again = after(
      paid,
      strayPayment(paid, { paymentIntentId: ownIntentId(OrderId.make(fixedId(7))) }),
      at(GRACE_END * 2)
    )
    const confirmed = after(again, allocateAll(again), at(GRACE_END * 2 + 1))
    assert.strictEqual(confirmed.status === "CONFIRMED" && confirmed.late, false)
  })

  it("3.6 on a free order neither confirms nor ends it, and does not keep it from ending without its tickets", () => {
    const draft = draftOf(OrderId.make(fixedId(1)), sampleCreatedAt, { lines: [{ unitPrice: 0, quantity: 1 }] })
    const held = after(placed(draft, sampleCreatedAt), OrderCommand.HoldGranted(), at(1))
    const paid = after(held, strayPayment(held), at(2))
    assert.strictEqual(after(paid, openIntent(paid), at(3)), paid)
    const lost = after(paid, allocationRefused(paid), at(4))
    assert.deepStrictEqual([lost.status, lost.refunds.length], ["CANCELLED", 1])
    const confirmed = after(paid, allocateAll(paid), at(4))
    const back = after(confirmed, refundSettled(confirmed, refundNumbers.stray, "Succeeded"), at(5))
    assert.strictEqual(back.status, "CONFIRMED")
  })
})

describe("money that is not the order's", () => {
  it("3.8 does not keep a final failure of the order's own payment from ending it", () => {
    const order = payable("reacquire")
    const stray = after(order, strayPayment(order), at(1))
    assert.strictEqual(answerTo(stray, paymentFailed(stray, false), at(2)), "CANCELLED refund 5000")
  })

  it("3.6 returns nothing of nothing", () => {
    const order = payable("reacquire")
    assert.strictEqual(answerTo(order, strayPayment(order, { amount: Cents.make(0) }), at(1)), "=")
  })
})

describe("the payment service's last word at expiry", () => {
  it.each([
    ["succeeded", false, "confirm"],
    ["succeeded", true, "confirm"],
    ["processing", false, "extend"],
    ["processing", true, "close-intent"],
    ["requires_payment", false, "close-intent"],
    ["requires_payment", true, "close-intent"],
    ["canceled", false, "expire"],
    ["canceled", true, "expire"]
  ] as const)("3.5 %s, extended before: %s, means %s", (status, extended, verdict) => {
    assert.strictEqual(expiryVerdict(status, extended), verdict)
  })
})
