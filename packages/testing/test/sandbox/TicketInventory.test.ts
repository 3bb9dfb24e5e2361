/** Every rule of the ticket sandbox, on the pure engine: time is an argument. */
import { assert, describe, it } from "@effect/vitest"
import * as Inventory from "@tickettoken/order-testing/sandbox/TicketInventory"
import { availableOf } from "@tickettoken/order-testing/sandbox/TicketStock"
import {
  at,
  cents,
  eventId,
  line,
  ok,
  otherEventId,
  otherTenantId,
  pricingId,
  refused,
  tenantId,
  ticketType,
  typeId
} from "./scene.ts"
import { selling } from "./shop.ts"

describe("availability", () => {
  it("tells per type what is free, its prices, whether it is vip, and its event", () => {
    const { run } = selling(ticketType(1, 5, { vip: true }), ticketType(2, 7, { eventId: otherEventId }))
    const types = run((state) =>
      Inventory.availability(state, { tenantId, ticketTypeIds: [typeId(1), typeId(2)] }, at(0))
    )
    assert.deepStrictEqual(types[0], {
      ticketTypeId: typeId(1),
      eventId,
      name: "Type 1",
      available: 5,
      vip: true,
      maxPerOrder: 20,
      pricings: ticketType(1, 5).pricings
    })
    assert.strictEqual(types[1]?.eventId, otherEventId)
  })

  it("leaves out types that do not exist or are of another tenant", () => {
    const { run } = selling(ticketType(1, 5), ticketType(2, 5, { tenantId: otherTenantId }))
    const types = run((state) =>
      Inventory.availability(state, { tenantId, ticketTypeIds: [typeId(2), typeId(9), typeId(1)] }, at(0))
    )
    assert.deepStrictEqual(
      types.map((type) => type.ticketTypeId),
      [typeId(1)]
    )
  })

  it("refuses a second type with the same id", () => {
    const { run } = selling(ticketType(1, 5))
    const again = run((state) => Inventory.addTicketType(state, { ticketType: ticketType(1, 9) }, at(0)))
    assert.strictEqual(refused(again).code, "TICKET_TYPE_EXISTS")
  })
})

