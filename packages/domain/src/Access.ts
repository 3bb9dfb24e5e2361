/**
 * Who may see an order and who may change it (rule 7.1). Tenant isolation is the store's; this is about people.
 */
import { Effect } from "effect"
import { type Actor, type Caller, isAdmin, seesAllOrders } from "./Actor.ts"
import type { OrderId } from "./Ids.ts"
import type { Order } from "./Order.ts"
import { Forbidden, OrderNotFound } from "./OrderErrors.ts"

/** Another user's order is answered exactly as an absent one. */
export const requireVisible = (actor: Actor, order: Order): Effect.Effect<Order, OrderNotFound> =>
  seesAllOrders(actor) || order.userId === actor.id
    ? Effect.succeed(order)
    : Effect.fail(new OrderNotFound({ orderId: order.id }))

/** The owner, an admin, and our own services and jobs change orders; support and finance look at them. */
export const requireOwnerOrAdmin = (actor: Actor, order: Order): Effect.Effect<Order, OrderNotFound | Forbidden> =>
  requireVisible(actor, order).pipe(
    Effect.filterOrFail(
      () => isAdmin(actor) || actor.kind === "system" || actor.kind === "service" || order.userId === actor.id,
      () => new Forbidden({ needs: "the order's owner or the role admin" })
    )
  )

/** What every request about one order states. */
export interface OrderRequest {
  readonly caller: Caller
  readonly orderId: OrderId
}
