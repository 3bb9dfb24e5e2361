/**
 * What the service answers: the bodies of contract, section 1.
 *
 * Instants are ISO 8601 in UTC, money is in minor units of the order's currency. A field that does not apply is `null`,
 * never absent. The client secret is in the answer to a creation and nowhere else.
 */
import { ActorKind } from "@tickettoken/order-domain/Actor"
import { BulkJobKind, BulkJobState } from "@tickettoken/order-domain/BulkJob"
import { Currency } from "@tickettoken/order-domain/Currency"
import {
  BulkJobId,
  EventId,
  OrderId,
  OrderItemId,
  PaymentIntentId,
  RefundId,
  TicketId,
  TicketPricingId,
  TicketTypeId,
  UserId
} from "@tickettoken/order-domain/Ids"
import { Metadata } from "@tickettoken/order-domain/Metadata"
import { Cents } from "@tickettoken/order-domain/Money"
import { OrderStatus } from "@tickettoken/order-domain/Order"
import { OrderEventType } from "@tickettoken/order-domain/OrderEvent"
import { OrderNumber } from "@tickettoken/order-domain/OrderNumber"
import { Pricing } from "@tickettoken/order-domain/Pricing"
import { RefundCause } from "@tickettoken/order-domain/Refund"
import { PaymentStatus, RefundState } from "@tickettoken/order-domain/RefundPolicy"
import { Schema, SchemaTransformation } from "effect"
import { HttpApiSchema } from "effect/http-api"

export const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 }))

/** An instant on the wire. */
export const Instant = Schema.String.annotate({ format: "date-time" }).pipe(
  Schema.decodeTo(Schema.DateTimeUtc, SchemaTransformation.dateTimeUtcFromString)
)

const InstantOrNull = Schema.NullOr(Instant)

const OrderItemView = Schema.Struct({
  id: OrderItemId,
  ticketTypeId: TicketTypeId,
  ticketPricingId: TicketPricingId,
  quantity: Count,
  unitPrice: Cents,
  subtotal: Cents
}).annotate({ identifier: "OrderItem" })

const TicketView = Schema.Struct({ id: TicketId, ticketTypeId: TicketTypeId }).annotate({ identifier: "Ticket" })

const orderFields = {
  id: OrderId,
  orderNumber: OrderNumber,
  userId: UserId,
  eventId: EventId,
  status: OrderStatus,
  paymentStatus: PaymentStatus,
  items: Schema.Array(OrderItemView),
  pricing: Pricing,
  currency: Currency,
  paymentIntentId: Schema.NullOr(PaymentIntentId),
  /** The deadline of an open order. */
  reservationExpiresAt: InstantOrNull,
  tickets: Schema.Array(TicketView),
  metadata: Metadata,
  version: Count,
  createdAt: Instant,
  updatedAt: Instant,
  reservedAt: InstantOrNull,
  confirmedAt: InstantOrNull,
  completedAt: InstantOrNull,
  cancelledAt: InstantOrNull,
  expiredAt: InstantOrNull,
  refundedAt: InstantOrNull
}

export const OrderView = Schema.Struct(orderFields).annotate({ identifier: "Order" })
export type OrderView = typeof OrderView.Type

/** The answer to a creation: the order, and what the buyer's browser needs to pay. */
export const CreatedOrderView = Schema.Struct({
  ...orderFields,
  clientSecret: Schema.NullOr(Schema.String)
}).annotate({ identifier: "CreatedOrder" })
export type CreatedOrderView = typeof CreatedOrderView.Type

export const OrderListView = Schema.Struct({
  orders: Schema.Array(OrderView),
  pagination: Schema.Struct({
    total: Count,
    limit: Count,
    offset: Count,
    hasMore: Schema.Boolean,
    /** Give it back as `cursor` for the next page; `null` on the last one. */
    nextCursor: Schema.NullOr(Schema.String)
  })
}).annotate({ identifier: "OrderList" })

