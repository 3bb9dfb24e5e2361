/**
 * The kind CANCEL_EVENT of bulk jobs: which orders it meets, and what it does to one (rule 5).
 */
import { Duration, Effect } from "effect"
import { bulkCancelStep, BULK_PAGE } from "../BulkCancel.ts"
import { BulkOutcome, type OpenBulkItem, type RunningBulkJob } from "../BulkJob.ts"
import { changeOrder } from "../changeOrder.ts"
import type { OrderId } from "../Ids.ts"
import { OrderCommand } from "../OrderCommand.ts"
import type { MetOrders } from "../ports/BulkJobs.ts"
import { newRefundId } from "../ports/Identifiers.ts"
import { OrderReads } from "../ports/OrderReads.ts"
import { WorkExecutor } from "../WorkExecutor.ts"

/** An order's tickets go back, and its payment is closed or returned. */
export const CALLS_PER_CANCELLED_ORDER = 2

/** How long the run waits for the calls of one order. */
const WORK_WAIT = Duration.seconds(2)

/** The event's cancellable orders behind the given one, in id order: no order is met twice, memory stays flat. */
export const meetOrders = Effect.fnUntraced(function* ({ eventId, tenantId }: RunningBulkJob, after: OrderId | null) {
  const reads = yield* OrderReads
  const { next, orders, unreadable } = yield* reads.cancellableOfEvent(tenantId, eventId, after, BULK_PAGE)
  const page: MetOrders = {
    orders: orders.map((order) => ({
      orderId: order.id,
      orderNumber: order.orderNumber,
      plannedCents: bulkCancelStep(order)?.refundCents ?? 0,
      currency: order.currency
    })),
    failed: unreadable.map(({ id, orderNumber }) => ({
      orderId: id,
      orderNumber,
      error: "the order can not be read"
    })),
    next
  }
  return page
})

/** Cancels one order in full, without review. Fails as `changeOrder` does. */
export const cancelOne = (job: RunningBulkJob, item: OpenBulkItem) =>
  Effect.gen(function* () {
    const executor = yield* WorkExecutor
    const refundId = yield* newRefundId
    let refundCents = 0
    const changed = yield* changeOrder({
      tenantId: job.tenantId,
      orderId: item.orderId,
      command: ({ order }) => {
        refundCents = bulkCancelStep(order)?.refundCents ?? 0
        return Effect.succeed({
          actor: job.actor,
          command: OrderCommand.Cancel({ refundId, mode: "organiser", reason: job.reason })
        })
      }
    })
    // Waiting paces the run by the services it calls; what takes longer is finished by the sweeper.
    yield* Effect.timeoutOption(executor.runInBulk(changed.work), WORK_WAIT)
    return BulkOutcome.Succeeded({ refundCents })
  }).pipe(Effect.catchTag("InvalidTransition", () => wasCancelledByUs(job, item)))

/**
 * An order that can not be cancelled any more has ended by itself, or we have cancelled it and died before that was
 * written down. It was cancellable when it was met, and an event has one job at a time: an organiser who has cancelled it
 * since is this job.
 */
const wasCancelledByUs = Effect.fnUntraced(function* (job: RunningBulkJob, { orderId, plannedCents }: OpenBulkItem) {
  const reads = yield* OrderReads
  const history = yield* reads.history(job.tenantId, orderId)
  const isOurs = history.some(
    ({ event: { data, type } }) => type === "ORDER_CANCELLED" && "cause" in data && data["cause"] === "ORGANISER"
  )
  return isOurs ? BulkOutcome.Succeeded({ refundCents: plannedCents }) : BulkOutcome.Untouched()
})
