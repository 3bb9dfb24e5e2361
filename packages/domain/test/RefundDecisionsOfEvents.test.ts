/**
 * Cancelling a whole event, as decisions about each of its orders (rule 5).
 */
import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { addToPlan, bulkCancelStep, emptyPlan } from "@tickettoken/order-domain/BulkCancel"
import { OrderId } from "@tickettoken/order-domain/Ids"
import type { Order } from "@tickettoken/order-domain/Order"
import { playDecide } from "@tickettoken/order-testing/scenarioDecide"
import { after, draftOf, fixedId, freeLines } from "@tickettoken/order-testing/TestOrders"
import { pathsTo, sampleCreatedAt, samples, walk } from "@tickettoken/order-testing/TestOrdersByState"
import { allocateAll, cancelAs } from "@tickettoken/order-testing/TestOrdersNews"

const noon = DateTime.add(sampleCreatedAt, { minutes: 5 })

/** A confirmed order with these terms. */
const confirmed = (options: Parameters<typeof draftOf>[2] = {}): Order =>
  walk(draftOf(OrderId.make(fixedId(1)), sampleCreatedAt, options), pathsTo.CONFIRMED, sampleCreatedAt)

describe("a cancelled event", () => {
  it("5 ends every order that is open or confirmed with a full refund, and leaves the others alone", () => {
    const steps = Object.values(samples).map((order) => {
      const step = bulkCancelStep(order)
      return [order.status, step?.action ?? "none", step?.refundCents ?? 0]
    })
    assert.deepStrictEqual(steps, [
      ["PENDING", "release", 0],
      ["PENDING", "release", 0],
      ["PENDING", "release", 0],
      ["PENDING", "cancel-and-refund", 23_338],
      ["RESERVED", "release", 0],
      ["RESERVED", "cancel-and-refund", 23_338],
      ["CONFIRMED", "cancel-and-refund", 23_338],
      ["COMPLETED", "none", 0],
      ["CANCELLED", "none", 0],
      ["EXPIRED", "none", 0],
      ["EXPIRED", "none", 0],
      ["REFUNDED", "none", 0]
    ])
  })

  it("5 the dry run's counts and money are those of the real run", () => {
    const free = draftOf(OrderId.make(fixedId(1)), sampleCreatedAt, { lines: freeLines })
    const held = walk(free, pathsTo["PENDING/OPENING_INTENT"], sampleCreatedAt)
    const orders = [
      ...Object.values(samples),
      confirmed({ currency: "EUR" }),
      held,
      after(held, allocateAll(held), noon)
    ]
    assert.deepStrictEqual(
      orders.slice(-2).map((order) => bulkCancelStep(order)?.action),
      ["release", "cancel"]
    )
    const plan = orders.reduce(addToPlan, emptyPlan)
    const real = orders.flatMap((order) => {
      const step = bulkCancelStep(order)
      return step === null ? [] : [{ order, next: after(order, cancelAs(order, "organiser", 9), noon) }]
    })
    const money = (currency: string) =>
      real
        .filter(({ order }) => order.currency === currency)
        .flatMap(({ next, order }) =>
          next.refunds.filter((refund) => !order.refunds.some(({ id }) => id === refund.id))
        )
        .reduce((sum, { amount }) => sum + amount, 0)
    assert.deepStrictEqual(
      [plan.orders, plan.refunds, plan.refundCents],
      [real.length, real.filter(({ next }) => next.refunds.length > 0).length, { USD: money("USD"), EUR: money("EUR") }]
    )
    assert.isTrue(real.every(({ next }) => next.status === "CANCELLED" && next.cause === "ORGANISER"))
  })

  it.effect("5 returns everything at any time, without window, review or retention", () =>
    playDecide(`
      confirmed, 2 x 50000, starts in 20 hours | CONFIRMED | PAID
      tick 19 hours
      buyer cancels     | ! CancellationWindowClosed
      organiser cancels | CANCELLED ORGANISER | PAID, 1 APPROVED 116564 | ORDER_CANCELLED | RELEASE, REFUND 116564
      organiser cancels | ! InvalidTransition
    `)
  )
})
