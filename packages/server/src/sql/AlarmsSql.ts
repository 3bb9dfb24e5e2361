/**
 * `Alarms` on PostgreSQL. Alarms are raised and cleared by the jobs' role, for the tenant that they name; a tenant's
 * list is read as that tenant.
 */
import { TenantId } from "@tickettoken/order-domain/Ids"
import { type Alarm, AlarmKind, type AlarmQuery, Alarms, type KeptAlarm } from "@tickettoken/order-domain/ports/Alarms"
import { DateTime, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { storableText } from "./OrderColumns.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { asJobs, inTenant } from "./TenantTransaction.ts"

/** Whoever asks, a list is never longer. */
const LIST_MAX = 1_000

interface AlarmRow {
  readonly tenant_id: string | null
  readonly kind: string
  readonly subject: string
  readonly detail: string
  readonly raised_at: Date
  readonly seen_at: Date
  readonly seen: number
  readonly cleared_at: Date | null
}

/** An open alarm's place in its unique index. */
const installation = `'00000000-0000-0000-0000-000000000000'::uuid`

const raise = Effect.fnUntraced(function* ({ detail, kind, subject, tenantId }: Alarm) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* asJobs(
    sql<{ seen: number }>`
      insert into alarms as known (tenant_id, kind, subject, detail)
      values (${tenantId}::uuid, ${kind}, ${storableText(subject)}, ${storableText(detail)})
      on conflict ((coalesce(tenant_id, ${sql.literal(installation)})), kind, subject) where cleared_at is null
      do update set seen = known.seen + 1, seen_at = clock_timestamp(), detail = excluded.detail
      returning seen`
  )
  if (row?.seen === 1) yield* Effect.logError(`alarm ${kind} of ${subject}: ${detail}`)
})

const clear = Effect.fnUntraced(function* ({ kind, subject, tenantId }: Pick<Alarm, "kind" | "tenantId" | "subject">) {
  const sql = yield* SqlClient.SqlClient
  const cleared = yield* asJobs(
    sql`update alarms set cleared_at = clock_timestamp()
      where coalesce(tenant_id, ${sql.literal(installation)}) = coalesce(${tenantId}::uuid, ${sql.literal(installation)})
        and kind = ${kind} and subject = ${storableText(subject)} and cleared_at is null returning 1`
  )
  if (cleared.length > 0) yield* Effect.logInfo(`alarm ${kind} of ${subject} is over`)
})

const toKept = (row: AlarmRow): ReadonlyArray<KeptAlarm> =>
  // A kind that only a newer build knows, while both run.
  Schema.is(AlarmKind)(row.kind)
    ? [
        {
          alarm: {
            kind: row.kind,
            tenantId: row.tenant_id === null ? null : TenantId.make(row.tenant_id),
            subject: row.subject,
            detail: row.detail
          },
          raisedAt: DateTime.fromDateUnsafe(row.raised_at),
          seenAt: DateTime.fromDateUnsafe(row.seen_at),
          seen: row.seen,
          clearedAt: row.cleared_at === null ? null : DateTime.fromDateUnsafe(row.cleared_at)
        }
      ]
    : []

const list = Effect.fnUntraced(function* ({ cleared, kind, limit, oldestFirst, tenantId }: AlarmQuery) {
  const sql = yield* SqlClient.SqlClient
  const rows = sql<AlarmRow>`
    select tenant_id, kind, subject, detail, raised_at, seen_at, seen, cleared_at from alarms
    where true ${tenantId === null ? sql`` : sql`and tenant_id = ${tenantId}`}
      ${kind === null ? sql`` : sql`and kind = ${kind}`} ${cleared ? sql`` : sql`and cleared_at is null`}
    order by id ${sql.literal(oldestFirst === true ? "asc" : "desc")} limit ${Math.min(limit, LIST_MAX)}`
  return (yield* tenantId === null ? asJobs(rows) : inTenant(tenantId, rows)).flatMap(toKept)
})

export const layer: Layer.Layer<Alarms, never, SqlClient.SqlClient> = Layer.effect(
  Alarms,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const withSql = Effect.provideService(SqlClient.SqlClient, sql)
    return Alarms.of({
      raise: Effect.fn("Alarms.raise")(raise, orUnavailable, withSql),
      clear: Effect.fn("Alarms.clear")(clear, orUnavailable, withSql),
      list: Effect.fn("Alarms.list")(list, orUnavailable, withSql)
    })
  })
)
