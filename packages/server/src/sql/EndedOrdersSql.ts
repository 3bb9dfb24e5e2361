/**
 * `EndedOrders` on PostgreSQL, read by the role that sees due times of every tenant.
 */
import { OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import { EndedOrders } from "@tickettoken/order-domain/ports/EndedOrders"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { orUnavailable } from "./sqlFailures.ts"
import { asJobs } from "./TenantTransaction.ts"

const due = Effect.fnUntraced(function* (limit: number) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* asJobs(
    sql<{ tenant_id: string; id: string }>`select tenant_id, id from orders
      where status = 'CONFIRMED' and event_ends_at <= statement_timestamp() order by event_ends_at, id limit ${limit}`
  )
  return rows.map(({ id, tenant_id }) => ({ tenantId: TenantId.make(tenant_id), orderId: OrderId.make(id) }))
})

export const layer: Layer.Layer<EndedOrders, never, SqlClient.SqlClient> = Layer.effect(
  EndedOrders,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const withSql = Effect.provideService(SqlClient.SqlClient, sql)
    return EndedOrders.of({ due: Effect.fn("EndedOrders.due")(due, orUnavailable, withSql) })
  })
)
