/**
 * The port `EventCatalog` over HTTP: the event service of the contract, section 2.
 */
import type { EventId, TenantId } from "@tickettoken/order-domain/Ids"
import { EventNotFound } from "@tickettoken/order-domain/OrderErrors"
import { CatalogEvent, EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import { Effect, Layer, Schema } from "effect"
import type { HttpClient } from "effect/http"
import type { Circuits } from "./Circuits.ts"
import * as Downstream from "./Downstream.ts"

const EventAnswer = Schema.Struct({
  event: Schema.Struct({
    ...CatalogEvent.fields,
    startsAt: Schema.DateTimeUtcFromString,
    endsAt: Schema.DateTimeUtcFromString
  })
})

/** Events of the service at this address. */
export const layer = (
  options: Downstream.DownstreamOptions
): Layer.Layer<EventCatalog, never, HttpClient.HttpClient | Circuits> => Layer.effect(EventCatalog, make(options))

const make = Effect.fnUntraced(function* (options: Downstream.DownstreamOptions) {
  const { accepted, send, unavailable } = yield* Downstream.make("events", options)
  return EventCatalog.of({
    get: Effect.fn("EventCatalogHttp.get")(function* (tenantId: TenantId, eventId: EventId) {
      const answer = yield* send("events:read", { method: "GET", path: ["internal", "events", eventId], tenantId })
      if (answer._tag === "Refused" && answer.status === 404) return yield* new EventNotFound({ eventId })
      const { event } = yield* accepted(EventAnswer)(answer)
      if (event.id !== eventId) return yield* unavailable("its answer is about another event")
      // Another tenant's event does not exist for this one (rule 7.1).
      return event.tenantId === tenantId ? event : yield* new EventNotFound({ eventId })
    })
  })
})
