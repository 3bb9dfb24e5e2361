/**
 * Every invariant sees the break that it is there for, and none in an order that is right.
 */
import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { UserId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import type { ConfirmedOrder, Order } from "@tickettoken/order-domain/Order"
import { always, atRest, breaksOf, type OrderRecord, quotaBreaks } from "@tickettoken/order-testing/invariants"
import { after, fixedId, jobActor, strayIntentId } from "@tickettoken/order-testing/TestOrders"
import { askRefund, cancelAs, refundNumbers, refundSettled } from "@tickettoken/order-testing/TestOrdersNews"
import { pathsTo, sampleCreatedAt, sampleDraft, samples, walkAll } from "@tickettoken/order-testing/TestOrdersByState"

const noon = DateTime.add(sampleCreatedAt, { minutes: 5 })

/** What a store would keep of these versions. */
const recordOf = (versions: ReadonlyArray<Order>, order: Order, more: Partial<OrderRecord> = {}): OrderRecord => ({
  order,
  versions,
  facts: versions.map(({ id, tenantId, updatedAt, version }) => ({
    tenantId,
    orderId: id,
    version,
    type: "ORDER_CREATED",
    actor: jobActor,
    at: updatedAt,
    data: {}
  })),
  openWork: [],
  intentStatus: null,
  ...more
})

const confirmedVersions = walkAll(sampleDraft, pathsTo.CONFIRMED, sampleCreatedAt)

const confirmed: ConfirmedOrder =
  samples.CONFIRMED.status === "CONFIRMED" ? samples.CONFIRMED : assert.fail("the sample is not confirmed")

const refunded = after(confirmed, askRefund(confirmed), noon)

/** The ids of the invariants that this order breaks. */
const idsOf = (record: OrderRecord, now = noon): ReadonlyArray<string> => [
  ...new Set(breaksOf([...always, ...atRest], [record], now).map((text) => text.slice(0, 3)))
]

const broken = (order: Order): OrderRecord => recordOf([...confirmedVersions.slice(0, -1), order], order)

describe("invariants", () => {
  it("hold for every state that decide leads to", () => {
    for (const [point, path] of Object.entries(pathsTo)) {
      const versions = walkAll(sampleDraft, path, sampleCreatedAt)
      const order = versions.at(-1) ?? versions[0]
      assert.deepStrictEqual(breaksOf(always, [recordOf(versions, order)], noon), [], point)
    }
  })

  it.each([
    ["I01", "a total that is off by one", { ...confirmed, pricing: { ...confirmed.pricing, tax: Cents.make(1727) } }],
    [
      "I02",
      "a line of another price",
      { ...confirmed, items: [{ ...confirmed.items[0], unitPrice: Cents.make(9999) }] as const }
    ],
    [
      "I03",
      "refunds beyond what was captured",
      { ...refunded, refunds: refunded.refunds.map((refund) => ({ ...refund, amount: Cents.make(23_339) })) }
    ],
    [
      "I03",
      "a refund of a payment that was never taken",
      {
        ...refunded,
        refunds: refunded.refunds.map((refund) => ({ ...refund, paymentIntentId: strayIntentId(confirmed.id) }))
      }
    ],
    [
      "I03",
      "a refund of nothing",
      { ...refunded, refunds: refunded.refunds.map((refund) => ({ ...refund, amount: Cents.make(0) })) }
    ],
    [
      "I10",
      "a payment that is booked twice",
      { ...confirmed, captures: [...confirmed.captures, ...confirmed.captures] }
    ],
    ["I20", "a confirmed order that nobody paid", { ...confirmed, captures: [] }],
    ["I20", "a ticket too few", { ...confirmed, tickets: confirmed.tickets.slice(1) }],
    [
      "I20",
      "more tickets back than there were",
      { ...confirmed, items: [{ ...confirmed.items[0], returnedQuantity: 3 }] as const }
    ]
  ] satisfies ReadonlyArray<readonly [string, string, Order]>)("%s sees %s", (id, _what, order) => {
    assert.include(idsOf(broken(order)), id)
  })

  it("I04 sees a version without its fact, and a fact without its version", () => {
    const record = recordOf(confirmedVersions, confirmed)
    assert.deepStrictEqual(idsOf({ ...record, facts: record.facts.slice(1) }), ["I04"])
    assert.deepStrictEqual(idsOf({ ...record, facts: [...record.facts, ...record.facts.slice(-1)] }), ["I04"])
  })

  it("I06 sees a move that the table does not hold, and a life that does not begin PENDING", () => {
    const back = { ...samples["PENDING/HOLDING"], version: confirmed.version + 1 }
    const record = recordOf([...confirmedVersions, back], back)
    assert.include(idsOf(record), "I06")
    assert.include(idsOf({ ...recordOf(confirmedVersions, confirmed), versions: confirmedVersions.slice(-1) }), "I06")
  })

  it("I07 sees an unpaid order that outlives its grace, and a deadline beyond its limit", () => {
    const order = samples["PENDING/AWAITING_PAYMENT"]
    const versions = walkAll(sampleDraft, pathsTo["PENDING/AWAITING_PAYMENT"], sampleCreatedAt)
    const record = recordOf(versions, order, { intentStatus: "requires_payment" })
    const lastMoment = DateTime.add(sampleCreatedAt, { minutes: 18, seconds: 15 })
    assert.deepStrictEqual(idsOf(record, lastMoment), [])
    assert.deepStrictEqual(idsOf(record, DateTime.addDuration(lastMoment, 1)), ["I07"])
    if (order.status !== "PENDING") return
    const beyond = {
      ...order,
      hold: { ...order.hold, limitAt: DateTime.subtractDuration(order.hold.expiresAt, 1) }
    }
    assert.deepStrictEqual(idsOf(recordOf([...versions.slice(0, -1), beyond], beyond)), ["I07"])
  })

  it("I11 sees money that was kept where nothing may be", () => {
    const cancelled = after(confirmed, cancelAs(confirmed, "organiser"), noon)
    const ended = after(cancelled, refundSettled(cancelled, refundNumbers.cancel, "Succeeded"), noon)
    const less: Order = {
      ...ended,
      refunds: ended.refunds.map((refund) => ({ ...refund, amount: Cents.make(23_000) }))
    }
    assert.notInclude(idsOf(recordOf([], ended)), "I11")
    assert.include(idsOf(recordOf([], less)), "I11")
  })

  it("I13, I20, I22 see work, an allocation and an intent that were left behind", () => {
    const ended = samples.CANCELLED
    assert.include(idsOf(recordOf([], ended, { openWork: [{ kind: "RELEASE" }] })), "I13")
    assert.include(idsOf(recordOf([], samples["PENDING/ALLOCATING"])), "I20")
    assert.include(idsOf(recordOf([], ended, { intentStatus: "requires_payment" })), "I22")
    assert.notInclude(idsOf(recordOf([], ended, { intentStatus: "canceled" })), "I22")
  })

  it("I16 sees a sixth active order and a twenty-first of a day", () => {
    const copies = (count: number, change: (order: Order, n: number) => Order) =>
      Array.from({ length: count }, (_, n) => change(confirmed, n))
    const other = UserId.make(fixedId(77))
    assert.deepStrictEqual(quotaBreaks(copies(5, (order) => order)), [])
    assert.isNotEmpty(quotaBreaks(copies(6, (order) => order)))
    assert.deepStrictEqual(quotaBreaks(copies(6, (order, n) => (n === 0 ? { ...order, userId: other } : order))), [])
    const ended = samples.CANCELLED
    assert.deepStrictEqual(quotaBreaks(Array.from({ length: 20 }, () => ended)), [])
    assert.isNotEmpty(quotaBreaks(Array.from({ length: 21 }, () => ended)))
    const tomorrow = { ...ended, createdAt: DateTime.add(ended.createdAt, { hours: 24 }) }
    assert.deepStrictEqual(quotaBreaks([...Array.from({ length: 20 }, () => ended), tomorrow]), [])
  })
})
