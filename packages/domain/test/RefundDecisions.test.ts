/**
 * Cancelling and refunding under the rules 4.1 to 4.9 and 5, each rule as a table of steps and exact outcomes.
 *
 * Columns: step | state | money and refunds | fact | work. See scenarioDecide.ts. An order of two tickets costs 23338;
 * cancelling it keeps 530 and returns 22808 (rule 4.3).
 */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result } from "effect"
import { OrderId } from "@tickettoken/order-domain/Ids"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { decide } from "@tickettoken/order-domain/OrderDecision"
import { cancelRefundStatus } from "@tickettoken/order-domain/RefundDecisions"
import { playDecide } from "@tickettoken/order-testing/scenarioDecide"
import { after, draftOf, fixedId, jobActor, nthRefundId } from "@tickettoken/order-testing/TestOrders"
import {
  askRefund,
  cancelAs,
  refundNumbers,
  refundSettled,
  strayPayment
} from "@tickettoken/order-testing/TestOrdersNews"
import { pathsTo, sampleCreatedAt, samples, walk } from "@tickettoken/order-testing/TestOrdersByState"

const noon = DateTime.add(sampleCreatedAt, { minutes: 5 })

/** A confirmed order with these terms. */
const confirmed = (options: Parameters<typeof draftOf>[2] = {}): Order =>
  walk(draftOf(OrderId.make(fixedId(1)), sampleCreatedAt, options), pathsTo.CONFIRMED, sampleCreatedAt)

describe("the window", () => {
  it.effect("4.1 is open for the buyer until 24 hours before the event, that instant included", () =>
    playDecide(`
      confirmed, starts in 48 hours | CONFIRMED | PAID
      tick 24 hours
      buyer asks 1000               | CONFIRMED | PAID, 1 APPROVED 1000 | REFUND_REQUESTED | REFUND 1000
      tick 1 millis
      buyer asks 1000               | ! CancellationWindowClosed
      buyer cancels                 | ! CancellationWindowClosed
      admin asks 1000               | CONFIRMED | PAID, 1 APPROVED 1000, 2 APPROVED 1000 | REFUND_REQUESTED | REFUND 1000
      admin cancels                 | CANCELLED ADMIN | PAID, 1 APPROVED 1000, 2 APPROVED 1000, 3 APPROVED 20808 | ORDER_CANCELLED | RELEASE, REFUND 20808
    `)
  )

  it("4.1 names its deadline, and an admin overrides it by giving a reason only", () => {
    const order = confirmed({ startsInHours: 10 })
    const cancelling = (mode: "buyer" | "admin", reason: string | null) =>
      decide(
        order,
        { actor: jobActor, command: OrderCommand.Cancel({ refundId: nthRefundId(order.id, 9), mode, reason }) },
        noon
      )
    for (const refused of [cancelling("buyer", "ill"), cancelling("admin", null)]) {
      const error = Result.isFailure(refused) ? refused.failure : null
      assert.strictEqual(error?._tag, "CancellationWindowClosed")
      if (error?._tag !== "CancellationWindowClosed") continue
      assert.strictEqual(
        DateTime.formatIso(error.deadline),
        DateTime.formatIso(DateTime.subtract(order.eventStartsAt, { hours: 24 }))
      )
    }
    assert.isTrue(Result.isSuccess(cancelling("admin", "broken lift")))
  })

  it.effect("4.1 comes after the state: what can not be cancelled at all is not refused for its time", () =>
    playDecide(`
      payable, starts in 48 hours | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      tick 47 hours
      expire                      | EXPIRED | UNPAID | RESERVATION_EXPIRED | RELEASE
      buyer cancels               | ! InvalidTransition
    `)
  )
})