/** A page of what was found. Nobody counts how much there is. */
export const OrderSearchView = Schema.Struct({
  orders: Schema.Array(OrderView),
  pagination: Schema.Struct({
    limit: Count,
    hasMore: Schema.Boolean,
    /** Give it back as `cursor` for the next page; `null` on the last one. */
    nextCursor: Schema.NullOr(Schema.String)
  })
}).annotate({ identifier: "OrderSearch" })

export const ReservationView = Schema.Struct({
  orderId: OrderId,
  status: OrderStatus,
  reservationExpiresAt: Instant,
  reservedAt: Instant
}).annotate({ identifier: "Reservation" })
export type ReservationView = typeof ReservationView.Type

/** How a cancelled order stands with its money (rule 4.9). */
const CancelRefundStatus = Schema.Literals(["NOT_APPLICABLE", "INITIATED", "PENDING_REVIEW", "COMPLETED"])

export const CancellationView = Schema.Struct({
  orderId: OrderId,
  status: OrderStatus,
  cancelledAt: Instant,
  refundStatus: CancelRefundStatus
}).annotate({ identifier: "Cancellation" })
export type CancellationView = typeof CancellationView.Type

const refundFields = {
  refundId: RefundId,
  orderId: OrderId,
  amount: Cents,
  status: RefundState,
  estimatedArrival: Instant
}

/** The answer to a refund request. */
export const RefundRequestedView = Schema.Struct(refundFields).annotate({ identifier: "RefundRequested" })
export type RefundRequestedView = typeof RefundRequestedView.Type

export const RefundView = Schema.Struct({
  ...refundFields,
  cause: RefundCause,
  reason: Schema.String,
  /** The tickets that come back with it; empty when only money moves. */
  items: Schema.Array(Schema.Struct({ itemId: OrderItemId, quantity: Count })),
  /** What the policy kept. */
  retained: Cents,
  failureReason: Schema.NullOr(Schema.String),
  requestedAt: Instant,
  settledAt: InstantOrNull
}).annotate({ identifier: "Refund" })
export type RefundView = typeof RefundView.Type

export const RefundListView = Schema.Struct({ refunds: Schema.Array(RefundView) }).annotate({
  identifier: "RefundList"
})

/** One audit fact. `userId` is a person's id; services and our own jobs are in `actor` alone. */
export const OrderEventView = Schema.Struct({
  id: Schema.String,
  orderId: OrderId,
  version: Count,
  eventType: OrderEventType,
  userId: Schema.NullOr(Schema.String),
  actor: Schema.Struct({ kind: ActorKind, id: Schema.String }),
  ipAddress: Schema.NullOr(Schema.String),
  metadata: Schema.Record(Schema.String, Schema.Json),
  createdAt: Instant
}).annotate({ identifier: "OrderEvent" })
export type OrderEventView = typeof OrderEventView.Type

export const OrderEventListView = Schema.Struct({ events: Schema.Array(OrderEventView) }).annotate({
  identifier: "OrderEventList"
})

/** Paid and allocated. */
export const ConfirmedView = Schema.Struct({ orderId: OrderId, status: OrderStatus, confirmedAt: Instant }).annotate({
  identifier: "Confirmed"
})

/** Paid; the allocation of the tickets goes on. Ask again for the end of it. */
export const ConfirmingView = Schema.Struct({
  orderId: OrderId,
  status: OrderStatus,
  confirmedAt: Schema.Null
})
  .annotate({ identifier: "Confirming" })
  .pipe(HttpApiSchema.status("Accepted"))

export const ExpiredView = Schema.Struct({ message: Schema.Literal("Order expired successfully") }).annotate({
  identifier: "OrderExpired"
})

export const ExpiringOrdersView = Schema.Struct({
  orders: Schema.Array(Schema.Struct({ id: OrderId, reservationExpiresAt: Instant, minutesUntilExpiration: Count }))
}).annotate({ identifier: "ExpiringOrders" })

const BulkResults = Schema.Struct({
  message: Schema.String,
  results: Schema.Struct({
    total: Count,
    succeeded: Count,
    failed: Count,
    errors: Schema.Array(Schema.Struct({ orderId: Schema.String, orderNumber: Schema.String, error: Schema.String }))
  })
})

