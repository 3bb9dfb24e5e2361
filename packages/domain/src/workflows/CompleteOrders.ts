/**
 * Completes confirmed orders whose event is over (rule 3.9).
 */
import { Effect } from "effect"
import { systemActor } from "../Actor.ts"
import { changeOrder } from "../changeOrder.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { EndedOrders, type OrderKey } from "../ports/EndedOrders.ts"

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
  yield* Effect.forEach(due, completeOne, { concurrency: 4, discard: true })
  return due.length
})

// One order that can not be completed must not keep the others waiting.
const completeOne = ({ orderId, tenantId }: OrderKey) =>
  changeOrder({
    tenantId,
    orderId,
    command: () => Effect.succeed({ actor: completionJob, command: OrderCommand.Complete() })
  }).pipe(
    Effect.catchTag("InvalidTransition", (moved) => Effect.logDebug(moved.message)),
    Effect.catchCause((cause) => Effect.logError("an order could not be completed", cause)),
    Effect.annotateLogs({ orderId, tenantId })
  )
