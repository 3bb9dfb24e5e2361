/**
 * The variables of the locks of orders, by the names of the original service. They save work and decide nothing (rule 3.12).
 */
import * as Kind from "./ConfigKinds.ts"
import { withDefault } from "./Variable.ts"

const section = "Redis"

/** By the name under which the server knows each one. */
export const lockVariables = {
  lockTtl: withDefault({
    name: "DISTRIBUTED_LOCK_TTL_SECONDS",
    section,
    kind: Kind.seconds(0.1, 300),
    default: "30",
    description: "When the lock of an order is free again whose owner has died. Locks save work and decide nothing."
  }),
  lockTries: withDefault({
    name: "DISTRIBUTED_LOCK_RETRY_ATTEMPTS",
    section,
    kind: Kind.whole("tries", 1, 20),
    default: "3",
    description: "How often a lock that is taken is asked for, before its work is done without it."
  }),
  lockDelayMillis: withDefault({
    name: "DISTRIBUTED_LOCK_RETRY_DELAY_MS",
    section,
    kind: Kind.whole("milliseconds", 1, 2000),
    default: "100",
    description: "The time between two of these tries."
  })
}
