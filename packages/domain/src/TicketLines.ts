/**
 * An order's items as the ticket service counts them.
 */
import type { OrderItem } from "./Order.ts"
import type { TicketLine } from "./Work.ts"

/** The lines to hold or to give back. */
export const ticketLines = (items: ReadonlyArray<OrderItem>): ReadonlyArray<TicketLine> =>
  items.map(({ quantity, ticketPricingId, ticketTypeId }) => ({ ticketTypeId, ticketPricingId, quantity }))

/** How many tickets an order has in all. */
export const ticketCount = (items: ReadonlyArray<OrderItem>): number =>
  items.reduce((sum, item) => sum + item.quantity, 0)
