/**
 * What the payment service answers (contract, section 2). Fields that we do not use are not looked at.
 */
import { OrderId, PaymentIntentId, RefundId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { PaymentIntent } from "@tickettoken/order-domain/ports/Payments"
import { Schema } from "effect"

/**
 * An intent. What has been captured may be left out only while nothing has been: a success that names no amount is not
 * believed.
 */
export const IntentAnswer = Schema.Struct({
  id: PaymentIntentId,
  status: PaymentIntent.fields.status,
  amount: Cents,
  amountCaptured: Schema.optionalKey(Cents),
  currency: Schema.String.check(Schema.isPattern(/^[A-Z]{3}$/)),
  orderId: Schema.optionalKey(Schema.NullOr(OrderId)),
  clientSecret: Schema.optionalKey(Schema.NullOr(Schema.String))
}).check(
  Schema.makeFilter(({ amountCaptured, status }) =>
    status === "succeeded" && amountCaptured === undefined
      ? { path: ["amountCaptured"], issue: "is missing" }
      : undefined
  )
)

/** The domain's view of it. */
export const intentOf = (answer: typeof IntentAnswer.Type): PaymentIntent => ({
  id: answer.id,
  status: answer.status,
  amount: answer.amount,
  amountCaptured: answer.amountCaptured ?? Cents.make(0),
  currency: answer.currency,
  orderId: answer.orderId ?? null,
  clientSecret: answer.clientSecret ?? null
})

/** A cancel that came too late shows the intent as it is, alone or inside a problem. */
export const TooLateAnswer = Schema.Struct({ intent: IntentAnswer })

/** How a refund stands. `failureReason` is the service's; a `reason` would be the one that we gave. */
export const RefundAnswer = Schema.Struct({
  status: Schema.Literals(["pending", "succeeded", "failed"]),
  amount: Schema.optionalKey(Cents),
  refundId: Schema.optionalKey(RefundId),
  paymentIntentId: Schema.optionalKey(PaymentIntentId),
  failureReason: Schema.optionalKey(Schema.NullOr(Schema.String))
})
