/** The verdict sees each kind of damage: a run that could not fail would prove nothing. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import {
  OrderId,
  PaymentIntentId,
  RefundId,
  TenantId,
  TicketId,
  type TicketTypeId,
  UserId
} from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { tenants } from "@tickettoken/order-testing/chaos/ChaosCatalogue"
import { type Evidence, judge, type Verdict } from "@tickettoken/order-testing/chaos/Verdict"
import type { PaymentFact } from "@tickettoken/order-testing/sandbox/PaymentFacts"
import type { TicketFact } from "@tickettoken/order-testing/sandbox/TicketFacts"
import { fixedId } from "@tickettoken/order-testing/TestOrders"

const tenantId = TenantId.make(fixedId(1))
const userId = UserId.make(fixedId(2))
const orderId = OrderId.make(fixedId(3))
const otherOrderId = OrderId.make(fixedId(4))
const refundId = RefundId.make(fixedId(5))
const paymentIntentId = PaymentIntentId.make("pi_1")
const about = { tenantId, orderId }
const money = { ...about, paymentIntentId, amount: Cents.make(1000), currency: "USD" }
const key = "order-1"

const captured: PaymentFact = { kind: "intent.captured", ...money, late: false }
const refunded: PaymentFact = {
  kind: "refund.created",
  ...money,
  id: "re_1",
  refundId,
  key: `${refundId}:REFUND:1`,
  amount: Cents.make(400),
  reason: "ill",
  status: "succeeded"
}

const offer = tenants[0]?.scarce ?? assert.fail("there is a tenant")

const onSale = (id: TicketTypeId, capacity: number): TicketFact => ({
  kind: "ticket-type.added",
  ticketType: {
    id,
    tenantId,
    eventId: offer.eventId,
    name: "Seat",
    vip: false,
    capacity,
    maxPerOrder: 20,
    pricings: [{ id: offer.ticketPricingId, price: Cents.make(500), currency: "USD" }]
  }
})

const held = (id: OrderId): TicketFact => ({
  kind: "hold.placed",
  tenantId,
  orderId: id,
  key: `${id}:HOLD:1`,
  eventId: offer.eventId,
  items: [{ ticketTypeId: offer.ticketTypeId, quantity: 1 }],
  holdUntil: DateTime.makeUnsafe("2027-01-01T00:00:00Z")
})

const allocated: TicketFact = {
  kind: "tickets.allocated",
  ...about,
  key: `${orderId}:FINALIZE:2`,
  tickets: [{ id: TicketId.make(fixedId(9)), ticketTypeId: offer.ticketTypeId }],
  from: "hold"
}

/** An order that was created, paid, refunded in part, and told about. */
const good: Evidence = {
  log: [
    { kind: "created", ...about, userId, key, total: 1000, status: "PENDING" },
    { kind: "seen", ...about, userId, status: "CONFIRMED" },
    { kind: "refund", ...about, userId, key: "refund-1", refundId, amount: 400 }
  ],
  payments: [{ kind: "intent.created", ...money, key: `${orderId}:INTENT:1`, userId }, captured, refunded],
  tickets: [onSale(offer.ticketTypeId, 1), held(orderId), allocated],
  orders: [{ tenantId, id: orderId, userId, key, status: "CONFIRMED", total: 1000 }],
  refunds: [{ orderId, id: refundId, amount: 400 }]
}

const found = (damage: Partial<Evidence>): ReadonlyArray<string> => {
  const { checked: _, ...lists } = judge({ ...good, ...damage })
  return Object.entries(lists).flatMap(([name, list]) => (list.length > 0 ? [name] : []))
}

/** What must be found, and the evidence in which it is. */
const damages: ReadonlyArray<readonly [what: string, promise: keyof Verdict, damage: Partial<Evidence>]> = [
  ["an order is gone", "lost", { orders: [], payments: [] }],
  ["an order has another total", "lost", { orders: good.orders.map((order) => ({ ...order, total: 999 })) }],
  [
    "an order went back to where it never goes",
    "lost",
    { orders: good.orders.map((order) => ({ ...order, status: "EXPIRED" as const })) }
  ],
  ["a refund is gone", "lost", { refunds: [] }],
  ["a refund has another amount", "lost", { refunds: [{ orderId, id: refundId, amount: 399 }] }],
  ["an order is charged twice", "doubleCharges", { payments: [...good.payments, captured] }],
  [
    "money was taken for no order",
    "doubleCharges",
    { payments: [...good.payments, { ...captured, orderId: otherOrderId }] }
  ],
  [
    "two orders stand under one key",
    "doubleCharges",
    { orders: [...good.orders, { tenantId, id: otherOrderId, userId, key, status: "CANCELLED", total: 1000 }] }
  ],
  ["a refund is paid twice", "doubleRefunds", { payments: [...good.payments, { ...refunded, key: "again" }] }],
  [
    "more came back than was taken",
    "doubleRefunds",
    {
      payments: [
        ...good.payments,
        { ...refunded, key: "more", refundId: RefundId.make(fixedId(6)), amount: Cents.make(601) }
      ]
    }
  ],
  ["more is held than there is", "oversold", { tickets: [...good.tickets, held(otherOrderId)] }],
  ["a ticket is given twice", "oversold", { tickets: [...good.tickets, allocated] }],
  [
    "another tenant was shown an order",
    "crossTenant",
    { log: [...good.log, { kind: "foreign", ...about, tenantId: TenantId.make(fixedId(7)), userId }] }
  ]
]

describe("the verdict", () => {
  it("finds nothing where nothing is wrong, and says how much it has looked at", () => {
    assert.deepStrictEqual(found({}), [])
    assert.strictEqual(judge(good).checked, 3)
  })

  it.each(damages)("I15 sees that %s", (_, promise, damage) => {
    assert.deepStrictEqual(found(damage), [promise])
  })
})
