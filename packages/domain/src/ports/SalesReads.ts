/**
 * Questions about a tenant's sales that change nothing.
 *
 * What is asked of a range is answered from sums that a store may keep beside its orders and bring up to date now and
 * then: `asOf` says up to when. What is asked about now is answered from the orders themselves.
 */
import { Context, type DateTime, type Effect } from "effect"
import type { Currency } from "../Currency.ts"
import type { EventId, TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"
import type { CurrencySums } from "../SalesFigures.ts"

/** Whole UTC days: from the start of the first to the start of the day after the last. */
export interface SalesRange {
  readonly from: DateTime.Utc
  readonly until: DateTime.Utc
}

export interface SalesQuery extends SalesRange {
  readonly tenantId: TenantId
}

/** The buckets of a series. Each starts where one of UTC starts. */
export type SalesInterval = "hour" | "day"

/** The sums of one currency in one bucket. */
export interface BucketSums extends CurrencySums {
  readonly startsAt: DateTime.Utc
}

/** An event with its sales of one currency, by their confirmation, and refunds, by their settlement. */
export interface EventSales {
  readonly eventId: EventId
  readonly currency: Currency
  readonly orders: number
  readonly tickets: number
  readonly revenue: number
  readonly refunded: number
}

/** Sales of one currency in one minute. */
export interface MinuteSales {
  readonly startsAt: DateTime.Utc
  readonly currency: Currency
  readonly orders: number
  readonly revenue: number
}

/** Open orders, by how soon their deadline is. */
export interface OpenHolds {
  readonly now: DateTime.Utc
  readonly open: number
  /** Past the deadline: the grace runs, or they are about to expire. */
  readonly overdue: number
  readonly within1Minute: number
  readonly within5Minutes: number
  readonly within15Minutes: number
}

export class SalesReads extends Context.Service<
  SalesReads,
  {
    /** The sums of each currency. */
    readonly totals: (
      query: SalesQuery
    ) => Effect.Effect<
      { readonly asOf: DateTime.Utc; readonly totals: ReadonlyArray<CurrencySums> },
      ServiceUnavailable
    >
    /** The sums of each bucket and currency that has any, the oldest first. */
    readonly series: (
      query: SalesQuery & { readonly interval: SalesInterval }
    ) => Effect.Effect<{ readonly asOf: DateTime.Utc; readonly buckets: ReadonlyArray<BucketSums> }, ServiceUnavailable>
    /** Of each currency, or of the one that is asked for, up to `limit` events with the most revenue. */
    readonly topEvents: (
      query: SalesQuery & { readonly currency: Currency | null; readonly limit: number }
    ) => Effect.Effect<{ readonly asOf: DateTime.Utc; readonly events: ReadonlyArray<EventSales> }, ServiceUnavailable>
    /** Sales of the last minutes, up to now: the minute that is running is the last one. Minutes without are left out. */
    readonly live: (
      tenantId: TenantId,
      minutes: number
    ) => Effect.Effect<{ readonly now: DateTime.Utc; readonly sales: ReadonlyArray<MinuteSales> }, ServiceUnavailable>
    readonly holds: (tenantId: TenantId) => Effect.Effect<OpenHolds, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/SalesReads") {}
