/** The calls that a request makes before it is answered, in order: where it can be kept waiting or be broken off. */
import type { Operation } from "@tickettoken/order-testing/memory/ScriptedFaults"

export const callsOfCreate: ReadonlyArray<Operation> = [
  "keys.lookup",
  "store.now",
  "events.get",
  "tickets.availability",
  "store.create",
  "tickets.hold",
  "store.commit",
  "payments.openIntent",
  "store.load",
  "keys.finish"
]

/** Of a cancellation and of a refund. */
export const callsOfChange: ReadonlyArray<Operation> = ["keys.lookup", "store.load", "store.commit", "keys.finish"]
