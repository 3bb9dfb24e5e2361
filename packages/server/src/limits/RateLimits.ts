/**
 * How often a person may create, reserve, cancel and refund (rule 7.4).
 *
 * **Details**
 *
 * Replicas count together in the shared store. Each of them also counts what it has let through itself, and asks only
 * for what that leaves open: one who hammers is refused without a question, and what this process has let through stays
 * counted if the store comes back empty. While the store is away a replica goes on alone, at half the limit.
 *
 * **Gotchas**
 *
 * Every request counts that is let through, whatever becomes of it: refusals and replayed answers too.
 */
import type { Caller } from "@tickettoken/order-domain/Actor"
import { Context, Effect, Layer, Option } from "effect"
import type { LimitedOperation } from "../contract/RateLimit.ts"
import { monotonicMillis } from "../monotonicMillis.ts"
import * as Presence from "../redis/Presence.ts"
import { type limitNames, rateLimits } from "../telemetry/Metrics.ts"
import type { SharedStore } from "./SharedStore.ts"
import type { Verdict } from "./Verdict.ts"
import * as WindowLog from "./WindowLog.ts"

/** Requests a minute, of one person in one tenant. */
export type OperationLimits = { readonly [Operation in LimitedOperation]: number }

/** What one replica remembers of the last minute, one key a person and operation. Measured: 22 MB for half of them. */
const KEYS_MAX = 100_000

export class RateLimits extends Context.Service<
  RateLimits,
  {
    /** Counts a request and says whether it goes on. Never fails: with the store away the replica decides alone. */
    readonly take: (operation: LimitedOperation, caller: Caller) => Effect.Effect<Verdict>
  }
>()("@tickettoken/order-server/limits/RateLimits") {
  /** Without a shared store this process is all there is. */
  static readonly layer = (limits: OperationLimits, shared?: SharedStore): Layer.Layer<RateLimits> =>
    Layer.effect(RateLimits, make(limits, shared))
}

/** What one replica lets through while the shared store is away. */
export const halfOf = (limit: number): number => Math.max(1, Math.floor(limit / 2))

const make = Effect.fnUntraced(function* (limits: OperationLimits, shared: SharedStore | undefined) {
  const presence = yield* Presence.make({
    use: "rate_limits",
    lost: "Redis does not count the rate limits, every replica does so at half the rate",
    back: "Redis counts the rate limits again"
  })
  const log = WindowLog.make(KEYS_MAX)

  const together = Effect.fnUntraced(function* (store: SharedStore, key: string, limit: number) {
    const now = yield* monotonicMillis
    const own = log.take(key, limit, now)
    if (!own.allowed) return own
    const answer = yield* presence.ask(store.take(key, limit))
    if (Option.isSome(answer)) {
      if (!answer.value.allowed) log.giveBack(key, now)
      return answer.value
    }
    log.giveBack(key, now)
    return log.take(key, halfOf(limit), yield* monotonicMillis)
  })

  return RateLimits.of({
    take: Effect.fn("RateLimits.take")(function* (operation, { actor, tenantId }) {
      const key = `${operation}:${tenantId}:${actor.id}`
      const limit = limits[operation]
      const verdict =
        shared === undefined ? log.take(key, limit, yield* monotonicMillis) : yield* together(shared, key, limit)
      yield* count(operation, verdict)
      return verdict
    })
  })
})

/** Notes what a limit has said. */
export const count = (limit: (typeof limitNames)[number], { allowed }: Verdict): Effect.Effect<void> =>
  rateLimits.decisions.record(1, { limit, outcome: allowed ? "allowed" : "refused" })
