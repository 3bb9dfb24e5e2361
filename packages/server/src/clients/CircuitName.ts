/**
 * The circuits that there are: one for each service and class of calls.
 *
 * - read: nothing is changed by asking
 * - change: takes tickets, or opens an intent
 * - compensation: gives back tickets or money
 */
export const circuitNames = [
  "tickets:read",
  "tickets:change",
  "tickets:compensation",
  "payments:read",
  "payments:change",
  "payments:compensation",
  "events:read"
] as const
export type CircuitName = (typeof circuitNames)[number]
