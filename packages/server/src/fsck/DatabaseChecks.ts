/**
 * The database itself: whether it keeps tenants apart, and what the dead have left behind in it (I24, I25).
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as RoleCheck from "../sql/RoleCheck.ts"
import { orUnavailable } from "../sql/sqlFailures.ts"
import { keyedOtherwise } from "../sql/tenantTables.ts"
import { withinTime } from "../sql/TenantTransaction.ts"
import { type Check, type Offender, own, sqlCheck } from "./Check.ts"

const ofDatabase = (detail: string, subject: string | null = null): Offender => ({
  tenantId: null,
  orderId: null,
  subject,
  detail
})

/** A lease that has run out is taken over at the next sweep; after this nobody has, as SQL. */
const LEASE_SLACK = `interval '60 seconds'`

/** No unit of ours lasts as long. */
const SESSION_SECONDS_MAX = 60

const tenantFirst = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ name: string }>`
    select c.relname as name from pg_class c
      join pg_attribute t on t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped
      left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
      and i.indkey[0] is distinct from t.attnum order by c.relname`
  return rows
    .filter(({ name }) => !keyedOtherwise.includes(name))
    .map(({ name }) => ofDatabase(`the key of ${name} does not begin with the tenant`, name))
}).pipe(withinTime, orUnavailable)

const roles = RoleCheck.check().pipe(
  withinTime,
  Effect.as([]),
  Effect.catchTag("UnsafeDatabase", ({ faults }) => Effect.succeed(faults.map((fault) => ofDatabase(fault))))
)

// What other logins' sessions do is not shown to ours, and is none of its business.
const sessions = Effect.fnUntraced(
  function* (secondsMax: number) {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ pid: number; state: string; seconds: number; locks: number }>`
    select a.pid, a.state, extract(epoch from clock_timestamp() - a.xact_start)::int as seconds,
      (select count(*)::int from pg_locks l where l.pid = a.pid and l.locktype = 'advisory') as locks
    from pg_stat_activity a
    where a.datname = current_database() and a.usename = current_user and a.pid <> pg_backend_pid()
      and a.backend_type = 'client backend'
      and a.xact_start < clock_timestamp() - ${secondsMax}::int * interval '1 second'
    order by a.xact_start`
    return rows.map(({ locks, pid, seconds, state }) =>
      ofDatabase(
        `session ${pid} is ${state} in a transaction of ${seconds} seconds, with ${locks} advisory locks`,
        `${pid}`
      )
    )
  },
  withinTime,
  orUnavailable
)

export const databaseChecks: ReadonlyArray<Check> = [
  { id: "I24", part: "roles", cheap: true, find: () => roles },
  { id: "I24", part: "keys", cheap: true, find: () => tenantFirst },
  sqlCheck(
    "I25",
    "leases",
    { cheap: true },
    `
    select k.tenant_id, k.order_id, k.id as subject,
      format('%s is leased to somebody who has not come back for %s', k.kind,
        date_trunc('second', statement_timestamp() - k.lease_until)) as detail
    from order_work k
    where ${own("k")} and k.state = 'DOING' and coalesce(k.lease_until, k.next_at) < statement_timestamp() - ${LEASE_SLACK}
    order by k.lease_until`
  ),
  { id: "I25", part: "sessions", cheap: true, find: ({ atRest }) => sessions(atRest ? 0 : SESSION_SECONDS_MAX) }
]
