/**
 * The one place that orders are written: a decision and all that belongs to it commit together or not at all.
 */
import { Context, type DateTime, type Effect, Schema } from "effect"
import type { Decision } from "../Decision.ts"
import type { IdempotencyClaim, IdempotencyConflict, IdempotencyKeyUsed, StoredAnswer } from "../Idempotency.ts"
import type { OrderId, TenantId } from "../Ids.ts"
import type { InboxLease } from "../InboundMessage.ts"
import type { Order } from "../Order.ts"
import type {
  EventCancelled,
  OrderNotFound,
  PaymentMismatch,
  ServiceUnavailable,
  VersionConflict
} from "../OrderErrors.ts"
import type { OrderLimitExceeded, OrderLimits } from "../OrderLimits.ts"
import type { RefundExceedsCaptured } from "../RefundQuote.ts"
import type { ClaimedWork, WorkLease } from "../Work.ts"

/** The number is taken in this tenant: draw another one (rule 3.11). */
export class OrderNumberTaken extends Schema.TaggedError<OrderNumberTaken>()("OrderNumberTaken", {}) {}

/** The work item, or the message, has a new owner: this result is late and must be dropped. Nothing was written. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", { workId: Schema.String }) {}

/** An order as it is stored, with the store's own time: deadlines are compared with no other clock. */
export interface StoredOrder {
  readonly order: Order
  readonly now: DateTime.Utc
}

/** What goes into one transaction. */
export interface Commit {
  readonly decision: Decision
  /** The work item whose result this is: it is done with this commit, if the lease still holds. */
  readonly settles?: WorkLease
  /** The message that asked for it: it has had its effect with this commit, if the lease still holds. */
  readonly handles?: InboxLease
  /** The request's key; with `answer` it is final in the same transaction. */
  readonly claim?: IdempotencyClaim
  readonly answer?: StoredAnswer
}

/** What a commit leaves: the new order and its new work, already leased to this process for the inline run. */
export interface Committed {
  readonly order: Order
  readonly work: ReadonlyArray<ClaimedWork>
}

export class OrderStore extends Context.Service<
  OrderStore,
  {
    /** The store's clock. */
    readonly now: Effect.Effect<DateTime.Utc, ServiceUnavailable>
    readonly load: (
      tenantId: TenantId,
      orderId: OrderId
    ) => Effect.Effect<StoredOrder, OrderNotFound | ServiceUnavailable>
    /**
     * Writes a new order with its audit row, message and work, counting the user's orders of the last 24 hours and
     * the active ones for the event under a lock (rule 2.2), and refusing events that are being cancelled (rule 5).
     */
    readonly create: (
      commit: Commit,
      limits: OrderLimits
    ) => Effect.Effect<
      Committed,
      | OrderLimitExceeded
      | EventCancelled
      | OrderNumberTaken
      | IdempotencyConflict
      | IdempotencyKeyUsed
      | ServiceUnavailable
    >
    /**
     * Writes the next version of an order. Fails with `VersionConflict` when the stored version is not the one that
     * was decided upon, and then nothing is written. A bound that the database itself holds, such as refunds within
     * captures, surfaces as `RefundExceedsCaptured`; a payment intent that another order of the tenant has, or that is
     * booked there, as `PaymentMismatch`.
     */
    readonly commit: (
      commit: Commit
    ) => Effect.Effect<
      Committed,
      | VersionConflict
      | LeaseLost
      | RefundExceedsCaptured
      | PaymentMismatch
      | IdempotencyConflict
      | IdempotencyKeyUsed
      | ServiceUnavailable
    >
  }
>()("@tickettoken/order-domain/ports/OrderStore") {}
