/**
 * `EventCatalog` over the sandbox's directory.
 */
import { Effect, Layer } from "effect"
import { EventNotFound } from "@tickettoken/order-domain/OrderErrors"
import { EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import * as Directory from "../sandbox/EventDirectory.ts"
import { MemoryServices, settled } from "./MemoryServices.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"

export const layer = Layer.effect(
  EventCatalog,
  Effect.gen(function* () {
    const { events } = yield* MemoryServices
    const faults = yield* ScriptedFaults
    return EventCatalog.of({
      get: Effect.fn("EventCatalog.get")(function* (tenantId, eventId) {
        return yield* faults.around(
          "events.get",
          settled(events.perform((state) => Directory.getEvent(state, { id: eventId, tenantId }))).pipe(
            Effect.mapError(() => new EventNotFound({ eventId }))
          )
        )
      })
    })
  })
)
