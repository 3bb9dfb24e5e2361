/**
 * Questions about bulk jobs that change nothing.
 */
import { Context, type Effect, Schema } from "effect"
import type { BulkItemState, BulkJob, BulkJobState } from "../BulkJob.ts"
import type { BulkJobId, EventId, TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"

/** No such job in this tenant. */
export class BulkJobNotFound extends Schema.TaggedError<BulkJobNotFound>()("BulkJobNotFound", {
  jobId: Schema.String
}) {
  override get message(): string {
    return `bulk job ${this.jobId} does not exist`
  }
}

/** The newest jobs of a tenant. `null` means any. */
export interface BulkJobQuery {
  readonly tenantId: TenantId
  readonly eventId: EventId | null
  readonly state: BulkJobState | null
  readonly limit: number
}

/** Up to `limit` orders of a job that have failed or are tried again, behind the given one, in id order. */
export interface BulkFailuresQuery {
  readonly tenantId: TenantId
  readonly jobId: BulkJobId
  readonly after: string | null
  readonly limit: number
}

/** An order that a job could not do: FAILED for good, or OPEN and tried again. */
export interface BulkFailure {
  readonly orderId: string
  readonly orderNumber: string
  readonly state: Extract<BulkItemState, "OPEN" | "FAILED">
  readonly attempts: number
  readonly error: string
}

/** A page of failures; `next` is where the following page starts, `null` after the last one. */
export interface BulkFailuresPage {
  readonly failures: ReadonlyArray<BulkFailure>
  readonly next: string | null
}

export class BulkJobReads extends Context.Service<
  BulkJobReads,
  {
    readonly find: (
      tenantId: TenantId,
      jobId: BulkJobId
    ) => Effect.Effect<BulkJob, BulkJobNotFound | ServiceUnavailable>
    readonly list: (query: BulkJobQuery) => Effect.Effect<ReadonlyArray<BulkJob>, ServiceUnavailable>
    /** Of a job that does not exist: none. */
    readonly failures: (query: BulkFailuresQuery) => Effect.Effect<BulkFailuresPage, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/BulkJobReads") {}
