/**
 * What cancelling or refunding an order would return now. Refused for exactly what the real operation would be refused
 * for, because the same decision is taken; nothing is written.
 */
import { Effect } from "effect"
import { type OrderRequest, requireOwnerOrAdmin } from "../Access.ts"
import { isAdmin } from "../Actor.ts"
import { dryRun } from "../changeOrder.ts"
import { RefundId } from "../Ids.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { Identifiers } from "../ports/Identifiers.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import { quoteOrderRefund } from "../RefundDue.ts"
import type { RefundRequest } from "../RefundQuote.ts"

/** What `cancelOrder` would return: 0 while nothing has been paid. An admin is not held to the cutoff. */
export const quoteCancel = Effect.fn("quoteCancel")(function* ({ caller, orderId }: OrderRequest) {
  const stored = yield* loadOwn({ caller, orderId })
  const refundId = yield* newRefundId
  const mode = isAdmin(caller.actor) ? "admin" : "buyer"
  yield* dryRun(stored, { actor: caller.actor, command: OrderCommand.Cancel({ refundId, mode, reason: null }) })
  const quote = yield* Effect.fromResult(quoteOrderRefund(stored.order, { _tag: "Everything" }, true))
  return { order: stored.order, quote }
})

/** What `requestRefund` would return. */
export const quoteRefundRequest = Effect.fn("quoteRefundRequest")(function* (
  input: OrderRequest & { readonly request: RefundRequest }
) {
  const { caller, request } = input
  const stored = yield* loadOwn(input)
  const refundId = yield* newRefundId
  const command = OrderCommand.RequestRefund({
    refundId,
    request,
    reason: "quote",
    byAdmin: isAdmin(caller.actor),
    idempotencyKey: null
  })
  yield* dryRun(stored, { actor: caller.actor, command })
  const quote = yield* Effect.fromResult(quoteOrderRefund(stored.order, request, true))
  return { order: stored.order, quote }
})

const newRefundId = Effect.flatMap(Identifiers, ({ uuid }) => Effect.map(uuid, (id) => RefundId.make(id)))

const loadOwn = Effect.fnUntraced(function* ({ caller, orderId }: OrderRequest) {
  const store = yield* OrderStore
  const stored = yield* store.load(caller.tenantId, orderId)
  yield* requireOwnerOrAdmin(caller.actor, stored.order)
  return stored
})
