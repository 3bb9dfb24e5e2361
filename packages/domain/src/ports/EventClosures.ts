/**
 * The events that have been cancelled: written before any of their orders is touched.
 */
import { Context, type Effect } from "effect"
import type { Actor } from "../Actor.ts"
import type { EventId, TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"

/** A cancelled event: no order of it is made or confirmed from then on (rule 5). */
export class EventClosures extends Context.Service<
  EventClosures,
  {
    /** Closes the event for good; closing it again changes nothing. */
    readonly close: (
      tenantId: TenantId,
      eventId: EventId,
      closure: { readonly reason: string; readonly actor: Actor }
    ) => Effect.Effect<void, ServiceUnavailable>
    readonly isClosed: (tenantId: TenantId, eventId: EventId) => Effect.Effect<boolean, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/EventClosures") {}
