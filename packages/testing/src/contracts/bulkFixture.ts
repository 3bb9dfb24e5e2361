/**
 * Bulk jobs as the suites begin them, through the port itself.
 */
import { Effect } from "effect"
import { bulkCancelStep } from "@tickettoken/order-domain/BulkCancel"
import { BulkJobId } from "@tickettoken/order-domain/Ids"
import type { Order } from "@tickettoken/order-domain/Order"
import { BulkJobs, type MetOrders } from "@tickettoken/order-domain/ports/BulkJobs"
import { type Buyer, jobActor, randomUuid } from "../TestOrders.ts"

/** A job for this buyer's event, not begun yet. */
export const newJob = Effect.fnUntraced(function* ({ eventId, tenantId }: Pick<Buyer, "tenantId" | "eventId">) {
  const id = BulkJobId.make(yield* randomUuid)
  return { tenantId, id, kind: "CANCEL_EVENT", eventId, reason: "rain", actor: jobActor } as const
})

/** Begins a job for this buyer's event; there must be none. */
export const openNew = Effect.fnUntraced(function* (buyer: Pick<Buyer, "tenantId" | "eventId">) {
  const jobs = yield* BulkJobs
  const { job, lease } = yield* jobs.open(yield* newJob(buyer))
  return lease === null ? yield* Effect.die(new Error("a job of this event is running")) : { job, lease }
})

/** These orders as a page of a job: the last one, unless there are more. */
export const pageOf = (orders: ReadonlyArray<Order>, next: MetOrders["next"] = null): MetOrders => ({
  orders: orders.map((order) => ({
    orderId: order.id,
    orderNumber: order.orderNumber,
    plannedCents: bulkCancelStep(order)?.refundCents ?? 0,
    currency: order.currency
  })),
  failed: [],
  next
})

/** Begins a job that has met these orders. */
export const openMet = Effect.fnUntraced(function* (
  buyer: Pick<Buyer, "tenantId" | "eventId">,
  orders: ReadonlyArray<Order>
) {
  const jobs = yield* BulkJobs
  const opened = yield* openNew(buyer)
  yield* jobs.meet(opened.lease, pageOf(orders))
  return opened
})
