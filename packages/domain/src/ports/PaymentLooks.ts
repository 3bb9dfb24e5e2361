/**
 * Orders that have ended, in the order of their ends: what the payment watch looks back at (rule 3.13).
 */
import { Context, type DateTime, type Effect } from "effect"
import type { OrderId, TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"

/** An order that has ended, and its place among them: orders of one instant come by id. */
export interface LookedBackAt {
  readonly tenantId: TenantId
  readonly orderId: OrderId
  readonly endedAt: DateTime.Utc
}

/** Older ends are not looked at: not even after a long pause, or when a look is new. */
export const LOOK_BACK_DAYS_MAX = 7

export class PaymentLooks extends Context.Service<
  PaymentLooks,
  {
    /**
     * Up to `limit` CANCELLED or EXPIRED orders of any tenant that ended so many seconds ago or more by the store's
     * clock, the earliest end first, and that the look of so many seconds has not passed yet.
     */
    readonly due: (
      afterSeconds: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<LookedBackAt>, ServiceUnavailable>
    /** The look of so many seconds has passed this order and all that ended before it. It never goes back. */
    readonly passed: (afterSeconds: number, last: LookedBackAt) => Effect.Effect<void, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/PaymentLooks") {}
