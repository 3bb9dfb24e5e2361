/**
 * What an order's refund comes to: the order put into the refund policy's terms.
 *
 * Only the order's own payment counts here. Money of an unexpected second payment is returned whole, on its own.
 */
import { Result } from "effect"
import { OrderItemId } from "./Ids.ts"
import type { RefundRequest } from "./OrderCommand.ts"
import type { Order } from "./Order.ts"
import { isCommitted, type Refund } from "./Refund.ts"
import { quoteRefund, type RefundError, type RefundQuote } from "./RefundQuote.ts"

const isOwn = (order: Order) => (entry: { readonly paymentIntentId: string }) =>
  entry.paymentIntentId === order.intent?.id

/** Money taken through the order's own intent, in minor units. */
export const ownCapturedCents = (order: Order): number =>
  order.captures.filter(isOwn(order)).reduce((sum, capture) => sum + capture.amount, 0)

/** The refunds of the order's own payment that hold on to money. */
export const ownCommittedRefunds = (order: Order): ReadonlyArray<Refund> =>
  order.refunds.filter(isOwn(order)).filter(isCommitted)

const sumOf = (refunds: ReadonlyArray<Refund>): number => refunds.reduce((sum, refund) => sum + refund.amount, 0)

/** Tickets of an item that these refunds have given back or are about to. */
const returnedBy = (refunds: ReadonlyArray<Refund>, itemId: string): number =>
  refunds
    .flatMap((refund) => refund.items)
    .reduce((sum, item) => (item.itemId === itemId ? sum + item.quantity : sum), 0)

/**
 * Quotes a refund of this order. `retain` says whether the policy's retention applies (rule 4.2). The real operation
 * takes its amount from here, so a quote and the refund that follows are the same number.
 */
export const quoteOrderRefund = (
  order: Order,
  request: RefundRequest,
  retain: boolean
): Result.Result<RefundQuote, RefundError> => {
  const committed = ownCommittedRefunds(order)
  const waived = committed.filter((refund) => refund.cause !== "VOLUNTARY")
  return quoteRefund(
    {
      subtotal: order.pricing.subtotal,
      total: order.pricing.total,
      captured: ownCapturedCents(order),
      refundCommitted: sumOf(committed),
      lines: order.items.map((item) => ({
        itemId: item.id,
        quantity: item.quantity,
        unitPrice: item.unitPrice,
        returnedQuantity: returnedBy(committed, item.id),
        waivedQuantity: returnedBy(waived, item.id)
      })),
      fixedRetentionTaken: committed.some((refund) => refund.fixedRetention),
      request,
      retain
    },
    order.terms.refunds
  )
}

/** What a new refund takes over from its quote, besides the amount. */
export const refundTerms = (quote: RefundQuote): Pick<Refund, "items" | "retained" | "fixedRetention"> => ({
  items: quote.items.map(({ itemId, quantity }) => ({ itemId: OrderItemId.make(itemId), quantity })),
  retained: quote.retained,
  fixedRetention: quote.fixedRetentionTaken
})

/** What can still be returned, in minor units: 0 when nothing is left. */
export const refundableRestCents = (order: Order, retain: boolean): number =>
  Result.match(quoteOrderRefund(order, { _tag: "Everything" }, retain), {
    onFailure: () => 0,
    onSuccess: (quote) => quote.amount
  })
