/**
 * What can be set about the store, and what holds where nothing is set.
 */
import { Duration } from "effect"

export interface StoreOptions {
  /** How long a finished request is replayed for its key (rule 6). */
  readonly idempotencyTimeToLive: Duration.Duration
  /** How long a process may work on a claimed item before another one takes it over (reliability C2). */
  readonly workLease: Duration.Duration
}

export const storeOptions = (given: Partial<StoreOptions> = {}): StoreOptions => ({
  idempotencyTimeToLive: Duration.minutes(30),
  workLease: Duration.seconds(10),
  ...given
})
