/** Cutoff, review, refund states and the payment axis. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Schema } from "effect"
import { Cents } from "@tickettoken/order-domain/Money"
import {
  canRefundBecome,
  cancellationDeadline,
  estimatedArrival,
  isWindowOpen,
  needsReview,
  paymentStatus,
  RefundPolicy,
  RefundState,
  refundPolicy,
  refundStatesInitial,
  refundTransitions
} from "@tickettoken/order-domain/RefundPolicy"

const startsAt = DateTime.makeUnsafe("2026-03-29T02:30:00Z")
const iso = DateTime.formatIso

describe("the cancellation window", () => {
  it("4.1 closes after the instant 24 hours before the start, on days of a clock change too", () => {
    const deadline = cancellationDeadline(startsAt, refundPolicy)
    assert.strictEqual(iso(deadline), "2026-03-28T02:30:00.000Z")
    const openAt = (milliseconds: number) =>
      isWindowOpen(DateTime.add(deadline, { milliseconds }), startsAt, refundPolicy)
    assert.deepStrictEqual([-1, 0, 1].map(openAt), [true, true, false])
  })

  it("4.1 follows the policy's hours", () => {
    const lax = { ...refundPolicy, cutoffHours: 0 }
    assert.isTrue(isWindowOpen(startsAt, startsAt, lax))
    assert.isFalse(isWindowOpen(DateTime.add(startsAt, { milliseconds: 1 }), startsAt, lax))
  })
})

describe("review", () => {
  const reviewed = (requested: number, committed: number) => needsReview({ requested, committed }, refundPolicy, "USD")

  it("4.5 starts at 50 000, not below", () => {
    assert.deepStrictEqual([reviewed(49_999, 0), reviewed(50_000, 0)], [false, true])
  })

  it("4.5 counts all refunds of the order, so two of 400 do not slip under 500", () => {
    assert.deepStrictEqual([reviewed(40_000, 0), reviewed(40_000, 40_000)], [false, true])
    assert.deepStrictEqual([reviewed(9_999, 40_000), reviewed(10_000, 40_000)], [false, true])
  })

  it("4.5, 1.6 reads the row of the currency, and without one a person looks", () => {
    const policy: RefundPolicy = { ...refundPolicy, autoApproveBelow: { EUR: Cents.make(100) } }
    assert.isFalse(needsReview({ requested: 99, committed: 0 }, policy, "EUR"))
    assert.isTrue(needsReview({ requested: 100, committed: 0 }, policy, "EUR"))
    assert.isTrue(needsReview({ requested: 1, committed: 0 }, policy, "USD"))
  })
})

describe("refund states", () => {
  it("4.6 are all reachable, and only refusals and arrivals are final", () => {
    const reached = new Set<RefundState>(refundStatesInitial)
    for (const state of reached) for (const next of refundTransitions[state]) reached.add(next)
    assert.deepStrictEqual([...reached].sort(), [...RefundState.literals].sort())
    const final = RefundState.literals.filter((state) => refundTransitions[state].length === 0)
    assert.deepStrictEqual(final, ["REJECTED", "COMPLETED"])
  })

  it("4.6 are PENDING, APPROVED, REJECTED, PROCESSING, COMPLETED and FAILED, with eight moves", () => {
    const moves = RefundState.literals.flatMap((from) =>
      RefundState.literals.filter((to) => canRefundBecome(from, to)).map((to) => `${from} > ${to}`)
    )
    assert.deepStrictEqual(moves, [
      "PENDING > APPROVED",
      "PENDING > REJECTED",
      "APPROVED > PROCESSING",
      "APPROVED > COMPLETED",
      "APPROVED > FAILED",
      "PROCESSING > COMPLETED",
      "PROCESSING > FAILED",
      "FAILED > APPROVED"
    ])
  })
})

describe("estimatedArrival", () => {
  it("4.8 is seven days on, or what the payment method is known to take", () => {
    const policy: RefundPolicy = { ...refundPolicy, arrivalDaysByMethod: { sepa: 3, voucher: 0 } }
    assert.strictEqual(iso(estimatedArrival(startsAt, policy)), "2026-04-05T02:30:00.000Z")
    assert.strictEqual(iso(estimatedArrival(startsAt, policy, "sepa")), "2026-04-01T02:30:00.000Z")
    assert.strictEqual(iso(estimatedArrival(startsAt, policy, "voucher")), iso(startsAt))
    assert.strictEqual(iso(estimatedArrival(startsAt, policy, "toString")), "2026-04-05T02:30:00.000Z")
  })
})

describe("paymentStatus", () => {
  it.each([
    ["UNPAID", 23_338, 0, 0],
    ["UNPAID", 23_338, 23_337, 0],
    ["PAID", 23_338, 23_338, 0],
    ["PAID", 0, 0, 0],
    ["OVERPAID", 23_338, 46_676, 0],
    ["OVERPAID", 23_338, 46_676, 23_337],
    ["PAID", 23_338, 46_676, 23_338],
    ["PARTIALLY_REFUNDED", 23_338, 23_338, 1],
    ["PARTIALLY_REFUNDED", 23_338, 23_338, 22_808],
    ["PARTIALLY_REFUNDED", 23_338, 46_676, 23_339],
    ["REFUNDED", 23_338, 23_338, 23_338]
  ] as const)(
    "3.10 is %s for a total of %i, %i captured and %i returned",
    (status, total, captured, refundedCompleted) => {
      assert.strictEqual(paymentStatus({ total, captured, refundedCompleted }), status)
    }
  )
})

describe("the policy", () => {
  it("4.2 is valid as data by default: 2.50 % + 30", () => {
    assert.deepStrictEqual(Schema.decodeUnknownSync(RefundPolicy)(structuredClone(refundPolicy)), refundPolicy)
    assert.deepEqual([refundPolicy.retentionRate, refundPolicy.retentionFixed], [250, 30])
  })
})
