/**
 * What alarms are about, as it stands in the database: compensations that are overdue, work that nobody can read or that
 * its order refuses, late money that waits for a person, messages that nobody has handled. Read by the auditor's role.
 */
import { TenantId } from "@tickettoken/order-domain/Ids"
import { nobody } from "@tickettoken/order-domain/InboundMessage"
import { type Alarm, AlarmKind, DETAIL_CHARS_MAX } from "@tickettoken/order-domain/ports/Alarms"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { orUnavailable } from "./sqlFailures.ts"
import { asAuditor } from "./TenantTransaction.ts"
import { UNREADABLE } from "./WorkQueueSql.ts"

/** How long a compensation or a message may take until a person is told of it (reliability 2.2, row 3), as SQL. */
const OVERDUE = `interval '15 minutes'`

/** How many alarms of a kind one look raises: during an outage of a service the oldest speak for the others. */
const FOUND_MAX = 200

/** What one look has found, oldest first, and whether that is all. */
export interface Found {
  readonly matters: ReadonlyArray<Omit<Alarm, "kind">>
  readonly isAll: boolean
}

const look = (statement: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* asAuditor(
      sql.unsafe<{ readonly tenant_id: string | null; readonly subject: string; readonly detail: string }>(
        `${statement} limit $1`,
        [FOUND_MAX]
      )
    )
    const matters = rows.map(({ detail, subject, tenant_id }) => ({
      tenantId: tenant_id === null ? null : TenantId.make(tenant_id),
      subject,
      detail: detail.slice(0, DETAIL_CHARS_MAX)
    }))
    return { matters, isAll: rows.length < FOUND_MAX } satisfies Found
  }).pipe(orUnavailable)

const at = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"')`

/** Compensations never give up; these have not succeeded for 15 minutes. */
export const overdueCompensations = look(`
  select tenant_id, id as subject, format('%s of order %s was asked for at %s and is not done after %s attempts: %s',
    kind, order_id, ${at("created_at")}, attempts, coalesce(last_error, 'nobody has run it')) as detail
  from order_work
  where state in ('TODO', 'DOING') and kind in ('RELEASE', 'VOID', 'REFUND')
    and created_at <= statement_timestamp() - ${OVERDUE}
  order by created_at`)

export const unreadableWork = look(`
  select tenant_id, id as subject, format('%s of order %s can not be read', kind, order_id) as detail
  from order_work where state in ('TODO', 'DOING') and last_error = '${UNREADABLE}'
  order by created_at`)

/** Late money under the policy `review` (rule 3.7): it lies there until somebody approves or rejects its refund. */
export const paymentsInReview = look(`
  select tenant_id, id::text as subject, format('late money of order %s waits since %s: approve or reject refund %s',
    order_id, ${at("requested_at")}, id) as detail
  from order_refunds where state = 'PENDING' and cause = 'LATE_PAYMENT'
  order by requested_at`)

/**
 * Messages that were set aside, and those that nobody has handled in time: an outage of a service that is asked uses up no
 * try, and a service that says no for good may look like one. Named as `alarmOf` names them.
 */
export const unhandledMessages = look(`
  select nullif(tenant_id, '${nobody}') as tenant_id, source || '#' || message_id as subject,
    case state when 'DEAD' then format('a %s message could not be handled: %s', type, last_error)
      else format('a %s message has not been handled for 15 minutes: %s', type, coalesce(last_error, 'nobody has tried'))
    end as detail
  from inbox
  where state = 'DEAD' or (state = 'NEW' and received_at <= statement_timestamp() - ${OVERDUE})
  order by received_at`)

/** Which of these work rows are still to be done. */
export const openWork = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
  if (ids.length === 0) return new Set<string>()
  const sql = yield* SqlClient.SqlClient
  const rows = yield* asAuditor(
    sql<{ id: string }>`select id from order_work where state <> 'DONE' and ${sql.in("id", ids)}`
  )
  return new Set(rows.map(({ id }) => id))
}, orUnavailable)

/** How many alarms of each kind are open. */
export const openAlarms = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* asAuditor(
    sql<{ kind: string; n: number }>`select kind, count(*)::int as n from alarms where cleared_at is null group by kind`
  )
  const counts = new Map(rows.map(({ kind, n }) => [kind, n]))
  return AlarmKind.literals.map((kind) => ({ kind, open: counts.get(kind) ?? 0 }))
}).pipe(orUnavailable)
