/**
 * The state machine's table as data: which state may follow which, and from where each request is legal.
 *
 * `decide` is checked against it for every (state, command) pair; the database trigger and the diagram in
 * docs/architecture.md are generated from it.
 */
import type { OrderStatus } from "./Order.ts"
import type { OrderCommandTag } from "./OrderCommand.ts"

/** The states that may follow each state. A pair that is not here can not be stored. */
export const transitions: { readonly [From in OrderStatus]: ReadonlyArray<OrderStatus> } = {
  PENDING: ["RESERVED", "CONFIRMED", "CANCELLED", "EXPIRED"],
  RESERVED: ["CONFIRMED", "CANCELLED", "EXPIRED"],
  CONFIRMED: ["COMPLETED", "CANCELLED", "REFUNDED"],
  COMPLETED: ["REFUNDED"],
  CANCELLED: ["REFUNDED"],
  EXPIRED: ["CONFIRMED"],
  REFUNDED: []
}

const everyStatus: ReadonlyArray<OrderStatus> = [
  "PENDING",
  "RESERVED",
  "CONFIRMED",
  "COMPLETED",
  "CANCELLED",
  "EXPIRED",
  "REFUNDED"
]

/**
 * The states from which each command is not refused outright. Results of work and payment news are accepted in every
 * state, because they report what has already happened: what they lead to depends on the state.
 */
export const legalFrom: { readonly [Tag in OrderCommandTag]: ReadonlyArray<OrderStatus> } = {
  HoldGranted: everyStatus,
  HoldRefused: everyStatus,
  IntentOpened: everyStatus,
  SetupAbandoned: everyStatus,
  TicketsAllocated: everyStatus,
  AllocationRefused: everyStatus,
  RefundSettled: everyStatus,
  CaptureSeen: everyStatus,
  UnexpectedPayment: everyStatus,
  PaymentFailed: everyStatus,
  PaymentProcessing: everyStatus,
  Reserve: ["PENDING", "RESERVED"],
  Cancel: ["PENDING", "RESERVED", "CONFIRMED"],
  Expire: ["PENDING", "RESERVED"],
  Complete: ["CONFIRMED"],
  RequestRefund: ["CONFIRMED", "COMPLETED", "CANCELLED"],
  ApproveRefund: everyStatus,
  RejectRefund: everyStatus,
  RetryRefund: everyStatus
}

/** The states that are never left. */
export const finalStatuses: ReadonlyArray<OrderStatus> = everyStatus.filter(
  (status) => transitions[status].length === 0
)

/** The table as a mermaid state diagram. */
export const stateDiagram = (): string =>
  [
    "stateDiagram-v2",
    "  [*] --> PENDING",
    ...everyStatus.flatMap((from) => transitions[from].map((to) => `  ${from} --> ${to}`)),
    ...finalStatuses.map((status) => `  ${status} --> [*]`)
  ].join("\n")