describe("what is kept", () => {
  it.effect("4.2, 4.3 nothing of an order that was never paid, the policy's part of a paid one", () =>
    playDecide(`
      payable          | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      buyer cancels    | CANCELLED BUYER | UNPAID                      | ORDER_CANCELLED | VOID, RELEASE
      paid order       | PENDING/ALLOCATING 15:00 | PAID
      buyer cancels    | CANCELLED BUYER | PAID, 1 APPROVED 22808      | ORDER_CANCELLED | RELEASE, REFUND 22808
      allocated        | CANCELLED BUYER | PAID, 1 APPROVED 22808      | ALLOCATION_UNDONE | RELEASE
      allocation refused | =
      confirmed        | CONFIRMED | PAID
      buyer cancels    | CANCELLED BUYER | PAID, 1 APPROVED 22808      | ORDER_CANCELLED | RELEASE, REFUND 22808
      refund 1 arrives | REFUNDED        | REFUNDED, 1 COMPLETED 22808 | ORDER_REFUNDED  |
    `)
  )

  it.effect("4.2 nothing when the organiser cancels, and what had been kept before comes back too", () =>
    playDecide(`
      confirmed              | CONFIRMED | PAID
      buyer asks 1 of line 1 | CONFIRMED | PAID, 1 APPROVED 11389 | REFUND_REQUESTED | REFUND 11389
      refund 1 arrives       | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 11389 | REFUND_COMPLETED |
      organiser cancels      | CANCELLED ORGANISER | PARTIALLY_REFUNDED, 1 COMPLETED 11389, 2 APPROVED 11949 | ORDER_CANCELLED | RELEASE, REFUND 11949
      refund 2 arrives       | REFUNDED | REFUNDED, 1 COMPLETED 11389, 2 COMPLETED 11949 | ORDER_REFUNDED |
    `)
  )

  it.effect("4.2 the fixed part once per order, whichever way the tickets come back", () =>
    playDecide(`
      confirmed              | CONFIRMED | PAID
      buyer asks 1 of line 1 | CONFIRMED | PAID, 1 APPROVED 11389 | REFUND_REQUESTED | REFUND 11389
      buyer cancels          | CANCELLED BUYER | PAID, 1 APPROVED 11389, 2 APPROVED 11419 | ORDER_CANCELLED | RELEASE, REFUND 11419
    `)
  )

  it("4.2 everything, where the policy keeps everything: the order is cancelled and nothing goes back", () => {
    const keepsAll = { ...samples.CONFIRMED.terms.refunds, retentionRate: samples.CONFIRMED.terms.fees.platformRate }
    const order = confirmed({ terms: { refunds: { ...keepsAll, retentionFixed: samples.CONFIRMED.pricing.total } } })
    const cancelled = after(order, cancelAs(order, "buyer"), noon)
    assert.deepStrictEqual([cancelled.status, cancelled.refunds.length], ["CANCELLED", 0])
    assert.strictEqual(cancelRefundStatus(cancelled), "NOT_APPLICABLE")
  })
})

describe("the amount", () => {
  it.effect("4.4 is what was asked for, at least 1 and at most the refundable rest", () =>
    playDecide(`
      confirmed             | CONFIRMED | PAID
      buyer asks 0          | ! RefundRequestInvalid
      buyer asks 22809      | ! RefundExceedsCaptured
      buyer asks 20000      | CONFIRMED | PAID, 1 APPROVED 20000 | REFUND_REQUESTED | REFUND 20000
      buyer asks 2809       | ! RefundExceedsCaptured
      buyer asks 2808       | CONFIRMED | PAID, 1 APPROVED 20000, 2 APPROVED 2808 | REFUND_REQUESTED | REFUND 2808
      buyer asks everything | ! InvalidTransition
      buyer asks 3 of line 1 | ! RefundRequestInvalid
    `)
  )

  it.effect("4.4 counts what is under way, and not what was rejected or has failed", () =>
    playDecide(`
      confirmed, 2 x 30000  | CONFIRMED | PAID
      buyer asks 60000      | CONFIRMED | PAID, 1 PENDING 60000 | REFUND_REQUESTED |
      buyer asks 60000      | ! RefundExceedsCaptured
      reject 1              | CONFIRMED | PAID, 1 REJECTED 60000 | REFUND_REJECTED |
      admin asks 40000      | CONFIRMED | PAID, 1 REJECTED 60000, 2 APPROVED 40000 | REFUND_REQUESTED | REFUND 40000
      refund 2 fails        | CONFIRMED | PAID, 1 REJECTED 60000, 2 FAILED 40000 | REFUND_FAILED |
      buyer asks 49000      | CONFIRMED | PAID, 1 REJECTED 60000, 2 FAILED 40000, 3 APPROVED 49000 | REFUND_REQUESTED | REFUND 49000
    `)
  )

  it.effect("4.4 a refund that failed is tried again only while its money is there", () =>
    playDecide(`
      confirmed        | CONFIRMED | PAID
      buyer asks 20000 | CONFIRMED | PAID, 1 APPROVED 20000 | REFUND_REQUESTED | REFUND 20000
      refund 1 fails   | CONFIRMED | PAID, 1 FAILED 20000   | REFUND_FAILED |
      buyer asks 10000 | CONFIRMED | PAID, 1 FAILED 20000, 2 APPROVED 10000 | REFUND_REQUESTED | REFUND 10000
      retry 1          | ! RefundExceedsCaptured
      refund 2 fails   | CONFIRMED | PAID, 1 FAILED 20000, 2 FAILED 10000   | REFUND_FAILED |
      retry 1          | CONFIRMED | PAID, 1 APPROVED 20000 (attempt 2), 2 FAILED 10000 | REFUND_APPROVED | REFUND 20000
      retry 2          | ! RefundExceedsCaptured
    `)
  )

  it.effect("4.4 a refund of tickets that failed is tried again only while its tickets are there", () =>
    playDecide(`
      confirmed, 1 x 10000 + 1 x 10000 | CONFIRMED | PAID
      buyer asks 1 of line 1 | CONFIRMED | PAID, 1 APPROVED 11389 | REFUND_REQUESTED | REFUND 11389
      refund 1 fails         | CONFIRMED | PAID, 1 FAILED 11389   | REFUND_FAILED |
      buyer asks 1 of line 1 | CONFIRMED | PAID, 1 FAILED 11389, 2 APPROVED 11389 | REFUND_REQUESTED | REFUND 11389
      retry 1                | ! RefundExceedsCaptured
      buyer asks 1 of line 2 | CONFIRMED | PAID, 1 FAILED 11389, 2 APPROVED 11389, 3 APPROVED 11419 | REFUND_REQUESTED | REFUND 11419
    `)
  )
})

