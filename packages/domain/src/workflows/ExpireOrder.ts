/**
 * Expires orders whose time is up: one on request, or all that are due. Both claim EXPIRE work and run it, so that the
 * deadline is checked again with grace and the payment service has the last word (rule 3.5).
 */
import { Effect } from "effect"
import { type OrderRequest, requireOwnerOrAdmin } from "../Access.ts"
import { type Actor, systemActor } from "../Actor.ts"
import { dryRun } from "../changeOrder.ts"
import { isOpen, type Order } from "../Order.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { InvalidTransition } from "../OrderErrors.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import { WorkQueue } from "../ports/WorkQueue.ts"
import { notReady, runWithinBudget } from "../RequestBudget.ts"
import { BACKGROUND_LANE, WorkExecutor } from "../WorkExecutor.ts"

/** How many due orders one sweep expires (rule 3.5). */
export const EXPIRY_BATCH = 100

export interface ExpireOrderInput extends OrderRequest {
  readonly reason: string
}

/**
 * Expires one order. Fails with `OrderNotFound`; `InvalidTransition` while the hold runs, grace included, when the
 * order is paid, or when it has ended; `ServiceUnavailable` when the payment service has not answered yet.
 */
export const expireOrder = Effect.fn("expireOrder")(function* ({ caller, orderId, reason }: ExpireOrderInput) {
  const store = yield* OrderStore
  const queue = yield* WorkQueue
  const stored = yield* store.load(caller.tenantId, orderId)
  yield* requireOwnerOrAdmin(caller.actor, stored.order)
  yield* dryRun(stored, { actor: caller.actor, command: OrderCommand.Expire({ reason, intentClosed: true }) })
  const request = { reason, requestedBy: caller.actor, only: { tenantId: caller.tenantId, orderId } }
  yield* runWithinBudget(yield* queue.claimExpired(1, request))
  const { order } = yield* store.load(caller.tenantId, orderId)
  return yield* expiryResult(order, stored.order.version)
})

const expiryResult = (order: Order, version: number) => {
  if (order.status === "EXPIRED") return Effect.succeed(order)
  const refused = (why: string) =>
    Effect.fail(new InvalidTransition({ orderId: order.id, from: order.status, command: "Expire", why }))
  if (!isOpen(order)) return refused(`the order has become ${order.status}`)
  if (order.stage === "ALLOCATING") return refused("the order is paid and being confirmed")
  return order.version === version
    ? Effect.fail(notReady("the payment service has not said yet whether the order is paid"))
    : refused("a payment is being processed, the hold was extended")
}

const expiryFiber: Actor = systemActor("expiry")

/**
 * Expires a batch of due orders, each on its own: one that fails does not stop the others. Answers how many were
 * claimed; a full batch means that more may be due. Only what can start at once is claimed, so that no lease runs out in
 * a queue.
 */
export const expireDueOrders = Effect.fn("expireDueOrders")(function* () {
  const queue = yield* WorkQueue
  const executor = yield* WorkExecutor
  const request = { reason: "the reservation ran out", requestedBy: expiryFiber }
  let total = 0
  while (total < EXPIRY_BATCH) {
    const limit = Math.min(BACKGROUND_LANE, EXPIRY_BATCH - total)
    const claimed = yield* queue.claimExpired(limit, request)
    yield* executor.runInBackground(claimed)
    total += claimed.length
    if (claimed.length < limit) break
  }
  return total
})
