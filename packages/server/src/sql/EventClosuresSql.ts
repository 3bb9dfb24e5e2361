/**
 * `EventClosures` on PostgreSQL.
 *
 * Creating an order holds a lock on its event, shared with other creates, until it has committed. Closing takes the
 * same lock alone: every order of the event that was being made is there when the close is done, and none comes after.
 */
import type { Actor } from "@tickettoken/order-domain/Actor"
import type { EventId, TenantId } from "@tickettoken/order-domain/Ids"
import { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { storableText } from "./OrderColumns.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { inTenant } from "./TenantTransaction.ts"

/** Closes the event, with whatever else the unit of work writes. Inside one of its tenant. */
export const closeEvent = Effect.fnUntraced(function* (
  tenantId: TenantId,
  eventId: EventId,
  { actor, reason }: { readonly reason: string; readonly actor: Actor }
) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`select pg_advisory_xact_lock(event_closure_lock(${tenantId}::uuid, ${eventId}::uuid))`
  yield* sql`insert into cancelled_events (tenant_id, event_id, reason, actor_kind, actor_id, ip)
    values (${tenantId}, ${eventId}, ${storableText(reason)}, ${actor.kind}, ${storableText(actor.id)}, ${actor.ip})
    on conflict (tenant_id, event_id) do nothing`
})

const close = (tenantId: TenantId, eventId: EventId, closure: Parameters<typeof closeEvent>[2]) =>
  inTenant(tenantId, closeEvent(tenantId, eventId, closure))

const isClosed = Effect.fnUntraced(function* (tenantId: TenantId, eventId: EventId) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* inTenant(
    tenantId,
    sql`select 1 from cancelled_events where tenant_id = ${tenantId} and event_id = ${eventId}`
  )
  return rows.length > 0
})

export const layer: Layer.Layer<EventClosures, never, SqlClient.SqlClient> = Layer.effect(
  EventClosures,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const withSql = Effect.provideService(SqlClient.SqlClient, sql)
    return EventClosures.of({
      close: Effect.fn("EventClosures.close")(close, orUnavailable, withSql),
      isClosed: Effect.fn("EventClosures.isClosed")(isClosed, orUnavailable, withSql)
    })
  })
)
