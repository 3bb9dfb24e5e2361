/**
 * The payment sandbox in words: what can be asked, what is answered, what is refused, and the facts of its journal.
 */
import { Schema } from "effect"
import { OrderId, PaymentIntentId, RefundId, TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { CurrencyCode, IdempotencyKey } from "./Engine.ts"

const PositiveCents = Cents.check(Schema.isGreaterThan(0))
const Reason = Schema.String.check(Schema.isMaxLength(1000))

export const IntentStatus = Schema.Literals(["requires_payment", "processing", "succeeded", "canceled"])
export type IntentStatus = typeof IntentStatus.Type

/** `currency` is what was asked for until money arrives, and what arrived from then on. */
export const Intent = Schema.Struct({
  id: PaymentIntentId,
  tenantId: TenantId,
  orderId: OrderId,
  userId: UserId,
  status: IntentStatus,
  amount: Cents,
  currency: CurrencyCode,
  amountCaptured: Cents,
  /** Of refunds that did not fail. */
  amountRefunded: Cents
})
export type Intent = typeof Intent.Type

export const RefundStatus = Schema.Literals(["pending", "succeeded", "failed"])
export type RefundStatus = typeof RefundStatus.Type

/** `id` is the payment service's, `refundId` the caller's. `failureReason` is there when it failed. */
export const PaymentRefund = Schema.Struct({
  id: Schema.NonEmptyString,
  refundId: RefundId,
  tenantId: TenantId,
  orderId: OrderId,
  paymentIntentId: PaymentIntentId,
  amount: Cents,
  currency: CurrencyCode,
  reason: Reason,
  status: RefundStatus,
  failureReason: Schema.optionalKey(Schema.String)
})
export type PaymentRefund = typeof PaymentRefund.Type

export const IntentRequest = Schema.Struct({
  orderId: OrderId,
  userId: UserId,
  amount: PositiveCents,
  currency: CurrencyCode
})

export const RefundRequest = Schema.Struct({
  paymentIntentId: PaymentIntentId,
  orderId: OrderId,
  refundId: RefundId,
  amount: PositiveCents,
  reason: Reason
})

/** `amount` and `currency` let money arrive that is not the money that was asked for. */
export const PayRequest = Schema.Struct({
  amount: Schema.optionalKey(PositiveCents),
  currency: Schema.optionalKey(CurrencyCode),
  announce: Schema.optionalKey(Schema.Boolean)
})
export type PayRequest = typeof PayRequest.Type

export const DeclineRequest = Schema.Struct({ retryable: Schema.Boolean })

export const SettleRequest = Schema.Struct({
  status: Schema.Literals(["succeeded", "failed"]),
  reason: Schema.optionalKey(Schema.NonEmptyString)
})
export type SettleRequest = typeof SettleRequest.Type

/** Why the payment service says no. */
export const PaymentRefusalCode = Schema.Literals([
  "INTENT_NOT_FOUND",
  "INTENT_SUCCEEDED",
  "INTENT_PROCESSING",
  "INTENT_CANCELED",
  "REFUND_NOT_FOUND",
  "REFUND_EXCEEDS_CAPTURED",
  "REFUND_SETTLED",
  "PAYMENT_MISMATCH",
  "IDEMPOTENCY_MISMATCH"
])

export class PaymentRefusal extends Schema.TaggedError<PaymentRefusal>()("PaymentRefusal", {
  code: PaymentRefusalCode,
  message: Schema.String,
  /** The intent as it is, when its state is what stands in the way. */
  intent: Schema.optionalKey(Intent)
}) {}

const ofIntent = { tenantId: TenantId, orderId: OrderId, paymentIntentId: PaymentIntentId }

/** What has happened, in the order in which it happened. `kind` is the word on the wire. */
export const PaymentFact = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("intent.created"),
    ...ofIntent,
    key: IdempotencyKey,
    userId: UserId,
    amount: Cents,
    currency: CurrencyCode
  }),
  Schema.Struct({ kind: Schema.Literal("intent.processing"), ...ofIntent }),
  Schema.Struct({
    kind: Schema.Literal("intent.captured"),
    ...ofIntent,
    amount: Cents,
    currency: CurrencyCode,
    /** The intent had been canceled: the money came all the same. */
    late: Schema.Boolean
  }),
  Schema.Struct({ kind: Schema.Literal("intent.declined"), ...ofIntent, retryable: Schema.Boolean }),
  Schema.Struct({ kind: Schema.Literal("intent.canceled"), ...ofIntent, key: IdempotencyKey }),
  Schema.Struct({
    kind: Schema.Literal("refund.created"),
    key: IdempotencyKey,
    /** The service's own name for the refund. */
    id: Schema.NonEmptyString,
    refundId: RefundId,
    ...ofIntent,
    amount: Cents,
    currency: CurrencyCode,
    reason: Reason,
    status: RefundStatus,
    failureReason: Schema.optionalKey(Schema.String)
  }),
  Schema.Struct({
    kind: Schema.Literal("refund.settled"),
    id: Schema.NonEmptyString,
    refundId: RefundId,
    ...ofIntent,
    amount: Cents,
    status: Schema.Literals(["succeeded", "failed"]),
    failureReason: Schema.optionalKey(Schema.String)
  }),
  /** An attempt to tell the order service; `status` is its answer, `null` when there was none. */
  Schema.Struct({
    kind: Schema.Literal("payment.announced"),
    ...ofIntent,
    attempt: Schema.Int,
    status: Schema.NullOr(Schema.Int)
  })
])
export type PaymentFact = typeof PaymentFact.Type
