/**
 * What every `EventCatalog` must do: tell a tenant of its own events, as they are now.
 */
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, type Layer } from "effect"
import { EventId } from "@tickettoken/order-domain/Ids"
import { EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import { demo } from "../sandbox/catalogue.ts"
import { randomUuid } from "../TestOrders.ts"
import { ServiceControls } from "./ServiceControls.ts"
import { type ContractOptions, suiteOptions } from "./TestTime.ts"

export const eventCatalogContract = <E>(
  name: string,
  events: Layer.Layer<EventCatalog | ServiceControls, E>,
  options: ContractOptions = {}
): void =>
  layer(events, suiteOptions(options))(`EventCatalog: ${name}`, (it) => {
    it.effect("2.3 tells what is on sale, in which currency, and when it takes place", () =>
      Effect.gen(function* () {
        const { get } = yield* EventCatalog
        const night = yield* get(demo.tenantId, demo.eventId)
        assert.deepStrictEqual(
          [night.id, night.tenantId, night.status, night.currency],
          [demo.eventId, demo.tenantId, "ON_SALE", "USD"]
        )
        assert.isTrue(DateTime.isLessThan(night.startsAt, night.endsAt))
        assert.isTrue(DateTime.isLessThan(yield* DateTime.now, night.startsAt))
        assert.strictEqual((yield* get(demo.tenantId, demo.euroEventId)).currency, "EUR")
        assert.strictEqual((yield* get(demo.tenantId, demo.cancelledEventId)).status, "CANCELLED")
      })
    )

    it.effect("2.3, 7.1 knows no event of another tenant, nor one that does not exist", () =>
      Effect.gen(function* () {
        const { get } = yield* EventCatalog
        const absent = EventId.make(yield* randomUuid)
        const errors = yield* Effect.all([
          Effect.flip(get(demo.secondTenantId, demo.eventId)),
          Effect.flip(get(demo.tenantId, absent))
        ])
        assert.deepStrictEqual(
          errors.map((error) => (error._tag === "EventNotFound" ? error.eventId : error._tag)),
          [demo.eventId, absent]
        )
      })
    )

    it.effect("2.3 tells of a cancellation at once", () =>
      Effect.gen(function* () {
        const { get } = yield* EventCatalog
        const controls = yield* ServiceControls
        yield* controls.setEventStatus(demo.eventId, "CANCELLED")
        assert.strictEqual((yield* get(demo.tenantId, demo.eventId)).status, "CANCELLED")
        yield* controls.setEventStatus(demo.eventId, "ON_SALE")
        assert.strictEqual((yield* get(demo.tenantId, demo.eventId)).status, "ON_SALE")
      })
    )
  })
