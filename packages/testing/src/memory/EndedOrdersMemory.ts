/**
 * `EndedOrders` in memory.
 */
import { DateTime, Effect, Layer, Order as Ordering, Result } from "effect"
import { type EndedOrder, EndedOrders } from "@tickettoken/order-domain/ports/EndedOrders"
import { MemoryWorld } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { ordersOf } from "./worldWrites.ts"

const earliestEnd = Ordering.combine(
  Ordering.mapInput(DateTime.Order, ({ endedAt }: EndedOrder) => endedAt),
  Ordering.mapInput(Ordering.String, ({ orderId }: EndedOrder) => orderId)
)

export const layer = Layer.effect(
  EndedOrders,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return EndedOrders.of({
      due: Effect.fn("EndedOrders.due")(function* (limit, after) {
        return yield* faults.around(
          "reads",
          world.transact((state, now) =>
            Result.succeed([
              ordersOf(state)
                .filter(
                  ({ eventEndsAt, status }) => status === "CONFIRMED" && DateTime.isLessThanOrEqualTo(eventEndsAt, now)
                )
                .map(({ eventEndsAt, id, tenantId }): EndedOrder => ({ tenantId, orderId: id, endedAt: eventEndsAt }))
                .filter((order) => after === null || earliestEnd(order, after) > 0)
                .toSorted(earliestEnd)
                .slice(0, limit),
              state
            ] as const)
          )
        )
      })
    })
  })
)
