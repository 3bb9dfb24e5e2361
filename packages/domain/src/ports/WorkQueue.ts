/**
 * The work that is due: claimed in batches under a lease, retried with backoff, and given up by nobody but an operator.
 */
import { Context, type Duration, type Effect } from "effect"
import type { Actor } from "../Actor.ts"
import type { OrderId, TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"
import type { ClaimedWork, WorkLease } from "../Work.ts"
import type { LeaseLost } from "./OrderStore.ts"

/** Why orders are expired, on whose account, and optionally which single one. */
export interface ExpiryRequest {
  readonly reason: string
  readonly requestedBy: Actor
  readonly only?: { readonly tenantId: TenantId; readonly orderId: OrderId }
}

export class WorkQueue extends Context.Service<
  WorkQueue,
  {
    /** Claims up to `limit` items whose time has come or whose lease has run out, oldest first. */
    readonly claimDue: (limit: number) => Effect.Effect<ReadonlyArray<ClaimedWork>, ServiceUnavailable>
    /**
     * Makes and claims EXPIRE work for up to `limit` open orders past deadline and grace, oldest deadline first, or
     * for the one order that is named. An order whose EXPIRE work is open already is left to that work.
     */
    readonly claimExpired: (
      limit: number,
      request: ExpiryRequest
    ) => Effect.Effect<ReadonlyArray<ClaimedWork>, ServiceUnavailable>
    /** Whether a RELEASE of this order is still to be done: its tickets must not be allocated anew before that. */
    readonly hasOpenRelease: (tenantId: TenantId, orderId: OrderId) => Effect.Effect<boolean, ServiceUnavailable>
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
