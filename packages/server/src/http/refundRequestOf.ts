/**
 * A refund body as what the domain is asked for: everything, a sum, or tickets.
 */
import type { OrderItemId } from "@tickettoken/order-domain/Ids"
import type { Cents } from "@tickettoken/order-domain/Money"
import type { RefundRequest } from "@tickettoken/order-domain/RefundQuote"

/** The contract sees to it that not both are given. */
export const refundRequestOf = ({
  amount,
  items
}: {
  readonly amount?: Cents
  readonly items?: ReadonlyArray<{ readonly itemId: OrderItemId; readonly quantity: number }>
}): RefundRequest => {
  if (amount !== undefined) return { _tag: "Amount", amount }
  return items === undefined ? { _tag: "Everything" } : { _tag: "Items", items }
}
