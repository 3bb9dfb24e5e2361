/**
 * A person decides about a refund: approves or rejects one that waits for review, or tries one again that has failed
 * (rules 4.5, 4.6).
 */
import { Effect } from "effect"
import { type OrderRequest, requireVisible } from "../Access.ts"
import { isAdmin } from "../Actor.ts"
import { changeOrder } from "../changeOrder.ts"
import type { RefundId } from "../Ids.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { Forbidden } from "../OrderErrors.ts"
import { WorkExecutor } from "../WorkExecutor.ts"

/** What the person has decided. */
export type RefundVerdict =
  | { readonly _tag: "Approve" }
  | { readonly _tag: "Reject"; readonly reason: string }
  | { readonly _tag: "Retry" }

export interface ReviewRefundInput extends OrderRequest {
  readonly refundId: RefundId
  readonly verdict: RefundVerdict
}

const commandOf = ({ refundId, verdict }: ReviewRefundInput): OrderCommand => {
  switch (verdict._tag) {
    case "Approve":
      return OrderCommand.ApproveRefund({ refundId })
    case "Reject":
      return OrderCommand.RejectRefund({ refundId, reason: verdict.reason })
    case "Retry":
      return OrderCommand.RetryRefund({ refundId })
  }
}

/**
 * Records the decision and starts what it asks for. Fails with `OrderNotFound`, `RefundNotFound`, `Forbidden` for
 * anybody but an admin, `RefundStateConflict` when the refund is not in the state that the verdict needs,
 * `RefundExceedsCaptured` when what it would return has gone back otherwise, and `ServiceUnavailable` (the database).
 */
export const reviewRefund = Effect.fn("reviewRefund")(function* (input: ReviewRefundInput) {
  const { actor, tenantId } = input.caller
  const executor = yield* WorkExecutor
  const changed = yield* changeOrder({
    tenantId,
    orderId: input.orderId,
    command: ({ order }) =>
      requireVisible(actor, order).pipe(
        Effect.filterOrFail(
          () => isAdmin(actor),
          () => new Forbidden({ needs: "the role admin" })
        ),
        Effect.as({ actor, command: commandOf(input) })
      )
  })
  yield* executor.start(changed.work)
  return changed.order
})
