/** The ticket client: which answers it believes, and what a refusal means. */
import { assert, describe, it } from "@effect/vitest"
import type { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import { Effect } from "effect"
import {
  calls,
  eventId,
  orderId,
  otherOrderId,
  overUndici,
  ticketPricingId,
  ticketTypeId
} from "../support/clientCalls.ts"
import { httpStub, type Response } from "../support/httpStub.ts"

const against = <A, E>(given: Response, call: Effect.Effect<A, E, Tickets>) =>
  Effect.gen(function* () {
    const stub = yield* httpStub(given)
    return yield* Effect.provide(call, overUndici(stub.url))
  })

const tagOf = (given: Response, call: Effect.Effect<unknown, { readonly _tag: string }, Tickets>) =>
  Effect.map(against(given, Effect.flip(Effect.asVoid(call))), ({ _tag }) => _tag)

const refusal = (status: number, code: string, members: object = {}): Response => ({
  status,
  body: { type: "/problems/x", title: "X", status, detail: "because", code, ...members }
})

const line = { ticketTypeId, ticketPricingId, quantity: 2 }

const type = {
  ticketTypeId,
  eventId,
  available: 7,
  vip: false,
  maxPerOrder: 20,
  pricings: [{ id: ticketPricingId, price: 10_000, currency: "USD" }]
}

describe("availability", () => {
  it.effect("1.8 is what the service says, field by field", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ body: { ticketTypes: [{ ...type, name: "General" }] } })
      assert.deepStrictEqual<unknown>(yield* Effect.provide(calls.availability, overUndici(stub.url)), [type])
      assert.deepStrictEqual<unknown>(stub.received[0]?.body, { eventId, ticketTypeIds: [ticketTypeId] })
    })
  )

  it.effect("1.6 leaves out pricings in currencies that we do not sell in", () =>
    Effect.gen(function* () {
      const franc = { id: ticketPricingId, price: 9000, currency: "CHF" }
      const [answer] = yield* against(
        { body: { ticketTypes: [{ ...type, pricings: [franc, ...type.pricings] }] } },
        calls.availability
      )
      assert.deepStrictEqual<unknown>(answer?.pricings, type.pricings)
    })
  )

  it.effect("may know no limit for an order", () =>
    Effect.gen(function* () {
      const { maxPerOrder: _, ...unlimited } = type
      for (const given of [unlimited, { ...type, maxPerOrder: null }]) {
        assert.isNull((yield* against({ body: { ticketTypes: [given] } }, calls.availability))[0]?.maxPerOrder)
      }
    })
  )

  const lies: Record<string, object> = {
    "a negative stock": { available: -1 },
    "a fraction of a ticket": { available: 1.5 },
    "a price with a fraction": { pricings: [{ id: ticketPricingId, price: 0.5, currency: "USD" }] },
    "a negative price": { pricings: [{ id: ticketPricingId, price: -1, currency: "USD" }] },
    "a price beyond all bounds": { pricings: [{ id: ticketPricingId, price: 1e15, currency: "USD" }] },
    "no kind": { vip: undefined }
  }

  it.effect.each(Object.entries(lies))("F30 is not believed with %s", ([, lie]) =>
    Effect.gen(function* () {
      const given = { body: { ticketTypes: [{ ...type, ...lie }] } }
      assert.strictEqual(yield* tagOf(given, calls.availability), "ServiceUnavailable")
    })
  )

  it.effect("is never refused: what is not known is left out", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* tagOf(refusal(404, "EVENT_NOT_FOUND"), calls.availability), "ServiceUnavailable")
    })
  )
})

