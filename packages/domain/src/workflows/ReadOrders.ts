/**
 * Looks at orders: one, a page, a history, and those whose time is about to run out. Nothing here writes.
 */
import { DateTime, Effect } from "effect"
import { type OrderRequest, requireVisible } from "../Access.ts"
import { type Caller, isAdmin, seesAllOrders } from "../Actor.ts"
import { type EventId, type TenantId, UserId } from "../Ids.ts"
import type { OrderStatus } from "../Order.ts"
import { Forbidden } from "../OrderErrors.ts"
import { type ExpiringOrder, type OrderCriteria, OrderReads, type PageKey } from "../ports/OrderReads.ts"
import { OrderStore } from "../ports/OrderStore.ts"

/** One order. Fails with `OrderNotFound` for an absent id, another tenant's and another user's alike (rule 7.1). */
export const getOrder = Effect.fn("getOrder")(function* ({ caller, orderId }: OrderRequest) {
  const store = yield* OrderStore
  const { order } = yield* store.load(caller.tenantId, orderId)
  return yield* requireVisible(caller.actor, order)
})

export interface ListOrdersInput {
  readonly caller: Caller
  /** Staff only: whose orders; everybody's if absent. */
  readonly userId?: UserId | undefined
  readonly status?: OrderStatus | undefined
  readonly eventId?: EventId | undefined
  readonly limit: number
  readonly offset: number
  readonly after: PageKey | null
}

/** A page of orders, newest first: a buyer's own, or for staff the tenant's. */
export const listOrders = Effect.fn("listOrders")(function* (input: ListOrdersInput) {
  const { caller } = input
  const everyone = seesAllOrders(caller.actor)
  if (!everyone && input.userId !== undefined && input.userId !== caller.actor.id) {
    return yield* new Forbidden({ needs: "a staff role to list another user's orders" })
  }
  const reads = yield* OrderReads
  return yield* reads.list({
    tenantId: caller.tenantId,
    userId: everyone ? (input.userId ?? null) : UserId.make(caller.actor.id),
    status: input.status ?? null,
    eventId: input.eventId ?? null,
    limit: input.limit,
    offset: input.offset,
    after: input.after
  })
})

export interface SearchOrdersInput extends OrderCriteria {
  readonly caller: Caller
  readonly limit: number
  readonly after: PageKey | null
}

/** A page of the tenant's orders that fit, newest first. Fails with `Forbidden` for all but admins. */
export const searchOrders = Effect.fn("searchOrders")(function* ({ caller, ...criteria }: SearchOrdersInput) {
  yield* requireAdmin(caller)
  const reads = yield* OrderReads
  return yield* reads.search({ ...criteria, tenantId: caller.tenantId })
})

/** The order's audit facts, oldest first. */
export const orderHistory = Effect.fn("orderHistory")(function* (request: OrderRequest) {
  yield* getOrder(request)
  const reads = yield* OrderReads
  return yield* reads.history(request.caller.tenantId, request.orderId)
})

/** An order about to expire, with the whole minutes that are left of its time. */
export interface ExpiringView extends ExpiringOrder {
  readonly minutesUntilExpiration: number
}

/** Open orders whose deadline lies within the next minutes. A look ahead only: it never feeds expiry (rule 3.5). */
export const expiringOrders = Effect.fn("expiringOrders")(function* (input: {
  readonly tenantId: TenantId
  readonly minutes: number
  readonly limit: number
}) {
  const reads = yield* OrderReads
  const { now, orders } = yield* reads.expiring(input)
  return orders.map((order): ExpiringView => {
    const left = DateTime.toEpochMillis(order.expiresAt) - DateTime.toEpochMillis(now)
    return { ...order, minutesUntilExpiration: Math.max(0, Math.floor(left / 60_000)) }
  })
})

/** Fails unless the caller may act on every order of the tenant. */
export const requireAdmin = (caller: Caller): Effect.Effect<void, Forbidden> =>
  isAdmin(caller.actor) ? Effect.void : Effect.fail(new Forbidden({ needs: "the role admin" }))
