/**
 * Where replicas count together.
 */
import type { Effect } from "effect"
import type { StoreAway } from "../redis/Presence.ts"
import type { Verdict } from "./Verdict.ts"

export interface SharedStore {
  /** Lets a request through if fewer than `limit` were let through in the window, by any replica. By the store's clock. */
  readonly take: (key: string, limit: number) => Effect.Effect<Verdict, StoreAway>
}