describe("what a cancelled order still owes", () => {
  it.effect("4.4 may be asked for by an admin alone, and by the rule under which the order ended", () =>
    playDecide(`
      confirmed             | CONFIRMED | PAID
      organiser cancels     | CANCELLED ORGANISER | PAID, 1 APPROVED 23338 | ORDER_CANCELLED | RELEASE, REFUND 23338
      refund 1 fails        | CANCELLED ORGANISER | PAID, 1 FAILED 23338 | REFUND_FAILED |
      buyer asks everything | ! InvalidTransition
      admin asks everything | CANCELLED ORGANISER | PAID, 1 FAILED 23338, 2 APPROVED 23338 | REFUND_REQUESTED | REFUND 23338
      refund 2 arrives      | REFUNDED | REFUNDED, 1 FAILED 23338, 2 COMPLETED 23338 | ORDER_REFUNDED |
    `)
  )

  it.effect("4.2 may be tried again whole: what the organiser ended keeps nothing, of earlier refunds neither", () =>
    playDecide(`
      confirmed              | CONFIRMED | PAID
      buyer asks 1 of line 1 | CONFIRMED | PAID, 1 APPROVED 11389 | REFUND_REQUESTED | REFUND 11389
      organiser cancels      | CANCELLED ORGANISER | PAID, 1 APPROVED 11389, 2 APPROVED 11949 | ORDER_CANCELLED | RELEASE, REFUND 11949
      refund 1 fails         | CANCELLED ORGANISER | PAID, 1 FAILED 11389, 2 APPROVED 11949 | REFUND_FAILED |
      retry 1                | CANCELLED ORGANISER | PAID, 1 APPROVED 11389 (attempt 2), 2 APPROVED 11949 | REFUND_APPROVED | REFUND 11389
    `)
  )

  it("4.2 is returned under the cause of the cancellation, so nothing is kept of it later either", () => {
    const order = confirmed()
    const cancelled = after(order, cancelAs(order, "organiser"), noon)
    const failed = after(cancelled, refundSettled(cancelled, refundNumbers.cancel, "Failed"), noon)
    const asked = after(failed, askRefund(failed, { byAdmin: true, request: { _tag: "Amount", amount: 23_338 } }), noon)
    assert.deepStrictEqual(
      asked.refunds.map(({ cause, state }) => `${cause} ${state}`),
      ["ORGANISER FAILED", "ORGANISER APPROVED"]
    )
  })
})

