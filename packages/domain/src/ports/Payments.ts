/**
 * The payment service: the only one that knows whether money has moved.
 *
 * Every call that moves something is keyed: the same key has one effect however often it is sent. An answer that does
 * not arrive or does not decode is `ServiceUnavailable`, and then the outcome is unknown.
 */
import { Context, type Effect, Schema } from "effect"
import type { Currency } from "../Currency.ts"
import { OrderId, PaymentIntentId, type RefundId, type TenantId, type UserId } from "../Ids.ts"
import { Cents } from "../Money.ts"
import type { RefundOutcome } from "../OrderCommand.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"

/** An intent as the payment service reports it. `orderId` is absent when the service does not say. */
export const PaymentIntent = Schema.Struct({
  id: PaymentIntentId,
  status: Schema.Literals(["requires_payment", "processing", "succeeded", "canceled"]),
  amount: Cents,
  amountCaptured: Cents,
  currency: Schema.String,
  orderId: Schema.NullOr(OrderId),
  clientSecret: Schema.NullOr(Schema.String)
})
export type PaymentIntent = typeof PaymentIntent.Type

/** The payment service knows no such intent in this tenant. */
export class PaymentIntentNotFound extends Schema.TaggedError<PaymentIntentNotFound>()("PaymentIntentNotFound", {
  paymentIntentId: PaymentIntentId
}) {}

/** The payment service refuses for good: asking again will not help. It says nothing about any money. */
export class PaymentRefused extends Schema.TaggedError<PaymentRefused>()("PaymentRefused", { why: Schema.String }) {
  override get message(): string {
    return this.why
  }
}

export interface IntentRequest {
  readonly tenantId: TenantId
  readonly key: string
  readonly orderId: OrderId
  readonly userId: UserId
  readonly amount: Cents
  readonly currency: Currency
}

export interface RefundInstruction {
  readonly tenantId: TenantId
  readonly key: string
  readonly orderId: OrderId
  readonly refundId: RefundId
  readonly paymentIntentId: PaymentIntentId
  readonly amount: Cents
  readonly reason: string
}

export class Payments extends Context.Service<
  Payments,
  {
    readonly openIntent: (request: IntentRequest) => Effect.Effect<PaymentIntent, PaymentRefused | ServiceUnavailable>
    readonly getIntent: (
      tenantId: TenantId,
      paymentIntentId: PaymentIntentId
    ) => Effect.Effect<PaymentIntent, PaymentIntentNotFound | PaymentRefused | ServiceUnavailable>
    /** Cancels the intent unless it is captured or on its way; the answer says what it is now. */
    readonly cancelIntent: (
      tenantId: TenantId,
      paymentIntentId: PaymentIntentId,
      key: string
    ) => Effect.Effect<PaymentIntent, PaymentIntentNotFound | PaymentRefused | ServiceUnavailable>
    /** Returns money. The same key asks again how the same refund stands. */
    readonly refund: (instruction: RefundInstruction) => Effect.Effect<RefundOutcome, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/Payments") {}
