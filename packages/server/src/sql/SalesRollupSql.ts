/**
 * Keeps the sums of sales: folds what has changed into them, and compares them with a recount.
 *
 * **Details**
 *
 * One text says what an order, or a refund, adds to the sums (`partsOf`). Folding applies it to changes, a recount to the
 * orders, so the two can not mean different things; the domain's own reading of an order (SalesMeasures.ts) is a third
 * one, and a test compares. A correction adds what a recount differs by, with one statement and so from one snapshot: it
 * may run while orders move and while others fold.
 */
import type { TenantId } from "@tickettoken/order-domain/Ids"
import { measures, MILLIS_PER_MINUTE, payMinutes } from "@tickettoken/order-domain/SalesMeasures"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import {
  eventColumns,
  measureColumns,
  orderImage,
  orderImageColumns,
  refundImage
} from "./migrations/0013_sales_figures.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { asJobs, inTenantAtLength } from "./TenantTransaction.ts"

/** Held while changes are folded: replicas take turns instead of waiting for each other's rows. */
const LOCK = 7_221_003

/** How many changes one statement folds: a fraction of its time. */
export const FOLD_BATCH = 5_000

const counted = (condition: string): string => `(${condition})::int`

const ofStatus = (status: string): string => counted(`c.status = '${status}'`)

/** Of an order, at its creation. */
const cohort: { readonly [column: string]: string } = {
  pending: ofStatus("PENDING"),
  reserved: ofStatus("RESERVED"),
  confirmed: ofStatus("CONFIRMED"),
  completed: ofStatus("COMPLETED"),
  cancelled: ofStatus("CANCELLED"),
  expired: ofStatus("EXPIRED"),
  refunded: ofStatus("REFUNDED"),
  refused: counted("c.refused"),
  renewed: counted("c.renewed"),
  converted: counted("c.confirmed_at is not null"),
  called_off: counted("c.called_off"),
  given_back: counted("c.given_back"),
  paid: counted("c.pay_millis is not null"),
  pay_millis: "coalesce(c.pay_millis, 0)",
  ...Object.fromEntries(
    payMinutes.map(([measure, minutes]) => [
      measureColumns[measures.indexOf(measure)] ?? measure,
      `coalesce(${counted(`c.pay_millis <= ${minutes * MILLIS_PER_MINUTE}`)}, 0)`
    ])
  )
}

/** Of an order, at its confirmation. */
const sale: { readonly [column: string]: string } = {
  sales: "1",
  tickets: "c.tickets",
  subtotal: "c.subtotal_cents",
  platform_fee: "c.platform_fee_cents",
  processing_fee: "c.processing_fee_cents",
  tax: "c.tax_cents",
  revenue: "c.total_cents"
}

/** Of a refund, at its settlement. */
const refund: { readonly [column: string]: string } = {
  refunds: counted("c.of_sale"),
  refunded_cents: "case when c.of_sale then c.amount_cents else 0 end",
  retained_cents: "case when c.of_sale then c.retained_cents else 0 end",
  returned_cents: "case when c.of_sale then 0 else c.amount_cents end"
}

const partOf = (source: string, at: string, values: { readonly [column: string]: string }): string =>
  `select c.tenant_id, c.event_id, c.currency, c.${at} at time zone 'UTC' as at, ${measureColumns
    .map((column) => `(c.sign * ${values[column] ?? "0"})::bigint as ${column}`)
    .join(", ")} from ${source} c where c.${at} is not null`

/** What the images in `source` add, each at its instant. */
const partsOf = (source: string): string =>
  [
    partOf(source, "created_at", cohort),
    partOf(source, "confirmed_at", sale),
    partOf(source, "settled_at", refund)
  ].join(" union all ")

const summed = (columns: ReadonlyArray<string>): string =>
  columns.map((column) => `sum(p.${column})::bigint as ${column}`).join(", ")

const rollupKey = "tenant_id, grain, starts_at, currency"
const eventKey = "tenant_id, day, currency, event_id"

/** The sums over `parts`, as rows of the two tables. Sorted, so that nobody waits for two rows in another order. */
const rollupSums = (parts: string): string => `select p.tenant_id, g.grain, date_trunc(g.grain, p.at) as starts_at,
    p.currency, ${summed(measureColumns)}
  from ${parts} p cross join (values ('hour'), ('day')) g (grain) group by 1, 2, 3, 4 order by 1, 2, 3, 4`
const eventSums = (parts: string): string => `select p.tenant_id, p.at::date as day, p.currency, p.event_id,
    ${summed(eventColumns)}
  from ${parts} p where ${eventColumns.map((column) => `p.${column} <> 0`).join(" or ")}
  group by 1, 2, 3, 4 order by 1, 2, 3, 4`

/** Adds rows to the sums that are there. */
const adding = (table: string, key: string, columns: ReadonlyArray<string>, rows: string): string =>
  `insert into ${table} as known (${key}, ${columns.join(", ")}) ${rows}
    on conflict (${key}) do update set ${columns.map((column) => `${column} = known.${column} + excluded.${column}`).join(", ")}`