describe("review", () => {
  it.effect("4.5 is needed as soon as an order's refunds together reach 500.00", () =>
    playDecide(`
      confirmed, 2 x 50000 | CONFIRMED | PAID
      buyer asks 40000     | CONFIRMED | PAID, 1 APPROVED 40000 | REFUND_REQUESTED | REFUND 40000
      buyer asks 9999      | CONFIRMED | PAID, 1 APPROVED 40000, 2 APPROVED 9999 | REFUND_REQUESTED | REFUND 9999
      buyer asks 1         | CONFIRMED | PAID, 1 APPROVED 40000, 2 APPROVED 9999, 3 PENDING 1 | REFUND_REQUESTED |
      approve 3            | CONFIRMED | PAID, 1 APPROVED 40000, 2 APPROVED 9999, 3 APPROVED 1 | REFUND_APPROVED | REFUND 1
      approve 3            | ! RefundStateConflict
      reject 3             | ! RefundStateConflict
      approve 4            | ! RefundNotFound
    `)
  )

  it.effect("4.5 two of 400 do not slip under 500", () =>
    playDecide(`
      confirmed, 2 x 50000 | CONFIRMED | PAID
      buyer asks 40000     | CONFIRMED | PAID, 1 APPROVED 40000 | REFUND_REQUESTED | REFUND 40000
      buyer asks 40000     | CONFIRMED | PAID, 1 APPROVED 40000, 2 PENDING 40000 | REFUND_REQUESTED |
    `)
  )

  it.effect("4.5 decides once about a cancelled order: its refund takes over what was waiting", () =>
    playDecide(`
      confirmed, 2 x 50000 | CONFIRMED | PAID
      buyer asks 60000     | CONFIRMED | PAID, 1 PENDING 60000 | REFUND_REQUESTED |
      buyer cancels        | CANCELLED BUYER | PAID, 1 REJECTED 60000, 2 PENDING 114034 | ORDER_CANCELLED | RELEASE
      reject 2             | CANCELLED BUYER | PAID, 1 REJECTED 60000, 2 REJECTED 114034 | REFUND_REJECTED |
      admin asks 100       | CANCELLED BUYER | PAID, 1 REJECTED 60000, 2 REJECTED 114034, 3 APPROVED 100 | REFUND_REQUESTED | REFUND 100
    `)
  )

  it.effect("4.5 is bypassed when the organiser cancels, also by what was waiting for it", () =>
    playDecide(`
      confirmed, 2 x 50000 | CONFIRMED | PAID
      buyer asks 60000     | CONFIRMED | PAID, 1 PENDING 60000 | REFUND_REQUESTED |
      organiser cancels    | CANCELLED ORGANISER | PAID, 1 APPROVED 60000, 2 APPROVED 56564 | ORDER_CANCELLED | RELEASE, REFUND 60000, REFUND 56564
      refund 1 arrives     | CANCELLED ORGANISER | PARTIALLY_REFUNDED, 1 COMPLETED 60000, 2 APPROVED 56564 | REFUND_COMPLETED |
      refund 2 arrives     | REFUNDED | REFUNDED, 1 COMPLETED 60000, 2 COMPLETED 56564 | ORDER_REFUNDED |
    `)
  )
})

describe("a refund's way", () => {
  it.effect("4.6 goes through PROCESSING or at once to its end, and news about an end is no news", () =>
    playDecide(`
      confirmed           | CONFIRMED | PAID
      buyer asks 100      | CONFIRMED | PAID, 1 APPROVED 100   | REFUND_REQUESTED | REFUND 100
      refund 1 is pending | CONFIRMED | PAID, 1 PROCESSING 100 | REFUND_PROCESSING |
      refund 1 is pending | =
      refund 1 arrives    | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 100 | REFUND_COMPLETED |
      refund 1 arrives    | =
      refund 1 fails      | =
      buyer asks 200      | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 100, 2 APPROVED 200 | REFUND_REQUESTED | REFUND 200
      refund 2 arrives    | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 100, 2 COMPLETED 200 | REFUND_COMPLETED |
    `)
  )

  it.effect("4.6 is tried again as a new attempt, after a definite failure only", () =>
    playDecide(`
      confirmed        | CONFIRMED | PAID
      buyer asks 100   | CONFIRMED | PAID, 1 APPROVED 100 | REFUND_REQUESTED | REFUND 100
      retry 1          | ! RefundStateConflict
      refund 1 fails   | CONFIRMED | PAID, 1 FAILED 100 | REFUND_FAILED |
      refund 1 arrives | =
      retry 1          | CONFIRMED | PAID, 1 APPROVED 100 (attempt 2) | REFUND_APPROVED | REFUND 100
      refund 1 fails   | CONFIRMED | PAID, 1 FAILED 100 (attempt 2) | REFUND_FAILED |
      retry 1          | CONFIRMED | PAID, 1 APPROVED 100 (attempt 3) | REFUND_APPROVED | REFUND 100
      refund 1 arrives | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 100 (attempt 3) | REFUND_COMPLETED |
    `)
  )

  it("4.6 hears nothing in news about an attempt that has been given up", () => {
    const order = confirmed()
    const asked = after(order, askRefund(order), noon)
    const failed = after(asked, refundSettled(asked, refundNumbers.request, "Failed"), noon)
    const retried = after(
      failed,
      OrderCommand.RetryRefund({ refundId: nthRefundId(order.id, refundNumbers.request) }),
      noon
    )
    const late = refundSettled(asked, refundNumbers.request, "Succeeded")
    assert.strictEqual(after(retried, late, noon), retried)
  })
})

