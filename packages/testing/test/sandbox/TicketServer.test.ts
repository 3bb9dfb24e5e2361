/** The ticket sandbox over HTTP: the wire of contract section 2, its problems, its journal. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Schema } from "effect"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Allocation, Hold } from "@tickettoken/order-testing/sandbox/TicketFacts"
import { assertAnswer, assertProblem, get, inSandbox, keyed, post, read, send } from "./http.ts"
import { order } from "./scene.ts"

const inMinutes = (minutes: number) =>
  Effect.map(DateTime.now, (now) => DateTime.formatIso(DateTime.add(now, { minutes })))

const reserveLastSeat = (url: string, number: number) =>
  Effect.flatMap(inMinutes(10), (holdUntil) =>
    post(`${url}/internal/tickets/reserve`, `${number}:HOLD:1`, {
      orderId: order(number),
      eventId: demo.eventId,
      items: [{ ...demo.lastSeat, quantity: 1 }],
      holdUntil
    })
  )

describe("the ticket sandbox", () => {
  it.live("goes the whole way from availability to release", () =>
    inSandbox(({ tickets: { url } }) =>
      Effect.gen(function* () {
        const available = { eventId: demo.eventId, ticketTypeIds: [demo.vip.ticketTypeId, demo.lastSeat.ticketTypeId] }
        assertAnswer(yield* post(`${url}/internal/tickets/availability`, "a", available), 200, {
          ticketTypes: [
            {
              ticketTypeId: demo.vip.ticketTypeId,
              eventId: demo.eventId,
              available: 100,
              vip: true,
              maxPerOrder: 20,
              pricings: [{ id: demo.vip.ticketPricingId, price: 25_000, currency: "USD" }]
            },
            { available: 1, vip: false }
          ]
        })

        const held = yield* reserveLastSeat(url, 1)
        assert.strictEqual(read(Hold, held).status, "held")
        assertAnswer(held, 200, { orderId: order(1), items: [{ ...demo.lastSeat, quantity: 1 }] })

        const confirmed = yield* post(`${url}/internal/tickets/confirm`, "c", { orderId: order(1) })
        const { tickets } = read(Allocation, confirmed)
        assert.deepStrictEqual(
          tickets.map((ticket) => ticket.ticketTypeId),
          [demo.lastSeat.ticketTypeId]
        )

        const released = yield* post(`${url}/internal/tickets/release`, "r", { orderId: order(1) })
        assertAnswer(released, 200, {
          released: [{ ...demo.lastSeat, quantity: 1 }],
          ticketIds: tickets.map((ticket) => ticket.id)
        })
        assertProblem(yield* reserveLastSeat(url, 1), 409, "HOLD_RELEASED", { reason: "released" })
      })
    )
  )

  it.live("lets one of 50 parallel buyers have the last seat, and tells the others which type is sold out", () =>
    inSandbox(({ tickets: { url } }) =>
      Effect.gen(function* () {
        const answers = yield* Effect.forEach(
          Array.from({ length: 50 }, (_, index) => index + 1),
          (number) => reserveLastSeat(url, number),
          { concurrency: "unbounded" }
        )
        const refusals = answers.filter((answer) => answer.status !== 200)
        assert.strictEqual(refusals.length, 49)
        for (const refusal of refusals) {
          assertProblem(refusal, 409, "TICKETS_SOLD_OUT", {
            reason: "sold_out",
            ticketTypeId: demo.lastSeat.ticketTypeId,
            available: 0
          })
        }
        const journal = yield* get(`${url}/sandbox/journal?kind=hold.placed`)
        assert.lengthOf(read(JournalPage, journal).entries, 1)
      })
    )
  )

  it.live("wants a key and a tenant on every POST, and a body that fits", () =>
    inSandbox(({ tickets: { url } }) =>
      Effect.gen(function* () {
        const confirm = `${url}/internal/tickets/confirm`
        const body = { orderId: order(1) }
        assertProblem(yield* send("POST", confirm, body, { "x-tenant-id": demo.tenantId }), 400, "VALIDATION_ERROR")
        assertProblem(yield* send("POST", confirm, body, { "idempotency-key": "c" }), 400, "VALIDATION_ERROR")
        assertProblem(yield* post(confirm, "x".repeat(256), body), 400, "VALIDATION_ERROR")
        assertProblem(yield* post(confirm, "c", body, "not-a-tenant"), 400, "VALIDATION_ERROR")
        assertProblem(yield* post(confirm, "c", { orderId: 5 }), 400, "VALIDATION_ERROR")
        assertProblem(yield* post(confirm, "c", "{"), 400, "VALIDATION_ERROR")
        assertProblem(yield* send("POST", confirm, undefined, keyed("c")), 400, "VALIDATION_ERROR")
        assertProblem(
          yield* post(confirm, "c", { orderId: order(1), padding: "x".repeat(2 ** 20) }),
          413,
          "BODY_TOO_LARGE"
        )
        assertProblem(yield* post(confirm, "c", { ...body, unknown: true }), 404, "HOLD_NOT_FOUND")
      })
    )
  )

  it.live("answers unknown routes and methods with a problem, and is healthy", () =>
    inSandbox(({ tickets: { url } }) =>
      Effect.gen(function* () {
        assertProblem(yield* get(`${url}/internal/tickets`), 404, "ROUTE_NOT_FOUND")
        assertProblem(yield* get(`${url}/internal/tickets/confirm`), 404, "ROUTE_NOT_FOUND")
        assertAnswer(yield* get(`${url}/health`), 200, { status: "ok", service: "ticket" })
      })
    )
  )

  it.live("tells no other tenant of an order", () =>
    inSandbox(({ tickets: { url } }) =>
      Effect.gen(function* () {
        yield* reserveLastSeat(url, 1)
        const foreign = yield* post(`${url}/internal/tickets/confirm`, "c", { orderId: order(1) }, demo.secondTenantId)
        const absent = yield* post(`${url}/internal/tickets/confirm`, "d", { orderId: order(2) }, demo.secondTenantId)
        assertProblem(foreign, 404, "HOLD_NOT_FOUND")
        assertProblem(absent, 404, "HOLD_NOT_FOUND")
      })
    )
  )

  it.live("puts a fresh type on sale, with or without an id", () =>
    inSandbox(({ tickets }) =>
      Effect.gen(function* () {
        const added = yield* send("POST", `${tickets.url}/sandbox/ticket-types`, { capacity: 1 })
        const { ticketType } = read(Added, added)
        assertAnswer(added, 200, { ticketType: { eventId: demo.eventId, tenantId: demo.tenantId, capacity: 1 } })
        assertProblem(
          yield* send("POST", `${tickets.url}/sandbox/ticket-types`, { id: ticketType.id, capacity: 1 }),
          409,
          "TICKET_TYPE_EXISTS"
        )
        const other = yield* tickets.addTicketType({ capacity: 3, vip: true })
        const request = { eventId: demo.eventId, ticketTypeIds: [ticketType.id, other.id] }
        assertAnswer(yield* post(`${tickets.url}/internal/tickets/availability`, "a", request), 200, {
          ticketTypes: [{ available: 1 }, { available: 3, vip: true }]
        })
      })
    )
  )

  it.live("shows its journal by order, by kind and by page", () =>
    inSandbox(({ tickets: { url } }) =>
      Effect.gen(function* () {
        yield* reserveLastSeat(url, 1)
        yield* post(`${url}/internal/tickets/release`, "r", { orderId: order(2) })
        const all = read(JournalPage, yield* get(`${url}/sandbox/journal`))
        assert.strictEqual(all.lastSeq, all.entries.length)
        assert.deepStrictEqual(
          all.entries.map((entry) => entry.seq),
          all.entries.map((_, index) => index + 1)
        )
        const ofOrder = read(JournalPage, yield* get(`${url}/sandbox/journal?orderId=${order(2)}`))
        assert.deepStrictEqual(
          ofOrder.entries.map((entry) => entry.kind),
          ["tickets.released"]
        )
        const page = read(JournalPage, yield* get(`${url}/sandbox/journal?after=2&limit=3`))
        assert.deepStrictEqual(
          page.entries.map((entry) => entry.seq),
          [3, 4, 5]
        )
        assertProblem(yield* get(`${url}/sandbox/journal?after=x`), 400, "VALIDATION_ERROR")
      })
    )
  )
})

const Added = Schema.Struct({ ticketType: Schema.Struct({ id: Schema.String }) })
const JournalPage = Schema.Struct({
  lastSeq: Schema.Int,
  entries: Schema.Array(Schema.Struct({ seq: Schema.Int, kind: Schema.String }))
})
