/**
 * `AwaitedPayments` in memory.
 */
import { DateTime, Effect, Layer, Order as Ordering, Result } from "effect"
import { graceEndsAt } from "@tickettoken/order-domain/Hold"
import { isOpen, type Order } from "@tickettoken/order-domain/Order"
import {
  type AwaitedPayment,
  AwaitedPayments,
  WATCH_AFTER_MINUTES,
  WATCH_BEFORE_DEADLINE_MINUTES
} from "@tickettoken/order-domain/ports/AwaitedPayments"
import { MemoryWorld } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { ordersOf } from "./worldWrites.ts"

const nearestDeadline = Ordering.combine(
  Ordering.mapInput(DateTime.Order, ({ expiresAt }: AwaitedPayment) => expiresAt),
  Ordering.mapInput(Ordering.String, ({ orderId }: AwaitedPayment) => orderId)
)

const isAwaited = (order: Order, now: DateTime.Utc): order is Extract<Order, { readonly hold: object }> => {
  if (!isOpen(order) || order.stage !== "AWAITING_PAYMENT") return false
  const isOld = DateTime.isLessThanOrEqualTo(order.createdAt, DateTime.subtract(now, { minutes: WATCH_AFTER_MINUTES }))
  const soon = DateTime.add(now, { minutes: WATCH_BEFORE_DEADLINE_MINUTES })
  const isNear = DateTime.isLessThanOrEqualTo(order.hold.expiresAt, soon)
  return (isOld || isNear) && DateTime.isLessThan(now, graceEndsAt(order.hold.expiresAt, order.terms.hold))
}

export const layer = Layer.effect(
  AwaitedPayments,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return AwaitedPayments.of({
      due: Effect.fn("AwaitedPayments.due")(function* (limit, after) {
        return yield* faults.around(
          "reads",
          world.transact((state, now) =>
            Result.succeed([
              ordersOf(state)
                .flatMap(
                  (order): ReadonlyArray<AwaitedPayment> =>
                    isAwaited(order, now)
                      ? [{ tenantId: order.tenantId, orderId: order.id, expiresAt: order.hold.expiresAt }]
                      : []
                )
                .filter((order) => after === null || nearestDeadline(order, after) > 0)
                .toSorted(nearestDeadline)
                .slice(0, limit),
              state
            ] as const)
          )
        )
      })
    })
  })
)