describe("tickets and refunds", () => {
  it.effect("4.7 a cancellation voids the intent; money that came first is returned by the policy", () =>
    playDecide(`
      payable          | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      buyer cancels    | CANCELLED BUYER | UNPAID | ORDER_CANCELLED | VOID, RELEASE
      paid             | CANCELLED BUYER | PAID, 1 APPROVED 22808 | PAYMENT_CAPTURED | REFUND 22808
      refund 1 arrives | REFUNDED | REFUNDED, 1 COMPLETED 22808 | ORDER_REFUNDED |
      payable          | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      organiser cancels | CANCELLED ORGANISER | UNPAID | ORDER_CANCELLED | VOID, RELEASE
      paid             | CANCELLED ORGANISER | PAID, 1 APPROVED 23338 | PAYMENT_CAPTURED | REFUND 23338
    `)
  )

  it.effect("4.7 money that comes after a cancellation is reviewed like any other when it is much", () =>
    playDecide(`
      payable, 2 x 50000 | PENDING/AWAITING_PAYMENT 15:00 | UNPAID
      buyer cancels      | CANCELLED BUYER | UNPAID | ORDER_CANCELLED | VOID, RELEASE
      paid               | CANCELLED BUYER | PAID, 1 PENDING 114034 | PAYMENT_CAPTURED |
    `)
  )

  it.effect("4.7 a refund that returns a whole line releases its tickets, and one that does not keeps them", () =>
    playDecide(`
      confirmed, 2 x 10000 + 1 x 5000 | CONFIRMED | PAID
      buyer asks 1 of line 1 | CONFIRMED | PAID, 1 APPROVED 11386 | REFUND_REQUESTED | REFUND 11386
      refund 1 arrives       | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 11386 | REFUND_COMPLETED |
      buyer asks 1 of line 1 | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 11386, 2 APPROVED 11416 | REFUND_REQUESTED | REFUND 11416
      refund 2 arrives       | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 11386, 2 COMPLETED 11416 | REFUND_COMPLETED | RELEASE 2
      buyer asks 1 of line 2 | CONFIRMED | PARTIALLY_REFUNDED, 1 COMPLETED 11386, 2 COMPLETED 11416, 3 APPROVED 5708 | REFUND_REQUESTED | REFUND 5708
      refund 3 arrives       | REFUNDED | REFUNDED, 1 COMPLETED 11386, 2 COMPLETED 11416, 3 COMPLETED 5708 | ORDER_REFUNDED | RELEASE
    `)
  )

  it("4.8 is expected to arrive seven days after it was asked for", () => {
    const order = confirmed()
    const asked = after(order, askRefund(order), noon)
    assert.deepStrictEqual(
      asked.refunds.map(({ estimatedArrivalAt }) => DateTime.formatIso(estimatedArrivalAt)),
      [DateTime.formatIso(DateTime.add(noon, { days: 7 }))]
    )
  })
})

describe("refundStatus of a cancelled order", () => {
  const cancelled = after(confirmed(), cancelAs(confirmed(), "buyer"), noon)
  const large = confirmed({ lines: [{ unitPrice: 50_000, quantity: 2 }] })
  const reviewed = after(large, cancelAs(large, "buyer"), noon)
  const unpaid = samples["PENDING/AWAITING_PAYMENT"]

  it.each([
    ["NOT_APPLICABLE", "nothing was paid", after(unpaid, cancelAs(unpaid, "buyer"), noon)],
    ["INITIATED", "its refund is under way", cancelled],
    ["PENDING_REVIEW", "its refund waits for a person", reviewed],
    ["PENDING_REVIEW", "its refund has failed", after(cancelled, refundSettled(cancelled, 2, "Failed"), noon)],
    ["COMPLETED", "its refund has arrived", after(cancelled, refundSettled(cancelled, 2, "Succeeded"), noon)],
    [
      "INITIATED",
      "a second payment went back before",
      after(after(cancelled, strayPayment(cancelled), noon), refundSettled(cancelled, 4, "Succeeded"), noon)
    ]
  ] as const)("4.9 is %s when %s", (status, _when, order) => {
    assert.strictEqual(cancelRefundStatus(order), status)
  })
})
