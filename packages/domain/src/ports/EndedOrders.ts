/**
 * Confirmed orders whose event is over: what the completion job works through (rule 3.9).
 */
import { Context, type Effect } from "effect"
import type { OrderId, TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"

/** An order by tenant and id. */
export interface OrderKey {
  readonly tenantId: TenantId
  readonly orderId: OrderId
}

export class EndedOrders extends Context.Service<
  EndedOrders,
  {
    /** Up to `limit` CONFIRMED orders of any tenant whose event has ended by the store's clock, earliest end first. */
    readonly due: (limit: number) => Effect.Effect<ReadonlyArray<OrderKey>, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/EndedOrders") {}
