/**
 * Bulk jobs as whoever runs them sees them: begun once, claimed under a lease, and recorded order by order.
 *
 * Each method is one transaction, and a process may die between any two of them.
 */
import { Context, type Effect } from "effect"
import type { Actor } from "../Actor.ts"
import type { BulkJob, BulkJobKind, BulkLease, BulkOutcome, OpenBulkItem, RunningBulkJob } from "../BulkJob.ts"
import type { Currency } from "../Currency.ts"
import type { BulkJobId, EventId, OrderId, TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"
import type { LeaseLost } from "./OrderStore.ts"

export interface NewBulkJob {
  readonly tenantId: TenantId
  readonly id: BulkJobId
  readonly kind: BulkJobKind
  readonly eventId: EventId
  readonly reason: string
  readonly actor: Actor
}

/** A job to run. `lease: null` where a job of the event was running already: that one is joined. */
export interface OpenedBulkJob {
  readonly job: BulkJob
  readonly lease: BulkLease | null
}

/** A page of orders that a job has met. */
export interface MetOrders {
  readonly orders: ReadonlyArray<{
    readonly orderId: OrderId
    readonly orderNumber: string
    readonly plannedCents: number
    readonly currency: Currency
  }>
  /** Those that nobody can do anything about: they have failed already. */
  readonly failed: ReadonlyArray<{ readonly orderId: string; readonly orderNumber: string; readonly error: string }>
  /** Where the next page starts; `null` after the last one. */
  readonly next: OrderId | null
}

export interface RecordedOutcome {
  readonly orderId: OrderId
  readonly outcome: BulkOutcome
}

/** Which jobs to claim: those that are due, or the named one if it is. */
export interface BulkClaim {
  readonly limit: number
  readonly only?: { readonly tenantId: TenantId; readonly jobId: BulkJobId }
}

export class BulkJobs extends Context.Service<
  BulkJobs,
  {
    /**
     * Begins a job, claimed by the asker, and closes its event for good, in one transaction: creating and confirming
     * orders of the event is refused from then on. One job of a kind and event runs at a time; a running one is joined.
     */
    readonly open: (job: NewBulkJob) => Effect.Effect<OpenedBulkJob, ServiceUnavailable>
    /** Claims running jobs that nobody is at and whose time has come, the longest overdue first. */
    readonly claim: (claim: BulkClaim) => Effect.Effect<ReadonlyArray<BulkLease>, ServiceUnavailable>
    /** The job as its new holder finds it, with the lease lengthened to its full time. */
    readonly renew: (lease: BulkLease) => Effect.Effect<RunningBulkJob, LeaseLost | ServiceUnavailable>
    /** Writes down the orders that the job meets next, each once, and up to where it has met them. */
    readonly meet: (lease: BulkLease, page: MetOrders) => Effect.Effect<void, LeaseLost | ServiceUnavailable>
    /** Up to `limit` open orders whose time has come, the longest waiting first. */
    readonly due: (
      lease: BulkLease,
      limit: number
    ) => Effect.Effect<ReadonlyArray<OpenBulkItem>, LeaseLost | ServiceUnavailable>
    /** Writes down what became of open orders. One that has an outcome keeps it. */
    readonly record: (
      lease: BulkLease,
      outcomes: ReadonlyArray<RecordedOutcome>
    ) => Effect.Effect<void, LeaseLost | ServiceUnavailable>
    /**
     * Ends a run. The job is DONE, with its sums, once all orders are met and have an outcome; else it is due again:
     * when the first open order is, or at once.
     */
    readonly leave: (lease: BulkLease) => Effect.Effect<BulkJob, LeaseLost | ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/BulkJobs") {}
