/**
 * Counts what becomes of left-over work: a queue around the queue.
 */
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { Effect, Layer } from "effect"
import { work } from "./Metrics.ts"
import { kindOf } from "./orderMetrics.ts"

const lost = () => work.lost.record(1, {})

/** The queue that it is given, with claims, ends and retries counted. */
export const layer: Layer.Layer<WorkQueue, never, WorkQueue> = Layer.effect(
  WorkQueue,
  Effect.map(WorkQueue, (queue) =>
    WorkQueue.of({
      ...queue,
      claimDue: (limit) =>
        Effect.tap(queue.claimDue(limit), (claimed) =>
          Effect.forEach(claimed, ({ item }) => work.claimed.record(1, { kind: item.work._tag }), { discard: true })
        ),
      settle: (lease) =>
        queue
          .settle(lease)
          .pipe(Effect.tap(work.done.record(1, { kind: kindOf(lease) })), Effect.tapErrorTag("LeaseLost", lost)),
      retry: (lease, delay, why) =>
        queue
          .retry(lease, delay, why)
          .pipe(Effect.tap(work.retried.record(1, { kind: kindOf(lease) })), Effect.tapErrorTag("LeaseLost", lost))
    })
  )
)
