/**
 * Quotes, cancellations and refunds as the command prints them.
 */
import { format } from "@tickettoken/order-domain/Currency"
import type { Order } from "@tickettoken/order-domain/Order"
import type { Refund } from "@tickettoken/order-domain/Refund"
import { cancelRefundStatus } from "@tickettoken/order-domain/RefundDecisions"
import type { RefundQuote } from "@tickettoken/order-domain/RefundQuote"
import type { PricedOrder } from "@tickettoken/order-domain/workflows/CreateOrder"
import { DateTime } from "effect"
import { money, refundJson } from "./OrderTables.ts"
import { fields, type Printable } from "./Output.ts"

export const quoteDetails = (priced: PricedOrder, currency: Order["currency"]): Printable => ({
  json: {
    eventId: priced.event.id,
    currency,
    pricing: priced.pricing,
    items: priced.lines.map(({ line, unitPrice }) => ({ ...line, unitPrice, subtotal: unitPrice * line.quantity }))
  },
  ...fields([
    ["event", priced.event.name],
    ["subtotal", format(priced.pricing.subtotal, currency)],
    ["platform fee", format(priced.pricing.platformFee, currency)],
    ["processing fee", format(priced.pricing.processingFee, currency)],
    ["tax", format(priced.pricing.tax, currency)],
    ["total", format(priced.pricing.total, currency)]
  ])
})

/** What a cancellation or a refund would return. */
export const refundQuoteDetails = (order: Order, quote: RefundQuote): Printable => ({
  json: {
    dryRun: true,
    orderId: order.id,
    currency: order.currency,
    amount: quote.amount,
    retained: quote.retained,
    gross: quote.gross,
    alreadyReturned: quote.alreadyReturned,
    refundableRest: quote.refundableRest,
    items: quote.items
  },
  ...fields([
    ["order", order.id],
    ["number", order.orderNumber],
    ["would return", money(quote.amount, order)],
    ["would keep", money(quote.retained, order)],
    ["refundable", money(quote.refundableRest, order)]
  ]),
  note: "dry run: nothing was changed"
})

/** How the order stands after its cancellation, with the money that goes back. */
export const cancelDetails = (order: Order): Printable => {
  const refund = order.refunds.at(-1)
  const refundStatus = cancelRefundStatus(order)
  return {
    json: {
      orderId: order.id,
      orderNumber: order.orderNumber,
      status: order.status,
      refundStatus,
      currency: order.currency,
      refund: refund === undefined ? null : refundJson(refund)
    },
    ...fields([
      ["order", order.id],
      ["number", order.orderNumber],
      ["status", order.status],
      ["refund", refundStatus],
      ...(refund === undefined ? [] : [["returned", `${money(refund.amount, order)} ${refund.state}`] as const])
    ]),
    note: refundNote(refund)
  }
}

export const refundDetails = (order: Order, refund: Refund): Printable => ({
  json: { orderId: order.id, orderNumber: order.orderNumber, currency: order.currency, ...refundJson(refund) },
  ...fields([
    ["refund", refund.id],
    ["order", order.id],
    ["number", order.orderNumber],
    ["returned", money(refund.amount, order)],
    ["status", refund.state],
    ["arrives about", DateTime.formatIso(refund.estimatedArrivalAt)]
  ]),
  note: refundNote(refund)
})

// What the operator can not see from the state's name alone.
const refundNote = (refund: Refund | undefined): string | undefined => {
  switch (refund?.state) {
    case "PENDING":
      return "the refund waits for a review"
    case "APPROVED":
    case "PROCESSING":
      return "the refund is on its way: the running server goes on with it"
    case "FAILED":
      return `the payment service has refused the refund: ${refund.failureReason ?? "it gave no reason"}`
    default:
      return undefined
  }
}
