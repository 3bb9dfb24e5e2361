/**
 * The work that is due: claimed in batches under a lease, retried with backoff, and given up by nobody but an operator.
 */
import { Context, type Duration, type Effect } from "effect"
import type { ServiceUnavailable } from "../OrderErrors.ts"
import type { ClaimedWork, WorkLease } from "../Work.ts"
import type { LeaseLost } from "./OrderStore.ts"

export class WorkQueue extends Context.Service<
  WorkQueue,
  {
    /** Claims up to `limit` items whose time has come or whose lease has run out, oldest first. */
    readonly claimDue: (limit: number) => Effect.Effect<ReadonlyArray<ClaimedWork>, ServiceUnavailable>
    /** Makes and claims EXPIRE work for up to `limit` open orders past deadline and grace, oldest deadline first. */
    readonly claimExpired: (limit: number) => Effect.Effect<ReadonlyArray<ClaimedWork>, ServiceUnavailable>
    /** Marks the item done without changing its order. */
    readonly settle: (lease: WorkLease) => Effect.Effect<void, LeaseLost | ServiceUnavailable>
    /** Gives the item back, to be claimed again after the delay; `why` is kept for the operator. */
    readonly retry: (
      lease: WorkLease,
      delay: Duration.Duration,
      why: string
    ) => Effect.Effect<void, LeaseLost | ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/WorkQueue") {}