describe("a hold", () => {
  it.effect("asks for all lines until the instant that the order needs", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ body: { orderId, status: "held" } })
      yield* Effect.provide(calls.hold, overUndici(stub.url))
      assert.deepStrictEqual<unknown>(stub.received[0]?.body, {
        orderId,
        eventId,
        items: [line],
        holdUntil: "2027-01-01T00:15:00.000Z"
      })
    })
  )

  it.effect("is refused by what is sold out, named if the service names it", () =>
    Effect.gen(function* () {
      const named = yield* against(refusal(409, "TICKETS_SOLD_OUT", { ticketTypeId }), Effect.flip(calls.hold))
      assert.deepStrictEqual(named._tag === "TicketsSoldOut" ? named.ticketTypeId : named._tag, ticketTypeId)
      const unnamed = yield* against(refusal(409, "CONFLICT", { reason: "sold_out" }), Effect.flip(calls.hold))
      assert.deepStrictEqual(unnamed._tag === "TicketsSoldOut" ? unnamed.ticketTypeId : unnamed._tag, null)
    })
  )

  it.effect.each([
    [409, "HOLD_RELEASED"],
    [409, "HOLD_MISMATCH"],
    [410, "GONE"],
    [422, "HOLD_UNTIL_PAST"],
    [422, "PRICING_MISMATCH"],
    [404, "TICKET_TYPE_NOT_FOUND"]
  ] as const)("is lost after a %d %s", ([status, code]) =>
    Effect.gen(function* () {
      const error = yield* against(refusal(status, code, { reason: "released" }), Effect.flip(calls.hold))
      assert.deepStrictEqual([error._tag, error.message], ["HoldLost", "because"])
    })
  )

  it.effect.each([
    [400, "VALIDATION_ERROR"],
    [404, "TENANT_NOT_FOUND"],
    [422, "IDEMPOTENCY_MISMATCH"]
  ] as const)("is open after a %d %s, which says nothing about the tickets", ([status, code]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* tagOf(refusal(status, code), calls.hold), "ServiceUnavailable")
    })
  )

  it.effect("F30 of another order is not believed", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* tagOf({ body: { orderId: otherOrderId } }, calls.hold), "ServiceUnavailable")
    })
  )
})

describe("an allocation", () => {
  it.effect("is the tickets that the service names", () =>
    Effect.gen(function* () {
      const tickets = [{ id: "tkt_1", ticketTypeId, ticketPricingId }]
      assert.deepStrictEqual<unknown>(yield* against({ body: { tickets } }, calls.allocate), [
        { id: "tkt_1", ticketTypeId }
      ])
    })
  )

  it.effect("is refused when the hold is gone and stock is not free", () =>
    Effect.gen(function* () {
      for (const given of [
        refusal(409, "TICKETS_SOLD_OUT", { ticketTypeId }),
        refusal(409, "HOLD_RELEASED"),
        refusal(404, "HOLD_NOT_FOUND")
      ]) {
        assert.strictEqual(yield* tagOf(given, calls.allocate), "HoldLost")
      }
    })
  )

  it.effect("stays open after a refusal that is none: a refund can not be taken back", () =>
    Effect.gen(function* () {
      for (const given of [refusal(404, "ORDER_NOT_FOUND"), refusal(422, "IDEMPOTENCY_MISMATCH"), refusal(400, "X")]) {
        assert.strictEqual(yield* tagOf(given, calls.allocate), "ServiceUnavailable")
      }
    })
  )

  it.effect("F30 is not believed without tickets, or of another order", () =>
    Effect.gen(function* () {
      const tickets = [{ id: "tkt_1", ticketTypeId }]
      for (const body of [
        { tickets: [] },
        { orderId: otherOrderId, tickets },
        { tickets: [{ id: "", ticketTypeId }] }
      ]) {
        assert.strictEqual(yield* tagOf({ body }, calls.allocate), "ServiceUnavailable")
      }
    })
  )
})

describe("a release", () => {
  it.effect("names the lines to give back, or none for everything", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ status: 204 })
      yield* Effect.provide(Effect.andThen(calls.release, calls.releaseLines), overUndici(stub.url))
      assert.deepStrictEqual<unknown>(
        stub.received.map(({ body }) => body),
        [{ orderId }, { orderId, items: [line] }]
      )
    })
  )

  it.effect("never gives up: whatever is refused is open", () =>
    Effect.gen(function* () {
      for (const given of [refusal(404, "HOLD_NOT_FOUND"), refusal(409, "CONFLICT"), refusal(422, "X")]) {
        assert.strictEqual(yield* tagOf(given, calls.release), "ServiceUnavailable")
      }
    })
  )
})
