/**
 * Dry runs. Each asks the same code that would do it.
 */
import type { OrderId } from "@tickettoken/order-domain/Ids"
import { unsafeCents } from "@tickettoken/order-domain/Money"
import type { RefundRequest } from "@tickettoken/order-domain/RefundQuote"
import { quoteCancel, quoteRefundRequest } from "@tickettoken/order-domain/workflows/QuoteChanges"
import { quoteNewOrder } from "@tickettoken/order-domain/workflows/Quotes"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OrderServiceApi } from "../contract/Api.ts"
import { CurrentCaller } from "../contract/Auth.ts"
import type { QuoteOrderBody } from "../contract/Requests.ts"
import { HttpSettings } from "./HttpSettings.ts"
import { providePorts } from "./Ports.ts"
import { refundRequestOf } from "./refundRequestOf.ts"
import { answering } from "./toProblem.ts"
import { refundQuoteView } from "./toViews.ts"

export const layer = HttpApiBuilder.group(
  OrderServiceApi,
  "quotes",
  Effect.fnUntraced(function* (handlers) {
    const withPorts = yield* providePorts
    return handlers.handleAll({
      order: ({ payload }) => withPorts(orderQuote(payload)),
      cancel: ({ payload }) => withPorts(cancelQuote(payload.orderId)),
      refund: ({ payload }) => withPorts(refundQuote(payload.orderId, refundRequestOf(payload)))
    })
  })
)

const orderQuote = Effect.fnUntraced(function* (payload: QuoteOrderBody) {
  const caller = yield* CurrentCaller
  const { defaultCurrency } = yield* HttpSettings
  const { eventId, items, currency = defaultCurrency } = payload
  const { lines, pricing } = yield* answering(quoteNewOrder({ caller, eventId, items, currency }))
  return {
    eventId,
    currency,
    pricing,
    items: lines.map(({ line: { quantity, ticketPricingId, ticketTypeId }, unitPrice }) => ({
      ticketTypeId,
      ticketPricingId,
      quantity,
      unitPrice: unsafeCents(unitPrice),
      // The quote has been made of these products: they are within bounds.
      subtotal: unsafeCents(unitPrice * quantity)
    }))
  }
})

const cancelQuote = Effect.fnUntraced(function* (orderId: OrderId) {
  const caller = yield* CurrentCaller
  const { order, quote } = yield* answering(
    Effect.catchTag(quoteCancel({ caller, orderId }), neverForCancel, Effect.die)
  )
  return refundQuoteView(order, quote)
})

const refundQuote = Effect.fnUntraced(function* (orderId: OrderId, request: RefundRequest) {
  const caller = yield* CurrentCaller
  const { order, quote } = yield* answering(
    Effect.catchTag(quoteRefundRequest({ caller, orderId, request }), neverForRefund, Effect.die)
  )
  return refundQuoteView(order, quote)
})

// What `decide` refuses other commands with: meeting one of these here is a bug.
const neverForCancel = [
  "AmountOutOfRange",
  "OrderAlreadyConfirmed",
  "PaymentMismatch",
  "RefundExceedsCaptured",
  "RefundNotFound",
  "RefundRequestInvalid",
  "RefundStateConflict",
  "ReservationExpired"
] as const
const neverForRefund = [
  "AmountOutOfRange",
  "OrderAlreadyConfirmed",
  "PaymentMismatch",
  "RefundNotFound",
  "RefundStateConflict",
  "ReservationExpired"
] as const
