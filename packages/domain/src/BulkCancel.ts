/**
 * Cancelling a whole event, as pure decisions: what would happen to each order, and what a run comes to (rule 5).
 */
import { addCents, type CentsByCurrency } from "./BulkJob.ts"
import { type Order, isOpen } from "./Order.ts"
import { ownCommittedRefunds, refundableRestCents } from "./RefundDue.ts"

/** Orders answered within one request; more go on in the background. */
export const BULK_ORDERS_IN_REQUEST_MAX = 500

/** How many orders one page of a run holds. */
export const BULK_PAGE = 100

/** What the cancellation of its event does to one order. */
export interface BulkCancelStep {
  readonly order: Order
  readonly action: "release" | "cancel" | "cancel-and-refund"
  /** Returned in full, without retention, refunds that wait for review included; in minor units. */
  readonly refundCents: number
}

/** A cancelled event ends every PENDING, RESERVED and CONFIRMED order; all others stay as they are. */
export const bulkCancelStep = (order: Order): BulkCancelStep | null => {
  if (!isOpen(order) && order.status !== "CONFIRMED") return null
  const inReview = ownCommittedRefunds(order).filter(({ state }) => state === "PENDING")
  const refundCents = inReview.reduce((sum, { amount }) => sum + amount, refundableRestCents(order, false) ?? 0)
  if (refundCents > 0) return { order, action: "cancel-and-refund", refundCents }
  return { order, action: isOpen(order) ? "release" : "cancel", refundCents: 0 }
}

/** What a dry run answers: counts, and money by currency. */
export interface BulkCancelPlan {
  readonly orders: number
  readonly releases: number
  readonly refunds: number
  readonly refundCents: CentsByCurrency
}

export const emptyPlan: BulkCancelPlan = { orders: 0, releases: 0, refunds: 0, refundCents: {} }

/** Adds one order to a plan; orders that stay as they are do not count. */
export const addToPlan = (plan: BulkCancelPlan, order: Order): BulkCancelPlan => {
  const step = bulkCancelStep(order)
  if (step === null) return plan
  return {
    orders: plan.orders + 1,
    releases: plan.releases + (step.action === "release" ? 1 : 0),
    refunds: plan.refunds + (step.action === "cancel-and-refund" ? 1 : 0),
    refundCents: addCents(plan.refundCents, order.currency, step.refundCents)
  }
}

/** One order's failure within a run. */
export interface BulkCancelError {
  readonly orderId: string
  readonly orderNumber: string
  readonly error: string
}

/** What a run has come to. */
export interface BulkCancelResults {
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  /** The first {@link BULK_ORDERS_IN_REQUEST_MAX} of them. */
  readonly errors: ReadonlyArray<BulkCancelError>
}

/** `all` also when there was nothing to do. */
export const bulkOutcome = ({
  failed,
  succeeded
}: Pick<BulkCancelResults, "failed" | "succeeded">): "all" | "some" | "none" => {
  if (failed === 0) return "all"
  return succeeded > 0 ? "some" : "none"
}