describe("reserve", () => {
  it("holds all lines", () => {
    const shop = selling(ticketType(1, 5), ticketType(2, 3))
    const hold = ok(shop.reserve({ order: 1, items: [line(1, 2), line(2, 3)] }))
    assert.strictEqual(hold.status, "held")
    assert.deepStrictEqual(hold.holdUntil, at(600))
    assert.deepStrictEqual([shop.free(1), shop.free(2)], [3, 0])
  })

  it("holds none when one type is short, and names it", () => {
    const shop = selling(ticketType(1, 5), ticketType(2, 3))
    const refusal = refused(shop.reserve({ order: 1, items: [line(1, 2), line(2, 4)] }))
    assert.strictEqual(refusal.code, "TICKETS_SOLD_OUT")
    assert.strictEqual(refusal.reason, "sold_out")
    assert.strictEqual(refusal.ticketTypeId, typeId(2))
    assert.strictEqual(refusal.available, 3)
    assert.deepStrictEqual([shop.free(1), shop.free(2)], [5, 3])
    assert.deepStrictEqual(shop.kinds(), [])
  })

  it("adds up lines of one type, whatever their pricing", () => {
    const pricings = [1, 9].map((number) => ({ id: pricingId(number), price: cents(number * 1000), currency: "USD" }))
    const shop = selling(ticketType(1, 3, { pricings }))
    const items = [line(1, 2), { ...line(1, 2), ticketPricingId: pricingId(9) }]
    assert.strictEqual(refused(shop.reserve({ order: 1, items })).ticketTypeId, typeId(1))
  })

  it("answers the same order the same hold, and takes nothing more", () => {
    const shop = selling(ticketType(1, 5))
    const first = ok(shop.reserve({ order: 1, items: [line(1, 2)] }))
    assert.deepStrictEqual(ok(shop.reserve({ order: 1, items: [line(1, 2)] })), first)
    assert.strictEqual(shop.free(1), 3)
    assert.deepStrictEqual(shop.kinds(), ["hold.placed"])
  })

  it("lengthens a hold but never shortens it", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1 })
    assert.deepStrictEqual(ok(shop.reserve({ order: 1, until: at(900) })).holdUntil, at(900))
    assert.deepStrictEqual(ok(shop.reserve({ order: 1, until: at(300) })).holdUntil, at(900))
    assert.strictEqual(shop.free(1, at(899)), 4)
    assert.strictEqual(shop.free(1, at(900)), 5)
  })

  it("refuses other tickets for an order that holds some", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1, items: [line(1, 2)] })
    assert.strictEqual(refused(shop.reserve({ order: 1, items: [line(1, 3)] })).code, "HOLD_MISMATCH")
  })

  it("takes the same lines in another order and cut for the same", () => {
    const shop = selling(ticketType(1, 5), ticketType(2, 5))
    shop.reserve({ order: 1, items: [line(1, 2), line(2, 1)] })
    ok(shop.reserve({ order: 1, items: [line(2, 1), line(1, 1), line(1, 1)] }))
    assert.deepStrictEqual([shop.free(1), shop.free(2)], [3, 4])
  })

  it("lets a hold lapse at its time to the millisecond, without anybody asking", () => {
    const shop = selling(ticketType(1, 1))
    shop.reserve({ order: 1, until: at(600) })
    assert.strictEqual(refused(shop.reserve({ order: 2, now: at(599.999), until: at(900) })).code, "TICKETS_SOLD_OUT")
    ok(shop.reserve({ order: 2, now: at(600), until: at(900) }))
    assert.deepStrictEqual(shop.kinds(), ["hold.placed", "hold.lapsed", "hold.placed"])
  })

  it("holds anew for an order whose hold has lapsed", () => {
    const shop = selling(ticketType(1, 1))
    shop.reserve({ order: 1, until: at(600) })
    ok(shop.reserve({ order: 1, now: at(700), until: at(900) }))
    assert.strictEqual(shop.free(1, at(800)), 0)
  })

  it("refuses a hold that would be over already", () => {
    const shop = selling(ticketType(1, 1))
    assert.strictEqual(refused(shop.reserve({ order: 1, now: at(600), until: at(600) })).code, "HOLD_UNTIL_PAST")
  })

  it("refuses types and pricings that the event does not sell", () => {
    const shop = selling(ticketType(1, 5), ticketType(2, 5, { eventId: otherEventId }))
    assert.strictEqual(refused(shop.reserve({ order: 1, items: [line(9, 1)] })).code, "TICKET_TYPE_NOT_FOUND")
    assert.strictEqual(refused(shop.reserve({ order: 1, items: [line(2, 1)] })).code, "TICKET_TYPE_NOT_FOUND")
    const mispriced = { ...line(1, 1), ticketPricingId: pricingId(2) }
    assert.strictEqual(refused(shop.reserve({ order: 1, items: [mispriced] })).code, "PRICING_MISMATCH")
    assert.strictEqual(
      refused(shop.reserve({ order: 1, tenant: otherTenantId })).code,
      "TICKET_TYPE_NOT_FOUND",
      "another tenant's type is as good as none"
    )
  })

  it("refuses an order that was released before, with the reason", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1 })
    ok(shop.release(1, "r"))
    const refusal = refused(shop.reserve({ order: 1 }))
    assert.strictEqual(refusal.code, "HOLD_RELEASED")
    assert.strictEqual(refusal.reason, "released")
    assert.strictEqual(shop.free(1), 5)
  })

  it("refuses a reserve that arrives behind the release of its order", () => {
    const shop = selling(ticketType(1, 5))
    ok(shop.release(1, "r"))
    assert.strictEqual(refused(shop.reserve({ order: 1 })).reason, "released")
    assert.strictEqual(shop.free(1), 5)
  })

  it("changes nothing for an order that has its tickets", () => {
    const shop = selling(ticketType(1, 5))
    shop.reserve({ order: 1 })
    ok(shop.confirm(1, "c"))
    assert.strictEqual(ok(shop.reserve({ order: 1, until: at(9000) })).status, "allocated")
    assert.strictEqual(shop.free(1, at(9001)), 4)
  })
})