// One body, three statuses: the numbers in it choose.
/** Every order is cancelled; also when there was none. */
export const AllCancelledView = BulkResults.check(
  Schema.makeFilter(({ results }) => results.failed === 0, { expected: "no failure" })
).annotate({ identifier: "AllCancelled" })

/** Some orders are cancelled, some could not be. */
export const SomeCancelledView = BulkResults.check(
  Schema.makeFilter(({ results }) => results.failed > 0 && results.succeeded > 0, { expected: "some failures" })
)
  .annotate({ identifier: "SomeCancelled" })
  .pipe(HttpApiSchema.status(207))

/** No order could be cancelled. */
export const NoneCancelledView = BulkResults.check(
  Schema.makeFilter(({ results }) => results.failed > 0 && results.succeeded === 0, { expected: "only failures" })
)
  .annotate({ identifier: "NoneCancelled" })
  .pipe(HttpApiSchema.status(500))

/** Minor units by currency; a currency without money is not named. */
const CentsByCurrency = Schema.Record(Currency, Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))))

/** What cancelling an event would do. Nothing was changed. */
export const BulkCancelPlanView = Schema.Struct({
  dryRun: Schema.Literal(true),
  eventId: EventId,
  /** Orders that would be cancelled; of these, holds that only go back and orders whose money is returned. */
  orders: Count,
  releases: Count,
  refunds: Count,
  refundCents: CentsByCurrency,
  /** Sent with the real run it covers up to these orders and this money. */
  confirmationToken: Schema.String
}).annotate({ identifier: "BulkCancelPlan" })

const bulkJobFields = {
  id: BulkJobId,
  kind: BulkJobKind,
  eventId: EventId,
  reason: Schema.String,
  state: BulkJobState,
  /** `total` is `succeeded` + `failed` + `pending`; while the job runs it may still meet more orders. */
  results: Schema.Struct({ total: Count, succeeded: Count, failed: Count, pending: Count }),
  refundCents: CentsByCurrency,
  createdAt: Instant,
  finishedAt: InstantOrNull
}

/** A bulk job. */
export const BulkJobView = Schema.Struct(bulkJobFields).annotate({ identifier: "BulkJob" })
export type BulkJobView = typeof BulkJobView.Type

/** A bulk job with a page of the orders that it could not do. */
export const BulkJobDetailsView = Schema.Struct({
  ...bulkJobFields,
  failures: Schema.Array(
    Schema.Struct({
      orderId: Schema.String,
      orderNumber: Schema.String,
      /** OPEN is tried again. */
      state: Schema.Literals(["OPEN", "FAILED"]),
      attempts: Count,
      error: Schema.String
    })
  ),
  /** `after` of the next page; `null` on the last one. */
  nextFailure: Schema.NullOr(Schema.String)
}).annotate({ identifier: "BulkJobDetails" })

/** The event is closed and the job goes on: ask for it by its id. */
export const BulkCancelStartedView = Schema.Struct({ message: Schema.String, job: BulkJobView })
  .annotate({ identifier: "BulkCancelStarted" })
  .pipe(HttpApiSchema.status("Accepted"))

export const OrderQuoteView = Schema.Struct({
  eventId: EventId,
  currency: Currency,
  pricing: Pricing,
  items: Schema.Array(
    Schema.Struct({
      ticketTypeId: TicketTypeId,
      ticketPricingId: TicketPricingId,
      quantity: Count,
      unitPrice: Cents,
      subtotal: Cents
    })
  )
}).annotate({ identifier: "OrderQuote" })

/** What a cancellation or refund would return: `gross` is `amount` + `retained` + `alreadyReturned`. */
export const RefundQuoteView = Schema.Struct({
  orderId: OrderId,
  currency: Currency,
  amount: Cents,
  retained: Cents,
  gross: Cents,
  alreadyReturned: Cents,
  refundableRest: Cents,
  items: Schema.Array(Schema.Struct({ itemId: OrderItemId, quantity: Count }))
}).annotate({ identifier: "RefundQuote" })

/** How many messages are sent or handled once more. */
export const ReplayedView = Schema.Struct({ replayed: Count }).annotate({ identifier: "Replayed" })
