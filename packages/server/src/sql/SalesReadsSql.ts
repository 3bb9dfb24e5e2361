/**
 * `SalesReads` on PostgreSQL: ranges from the sums that SalesRollupSql.ts keeps, and the last minutes and open holds from
 * the orders, by their indexes.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { EventId, type TenantId } from "@tickettoken/order-domain/Ids"
import {
  type EventSales,
  type MinuteSales,
  type OpenHolds,
  type SalesInterval,
  type SalesQuery,
  SalesReads
} from "@tickettoken/order-domain/ports/SalesReads"
import { DateTime, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { clockRow } from "./clockRow.ts"
import { bucketsOf, isCurrency, sumColumns, type SumsRow } from "./SalesRows.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { inTenant } from "./TenantTransaction.ts"

interface CountedRow extends SumsRow {
  readonly as_of: Date
}

/** What an instant without a zone stands for: one of UTC. */
const utc = (column: string): string => `${column} at time zone 'UTC'`

/** Up to when the tenant's sums are counted: nothing that changed before this waits to be folded. */
const asOf = `select coalesce(
    (select c.noted_at from sales_changes c where c.tenant_id = $1 order by c.id limit 1),
    statement_timestamp()) as as_of`

/** `$4` is the grain. Bucket by bucket, or all of the range in one. */
const sumsStatement = (bucket: "each" | "all"): string => `select clock.as_of, summed.*
  from (${asOf}) clock left join (
    select ${bucket === "each" ? utc("r.starts_at") : utc("$2::timestamp")} as starts_at, r.currency, ${sumColumns}
    from sales_rollup r
    where r.tenant_id = $1 and r.grain = $4 and r.starts_at >= $2::timestamp and r.starts_at < $3::timestamp
    group by 1, 2
  ) summed on true order by summed.starts_at, summed.currency`

/** An instant as a timestamp of UTC without a zone. */
const plain = (at: DateTime.Utc): string => DateTime.formatIso(at).slice(0, -1)

const readSums = Effect.fnUntraced(function* (query: SalesQuery, grain: SalesInterval, bucket: "each" | "all") {
  const sql = yield* SqlClient.SqlClient
  const { from, tenantId, until } = query
  const rows = yield* inTenant(
    tenantId,
    sql.unsafe<CountedRow>(sumsStatement(bucket), [tenantId, plain(from), plain(until), grain])
  )
  const first = yield* clockRow(rows)
  return { asOf: DateTime.fromDateUnsafe(first.as_of), buckets: bucketsOf(rows) }
})

const totals = Effect.fnUntraced(function* (query: SalesQuery) {
  const { asOf: counted, buckets } = yield* readSums(query, "day", "all")
  return { asOf: counted, totals: buckets }
})

interface EventRow {
  readonly as_of: Date
  readonly event_id: string | null
  readonly currency: string | null
  readonly sales: bigint
  readonly tickets: bigint
  readonly revenue: bigint
  readonly refunded_cents: bigint
}

/** Ranked within each currency. */
const topEventsStatement = `select clock.as_of, ranked.*
  from (${asOf}) clock left join (
    select s.*, row_number() over (partition by s.currency order by s.revenue desc, s.event_id) as place
    from (
      select e.event_id, e.currency, sum(e.sales)::bigint as sales, sum(e.tickets)::bigint as tickets,
        sum(e.revenue)::bigint as revenue, sum(e.refunded_cents)::bigint as refunded_cents
      from sales_by_event e
      where e.tenant_id = $1 and e.day >= $2::timestamp and e.day < $3::timestamp
        and ($4::text is null or e.currency = $4)
      group by e.event_id, e.currency having sum(e.sales) > 0
    ) s
  ) ranked on ranked.place <= $5
  order by array_position($6::text[], ranked.currency), ranked.place`

const topEvents = Effect.fnUntraced(function* (
  query: SalesQuery & { readonly currency: Currency | null; readonly limit: number }
) {
  const sql = yield* SqlClient.SqlClient
  const { currency, from, limit, tenantId, until } = query
  const rows = yield* inTenant(
    tenantId,
    sql.unsafe<EventRow>(topEventsStatement, [
      tenantId,
      plain(from),
      plain(until),
      currency,
      limit,
      [...Currency.literals]
    ])
  )
  const first = yield* clockRow(rows)
  return { asOf: DateTime.fromDateUnsafe(first.as_of), events: rows.flatMap(eventOf) }
})