describe("confirm", () => {
  it("turns the hold into tickets that do not lapse", () => {
    const shop = selling(ticketType(1, 3))
    shop.reserve({ order: 1, items: [line(1, 2)] })
    const { tickets } = ok(shop.confirm(1, "c"))
    assert.strictEqual(tickets.length, 2)
    assert.strictEqual(new Set(tickets.map(({ id }) => id)).size, 2)
    assert.deepStrictEqual(
      tickets.map((ticket) => ticket.ticketTypeId),
      [typeId(1), typeId(1)]
    )
    assert.strictEqual(shop.free(1, at(100_000)), 1)
  })

  it("answers the same tickets again, under the same key and under another", () => {
    const shop = selling(ticketType(1, 3))
    shop.reserve({ order: 1 })
    const first = ok(shop.confirm(1, "c1"))
    assert.deepStrictEqual(ok(shop.confirm(1, "c1")), first)
    assert.deepStrictEqual(ok(shop.confirm(1, "c2")), first)
    assert.strictEqual(shop.free(1), 2)
    assert.deepStrictEqual(shop.kinds(), ["hold.placed", "tickets.allocated", "confirm.repeated"])
  })

  it("repeats an answered key even after the tickets were given back", () => {
    const shop = selling(ticketType(1, 3))
    shop.reserve({ order: 1 })
    const first = ok(shop.confirm(1, "c1"))
    ok(shop.release(1, "r"))
    assert.deepStrictEqual(ok(shop.confirm(1, "c1")), first)
    assert.strictEqual(shop.free(1), 3, "the repeat took nothing")
  })

  it("repeats a refusal under its key, and decides anew under another", () => {
    const shop = selling(ticketType(1, 1))
    shop.reserve({ order: 1, until: at(10) })
    shop.reserve({ order: 2, now: at(10) })
    assert.strictEqual(refused(shop.confirm(1, "c1", at(11))).code, "TICKETS_SOLD_OUT")
    ok(shop.release(2, "r", undefined, at(12)))
    assert.strictEqual(refused(shop.confirm(1, "c1", at(13))).code, "TICKETS_SOLD_OUT")
    ok(shop.confirm(1, "c2", at(13)))
  })

  it("refuses a key that confirmed another order", () => {
    const shop = selling(ticketType(1, 3))
    shop.reserve({ order: 1 })
    shop.reserve({ order: 2 })
    ok(shop.confirm(1, "c"))
    assert.strictEqual(refused(shop.confirm(2, "c")).code, "IDEMPOTENCY_MISMATCH")
  })

  it("takes stock anew when the hold has lapsed", () => {
    const shop = selling(ticketType(1, 1))
    shop.reserve({ order: 1, until: at(600) })
    assert.strictEqual(ok(shop.confirm(1, "c", at(601))).tickets.length, 1)
    assert.strictEqual(shop.free(1, at(602)), 0)
    const allocated = shop.facts.find((fact) => fact.kind === "tickets.allocated")
    assert.strictEqual(allocated?.from, "stock")
  })

  it("takes stock anew when the order was released, and then keeps it", () => {
    const shop = selling(ticketType(1, 1))
    shop.reserve({ order: 1 })
    ok(shop.release(1, "r"))
    ok(shop.confirm(1, "c", at(3)))
    assert.strictEqual(shop.free(1, at(4)), 0)
  })

  it("refuses when the hold is gone and somebody else has the seat", () => {
    const shop = selling(ticketType(1, 1))
    shop.reserve({ order: 1 })
    ok(shop.release(1, "r"))
    ok(shop.reserve({ order: 2, now: at(3) }))
    const refusal = refused(shop.confirm(1, "c", at(4)))
    assert.strictEqual(refusal.code, "TICKETS_SOLD_OUT")
    assert.strictEqual(refusal.ticketTypeId, typeId(1))
  })

  it("refuses an order that nothing was ever held for", () => {
    const shop = selling(ticketType(1, 1))
    assert.strictEqual(refused(shop.confirm(1, "c")).code, "HOLD_NOT_FOUND")
    ok(shop.release(2, "r"))
    assert.strictEqual(refused(shop.confirm(2, "c")).reason, "released")
  })

  it("knows no other tenant's order", () => {
    const shop = selling(ticketType(1, 1))
    shop.reserve({ order: 1 })
    assert.strictEqual(refused(shop.confirm(1, "c", at(1), otherTenantId)).code, "HOLD_NOT_FOUND")
  })

  it("never issues a ticket id twice", () => {
    const shop = selling(ticketType(1, 1))
    shop.reserve({ order: 1 })
    const first = ok(shop.confirm(1, "c1")).tickets
    ok(shop.release(1, "r"))
    const second = ok(shop.confirm(1, "c2", at(3))).tickets
    assert.notStrictEqual(second[0]?.id, first[0]?.id)
  })
})

describe("50 buyers of one last seat", () => {
  it("get one hold between them", () => {
    const shop = selling(ticketType(1, 1))
    const replies = Array.from({ length: 50 }, (_, index) => shop.reserve({ order: index + 1 }))
    assert.strictEqual(replies.filter((reply) => reply._tag === "Success").length, 1)
    assert.deepStrictEqual(
      Inventory.stockRows(shop.state()).map((stock) => [stock.held, stock.allocated, availableOf(stock)]),
      [[1, 0, 0]]
    )
  })
})
