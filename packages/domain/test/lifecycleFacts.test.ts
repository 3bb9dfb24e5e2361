/**
 * What an order keeps, and what it gives back, on its way through its states.
 */
import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { OrderId } from "@tickettoken/order-domain/Ids"
import type { CancelCause, Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { after, draftOf, fixedId } from "@tickettoken/order-testing/TestOrders"
import { cancelAs, paymentFailed, refundNumbers, refundSettled } from "@tickettoken/order-testing/TestOrdersNews"
import { pathsTo, sampleCreatedAt, samples, type StatePoint, walk } from "@tickettoken/order-testing/TestOrdersByState"

const at = (minutes: number) => DateTime.add(sampleCreatedAt, { minutes })

const keyed = (point: StatePoint): Order =>
  walk(draftOf(OrderId.make(fixedId(1)), sampleCreatedAt, { idempotencyKey: "k" }), pathsTo[point], sampleCreatedAt)

describe("what an order keeps", () => {
  it.each([
    ["SOLD_OUT", "PENDING/HOLDING", () => OrderCommand.HoldRefused({ ticketTypeId: null }), null],
    [
      "CREATE_FAILED",
      "PENDING/OPENING_INTENT",
      () => OrderCommand.SetupAbandoned({ cause: "CREATE_FAILED", why: "refused" }),
      null
    ],
    [
      "CREATE_TIMEOUT",
      "PENDING/HOLDING",
      () => OrderCommand.SetupAbandoned({ cause: "CREATE_TIMEOUT", why: "too slow" }),
      null
    ],
    ["BUYER", "PENDING/AWAITING_PAYMENT", (order: Order) => cancelAs(order, "buyer"), "k"],
    ["ORGANISER", "CONFIRMED", (order: Order) => cancelAs(order, "organiser"), "k"],
    ["PAYMENT_FAILED", "PENDING/AWAITING_PAYMENT", (order: Order) => paymentFailed(order, false), "k"]
  ] as const satisfies ReadonlyArray<
    readonly [CancelCause, StatePoint, (order: Order) => OrderCommand, string | null]
  >)(
    "6 gives its idempotency key back when creating it was refused, and only then: %s",
    (cause, point, command, key) => {
      const order = keyed(point)
      const ended = after(order, command(order), at(1))
      assert.deepStrictEqual([ended.status === "CANCELLED" && ended.cause, ended.idempotencyKey], [cause, key])
    }
  )

  it("3.1 the client secret while it can be paid, and no longer", () => {
    const secrets = Object.values(samples).map((order) => [order.status, order.intent?.clientSecret ?? null])
    for (const [status, secret] of secrets) {
      if (status !== "PENDING" && status !== "RESERVED") assert.isNull(secret, String(status))
    }
    assert.strictEqual(samples["PENDING/AWAITING_PAYMENT"].intent?.clientSecret, "secret")
  })

  it("3.10 when it was reserved, confirmed and cancelled", () => {
    const { "RESERVED/AWAITING_PAYMENT": reserved, REFUNDED: refunded } = samples
    const expired = after(reserved, OrderCommand.Expire({ reason: "test", intentClosed: true }), at(60))
    assert.deepStrictEqual(expired.status === "EXPIRED" && expired.reservedAt, at(1))
    const cancelled = after(samples.CONFIRMED, cancelAs(samples.CONFIRMED, "buyer"), at(2))
    const back = after(cancelled, refundSettled(cancelled, refundNumbers.cancel, "Succeeded"), at(3))
    const instants =
      back.status === "REFUNDED" ? [back.confirmedAt, back.cancelledAt, back.refundedAt, back.reservedAt] : []
    assert.deepStrictEqual(instants, [at(1), at(2), at(3), null])
    assert.strictEqual(refunded.status, "REFUNDED")
  })

  it("3.5 a limit that is never before its deadline, also when a payment is waited for past three lengths", () => {
    const renewed = [10, 24, 38].reduce(
      (order, minute) => after(order, OrderCommand.Reserve(), at(minute)),
      samples["PENDING/AWAITING_PAYMENT"]
    )
    const extended = after(renewed, OrderCommand.PaymentProcessing(), at(47))
    const hold = extended.status === "RESERVED" ? extended.hold : null
    assert.deepStrictEqual([hold?.expiresAt, hold?.limitAt], [at(57), at(57)])
  })
})
