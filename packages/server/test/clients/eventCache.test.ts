/** How old an event may be that an order is made for, and what counts while the event service gives no answer (rule 2.3). */
import { assert, describe, it } from "@effect/vitest"
import { EventId, TenantId } from "@tickettoken/order-domain/Ids"
import { EventNotFound, ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { type CatalogEvent, EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import * as EventCatalogCached from "@tickettoken/order-server/clients/EventCatalogCached"
import { DateTime, Deferred, Duration, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { eventId, tenantId } from "../support/clientCalls.ts"

const event: CatalogEvent = {
  id: eventId,
  tenantId,
  name: "Demo Night",
  status: "ON_SALE",
  currency: "USD",
  startsAt: DateTime.makeUnsafe("2027-01-21T20:00:00Z"),
  endsAt: DateTime.makeUnsafe("2027-01-21T23:00:00Z"),
  timezone: "America/New_York"
}

/** Seconds, as production sets them. */
const FRESH = 10
const STALE = 300

type Answer = Effect.Effect<CatalogEvent, EventNotFound | ServiceUnavailable>

const outage: Answer = Effect.fail(new ServiceUnavailable({ service: "events", why: "scripted", retryAfterSeconds: 2 }))
const notFound: Answer = Effect.fail(new EventNotFound({ eventId }))

/** An event service that answers what a test sets, behind the memory of one replica. */
const remembered = Effect.fnUntraced(function* (fresh: number, stale: number) {
  const state: { answer: Answer; asked: number } = { answer: Effect.succeed(event), asked: 0 }
  const service = Layer.succeed(EventCatalog, {
    get: () =>
      Effect.suspend(() => {
        state.asked += 1
        return state.answer
      })
  })
  const settings = { fresh: Duration.seconds(fresh), stale: Duration.seconds(stale) }
  const context = yield* Layer.build(EventCatalogCached.layer(settings).pipe(Layer.provide(service)))
  const { get } = yield* Effect.provideContext(EventCatalog, context)
  return { state, get: get(tenantId, eventId), getOf: get }
})

describe("2.3 an event", () => {
  it.effect("is asked for again when its answer is ten seconds old, and not before", () =>
    Effect.gen(function* () {
      const { get, state } = yield* remembered(FRESH, STALE)
      yield* get
      state.answer = Effect.succeed({ ...event, status: "CANCELLED" })
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual((yield* get).status, "ON_SALE")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* get).status, "CANCELLED")
      assert.strictEqual(state.asked, 2)
    })
  )

  it.effect("is always asked for where nothing may be remembered", () =>
    Effect.gen(function* () {
      const { get, state } = yield* remembered(0, 0)
      yield* get
      yield* get
      state.answer = outage
      assert.strictEqual((yield* Effect.flip(get))._tag, "ServiceUnavailable")
      assert.strictEqual(state.asked, 3)
    })
  )

  it.effect("is asked for once for all who want it at the same time", () =>
    Effect.gen(function* () {
      const { get, state } = yield* remembered(FRESH, STALE)
      const arrived = yield* Deferred.make<CatalogEvent>()
      state.answer = Deferred.await(arrived)
      const buyer = Effect.forkChild(get, { startImmediately: true })
      const first = yield* buyer
      const others = yield* Effect.forEach(Array.from({ length: 50 }), () => buyer)
      // The first one goes away: the others still get their answer.
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(arrived, event)
      for (const other of others) assert.deepStrictEqual(yield* Fiber.join(other), event)
      assert.strictEqual(state.asked, 1)
    })
  )

  it.effect("is another one for another tenant", () =>
    Effect.gen(function* () {
      const { get, getOf, state } = yield* remembered(FRESH, STALE)
      yield* get
      state.answer = notFound
      const stranger = TenantId.make("11111111-1111-4111-8111-111111111112")
      assert.strictEqual((yield* Effect.flip(getOf(stranger, eventId)))._tag, "EventNotFound")
    })
  )
})

describe("2.3 an event whose service gives no answer", () => {
  it.effect("counts as it was last told for five minutes, and is an outage then: never unknown", () =>
    Effect.gen(function* () {
      const { get, state } = yield* remembered(FRESH, STALE)
      yield* get
      state.answer = outage
      yield* TestClock.adjust("299999 millis")
      assert.deepStrictEqual(yield* get, event)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Effect.flip(get))._tag, "ServiceUnavailable")
    })
  )

  it.effect("is asked for again every second meanwhile, and is believed as soon as it answers", () =>
    Effect.gen(function* () {
      const { get, state } = yield* remembered(FRESH, STALE)
      yield* get
      state.answer = outage
      yield* TestClock.adjust("20 seconds")
      yield* get
      yield* get
      assert.strictEqual(state.asked, 2)
      state.answer = Effect.succeed({ ...event, status: "ENDED" })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* get).status, "ENDED")
    })
  )

  it.effect("is an outage if it was never told", () =>
    Effect.gen(function* () {
      const { get, state } = yield* remembered(FRESH, STALE)
      state.answer = outage
      assert.strictEqual((yield* Effect.flip(get))._tag, "ServiceUnavailable")
      state.answer = Effect.succeed(event)
      assert.deepStrictEqual(yield* get, event)
    })
  )

  it.effect("is forgotten when it is said not to exist", () =>
    Effect.gen(function* () {
      const { get, state } = yield* remembered(FRESH, STALE)
      yield* get
      yield* TestClock.adjust("10 seconds")
      state.answer = notFound
      assert.strictEqual((yield* Effect.flip(get))._tag, "EventNotFound")
      state.answer = outage
      assert.strictEqual((yield* Effect.flip(get))._tag, "ServiceUnavailable")
    })
  )

  it.effect("of ten thousand others is forgotten when it is the one that nobody wants", () =>
    Effect.gen(function* () {
      const { get, getOf, state } = yield* remembered(FRESH, STALE)
      yield* get
      for (let number = 0; number < 10_000; number++) {
        const id = EventId.make(`22222222-2222-4222-8222-${String(number).padStart(12, "0")}`)
        yield* getOf(tenantId, id)
      }
      state.answer = outage
      assert.strictEqual((yield* Effect.flip(get))._tag, "ServiceUnavailable")
    })
  )
})
