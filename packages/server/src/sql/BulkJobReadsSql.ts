/**
 * `BulkJobReads` on PostgreSQL.
 */
import type { BulkJobId, TenantId } from "@tickettoken/order-domain/Ids"
import {
  type BulkFailuresQuery,
  BulkJobNotFound,
  type BulkJobQuery,
  BulkJobReads
} from "@tickettoken/order-domain/ports/BulkJobReads"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { type BulkJobRow, jobColumns, toJob } from "./BulkJobRows.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { inTenant } from "./TenantTransaction.ts"

const find = Effect.fnUntraced(function* (tenantId: TenantId, jobId: BulkJobId) {
  const sql = yield* SqlClient.SqlClient
  return yield* inTenant(
    tenantId,
    Effect.gen(function* () {
      const [row] = yield* sql<BulkJobRow>`select ${sql.literal(jobColumns)} from bulk_jobs
        where tenant_id = ${tenantId} and id = ${jobId}`
      return row === undefined ? yield* new BulkJobNotFound({ jobId }) : yield* toJob(row)
    })
  )
})

const list = Effect.fnUntraced(function* ({ eventId, limit, state, tenantId }: BulkJobQuery) {
  const sql = yield* SqlClient.SqlClient
  return yield* inTenant(
    tenantId,
    Effect.flatMap(
      sql<BulkJobRow>`select ${sql.literal(jobColumns)} from bulk_jobs where tenant_id = ${tenantId}
        ${eventId === null ? sql`` : sql`and event_id = ${eventId}`} ${state === null ? sql`` : sql`and state = ${state}`}
        order by created_at desc, id desc limit ${limit}`,
      Effect.forEach((row) => toJob(row))
    )
  )
})

interface FailureRow {
  readonly order_id: string
  readonly order_number: string
  readonly state: "OPEN" | "FAILED"
  readonly attempts: number
  readonly error: string
}

const failures = Effect.fnUntraced(function* ({ after, jobId, limit, tenantId }: BulkFailuresQuery) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* inTenant(
    tenantId,
    sql<FailureRow>`select order_id, order_number, state, attempts, error from bulk_items
      where tenant_id = ${tenantId} and job_id = ${jobId} and error is not null and state in ('OPEN', 'FAILED')
        and (${after}::uuid is null or order_id > ${after}::uuid)
      order by order_id limit ${limit + 1}`
  )
  const page = rows.slice(0, limit).map(({ attempts, error, order_id, order_number, state }) => ({
    orderId: order_id,
    orderNumber: order_number,
    state,
    attempts,
    error
  }))
  return { failures: page, next: rows.length > limit ? (page.at(-1)?.orderId ?? null) : null }
})

export const layer: Layer.Layer<BulkJobReads, never, SqlClient.SqlClient> = Layer.effect(
  BulkJobReads,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const withSql = Effect.provideService(SqlClient.SqlClient, sql)
    return BulkJobReads.of({
      find: Effect.fn("BulkJobReads.find")(find, orUnavailable, withSql),
      list: Effect.fn("BulkJobReads.list")(list, orUnavailable, withSql),
      failures: Effect.fn("BulkJobReads.failures")(failures, orUnavailable, withSql)
    })
  })
)
