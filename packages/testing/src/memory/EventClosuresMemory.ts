/**
 * `EventClosures` in memory.
 */
import { Effect, HashMap, Layer, Result } from "effect"
import { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import { MemoryWorld, rowOf } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { closeEvent } from "./worldWrites.ts"

export const layer = Layer.effect(
  EventClosures,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return EventClosures.of({
      close: Effect.fn("EventClosures.close")(function* (tenantId, eventId, { actor, reason }) {
        yield* faults.around(
          "closures.close",
          world.transact((state, closedAt) =>
            Result.succeed([undefined, closeEvent(state, { tenantId, eventId, reason, actor, closedAt })] as const)
          )
        )
      }),
      isClosed: Effect.fn("EventClosures.isClosed")(function* (tenantId, eventId) {
        return yield* faults.around(
          "closures.isClosed",
          Effect.map(world.snapshot, ({ closures }) => HashMap.has(closures, rowOf(tenantId, eventId)))
        )
      })
    })
  })
)
