/** The event sandbox over HTTP: the demo events, and controls that add, cancel and change them. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Schema } from "effect"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Event } from "@tickettoken/order-testing/sandbox/EventDirectory"
import { assertAnswer, assertProblem, get, inSandbox, read, send } from "./http.ts"

const Found = Schema.Struct({ event: Event })

describe("the event sandbox", () => {
  it.live("tells the demo events, 60 days and 12 hours ahead of its start", () =>
    inSandbox(({ events: { url } }) =>
      Effect.gen(function* () {
        const now = yield* DateTime.now
        const { event } = read(Found, yield* get(`${url}/internal/events/${demo.eventId}`))
        assert.strictEqual(event.status, "ON_SALE")
        assert.closeTo(Duration.toDays(DateTime.distance(now, event.startsAt)), 60, 0.01)
        const soon = read(Found, yield* get(`${url}/internal/events/${demo.soonEventId}`)).event
        assert.closeTo(Duration.toHours(DateTime.distance(now, soon.startsAt)), 12, 0.1)
        assertAnswer(yield* get(`${url}/internal/events/${demo.euroEventId}`), 200, { event: { currency: "EUR" } })
        assertAnswer(yield* get(`${url}/internal/events/${demo.cancelledEventId}`), 200, {
          event: { status: "CANCELLED" }
        })
      })
    )
  )

  it.live("knows no event of another tenant, nor one that is not there, nor what is no id", () =>
    inSandbox(({ events: { url } }) =>
      Effect.gen(function* () {
        const foreign = { "x-tenant-id": demo.secondTenantId }
        assertProblem(yield* get(`${url}/internal/events/${demo.eventId}`, foreign), 404, "EVENT_NOT_FOUND")
        assertProblem(yield* get(`${url}/internal/events/${demo.buyerId}`), 404, "EVENT_NOT_FOUND")
        assertProblem(yield* get(`${url}/internal/events/night`), 404, "EVENT_NOT_FOUND")
        const own = { "x-tenant-id": demo.tenantId }
        assertAnswer(yield* get(`${url}/internal/events/${demo.eventId}`, own), 200, { event: { id: demo.eventId } })
      })
    )
  )

  it.live("adds, cancels and changes events on demand", () =>
    inSandbox(({ events }) =>
      Effect.gen(function* () {
        const { url } = events
        const added = read(Found, yield* send("POST", `${url}/sandbox/events`, { name: "Matinee", currency: "GBP" }))
        assert.deepInclude(added.event, { name: "Matinee", currency: "GBP", status: "ON_SALE" })
        const { id } = added.event
        assertProblem(yield* send("POST", `${url}/sandbox/events`, { id }), 409, "EVENT_EXISTS")
        assertAnswer(yield* send("POST", `${url}/sandbox/events/${id}/cancel`), 200, { event: { status: "CANCELLED" } })
        const status = yield* send("POST", `${url}/sandbox/events/${id}/status`, { status: "POSTPONED" })
        assertAnswer(status, 200, { event: { status: "POSTPONED" } })
        assertProblem(
          yield* send("POST", `${url}/sandbox/events/${id}/status`, { status: "GONE" }),
          400,
          "VALIDATION_ERROR"
        )
        assertProblem(yield* send("POST", `${url}/sandbox/events/${demo.buyerId}/cancel`), 404, "EVENT_NOT_FOUND")
        assert.strictEqual((yield* events.setStatus(id, "ENDED")).status, "ENDED")
      })
    )
  )
})
