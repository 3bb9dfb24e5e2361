/**
 * Keeps several from asking about one order at once (rule 3.12). It saves work and decides nothing: whoever does not get
 * it goes on a moment later, and row lock, version and lease token hold what has to hold.
 *
 * Without one every effect simply runs.
 */
import { Context, Effect } from "effect"
import type { OrderId } from "../Ids.ts"

export interface OrderLockShape {
  /** Waits a moment for whoever has the order, then runs the effect either way: it looks at the order first. */
  readonly around: <A, E, R>(orderId: OrderId, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const OrderLock = Context.Reference<OrderLockShape>("@tickettoken/order-domain/ports/OrderLock", {
  defaultValue: () => ({ around: (_, effect) => effect })
})

/** Runs the effect under the lock of the order, if there is one to be had. */
export const aroundOrder = <A, E, R>(orderId: OrderId, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(OrderLock, ({ around }) => around(orderId, effect))
