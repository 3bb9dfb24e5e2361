/**
 * `OrderStore` in memory.
 */
import { DateTime, Effect, HashMap, Layer, Option, Result } from "effect"
import { OrderNotFound, VersionConflict } from "@tickettoken/order-domain/OrderErrors"
import type { OrderLimits } from "@tickettoken/order-domain/OrderLimits"
import { type Commit, type Committed, OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { MemoryWorld, orderRow, rowOf, type WorldState } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import {
  checkIntents,
  checkNotClosed,
  checkOrderNumber,
  checkPermanentKeys,
  checkQuota,
  checkRefundBound,
  claimKey,
  finishMessage,
  finishWork,
  writeDecision
} from "./worldWrites.ts"

/** Refusals in the order of rule 8: the key, the event's state, the user's limits, and last what a retry can mend. */
const creating = (commit: Commit, limits: OrderLimits) => (world: WorldState, now: DateTime.Utc) =>
  Result.gen(function* () {
    const { answer, claim, decision } = commit
    const { order } = decision
    const keyed = yield* claimKey(world, claim, order, answer, now)
    yield* checkPermanentKeys(world, decision)
    yield* checkNotClosed(world, order)
    yield* checkQuota(world, order, limits, now)
    yield* checkOrderNumber(world, order)
    return written(keyed, commit, now)
  })

/** A late worker learns that it is late before anything else; then keys, version and bounds. */
const committing = (commit: Commit) => (world: WorldState, now: DateTime.Utc) =>
  Result.gen(function* () {
    const { answer, claim, decision, handles, settles } = commit
    const { before, order } = decision
    const settled = yield* Result.flatMap(finishWork(world, settles, { state: "DONE" }), (next) =>
      finishMessage(next, handles, { state: "CHANGED" })
    )
    const stored = Option.getOrUndefined(HashMap.get(world.orders, orderRow(order)))
    if (before === null || stored === undefined || stored.version !== before.version) {
      const expected = before?.version ?? 0
      return yield* Result.fail(new VersionConflict({ orderId: order.id, expected, actual: stored?.version ?? null }))
    }
    const keyed = yield* claimKey(settled, claim, order, answer, now)
    yield* checkPermanentKeys(world, decision)
    yield* checkIntents(world, order)
    yield* checkRefundBound(stored, order)
    return written(keyed, commit, now)
  })

const written = (world: WorldState, { decision }: Commit, now: DateTime.Utc): readonly [Committed, WorldState] => {
  const [work, next] = writeDecision(world, decision, now)
  return [{ order: decision.order, work }, next]
}

export const layer = Layer.effect(
  OrderStore,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return OrderStore.of({
      now: faults.around("store.now", DateTime.now),
      load: Effect.fn("OrderStore.load")(function* (tenantId, orderId) {
        return yield* faults.around(
          "store.load",
          world.transact((state, now) => {
            const order = Option.getOrUndefined(HashMap.get(state.orders, rowOf(tenantId, orderId)))
            return order === undefined
              ? Result.fail(new OrderNotFound({ orderId }))
              : Result.succeed([{ order, now }, state] as const)
          })
        )
      }),
      create: Effect.fn("OrderStore.create")(function* (commit, limits) {
        return yield* faults.around("store.create", world.transact(creating(commit, limits)))
      }),
      commit: Effect.fn("OrderStore.commit")(function* (commit) {
        return yield* faults.around("store.commit", world.transact(committing(commit)))
      })
    })
  })
)
