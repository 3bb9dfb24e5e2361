/**
 * `AwaitedPayments` on PostgreSQL, read by the role that sees due times of every tenant.
 */
import { OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import {
  type AwaitedPayment,
  AwaitedPayments,
  WATCH_AFTER_MINUTES,
  WATCH_BEFORE_DEADLINE_MINUTES
} from "@tickettoken/order-domain/ports/AwaitedPayments"
import { DateTime, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { orUnavailable } from "./sqlFailures.ts"
import { asJobs } from "./TenantTransaction.ts"

const due = Effect.fnUntraced(function* (limit: number, after: AwaitedPayment | null) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* asJobs(
    sql<{ tenant_id: string; id: string; hold_expires_at: Date }>`select tenant_id, id, hold_expires_at from orders
      where status in ('PENDING', 'RESERVED') and stage = 'AWAITING_PAYMENT'
        and hold_expires_at + hold_grace_minutes * interval '1 minute' > statement_timestamp()
        and (created_at <= statement_timestamp() - ${WATCH_AFTER_MINUTES}::int * interval '1 minute'
          or hold_expires_at <= statement_timestamp() + ${WATCH_BEFORE_DEADLINE_MINUTES}::int * interval '1 minute')
        ${after === null ? sql`` : sql`and (hold_expires_at, id) > (${DateTime.toDateUtc(after.expiresAt)}, ${after.orderId}::uuid)`}
      order by hold_expires_at, id limit ${limit}`
  )
  return rows.map((row) => ({
    tenantId: TenantId.make(row.tenant_id),
    orderId: OrderId.make(row.id),
    expiresAt: DateTime.fromDateUnsafe(row.hold_expires_at)
  }))
})

export const layer: Layer.Layer<AwaitedPayments, never, SqlClient.SqlClient> = Layer.effect(
  AwaitedPayments,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const withSql = Effect.provideService(SqlClient.SqlClient, sql)
    return AwaitedPayments.of({ due: Effect.fn("AwaitedPayments.due")(due, orUnavailable, withSql) })
  })
)
