/**
 * Bulk jobs: a change of many orders that outlives the request, the process and the machine that began it (rule 5).
 *
 * A job is a row, and so is each order that it meets. Whoever takes a job over goes on behind the last order that has a
 * row, and tries those again whose row has no outcome yet: an order with an outcome is never touched by the job again.
 */
import { Context, Data, type DateTime, Duration, Schema } from "effect"
import type { Actor } from "./Actor.ts"
import type { Currency } from "./Currency.ts"
import type { BulkJobId, EventId, OrderId, TenantId } from "./Ids.ts"

/** What a job does to its orders. CANCEL_EVENT: the event is closed and each of its orders cancelled in full. */
export const BulkJobKind = Schema.Literals(["CANCEL_EVENT"])
export type BulkJobKind = typeof BulkJobKind.Type

export const BulkJobState = Schema.Literals(["RUNNING", "DONE"])
export type BulkJobState = typeof BulkJobState.Type

/**
 * How one order of a job stands. OPEN: still to be done, or to be tried again. UNTOUCHED: it had ended by itself when
 * its turn came, so there was nothing to do and it does not count.
 */
export const BulkItemState = Schema.Literals(["OPEN", "SUCCEEDED", "FAILED", "UNTOUCHED"])
export type BulkItemState = typeof BulkItemState.Type

/** Minor units by currency. */
export type CentsByCurrency = { readonly [C in Currency]?: number }

/** Adds an amount to what is there of its currency; nothing of a currency is not written down. */
export const addCents = (sum: CentsByCurrency, currency: Currency, cents: number): CentsByCurrency =>
  cents === 0 ? sum : { ...sum, [currency]: (sum[currency] ?? 0) + cents }

/** What a job has come to so far: `total` is `succeeded` + `failed` + `pending`. */
export interface BulkTally {
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  /** Met and without an outcome yet. */
  readonly pending: number
  /** Returned to buyers by what has succeeded. */
  readonly refundCents: CentsByCurrency
}

export const emptyTally: BulkTally = { total: 0, succeeded: 0, failed: 0, pending: 0, refundCents: {} }

/** Orders that have the same outcome and the same currency. */
export interface TallyRow {
  readonly state: BulkItemState
  readonly currency: Currency | null
  readonly orders: number
  readonly cents: number
}

/** Sums up what the orders of a job have come to. */
export const tallyOf = (rows: Iterable<TallyRow>): BulkTally => {
  let tally = emptyTally
  for (const { cents, currency, orders, state } of rows) {
    if (state === "UNTOUCHED") continue
    const { failed, pending, refundCents, succeeded, total } = tally
    tally = {
      total: total + orders,
      succeeded: succeeded + (state === "SUCCEEDED" ? orders : 0),
      failed: failed + (state === "FAILED" ? orders : 0),
      pending: pending + (state === "OPEN" ? orders : 0),
      refundCents: state === "SUCCEEDED" && currency !== null ? addCents(refundCents, currency, cents) : refundCents
    }
  }
  return tally
}

interface BulkJobFacts {
  readonly tenantId: TenantId
  readonly id: BulkJobId
  readonly kind: BulkJobKind
  readonly eventId: EventId
  readonly reason: string
  /** On whose account its orders are changed, whichever process does it. */
  readonly actor: Actor
  readonly createdAt: DateTime.Utc
  readonly tally: BulkTally
}

export interface RunningBulkJob extends BulkJobFacts {
  readonly state: "RUNNING"
  readonly finishedAt: null
  /** The last order that has been met, and whether there is none behind it. */
  readonly metUpTo: OrderId | null
  readonly metAll: boolean
}

export interface FinishedBulkJob extends BulkJobFacts {
  readonly state: "DONE"
  readonly finishedAt: DateTime.Utc
}

export type BulkJob = RunningBulkJob | FinishedBulkJob

/** The right to run a job: what a run writes is taken only while the token is still the row's (the fence). */
export interface BulkLease {
  readonly tenantId: TenantId
  readonly jobId: BulkJobId
  readonly token: number
}

/** An order that a job has met and has not done yet. `plannedCents` is what was to be returned when it was met. */
export interface OpenBulkItem {
  readonly orderId: OrderId
  readonly orderNumber: string
  readonly attempts: number
  readonly plannedCents: number
}

/** What a try at one order has come to. */
export type BulkOutcome = Data.TaggedEnum<{
  Succeeded: { readonly refundCents: number }
  Untouched: object
  Failed: { readonly error: string }
  /** For a reason that may pass: the order stays open and is listed with it. */
  TryAgain: { readonly error: string; readonly delay: Duration.Duration }
}>
export const BulkOutcome = Data.taggedEnum<BulkOutcome>()

/** How bulk jobs go about it. */
export interface BulkSettingsShape {
  /** Calls to other services that one job makes in a second at most: the rest of their budget is the buyers'. */
  readonly callsPerSecond: number
  /** How often an order is tried that fails for a reason that may pass. */
  readonly attemptsMax: number
}

/** What holds where nothing is configured: 500 orders fit into the budget of a request. */
export const bulkSettings: BulkSettingsShape = { callsPerSecond: 200, attemptsMax: 5 }

export const BulkSettings = Context.Reference<BulkSettingsShape>("@tickettoken/order-domain/BulkSettings", {
  defaultValue: () => bulkSettings
})

const RETRY_SECONDS_MAX = 60

/** When a try that failed is followed by the next: after 1 s, 2 s, 4 s ... at most a minute. */
export const bulkRetryDelay = (attempts: number): Duration.Duration =>
  Duration.seconds(Math.min(RETRY_SECONDS_MAX, 2 ** Math.min(10, Math.max(0, attempts - 1))))