const eventOf = (row: EventRow): ReadonlyArray<EventSales> =>
  row.event_id === null || !isCurrency(row.currency)
    ? []
    : [
        {
          eventId: EventId.make(row.event_id),
          currency: row.currency,
          orders: Number(row.sales),
          tickets: Number(row.tickets),
          revenue: Number(row.revenue),
          refunded: Number(row.refunded_cents)
        }
      ]

interface MinuteRow {
  readonly now: Date
  readonly starts_at: Date | null
  readonly currency: string | null
  readonly orders: bigint
  readonly revenue: bigint
}

/** What was sold in each of the last `$2` minutes, the present one included. */
const liveStatement = `select clock.now, sold.*
  from (select statement_timestamp() as now) clock left join lateral (
    select date_trunc('minute', o.confirmed_at, 'UTC') as starts_at, o.currency, count(*) as orders,
      sum(o.total_cents)::bigint as revenue
    from orders o
    where o.tenant_id = $1 and o.confirmed_at is not null
      and o.confirmed_at >= date_trunc('minute', clock.now, 'UTC') - ($2::int - 1) * interval '1 minute'
      and o.confirmed_at <= clock.now
    group by 1, 2
  ) sold on true order by sold.starts_at, array_position($3::text[], sold.currency)`

const live = Effect.fnUntraced(function* (tenantId: TenantId, minutes: number) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* inTenant(
    tenantId,
    sql.unsafe<MinuteRow>(liveStatement, [tenantId, minutes, [...Currency.literals]])
  )
  const first = yield* clockRow(rows)
  return {
    now: DateTime.fromDateUnsafe(first.now),
    sales: rows.flatMap(
      ({ currency, orders, revenue, starts_at }): ReadonlyArray<MinuteSales> =>
        starts_at === null || !isCurrency(currency)
          ? []
          : [
              {
                startsAt: DateTime.fromDateUnsafe(starts_at),
                currency,
                orders: Number(orders),
                revenue: Number(revenue)
              }
            ]
    )
  }
})

interface HoldsRow {
  readonly now: Date
  readonly open: number
  readonly overdue: number
  readonly in_1: number
  readonly in_5: number
  readonly in_15: number
}

const dueWithin = (minutes: number): string =>
  `count(*) filter (where h.expires_at between clock.now and clock.now + interval '${minutes} minutes')::int`

const holdsStatement = `select clock.now, count(h.expires_at)::int as open,
    count(*) filter (where h.expires_at < clock.now)::int as overdue,
    ${dueWithin(1)} as in_1, ${dueWithin(5)} as in_5, ${dueWithin(15)} as in_15
  from (select statement_timestamp() as now) clock left join (
    select o.hold_expires_at as expires_at from orders o
    where o.tenant_id = $1 and o.status in ('PENDING', 'RESERVED')
  ) h on true group by clock.now`

const holds = Effect.fnUntraced(function* (tenantId: TenantId) {
  const sql = yield* SqlClient.SqlClient
  const row = yield* clockRow(yield* inTenant(tenantId, sql.unsafe<HoldsRow>(holdsStatement, [tenantId])))
  const counted: OpenHolds = {
    now: DateTime.fromDateUnsafe(row.now),
    open: row.open,
    overdue: row.overdue,
    within1Minute: row.in_1,
    within5Minutes: row.in_5,
    within15Minutes: row.in_15
  }
  return counted
})

export const layer: Layer.Layer<SalesReads, never, SqlClient.SqlClient> = Layer.effect(
  SalesReads,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const withSql = Effect.provideService(SqlClient.SqlClient, sql)
    return SalesReads.of({
      totals: Effect.fn("SalesReads.totals")(totals, orUnavailable, withSql),
      series: Effect.fn("SalesReads.series")(
        (query: SalesQuery & { readonly interval: SalesInterval }) => readSums(query, query.interval, "each"),
        orUnavailable,
        withSql
      ),
      topEvents: Effect.fn("SalesReads.topEvents")(topEvents, orUnavailable, withSql),
      live: Effect.fn("SalesReads.live")(live, orUnavailable, withSql),
      holds: Effect.fn("SalesReads.holds")(holds, orUnavailable, withSql)
    })
  })
)