const foldStatement = `with taken as (
    delete from sales_changes where ctid = any (array(
      select ctid from sales_changes order by tenant_id, id limit $1))
    returning *
  ),
  parts as materialized (${partsOf("taken")}),
  by_time as (${adding("sales_rollup", rollupKey, measureColumns, rollupSums("parts"))}),
  by_event as (${adding("sales_by_event", eventKey, eventColumns, eventSums("parts"))})
  select count(*)::int as folded from taken`

/**
 * Folds the oldest changes into the sums and answers how many it were: fewer than {@link FOLD_BATCH} when none is left,
 * or when another replica is at it.
 */
export const foldSales = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* asJobs(
    Effect.gen(function* () {
      const [turn] = yield* sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(${LOCK}) as mine`
      if (turn?.mine !== true) return 0
      const [row] = yield* sql.unsafe<{ folded: number }>(foldStatement, [FOLD_BATCH])
      return row?.folded ?? 0
    })
  )
}).pipe(orUnavailable, Effect.withSpan("SalesRollupSql.fold"))

/** Folds until nothing is left, and answers how many changes it were. */
export const foldAllSales = Effect.gen(function* () {
  let all = 0
  for (let more = true; more; ) {
    const folded = yield* foldSales
    all += folded
    more = folded >= FOLD_BATCH
  }
  return all
})

const ownTenant = (alias: string): string => `($1::uuid is null or ${alias}.tenant_id = $1)`

/** Of an order and of a refund. */
const imageColumns = `${orderImageColumns}, settled_at, amount_cents, retained_cents, of_sale`

// The orders and refunds as they stand, less what waits to be folded: what the sums must be now.
const recount = `images (${imageColumns}) as materialized (
    select ${orderImage("o", "1")}, null::timestamptz, null::bigint, null::bigint, null::boolean
      from orders o where ${ownTenant("o")}
    union all select ${refundAsImage()}
    union all select ${imageColumns.replace("sign", "-sign")} from sales_changes c where ${ownTenant("c")}
  ),
  parts as materialized (${partsOf("images")}),
  time_counted as (${rollupSums("parts")}),
  event_counted as (${eventSums("parts")})`

/** A refund's image in the columns of both: those of an order are empty. */
function refundAsImage(): string {
  return `f.tenant_id, f.sign, f.event_id, f.currency, null, null, null, null, null, null, null, null, null, null, null,
    null, null, null, f.settled_at, f.amount_cents, f.retained_cents, f.of_sale
    from (select ${refundImage("r", "o", "1")} from order_refunds r
      join orders o on o.tenant_id = r.tenant_id and o.id = r.order_id
      where r.state = 'COMPLETED' and ${ownTenant("r")})
    f (tenant_id, sign, event_id, currency, settled_at, amount_cents, retained_cents, of_sale)`
}

const differing = (table: string, rows: string, key: string, columns: ReadonlyArray<string>): string =>
  `select ${key}, ${columns.map((column) => `coalesce(n.${column}, 0) - coalesce(k.${column}, 0) as ${column}`).join(", ")}
    from ${rows} n full join (select * from ${table} k where ${ownTenant("k")}) k using (${key})
    where (${columns.map((column) => `coalesce(n.${column}, 0)`).join(", ")})
      is distinct from (${columns.map((column) => `coalesce(k.${column}, 0)`).join(", ")})`

/**
 * Rows by which a recount differs from the sums, as `with` and two relations, `time_off` and `event_off`. The parameter
 * is the tenant; `null` for all.
 */
export const differences = `with ${recount},
  time_off as (${differing("sales_rollup", "time_counted", rollupKey, measureColumns)}),
  event_off as (${differing("sales_by_event", "event_counted", eventKey, eventColumns)})`

/** Which measures of a row of differences are not 0, as SQL that makes a sentence of them. */
const differenceText = (alias: string, columns: ReadonlyArray<string>): string =>
  `concat_ws(', ', ${columns.map((column) => `case when ${alias}.${column} <> 0 then '${column} is off by ' || ${alias}.${column} end`).join(", ")})`

export const timeDifference = differenceText("d", measureColumns)
export const eventDifference = differenceText("d", eventColumns)

const correctStatement = `${differences},
  by_time as (${adding("sales_rollup", rollupKey, measureColumns, "select * from time_off")} returning 1),
  by_event as (${adding("sales_by_event", eventKey, eventColumns, "select * from event_off")} returning 1)
  select (select count(*)::int from by_time) + (select count(*)::int from by_event) as corrected`

/** Makes the tenant's sums what a recount comes to, and answers how many rows were not. */
export const correctSales = Effect.fn("SalesRollupSql.correct")(function* (tenantId: TenantId) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* inTenantAtLength(tenantId, sql.unsafe<{ corrected: number }>(correctStatement, [tenantId]))
  return row?.corrected ?? 0
}, orUnavailable)
