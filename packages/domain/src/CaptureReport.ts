/**
 * How a captured payment intent is told to its order: amounts as the payment service states them, never as a caller
 * does (rule 3.6).
 */
import { Effect } from "effect"
import type { Order } from "./Order.ts"
import { OrderCommand } from "./OrderCommand.ts"
import { EventClosures } from "./ports/EventClosures.ts"
import { newRefundId } from "./ports/Identifiers.ts"
import type { PaymentIntent } from "./ports/Payments.ts"

/** The command for a captured intent that should be the order's own; `foundByExpiry`: expiry has asked (rule 3.5). */
export const captureCommand = Effect.fnUntraced(function* (
  order: Pick<Order, "tenantId" | "eventId">,
  captured: PaymentIntent,
  foundByExpiry: boolean
) {
  const closures = yield* EventClosures
  const refundId = yield* newRefundId
  const eventCancelled = yield* closures.isClosed(order.tenantId, order.eventId)
  return OrderCommand.CaptureSeen({
    refundId,
    paymentIntentId: captured.id,
    amount: captured.amountCaptured,
    currency: captured.currency,
    eventCancelled,
    foundByExpiry
  })
})

/** The command for a captured intent that the order never asked for: its money is recorded and returned whole. */
export const unexpectedPaymentCommand = (captured: PaymentIntent) =>
  Effect.map(newRefundId, (refundId) =>
    OrderCommand.UnexpectedPayment({
      refundId,
      paymentIntentId: captured.id,
      amount: captured.amountCaptured,
      currency: captured.currency
    })
  )
