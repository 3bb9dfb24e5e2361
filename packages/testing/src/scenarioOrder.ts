/**
 * How an order, its money and the work that it asks for are written in a scenario's table.
 */
import { DateTime } from "effect"
import { isOpen, type Order, paymentStatusOf } from "@tickettoken/order-domain/Order"
import { ticketCount } from "@tickettoken/order-domain/TicketLines"
import type { WorkItem } from "@tickettoken/order-domain/Work"
import { clockOf } from "./scenario.ts"
import { pointOf } from "./TestOrdersByState.ts"

const sinceCreation = (order: Order, instant: DateTime.Utc): string =>
  clockOf(DateTime.toEpochMillis(instant) - DateTime.toEpochMillis(order.createdAt))

/** The state with what makes it that one: the deadline of an open order, the cause of a cancelled one. */
export const stateCell = (order: Order): string => {
  if (isOpen(order)) return `${pointOf(order)} ${sinceCreation(order, order.hold.expiresAt)}`
  switch (order.status) {
    case "CANCELLED":
      return `CANCELLED ${order.cause}`
    case "CONFIRMED":
    case "COMPLETED":
      return order.late ? `${order.status} late` : order.status
    default:
      return pointOf(order)
  }
}

/** The payment axis, and every refund by its place in the order: `PAID, 1 PENDING 22808`. */
export const moneyCell = (order: Order): string =>
  [
    paymentStatusOf(order),
    ...order.refunds.map(
      ({ amount, attempt, state }, at) => `${at + 1} ${state} ${amount}${attempt > 1 ? ` (attempt ${attempt})` : ""}`
    )
  ].join(", ")

const workWord = ({ work }: WorkItem): string => {
  switch (work._tag) {
    case "INTENT":
    case "REFUND":
      return `${work._tag} ${work.amount}`
    case "RELEASE":
      return work.lines === null ? "RELEASE" : `RELEASE ${work.lines.map(({ quantity }) => quantity).join("+")}`
    default:
      return work._tag
  }
}

/** The work that a decision asks for. */
export const workCell = (work: ReadonlyArray<WorkItem>): string => work.map(workWord).join(", ")

/** How many tickets an order is for, to compare with what it holds. */
export const ticketsCell = (order: Order): string => String(ticketCount(order.items))
