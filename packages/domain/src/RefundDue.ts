/**
 * What an order's refund comes to: the order put into the refund policy's terms.
 *
 * Only the order's own payment counts here. Money of an unexpected second payment is returned whole, on its own.
 */
import { Result } from "effect"
import { OrderItemId } from "./Ids.ts"
import type { Capture, Order } from "./Order.ts"
import { isCommitted, type Refund } from "./Refund.ts"
import { quoteRefund, type RefundError, type RefundQuote, type RefundRequest } from "./RefundQuote.ts"

const isOwn = (order: Order) => (entry: { readonly paymentIntentId: string }) =>
  entry.paymentIntentId === order.intent?.id

/** The payment that this order was made for, as opposed to a second one that nobody asked for. */
export const ownCapture = (order: Order): Capture | undefined => order.captures.find(isOwn(order))

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

/**
 * What can still be returned of the order's own payment, in minor units: 0 when nothing is left. A stored order's
 * figures always make a quote; should they not, nothing is said to be left and the order stays as it is.
 */
export const refundableRestCents = (order: Order, retain: boolean): number | null =>
  Result.match(quoteOrderRefund(order, { _tag: "Everything" }, retain), {
    onFailure: () => null,
    onSuccess: (quote) => quote.amount
  })

/** The money of the order's own payment that refunds hold on to, in minor units. */
export const ownCommittedCents = (order: Order): number => sumOf(ownCommittedRefunds(order))

/**
 * Whether a refund that has failed can still be carried out: its tickets have not been returned by another refund in the
 * meantime, and its amount is within what is left (rules 4.2, 4.4).
 */
export const refundStillFits = (order: Order, refund: Refund): boolean => {
  if (refund.paymentIntentId !== order.intent?.id) return strayRestCents(order, refund) >= refund.amount
  const committed = ownCommittedRefunds(order)
  const isFree = refund.items.every(({ itemId, quantity }) => {
    const item = order.items.find(({ id }) => id === itemId)
    return item !== undefined && returnedBy(committed, itemId) + quantity <= item.quantity
  })
  const rest = refundableRestCents(order, refund.cause === "VOLUNTARY")
  return isFree && rest !== null && rest >= refund.amount
}

// A second payment is returned whole: what is left of it is what no refund of it holds on to.
const strayRestCents = (order: Order, refund: Refund): number => {
  const isSame = (entry: { readonly paymentIntentId: string }) => entry.paymentIntentId === refund.paymentIntentId
  const captured = order.captures.filter(isSame).reduce((sum, { amount }) => sum + amount, 0)
  return captured - sumOf(order.refunds.filter(isSame).filter(isCommitted))
}
