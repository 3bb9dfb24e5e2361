/**
 * `PaymentLooks` in memory.
 */
import { DateTime, Effect, Layer, Order as Ordering, Ref, Result } from "effect"
import type { Order } from "@tickettoken/order-domain/Order"
import { LOOK_BACK_DAYS_MAX, type LookedBackAt, PaymentLooks } from "@tickettoken/order-domain/ports/PaymentLooks"
import { MemoryWorld } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { ordersOf } from "./worldWrites.ts"

const earliestEnd = Ordering.combine(
  Ordering.mapInput(DateTime.Order, ({ endedAt }: LookedBackAt) => endedAt),
  Ordering.mapInput(Ordering.String, ({ orderId }: LookedBackAt) => orderId)
)

const endOf = (order: Order): ReadonlyArray<LookedBackAt> => {
  const { id: orderId, tenantId } = order
  switch (order.status) {
    case "CANCELLED":
      return [{ tenantId, orderId, endedAt: order.cancelledAt }]
    case "EXPIRED":
      return [{ tenantId, orderId, endedAt: order.expiredAt }]
    default:
      return []
  }
}

export const layer = Layer.effect(
  PaymentLooks,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    const passed = yield* Ref.make<ReadonlyMap<number, LookedBackAt>>(new Map())
    return PaymentLooks.of({
      due: Effect.fn("PaymentLooks.due")(function* (afterSeconds, limit) {
        const last = (yield* Ref.get(passed)).get(afterSeconds)
        return yield* faults.around(
          "reads",
          world.transact((state, now) => {
            const until = DateTime.subtract(now, { seconds: afterSeconds })
            const oldest = DateTime.subtract(now, { days: LOOK_BACK_DAYS_MAX })
            const due = ordersOf(state)
              .flatMap(endOf)
              .filter(({ endedAt }) => DateTime.isLessThanOrEqualTo(endedAt, until))
              .filter(({ endedAt }) => DateTime.isGreaterThan(endedAt, oldest))
              .filter((order) => last === undefined || earliestEnd(order, last) > 0)
              .toSorted(earliestEnd)
            return Result.succeed([due.slice(0, limit), state] as const)
          })
        )
      }),
      passed: Effect.fn("PaymentLooks.passed")((afterSeconds, last) =>
        Ref.update(passed, (all) => {
          const known = all.get(afterSeconds)
          return known !== undefined && earliestEnd(known, last) >= 0 ? all : new Map([...all, [afterSeconds, last]])
        })
      )
    })
  })
)
