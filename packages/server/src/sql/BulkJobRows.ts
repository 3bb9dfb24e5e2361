/**
 * The rows of bulk jobs as the domain's jobs. A finished job has its sums in its row; those of a running one are added up
 * from its orders.
 */
import { ActorKind } from "@tickettoken/order-domain/Actor"
import { BulkItemState, type BulkJob, BulkJobKind, BulkJobState, tallyOf } from "@tickettoken/order-domain/BulkJob"
import { Currency } from "@tickettoken/order-domain/Currency"
import { BulkJobId, EventId, OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import { DateTime, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"

export interface BulkJobRow {
  readonly tenant_id: string
  readonly id: string
  readonly kind: string
  readonly event_id: string
  readonly reason: string
  readonly actor_kind: string
  readonly actor_id: string
  readonly ip: string | null
  readonly state: string
  readonly met_up_to: string | null
  readonly met_all: boolean
  readonly total: number | null
  readonly succeeded: number | null
  readonly failed: number | null
  readonly refund_cents: unknown
  readonly created_at: Date
  readonly finished_at: Date | null
}

export const jobColumns = `tenant_id, id, kind, event_id, reason, actor_kind, actor_id, ip, state, met_up_to, met_all, total,
  succeeded, failed, refund_cents, created_at, finished_at`

const decodeRow = Schema.decodeUnknownEffect(
  Schema.Struct({
    tenant_id: TenantId,
    id: BulkJobId,
    kind: BulkJobKind,
    event_id: EventId,
    actor_kind: ActorKind,
    state: BulkJobState,
    met_up_to: Schema.NullOr(OrderId),
    refund_cents: Schema.NullOr(Schema.Record(Currency, Schema.optionalKey(Schema.Int)))
  })
)

const decodeSums = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      state: BulkItemState,
      currency: Schema.NullOr(Currency),
      orders: Schema.Int,
      cents: Schema.Int
    })
  )
)

/** What the orders of a job have come to by now. Inside a unit of work of its tenant. */
export const readTally = Effect.fnUntraced(function* ({
  jobId,
  tenantId
}: {
  readonly tenantId: TenantId
  readonly jobId: BulkJobId
}) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`select state, currency, count(*)::int as orders, sum(amount_cents)::double precision as cents
    from bulk_items where tenant_id = ${tenantId} and job_id = ${jobId} group by state, currency`
  return tallyOf(yield* Effect.orDie(decodeSums(rows)))
})

/** The job of a row. Inside a unit of work of its tenant. */
export const toJob = Effect.fnUntraced(function* (row: BulkJobRow) {
  const known = yield* Effect.orDie(decodeRow(row))
  const { event_id: eventId, id, kind, tenant_id: tenantId } = known
  const facts = {
    tenantId,
    id,
    kind,
    eventId,
    reason: row.reason,
    actor: {
      kind: known.actor_kind,
      id: row.actor_id,
      ip: row.ip
    },
    createdAt: DateTime.fromDateUnsafe(row.created_at)
  }
  const { failed, finished_at: finishedAt, succeeded, total } = row
  const job: BulkJob =
    finishedAt === null
      ? {
          ...facts,
          state: "RUNNING",
          finishedAt,
          metUpTo: known.met_up_to,
          metAll: row.met_all,
          tally: yield* readTally({
            tenantId,
            jobId: id
          })
        }
      : {
          ...facts,
          state: "DONE",
          finishedAt: DateTime.fromDateUnsafe(finishedAt),
          tally: {
            total: total ?? 0,
            succeeded: succeeded ?? 0,
            failed: failed ?? 0,
            pending: 0,
            refundCents: known.refund_cents ?? {}
          }
        }
  return job
})
