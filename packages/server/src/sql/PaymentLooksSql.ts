/**
 * `PaymentLooks` on PostgreSQL, read by the role that sees due times of every tenant. How far each look has come is a
 * row, so that it goes on there whichever replica runs it.
 */
import { OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import { LOOK_BACK_DAYS_MAX, type LookedBackAt, PaymentLooks } from "@tickettoken/order-domain/ports/PaymentLooks"
import { DateTime, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { ENDED_AT } from "./migrations/0012_payment_looks.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { asJobs } from "./TenantTransaction.ts"

const due = Effect.fnUntraced(function* (afterSeconds: number, limit: number) {
  const sql = yield* SqlClient.SqlClient
  const endedAt = sql.literal(ENDED_AT)
  const rows = yield* asJobs(
    Effect.gen(function* () {
      const [place] = yield* sql<{ ended_at: Date; order_id: string }>`
        select ended_at, order_id from payment_looks where after_seconds = ${afterSeconds}`
      return yield* sql<{ tenant_id: string; id: string; ended_at: Date }>`
        select tenant_id, id, ${endedAt} as ended_at from orders
        where status in ('CANCELLED', 'EXPIRED')
          and ${endedAt} <= statement_timestamp() - ${afterSeconds}::int * interval '1 second'
          and ${endedAt} > statement_timestamp() - ${LOOK_BACK_DAYS_MAX}::int * interval '1 day'
          ${place === undefined ? sql`` : sql`and (${endedAt}, id) > (${place.ended_at}, ${place.order_id}::uuid)`}
        order by ${endedAt}, id limit ${limit}`
    })
  )
  return rows.map((row) => ({
    tenantId: TenantId.make(row.tenant_id),
    orderId: OrderId.make(row.id),
    endedAt: DateTime.fromDateUnsafe(row.ended_at)
  }))
})

const passed = Effect.fnUntraced(function* (afterSeconds: number, { endedAt, orderId }: LookedBackAt) {
  const sql = yield* SqlClient.SqlClient
  yield* asJobs(
    sql`insert into payment_looks as look (after_seconds, ended_at, order_id)
      values (${afterSeconds}, ${DateTime.toDateUtc(endedAt)}, ${orderId})
      on conflict (after_seconds) do update set ended_at = excluded.ended_at, order_id = excluded.order_id
        where (look.ended_at, look.order_id) < (excluded.ended_at, excluded.order_id)`
  )
})

export const layer: Layer.Layer<PaymentLooks, never, SqlClient.SqlClient> = Layer.effect(
  PaymentLooks,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const withSql = Effect.provideService(SqlClient.SqlClient, sql)
    return PaymentLooks.of({
      due: Effect.fn("PaymentLooks.due")(due, orUnavailable, withSql),
      passed: Effect.fn("PaymentLooks.passed")(passed, orUnavailable, withSql)
    })
  })
)
