/**
 * Returns money of a confirmed order, all of it, a sum, or the price of some tickets (rules 3.10, 4.3 to 4.6).
 */
import { Effect } from "effect"
import { type OrderRequest, requireOwnerOrAdmin } from "../Access.ts"
import { isAdmin } from "../Actor.ts"
import { changeOrder, type Keyed } from "../changeOrder.ts"
import type { RefundId } from "../Ids.ts"
import type { Order } from "../Order.ts"
import { OrderCommand } from "../OrderCommand.ts"
import type { RefundRequest } from "../RefundQuote.ts"
import { RefundNotFound } from "../OrderErrors.ts"
import { newRefundId } from "../ports/Identifiers.ts"
import type { Refund } from "../Refund.ts"
import { WorkExecutor } from "../WorkExecutor.ts"

/** A refund with the order that it belongs to. */
export interface RefundOfOrder {
  readonly order: Order
  readonly refund: Refund
}

export interface RequestRefundInput extends OrderRequest {
  readonly request: RefundRequest
  readonly reason: string
  readonly expectedVersion?: number | undefined
  readonly keyed?: Keyed<RefundOfOrder> | undefined
}

/**
 * Records the refund and answers at once: APPROVED and on its way, or PENDING until a person has reviewed it.
 *
 * Fails with `OrderNotFound`, `Forbidden`, `InvalidTransition`, `CancellationWindowClosed`, `RefundExceedsCaptured`,
 * `RefundRequestInvalid`, `VersionConflict` and `ServiceUnavailable` (the database).
 */
export const requestRefund = Effect.fn("requestRefund")(function* (input: RequestRefundInput) {
  const { caller, keyed, orderId, reason, request } = input
  const executor = yield* WorkExecutor
  const refundId = yield* newRefundId
  const changed = yield* changeOrder({
    tenantId: caller.tenantId,
    orderId,
    command: ({ order }) =>
      Effect.as(requireOwnerOrAdmin(caller.actor, order), {
        actor: caller.actor,
        command: OrderCommand.RequestRefund({
          refundId,
          request,
          reason,
          byAdmin: isAdmin(caller.actor),
          idempotencyKey: keyed?.claim.key ?? null
        })
      }),
    expectedVersion: input.expectedVersion,
    keyed:
      keyed === undefined
        ? undefined
        : { claim: keyed.claim, render: (order) => keyed.render(refundOf(order, refundId)) }
  })
  yield* executor.start(changed.work)
  return refundOf(changed.order, refundId)
})

// The decision that has just been taken put the refund there: its absence is a defect.
const refundOf = (order: Order, refundId: RefundId): RefundOfOrder => {
  const refund = order.refunds.find(({ id }) => id === refundId)
  if (refund === undefined) throw new RefundNotFound({ refundId })
  return { order, refund }
}
