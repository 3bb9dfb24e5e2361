/**
 * Open orders that wait for their payment: what the payment watch asks the payment service about (rule 3.13).
 */
import { Context, type DateTime, type Effect } from "effect"
import type { OrderId, TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"

/** An order that waits for its payment, and its place among them: orders of one deadline come by id. */
export interface AwaitedPayment {
  readonly tenantId: TenantId
  readonly orderId: OrderId
  readonly expiresAt: DateTime.Utc
}

/** An order is asked about once it is this old: until then its payment is announced in time, as a rule. */
export const WATCH_AFTER_MINUTES = 5

/** Or once its deadline is as near as this: a short hold is over before it is old. */
export const WATCH_BEFORE_DEADLINE_MINUTES = 2

export class AwaitedPayments extends Context.Service<
  AwaitedPayments,
  {
    /**
     * Up to `limit` open orders of any tenant that await payment and are old enough or near their deadline by the
     * store's clock, the nearest deadline first, after the given one. Those past deadline and grace are expiry's.
     */
    readonly due: (
      limit: number,
      after: AwaitedPayment | null
    ) => Effect.Effect<ReadonlyArray<AwaitedPayment>, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/AwaitedPayments") {}
