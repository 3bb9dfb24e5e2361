/**
 * Confirmed orders whose event is over: what the completion job works through (rule 3.9).
 */
import { Context, type DateTime, type Effect } from "effect"
import type { OrderId, TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"

/** An order that is to be completed, and its place among them: orders of one end come by id. */
export interface EndedOrder {
  readonly tenantId: TenantId
  readonly orderId: OrderId
  readonly endedAt: DateTime.Utc
}

export class EndedOrders extends Context.Service<
  EndedOrders,
  {
    /**
     * Up to `limit` CONFIRMED orders of any tenant whose event has ended by the store's clock, earliest end first, after
     * the given one: an order that can not be completed stays due, and must not hide those behind it.
     */
    readonly due: (
      limit: number,
      after: EndedOrder | null
    ) => Effect.Effect<ReadonlyArray<EndedOrder>, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/EndedOrders") {}
