/**
 * `EndedOrders` in memory.
 */
import { DateTime, Effect, Layer, Order as Ordering, Result } from "effect"
import type { Order } from "@tickettoken/order-domain/Order"
import { EndedOrders } from "@tickettoken/order-domain/ports/EndedOrders"
import { MemoryWorld } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { ordersOf } from "./worldWrites.ts"

const earliestEnd = Ordering.mapInput(DateTime.Order, ({ eventEndsAt }: Order) => eventEndsAt)

export const layer = Layer.effect(
  EndedOrders,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return EndedOrders.of({
      due: Effect.fn("EndedOrders.due")(function* (limit) {
        return yield* faults.around(
          "reads",
          world.transact((state, now) =>
            Result.succeed([
              ordersOf(state)
                .filter(
                  ({ eventEndsAt, status }) => status === "CONFIRMED" && DateTime.isLessThanOrEqualTo(eventEndsAt, now)
                )
                .toSorted(earliestEnd)
                .slice(0, limit)
                .map(({ id, tenantId }) => ({ tenantId, orderId: id })),
              state
            ] as const)
          )
        )
      })
    })
  })
)
