/** The event sandbox's engine, and the demo catalogue that it and the ticket sandbox start with. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, HashMap } from "effect"
import { demo, demoCatalogue } from "@tickettoken/order-testing/sandbox/catalogue"
import * as Directory from "@tickettoken/order-testing/sandbox/EventDirectory"
import { at, ok, otherTenantId, play, refused, tenantId, eventId } from "./scene.ts"

const night: Directory.Event = {
  id: eventId,
  tenantId,
  name: "Night",
  status: "ON_SALE",
  currency: "USD",
  startsAt: at(1000),
  endsAt: at(2000),
  timezone: "Europe/Berlin"
}

describe("an event", () => {
  it("is there for its own tenant, and for a caller that names none", () => {
    const { run } = play(Directory.engine)
    ok(run((state) => Directory.addEvent(state, { event: night })))
    assert.deepStrictEqual(ok(run((state) => Directory.getEvent(state, { id: eventId, tenantId }))), night)
    assert.deepStrictEqual(ok(run((state) => Directory.getEvent(state, { id: eventId }))), night)
    assert.strictEqual(
      refused(run((state) => Directory.getEvent(state, { id: eventId, tenantId: otherTenantId }))).code,
      "EVENT_NOT_FOUND"
    )
  })

  it("is added once", () => {
    const { run } = play(Directory.engine)
    ok(run((state) => Directory.addEvent(state, { event: night })))
    assert.strictEqual(refused(run((state) => Directory.addEvent(state, { event: night }))).code, "EVENT_EXISTS")
  })

  it("changes its status, which is journalled once", () => {
    const { facts, rebuilt, run, state } = play(Directory.engine)
    ok(run((before) => Directory.addEvent(before, { event: night })))
    assert.strictEqual(
      ok(run((before) => Directory.setStatus(before, { id: eventId, status: "CANCELLED" }))).status,
      "CANCELLED"
    )
    ok(run((before) => Directory.setStatus(before, { id: eventId, status: "CANCELLED" })))
    assert.strictEqual(facts.length, 2)
    assert.deepStrictEqual(HashMap.toValues(rebuilt().events), HashMap.toValues(state().events))
  })
})

describe("the demo catalogue", () => {
  const { events, ticketTypes } = demoCatalogue(at(0))

  it("has the ids, prices and capacities of the contract", () => {
    assert.deepStrictEqual(
      ticketTypes.map(({ capacity, id, pricings, vip }) =>
        [
          id.slice(-3),
          ...pricings.map((one) => `${one.id.slice(-3)} ${one.price} ${one.currency}`),
          capacity,
          vip
        ].join()
      ),
      [
        "331,441 10000 USD,10000,false",
        "332,442 25000 USD,100,true",
        "333,443 5000 USD,1,false",
        "334,444 0 USD,1000,false",
        "335,445 9000 EUR,1000,false",
        "336,446 10000 USD,1000,false",
        "337,447 10000 USD,1000,false"
      ]
    )
    assert.deepStrictEqual(
      events.map(({ currency, id, status }) => [id.slice(-3), status, currency].join()),
      ["221,ON_SALE,USD", "222,ON_SALE,EUR", "223,CANCELLED,USD", "224,ON_SALE,USD"]
    )
    assert.deepStrictEqual(
      [demo.buyerId, demo.secondBuyerId, demo.adminId].map((id) => id.slice(-3)),
      ["551", "552", "559"]
    )
    assert.isTrue(events.every((event) => event.tenantId === "11111111-1111-4111-8111-111111111111"))
  })

  it("starts its events 60 days ahead, one in 12 hours", () => {
    const hours = events.map(({ startsAt }) => Duration.toHours(DateTime.distance(at(0), startsAt)))
    assert.deepStrictEqual(hours, [1440, 1440, 1440, 12])
  })

  it("sells every type at an event that exists, in its currency", () => {
    for (const type of ticketTypes) {
      const event = events.find(({ id }) => id === type.eventId)
      assert.isTrue(type.pricings.every((pricing) => pricing.currency === event?.currency))
    }
  })
})
