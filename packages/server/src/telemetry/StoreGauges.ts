/**
 * How much is waiting in the database: read now and then, and not with every scrape, which anybody may repeat.
 *
 * Every replica reads the same tables, so panels and rules take the largest and never the sum.
 */
import { Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { runChore } from "../jobs/chore.ts"
import { orUnavailable } from "../sql/sqlFailures.ts"
import { asJobs } from "../sql/TenantTransaction.ts"
import { work as metrics, workKinds } from "./Metrics.ts"

/** More than this is a backlog all the same, and counting it would be work that the backlog does not need. */
const ROWS_COUNTED_MAX = 50_000

interface Waiting {
  readonly kind: string
  readonly waiting: bigint
  readonly oldest_seconds: number
}

/** Open work by kind; `outbox` for the messages. */
const waiting = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* asJobs(sql<Waiting>`
    select kind, count(*) as waiting, extract(epoch from statement_timestamp() - min(created_at))::float8 as oldest_seconds
    from (
      select kind, created_at from order_work where state in ('TODO', 'DOING')
      order by coalesce(lease_until, next_at) limit ${ROWS_COUNTED_MAX}
    ) open group by kind
    union all
    select 'outbox', count(*), coalesce(extract(epoch from statement_timestamp() - min(since)), 0)::float8
    from (
      select coalesce(replayed_at, created_at) as since from outbox where state = 'NEW'
      order by coalesce(lease_until, next_at) limit ${ROWS_COUNTED_MAX}
    ) unsent`)
})

/** Where no relay runs, messages grow old and nothing is wrong: their age is not told. */
const read = Effect.fn("StoreGauges.read")(function* (isRelayed: boolean) {
  const found = new Map((yield* waiting).map((row) => [row.kind, row]))
  for (const kind of workKinds) {
    yield* metrics.open.record(Number(found.get(kind)?.waiting ?? 0n), { kind })
    yield* metrics.oldest.record(Math.max(0, found.get(kind)?.oldest_seconds ?? 0), { kind })
  }
  yield* metrics.outboxBacklog.record(Number(found.get("outbox")?.waiting ?? 0n), {})
  if (isRelayed) yield* metrics.outboxOldest.record(Math.max(0, found.get("outbox")?.oldest_seconds ?? 0), {})
  return 0
}, orUnavailable)

const everyQuarterMinute = Schedule.spaced("15 seconds").pipe(Schedule.jittered)

/** `isRelayed`: whether a relay of this process sends the messages. */
export const layer = (isRelayed: boolean) =>
  Layer.effectDiscard(runChore({ name: "gauges", round: read(isRelayed), full: 1, schedule: everyQuarterMinute }))
