/**
 * What may happen to an order, as commands with sensible contents: work results, payment news, and what people ask.
 *
 * Tests say only what matters to them; the rest follows from the order. Refund ids are the order's own, by number.
 */
import type { PaymentIntentId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import type { Order } from "@tickettoken/order-domain/Order"
import { type CancelMode, OrderCommand, type RefundOutcome } from "@tickettoken/order-domain/OrderCommand"
import type { RefundRequest } from "@tickettoken/order-domain/RefundQuote"
import { nthRefundId, ownIntentId, strayIntentId, ticketsFor } from "./TestOrders.ts"

/** The command with this tag. */
type Command<Tag extends OrderCommand["_tag"]> = Extract<OrderCommand, { readonly _tag: Tag }>

/** What a test may say instead. */
type Changes<Tag extends OrderCommand["_tag"]> = Partial<Omit<Command<Tag>, "_tag">>

/** The numbers of the refunds that commands here would make, so that no two of them collide. */
export const refundNumbers = { late: 1, cancel: 2, allocation: 3, stray: 4, request: 5 } as const

export const openIntent = (order: Order): OrderCommand =>
  OrderCommand.IntentOpened({ paymentIntentId: ownIntentId(order.id), clientSecret: "secret" })

/** The order's own payment, in full and in time unless said otherwise. */
export const captureOwn = (order: Order, changes: Changes<"CaptureSeen"> = {}): OrderCommand =>
  OrderCommand.CaptureSeen({
    refundId: nthRefundId(order.id, refundNumbers.late),
    paymentIntentId: ownIntentId(order.id),
    amount: order.pricing.total,
    currency: order.currency,
    eventCancelled: false,
    foundByExpiry: false,
    ...changes
  })

/** Money of an intent that the order never asked for. */
export const strayPayment = (order: Order, changes: Changes<"UnexpectedPayment"> = {}): OrderCommand =>
  OrderCommand.UnexpectedPayment({
    refundId: nthRefundId(order.id, refundNumbers.stray),
    paymentIntentId: strayIntentId(order.id),
    amount: Cents.make(5000),
    currency: order.currency,
    ...changes
  })

export const paymentFailed = (order: Order, retryable: boolean, intent?: PaymentIntentId): OrderCommand =>
  OrderCommand.PaymentFailed({ paymentIntentId: intent ?? ownIntentId(order.id), retryable, reason: "declined" })

/** All tickets of the order, for good. */
export const allocateAll = (order: Order, changes: Changes<"TicketsAllocated"> = {}): OrderCommand =>
  OrderCommand.TicketsAllocated({
    refundId: nthRefundId(order.id, refundNumbers.allocation),
    tickets: ticketsFor(order),
    eventCancelled: false,
    ...changes
  })

export const allocationRefused = (order: Order): Command<"AllocationRefused"> =>
  OrderCommand.AllocationRefused({
    refundId: nthRefundId(order.id, refundNumbers.allocation),
    why: "the tickets are gone"
  })

/** What the payment service says about the current attempt of the order's refund with this number. */
export const refundSettled = (order: Order, n: number, outcome: RefundOutcome["_tag"]): OrderCommand => {
  const refundId = nthRefundId(order.id, n)
  const attempt = order.refunds.find(({ id }) => id === refundId)?.attempt ?? 1
  return OrderCommand.RefundSettled({
    refundId,
    attempt,
    outcome: outcome === "Failed" ? { _tag: outcome, reason: "refused_by_bank" } : { _tag: outcome }
  })
}

export const cancelAs = (order: Order, mode: CancelMode, n: number = refundNumbers.cancel): Command<"Cancel"> =>
  OrderCommand.Cancel({ refundId: nthRefundId(order.id, n), mode, reason: "plans changed" })

/** The sweeper has asked the payment service for the last word, which was no. */
export const expireNow = OrderCommand.Expire({ reason: "the reservation ran out", intentClosed: true })

/** A refund of everything unless said otherwise. */
export const askRefund = (order: Order, changes: Changes<"RequestRefund"> = {}): OrderCommand =>
  OrderCommand.RequestRefund({
    refundId: nthRefundId(order.id, refundNumbers.request),
    request: { _tag: "Everything" },
    reason: "ill",
    byAdmin: false,
    idempotencyKey: null,
    ...changes
  })

/** Some tickets of the order's nth line. */
export const ticketsOf = (order: Order, line: number, quantity: number): RefundRequest => {
  const item = order.items[line]
  if (item === undefined) throw new Error(`the order has no line ${line}`)
  return { _tag: "Items", items: [{ itemId: item.id, quantity }] }
}
