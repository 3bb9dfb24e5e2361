/**
 * Cancels an order: the tickets go back and what is due is returned (rules 4.1, 4.2, 4.7).
 */
import { Effect } from "effect"
import { type OrderRequest, requireOwnerOrAdmin } from "../Access.ts"
import { isAdmin } from "../Actor.ts"
import { changeOrder, type Keyed } from "../changeOrder.ts"
import type { Order } from "../Order.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { newRefundId } from "../ports/Identifiers.ts"
import { WorkExecutor } from "../WorkExecutor.ts"

export interface CancelOrderInput extends OrderRequest {
  readonly reason: string | null
  readonly expectedVersion?: number | undefined
  readonly keyed?: Keyed<Order> | undefined
}

/**
 * Cancels and answers at once; voiding the intent, releasing and refunding go on by themselves, also while the services
 * they need are away. An admin who gives a reason overrides the cutoff.
 *
 * Fails with `OrderNotFound`, `Forbidden`, `InvalidTransition`, `CancellationWindowClosed`, `VersionConflict` and
 * `ServiceUnavailable` (the database).
 */
export const cancelOrder = Effect.fn("cancelOrder")(function* (input: CancelOrderInput) {
  const { caller, orderId, reason } = input
  const executor = yield* WorkExecutor
  const refundId = yield* newRefundId
  const mode = isAdmin(caller.actor) ? "admin" : "buyer"
  const changed = yield* changeOrder({
    tenantId: caller.tenantId,
    orderId,
    command: ({ order }) =>
      Effect.as(requireOwnerOrAdmin(caller.actor, order), {
        actor: caller.actor,
        command: OrderCommand.Cancel({ refundId, mode, reason })
      }),
    expectedVersion: input.expectedVersion,
    keyed: input.keyed
  })
  yield* executor.start(changed.work)
  return changed.order
})
