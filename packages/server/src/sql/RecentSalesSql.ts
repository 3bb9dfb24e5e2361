/**
 * How sales have gone in the last 24 hours, of all tenants together: for monitoring, which is told of no tenant.
 */
import { salesFigures } from "@tickettoken/order-domain/SalesFigures"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { bucketsOf, sumColumns, type SumsRow } from "./SalesRows.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { asJobs } from "./TenantTransaction.ts"

const statement = `select lag.seconds, summed.*
  from (
    select coalesce(extract(epoch from statement_timestamp() - min(c.noted_at)), 0)::float8 as seconds
    from sales_changes c
  ) lag left join (
    select statement_timestamp() as starts_at, r.currency, ${sumColumns}
    from sales_rollup r
    where r.grain = 'hour' and r.starts_at > (statement_timestamp() at time zone 'UTC') - interval '24 hours'
    group by r.currency
  ) summed on true`

/** The figures of the last 24 hours, and how long the oldest change has waited to be counted. */
export const readRecentSales = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* asJobs(sql.unsafe<SumsRow>(statement))
  return { figures: salesFigures(bucketsOf(rows)), oldestSeconds: Number(rows[0]?.["seconds"] ?? 0) }
}).pipe(orUnavailable, Effect.withSpan("RecentSalesSql.read"))
