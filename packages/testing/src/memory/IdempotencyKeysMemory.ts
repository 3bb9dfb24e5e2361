/**
 * `IdempotencyKeys` in memory.
 */
import { Effect, Layer, Result } from "effect"
import { type IdempotencyClaim, IdempotencyKeyUsed, keyVerdict } from "@tickettoken/order-domain/Idempotency"
import { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import { MemoryWorld, type WorldState } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { liveKey, orderOfKey, orderOfRefundKey, writeKey } from "./worldWrites.ts"

/** What the key has once made for this principal, long after its row is gone. */
const madeBy = (world: WorldState, { key, operation, principal, tenantId }: IdempotencyClaim) => {
  switch (operation) {
    case "create":
      return orderOfKey(world, tenantId, principal, key)
    case "refund":
      return orderOfRefundKey(world, tenantId, principal, key)
    default:
      return undefined
  }
}

export const layer = Layer.effect(
  IdempotencyKeys,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return IdempotencyKeys.of({
      lookup: Effect.fn("IdempotencyKeys.lookup")(function* (claim) {
        return yield* faults.around(
          "keys.lookup",
          world.transact((state, now) => {
            const row = liveKey(state, claim, now) ?? null
            const verdict = keyVerdict(row, claim.fingerprint, row !== null)
            const made = verdict._tag === "Fresh" ? madeBy(state, claim) : undefined
            return made === undefined
              ? Result.succeed([verdict, state] as const)
              : Result.fail(new IdempotencyKeyUsed({ orderId: made.id }))
          })
        )
      }),
      finish: Effect.fn("IdempotencyKeys.finish")(function* (claim, answer) {
        return yield* faults.around(
          "keys.finish",
          world.transact((state, now) => {
            const row = liveKey(state, claim, now)
            if (row !== undefined && row.answer !== null) return Result.succeed([row.answer, state] as const)
            return Result.succeed([
              answer,
              writeKey(state, claim, { orderId: row?.orderId ?? null, answer }, now)
            ] as const)
          })
        )
      })
    })
  })
)
