/**
 * Dry runs of the operations that move money: the same checks and the same numbers, and nothing is written.
 */
import { Effect } from "effect"
import { type OrderRequest, requireOwnerOrAdmin } from "../Access.ts"
import { Policies } from "../ports/Policies.ts"
import type { RefundRequest } from "../RefundQuote.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import { quoteOrderRefund } from "../RefundDue.ts"
import { type CreateOrderInput, priceNewOrder } from "./CreateOrder.ts"

/** What an order would cost: fails with what `createOrder` would refuse it for, up to the user's limits. */
export const quoteNewOrder = Effect.fn("quoteNewOrder")(function* (
  input: Pick<CreateOrderInput, "caller" | "eventId" | "items" | "currency">
) {
  const policies = yield* Effect.flatMap(Policies, (service) => service.of(input.caller.tenantId))
  return yield* priceNewOrder(input, policies)
})

/** What a refund, or a cancellation by the buyer (`Everything`), would return. */
export const quoteRefundOf = Effect.fn("quoteRefundOf")(function* (
  input: OrderRequest & { readonly request: RefundRequest }
) {
  const store = yield* OrderStore
  const { order } = yield* store.load(input.caller.tenantId, input.orderId)
  yield* requireOwnerOrAdmin(input.caller.actor, order)
  return yield* Effect.fromResult(quoteOrderRefund(order, input.request, true))
})
