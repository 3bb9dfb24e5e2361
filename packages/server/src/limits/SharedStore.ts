/**
 * Where replicas count together.
 */
import { type Effect, Schema } from "effect"
import type { Verdict } from "./Verdict.ts"

/** The shared store has not said anything of use; `why` is for operators. */
export class StoreAway extends Schema.TaggedError<StoreAway>()("StoreAway", { why: Schema.String }) {}

export interface SharedStore {
  /** Lets a request through if fewer than `limit` were let through in the window, by any replica. By the store's clock. */
  readonly take: (key: string, limit: number) => Effect.Effect<Verdict, StoreAway>
}
