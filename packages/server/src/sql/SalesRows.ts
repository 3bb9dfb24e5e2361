/**
 * Rows of sums as the domain's sums.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import type { BucketSums } from "@tickettoken/order-domain/ports/SalesReads"
import { type Measure, measures, sumsBy } from "@tickettoken/order-domain/SalesMeasures"
import { DateTime, Schema } from "effect"
import { measureColumns } from "./migrations/0013_sales_figures.ts"

/** A bucket of one currency, with a column for each measure, of which the driver makes bigints; empty beside nothing. */
export interface SumsRow {
  readonly starts_at: Date | null
  readonly currency: string | null
  readonly [column: string]: Date | string | number | bigint | null
}

export const isCurrency = Schema.is(Currency)

const columnOf = new Map<Measure, string>(measures.map((measure, at) => [measure, measureColumns[at] ?? measure]))

/** What to select of `sales_rollup r`, grouped. */
export const sumColumns = measureColumns.map((column) => `sum(r.${column})::bigint as ${column}`).join(", ")

/** The sums of the rows that hold any. */
export const bucketsOf = (rows: ReadonlyArray<SumsRow>): ReadonlyArray<BucketSums> =>
  rows.flatMap((row) => {
    const { currency, starts_at } = row
    if (starts_at === null || !isCurrency(currency)) return []
    const sums = sumsBy((measure) => Number(row[columnOf.get(measure) ?? measure]))
    return [{ startsAt: DateTime.fromDateUnsafe(starts_at), currency, sums }]
  })
