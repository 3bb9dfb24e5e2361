/**
 * The event service: what is on sale, in which currency, and when it takes place.
 */
import { Context, type Effect, Schema } from "effect"
import { EventId, TenantId } from "../Ids.ts"
import type { EventNotFound, ServiceUnavailable } from "../OrderErrors.ts"

export const CatalogEvent = Schema.Struct({
  id: EventId,
  tenantId: TenantId,
  name: Schema.String,
  status: Schema.Literals(["DRAFT", "ON_SALE", "SOLD_OUT", "CANCELLED", "POSTPONED", "ENDED"]),
  currency: Schema.String,
  startsAt: Schema.DateTimeUtc,
  endsAt: Schema.DateTimeUtc,
  timezone: Schema.String
})
export type CatalogEvent = typeof CatalogEvent.Type

export class EventCatalog extends Context.Service<
  EventCatalog,
  {
    readonly get: (
      tenantId: TenantId,
      eventId: EventId
    ) => Effect.Effect<CatalogEvent, EventNotFound | ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/EventCatalog") {}
