/**
 * `EndedOrders` on PostgreSQL, read by the role that sees due times of every tenant.
 */
import { OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import { type EndedOrder, EndedOrders } from "@tickettoken/order-domain/ports/EndedOrders"
import { DateTime, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { orUnavailable } from "./sqlFailures.ts"
import { asJobs } from "./TenantTransaction.ts"

const due = Effect.fnUntraced(function* (limit: number, after: EndedOrder | null) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* asJobs(
    sql<{ tenant_id: string; id: string; event_ends_at: Date }>`select tenant_id, id, event_ends_at from orders
      where status = 'CONFIRMED' and event_ends_at <= statement_timestamp()
        ${after === null ? sql`` : sql`and (event_ends_at, id) > (${DateTime.toDateUtc(after.endedAt)}, ${after.orderId}::uuid)`}
      order by event_ends_at, id limit ${limit}`
  )
  return rows.map((row) => ({
    tenantId: TenantId.make(row.tenant_id),
    orderId: OrderId.make(row.id),
    endedAt: DateTime.fromDateUnsafe(row.event_ends_at)
  }))
})

export const layer: Layer.Layer<EndedOrders, never, SqlClient.SqlClient> = Layer.effect(
  EndedOrders,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const withSql = Effect.provideService(SqlClient.SqlClient, sql)
    return EndedOrders.of({ due: Effect.fn("EndedOrders.due")(due, orUnavailable, withSql) })
  })
)
