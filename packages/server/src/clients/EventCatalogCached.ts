/**
 * Remembers events, so that a sale does not ask for the same one with every order, and goes on for a while when the event
 * service gives no answer.
 *
 * **Details**
 *
 * An answer counts for `fresh`. After that the service is asked again, once for all who wait; while it gives no answer,
 * what it last said counts until it is `stale`, and then there is none. That an event does not exist is never remembered,
 * and makes it forgotten. A cancellation through this service counts at once: closures are in the database.
 */
import type { EventId, TenantId } from "@tickettoken/order-domain/Ids"
import { type CatalogEvent, EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import { Cache, Data, Duration, Effect, Exit, Layer } from "effect"
import { monotonicMillis } from "../monotonicMillis.ts"
import { downstream as metrics } from "../telemetry/Metrics.ts"

export interface EventCacheSettings {
  /** How long an answer counts. */
  readonly fresh: Duration.Duration
  /** How old the last answer may be while there is no new one. */
  readonly stale: Duration.Duration
}

/** Events of one replica. Those that nobody has asked for the longest are forgotten first. */
const EVENTS_MAX = 10_000

/** How soon a service that gave no answer is asked again; its circuit keeps most of these from being sent. */
const ASK_AGAIN = Duration.seconds(1)

/** Whose view it is belongs to what is remembered: another tenant's event does not exist. */
class Key extends Data.Class<{ readonly tenantId: TenantId; readonly eventId: EventId }> {}

/** The catalog that it is given, remembered. */
export const layer = (settings: EventCacheSettings): Layer.Layer<EventCatalog, never, EventCatalog> =>
  Layer.effect(EventCatalog, make(settings))

const make = Effect.fnUntraced(function* ({ fresh, stale }: EventCacheSettings) {
  const catalog = yield* EventCatalog
  const lastHeard = new Map<string, { readonly event: CatalogEvent; readonly atMillis: number }>()
  const nameOf = ({ eventId, tenantId }: Key): string => `${tenantId}:${eventId}`

  const heard = Effect.fnUntraced(function* (key: Key, event: CatalogEvent) {
    const name = nameOf(key)
    lastHeard.delete(name)
    lastHeard.set(name, { event, atMillis: yield* monotonicMillis })
    const [oldest] = lastHeard.keys()
    if (lastHeard.size > EVENTS_MAX && oldest !== undefined) lastHeard.delete(oldest)
    return { event, countsFor: fresh }
  })

  /** What was last said, if that is not too long ago. */
  const recalled = Effect.fnUntraced(function* (key: Key) {
    const known = lastHeard.get(nameOf(key))
    if (known === undefined) return undefined
    const leftMillis = Duration.toMillis(stale) - ((yield* monotonicMillis) - known.atMillis)
    if (leftMillis <= 0) return undefined
    yield* metrics.recalledEvents.record(1, {})
    return { event: known.event, countsFor: Duration.min(ASK_AGAIN, Duration.millis(leftMillis)) }
  })

  const cache = yield* Cache.makeWith(
    (key: Key) =>
      catalog.get(key.tenantId, key.eventId).pipe(
        Effect.flatMap((event) => heard(key, event)),
        Effect.tapErrorTag("EventNotFound", () => Effect.sync(() => lastHeard.delete(nameOf(key)))),
        Effect.catchTag("ServiceUnavailable", (outage) =>
          Effect.flatMap(recalled(key), (known) => (known === undefined ? Effect.fail(outage) : Effect.succeed(known)))
        )
      ),
    {
      capacity: EVENTS_MAX,
      timeToLive: (exit) => (Exit.isSuccess(exit) ? exit.value.countsFor : Duration.zero)
    }
  )

  return EventCatalog.of({
    get: Effect.fn("EventCatalogCached.get")(function* (tenantId: TenantId, eventId: EventId) {
      const { event } = yield* Cache.get(cache, new Key({ tenantId, eventId }))
      return event
    })
  })
})
