/**
 * `Payments` over the sandbox's ledger.
 */
import { Effect, Layer, Ref } from "effect"
import type { RefundOutcome } from "@tickettoken/order-domain/OrderCommand"
import {
  type PaymentIntent,
  PaymentIntentNotFound,
  PaymentRefused,
  Payments
} from "@tickettoken/order-domain/ports/Payments"
import type { Intent, PaymentRefund } from "../sandbox/PaymentFacts.ts"
import * as Ledger from "../sandbox/PaymentLedger.ts"
import { MemoryServices, settled } from "./MemoryServices.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"

/** What a browser needs to pay. Told when the intent is created and never again. */
const clientSecretOf = (id: string): string => `${id}_secret_memory`

const intentOf = ({ amount, amountCaptured, currency, id, orderId, status }: Intent): PaymentIntent => ({
  id,
  status,
  amount,
  amountCaptured,
  currency,
  orderId,
  clientSecret: null
})

const outcomeOf = ({ failureReason, status }: PaymentRefund): RefundOutcome => {
  switch (status) {
    case "pending":
      return { _tag: "Pending" }
    case "succeeded":
      return { _tag: "Succeeded" }
    case "failed":
      return { _tag: "Failed", reason: failureReason ?? "refused" }
  }
}

export const layer = Layer.effect(
  Payments,
  Effect.gen(function* () {
    const { payments, refundOutcomes } = yield* MemoryServices
    const faults = yield* ScriptedFaults
    const nextOutcome = Ref.modify(refundOutcomes, ([first = "succeeded" as const, ...rest]) => [first, rest])
    const refused = Effect.fail(new PaymentRefused({ why: "refused by the payment service" }))
    const declined: RefundOutcome = { _tag: "Failed", reason: "refused_by_bank" }
    return Payments.of({
      openIntent: Effect.fn("Payments.openIntent")(function* (request) {
        return yield* faults.around(
          "payments.openIntent",
          settled(payments.perform((state) => Ledger.createIntent(state, request))).pipe(
            Effect.map((intent) => ({ ...intentOf(intent), clientSecret: clientSecretOf(intent.id) })),
            Effect.mapError(({ message }) => new PaymentRefused({ why: message }))
          ),
          refused
        )
      }),
      getIntent: Effect.fn("Payments.getIntent")(function* (tenantId, paymentIntentId) {
        return yield* faults.around(
          "payments.getIntent",
          settled(payments.perform((state) => Ledger.getIntent(state, { id: paymentIntentId, tenantId }))).pipe(
            Effect.map(intentOf),
            Effect.mapError(() => new PaymentIntentNotFound({ paymentIntentId }))
          ),
          refused
        )
      }),
      cancelIntent: Effect.fn("Payments.cancelIntent")(function* (tenantId, paymentIntentId, key) {
        return yield* faults.around(
          "payments.cancelIntent",
          settled(payments.perform((state) => Ledger.cancelIntent(state, { tenantId, key, id: paymentIntentId }))).pipe(
            Effect.catch((refusal) => {
              if (refusal.intent !== undefined) return Effect.succeed(refusal.intent)
              return Effect.fail(
                refusal.code === "INTENT_NOT_FOUND"
                  ? new PaymentIntentNotFound({ paymentIntentId })
                  : new PaymentRefused({ why: refusal.message })
              )
            }),
            Effect.map(intentOf)
          ),
          refused
        )
      }),
      refund: Effect.fn("Payments.refund")(function* (instruction) {
        return yield* faults.around(
          "payments.refund",
          nextOutcome.pipe(
            Effect.flatMap((outcome) =>
              settled(payments.perform((state) => Ledger.createRefund(state, { ...instruction, outcome })))
            ),
            Effect.map(outcomeOf),
            // A definite no: nothing has moved under this key.
            Effect.catch(({ code }) => Effect.succeed<RefundOutcome>({ _tag: "Failed", reason: code }))
          ),
          Effect.succeed(declined)
        )
      })
    })
  })
)
