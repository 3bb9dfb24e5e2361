/**
 * The port `Payments` over HTTP: the payment service of the contract, section 2.
 */
import type { PaymentIntentId, TenantId } from "@tickettoken/order-domain/Ids"
import type { RefundOutcome } from "@tickettoken/order-domain/OrderCommand"
import {
  type IntentRequest,
  type PaymentIntent,
  PaymentIntentNotFound,
  PaymentRefused,
  Payments,
  type RefundInstruction
} from "@tickettoken/order-domain/ports/Payments"
import { Effect, Layer, Option, Schema } from "effect"
import type { HttpClient } from "effect/http"
import { type Answer, describeRefusal, KEY_USED, type Refused } from "./Attempt.ts"
import type { Circuits } from "./Circuits.ts"
import * as Downstream from "./Downstream.ts"
import { IntentAnswer, intentOf, RefundAnswer, TooLateAnswer } from "./PaymentsWire.ts"

const intents = ["internal", "payment-intents"]

/**
 * An id that can stand in a path. `.` and `..` would lead to another route, and half a character can not be encoded: no
 * service has given such an id to anybody.
 */
const isAddressable = (id: PaymentIntentId): boolean => id !== "." && id !== ".." && id.isWellFormed()

const decodeTooLate = Schema.decodeUnknownOption(TooLateAnswer)
const decodeIntent = Schema.decodeUnknownOption(IntentAnswer)

/** The intent that stands in the way of a cancel. */
const intentIn = (body: unknown): Option.Option<PaymentIntent> =>
  Option.map(
    Option.orElse(
      Option.map(decodeTooLate(body), ({ intent }) => intent),
      () => decodeIntent(body)
    ),
    intentOf
  )

/** Only a 404 says that there is no such intent. Taken for that, an order would expire over money on its way. */
const refusalOf = (paymentIntentId: PaymentIntentId, refused: Refused) =>
  refused.status === 404
    ? new PaymentIntentNotFound({ paymentIntentId })
    : new PaymentRefused({ why: `the payment service: ${describeRefusal(refused)}` })

const outcomeOf = ({ failureReason, status }: typeof RefundAnswer.Type): RefundOutcome => {
  switch (status) {
    case "pending":
      return { _tag: "Pending" }
    case "succeeded":
      return { _tag: "Succeeded" }
    case "failed":
      return { _tag: "Failed", reason: failureReason ?? "the payment service gave no reason" }
  }
}

/** Payments of the service at this address. */
export const layer = (
  options: Downstream.DownstreamOptions
): Layer.Layer<Payments, never, HttpClient.HttpClient | Circuits> => Layer.effect(Payments, make(options))

const make = Effect.fnUntraced(function* (options: Downstream.DownstreamOptions) {
  const { accepted, send, unavailable, unexpected } = yield* Downstream.make("payments", options)

  const answeredIntent = (answer: Answer) => Effect.map(accepted(IntentAnswer)(answer), intentOf)

  /** The intent that was asked for, and no other. */
  const sameIntent = (id: PaymentIntentId, intent: PaymentIntent) =>
    intent.id === id ? Effect.succeed(intent) : Effect.fail(unavailable("its answer is about another intent"))

  /** Fails unless the answer repeats what was asked. */
  const agree = (isSame: boolean, what: string) =>
    isSame ? Effect.void : Effect.fail(unavailable(`its answer has another ${what}`))

  return Payments.of({
    openIntent: Effect.fn("PaymentsHttp.openIntent")(function* (request: IntentRequest) {
      const { amount, currency, key, orderId, tenantId, userId } = request
      const answer = yield* send("payments:change", {
        method: "POST",
        path: intents,
        tenantId,
        key,
        body: { orderId, userId, amount, currency }
      })
      if (answer._tag === "Refused") return yield* new PaymentRefused({ why: answer.why })
      const intent = yield* answeredIntent(answer)
      yield* agree(intent.amount === amount, "amount")
      yield* agree(intent.currency === currency, "currency")
      yield* agree(intent.orderId === null || intent.orderId === orderId, "order")
      return intent
    }),

    getIntent: Effect.fn("PaymentsHttp.getIntent")(function* (tenantId: TenantId, paymentIntentId: PaymentIntentId) {
      if (!isAddressable(paymentIntentId)) return yield* new PaymentIntentNotFound({ paymentIntentId })
      const answer = yield* send("payments:read", { method: "GET", path: [...intents, paymentIntentId], tenantId })
      if (answer._tag === "Refused") return yield* refusalOf(paymentIntentId, answer)
      return yield* sameIntent(paymentIntentId, yield* answeredIntent(answer))
    }),

    cancelIntent: Effect.fn("PaymentsHttp.cancelIntent")(function* (
      tenantId: TenantId,
      paymentIntentId: PaymentIntentId,
      key: string
    ) {
      if (!isAddressable(paymentIntentId)) return yield* new PaymentIntentNotFound({ paymentIntentId })
      const path = [...intents, paymentIntentId, "cancel"]
      const answer = yield* send("payments:compensation", { method: "POST", path, tenantId, key, body: {} })
      if (answer._tag === "Accepted") return yield* sameIntent(paymentIntentId, yield* answeredIntent(answer))
      const intent = answer.status === 409 ? intentIn(answer.body) : Option.none()
      return yield* Option.isNone(intent)
        ? refusalOf(paymentIntentId, answer)
        : sameIntent(paymentIntentId, intent.value)
    }),

    refund: Effect.fn("PaymentsHttp.refund")(function* (instruction: RefundInstruction) {
      const { amount, key, orderId, paymentIntentId, reason, refundId, tenantId } = instruction
      const answer = yield* send("payments:compensation", {
        method: "POST",
        path: ["internal", "refunds"],
        tenantId,
        key,
        body: { paymentIntentId, amount, reason, orderId, refundId }
      })
      if (answer._tag === "Refused") {
        // Something else has moved under this key: nobody knows what.
        if (answer.code === KEY_USED) return yield* unexpected(answer)
        // A definite no: nothing has moved.
        const outcome: RefundOutcome = { _tag: "Failed", reason: answer.code }
        return outcome
      }
      const refund = yield* accepted(RefundAnswer)(answer)
      yield* agree(refund.amount === undefined || refund.amount === amount, "amount")
      yield* agree(refund.refundId === undefined || refund.refundId === refundId, "refund")
      yield* agree(refund.paymentIntentId === undefined || refund.paymentIntentId === paymentIntentId, "intent")
      return outcomeOf(refund)
    })
  })
})
