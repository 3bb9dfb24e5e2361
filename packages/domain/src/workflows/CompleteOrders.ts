/**
 * Completes confirmed orders whose event is over (rule 3.9).
 */
import { Effect } from "effect"
import { systemActor } from "../Actor.ts"
import { changeOrder } from "../changeOrder.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { EndedOrders } from "../ports/EndedOrders.ts"

/** How many orders one sweep completes. */
export const COMPLETION_BATCH = 100

const completionJob = systemActor("completion")

/**
 * Completes a batch and answers how many orders were due. Replicas may meet on the same orders: the version check lets
 * one of them win, and an order that has moved on in between is left alone.
 */
export const completeEndedOrders = Effect.fn("completeEndedOrders")(function* () {
  const ended = yield* EndedOrders
  const due = yield* ended.due(COMPLETION_BATCH)
  yield* Effect.forEach(
    due,
    ({ orderId, tenantId }) =>
      changeOrder({
        tenantId,
        orderId,
        command: () => Effect.succeed({ actor: completionJob, command: OrderCommand.Complete() })
      }).pipe(
        Effect.catchTags({
          InvalidTransition: (moved) => Effect.logDebug(moved.message),
          OrderNotFound: (gone) => Effect.logDebug(gone.message)
        }),
        Effect.annotateLogs({ orderId, tenantId })
      ),
    { concurrency: 4, discard: true }
  )
  return due.length
})
