/**
 * Cancels every order of a cancelled event (rule 5).
 *
 * The event is closed first, in a row of its own: from then on no order of it is made or confirmed. Each order is then
 * cancelled in its own transaction, so a run that stops half-way is simply run again.
 */
import { Cause, Duration, Effect, Option } from "effect"
import type { Caller } from "../Actor.ts"
import {
  addFailure,
  addSuccess,
  addToPlan,
  BULK_PAGE,
  type BulkCancelPlan,
  type BulkCancelResults,
  emptyPlan,
  emptyResults
} from "../BulkCancel.ts"
import { changeOrder } from "../changeOrder.ts"
import type { EventId, OrderId } from "../Ids.ts"
import type { Order } from "../Order.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { EventClosures } from "../ports/EventClosures.ts"
import { newRefundId } from "../ports/Identifiers.ts"
import { type CancellablePage, OrderReads, type UnreadableOrder } from "../ports/OrderReads.ts"
import { WorkExecutor } from "../WorkExecutor.ts"

export interface BulkCancelInput {
  readonly caller: Caller
  readonly eventId: EventId
  readonly reason: string
}

/** How many orders are cancelled side by side: enough to hide the round trips, few enough to leave room for buyers. */
const CONCURRENCY = 8

/** How long the run waits for the calls of one order. */
const WORK_WAIT = Duration.seconds(2)

// Walks the event's cancellable orders page by page, in id order: no order is met twice, memory stays flat.
const foldOrders = <A, E, R>(
  input: BulkCancelInput,
  initial: A,
  page: (state: A, found: CancellablePage) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const reads = yield* OrderReads
    let state = initial
    let after: OrderId | null = null
    for (;;) {
      const found: CancellablePage = yield* reads.cancellableOfEvent(
        input.caller.tenantId,
        input.eventId,
        after,
        BULK_PAGE
      )
      state = yield* page(state, found)
      if (found.next === null) return state
      after = found.next
    }
  })

/**
 * What cancelling the event would do: counts and money, of the orders that can be read. Nothing is written. Fails with
 * `ServiceUnavailable`.
 */
export const planBulkCancel = Effect.fn("planBulkCancel")((input: BulkCancelInput) =>
  foldOrders(input, emptyPlan, (plan: BulkCancelPlan, { orders }) => Effect.succeed(orders.reduce(addToPlan, plan)))
)

/**
 * Closes the event and cancels its orders with full refunds, without review. An order that cannot be cancelled, or not
 * even read, is listed and does not stop the others. Fails with `ServiceUnavailable` when the database is away; run it again then.
 */
export const bulkCancelEvent = Effect.fn("bulkCancelEvent")(function* (input: BulkCancelInput) {
  const { caller, eventId, reason } = input
  const closures = yield* EventClosures
  yield* closures.close(caller.tenantId, eventId, { reason, actor: caller.actor })
  return yield* foldOrders(input, emptyResults, (results: BulkCancelResults, { orders, unreadable }) =>
    Effect.map(
      Effect.forEach(orders, (order) => cancelOne(input, order), { concurrency: CONCURRENCY }),
      (outcomes) =>
        unreadable.reduce(
          addUnreadable,
          outcomes.reduce((sum, record) => record(sum), results)
        )
    )
  )
})

const addUnreadable = (results: BulkCancelResults, { id, orderNumber }: UnreadableOrder): BulkCancelResults =>
  addFailure(results, { orderId: id, orderNumber, error: "the order can not be read" })

// An order that has ended by itself in the meantime has nothing left to cancel and does not count.
const cancelOne = ({ caller, reason }: BulkCancelInput, order: Order) =>
  Effect.gen(function* () {
    const executor = yield* WorkExecutor
    const refundId = yield* newRefundId
    const changed = yield* changeOrder({
      tenantId: order.tenantId,
      orderId: order.id,
      command: () =>
        Effect.succeed({
          actor: caller.actor,
          command: OrderCommand.Cancel({ refundId, mode: "organiser", reason })
        })
    })
    // Waiting paces the run by the services it calls; what takes longer is finished by the sweeper.
    yield* Effect.timeoutOption(executor.run(changed.work), WORK_WAIT)
    return addSuccess
  }).pipe(
    Effect.catchTag("InvalidTransition", () => Effect.succeed((results: BulkCancelResults) => results)),
    Effect.catchCause((cause) =>
      Effect.as(
        Effect.logError(`order ${order.id} could not be cancelled with its event`, cause),
        (results: BulkCancelResults) =>
          addFailure(results, { orderId: order.id, orderNumber: order.orderNumber, error: whyFailed(cause) })
      )
    )
  )

// A defect says nothing to the caller: it is in the log.
const whyFailed = (cause: Cause.Cause<{ readonly message: string }>): string =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => "unexpected failure",
    onSome: (error) => error.message
  })
