/**
 * Completes confirmed orders whose event is over (rule 3.9).
 */
import { Effect } from "effect"
import { systemActor } from "../Actor.ts"
import { changeOrder } from "../changeOrder.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { type EndedOrder, EndedOrders } from "../ports/EndedOrders.ts"

/** How many orders are looked up at once: they are held in memory, and the last one's age is that of its page. */
export const COMPLETION_PAGE = 100

/** How many pages one round walks through, so that it ends however many orders can not be completed. */
export const COMPLETION_PAGES_MAX = 100

const completionJob = systemActor("completion")

/**
 * One round: completes the orders that are due, page by page, and answers how many it has completed. One that can not
 * be completed is logged, passed by, and met again in the next round. Replicas may meet on the same orders: the version
 * check lets one of them win, and an order that has moved on in between is left alone.
 */
export const completeEndedOrders = Effect.fn("completeEndedOrders")(function* () {
  const ended = yield* EndedOrders
  let completed = 0
  let after: EndedOrder | null = null
  for (let page = 0; page < COMPLETION_PAGES_MAX; page++) {
    const due: ReadonlyArray<EndedOrder> = yield* ended.due(COMPLETION_PAGE, after)
    const moved = yield* Effect.forEach(due, completeOne, { concurrency: 4 })
    completed += moved.filter(Boolean).length
    after = due.at(-1) ?? null
    if (due.length < COMPLETION_PAGE) break
  }
  return completed
})

// Whether the order was completed, by us. One that can not be must not keep the others waiting.
const completeOne = ({ orderId, tenantId }: EndedOrder) =>
  changeOrder({
    tenantId,
    orderId,
    command: () => Effect.succeed({ actor: completionJob, command: OrderCommand.Complete() })
  }).pipe(
    Effect.map(({ moved }) => moved),
    Effect.catchTag("InvalidTransition", (elsewhere) => Effect.as(Effect.logDebug(elsewhere.message), false)),
    Effect.catchCause((cause) => Effect.as(Effect.logError("an order could not be completed", cause), false)),
    Effect.annotateLogs({ orderId, tenantId })
  )
