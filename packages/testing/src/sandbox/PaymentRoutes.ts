/**
 * The payment sandbox's HTTP face: contract, section 2, plus controls that stand for buyers and banks.
 */
import { Effect, Result, Schema } from "effect"
import type { Announced, Announcer } from "./Announcer.ts"
import type { Journal } from "./Journal.ts"
import {
  DeclineRequest,
  Intent,
  IntentRequest,
  type PaymentFact,
  PaymentRefund,
  type PaymentRefusal,
  PayRequest,
  RefundRequest,
  SettleRequest
} from "./PaymentFacts.ts"
import * as Ledger from "./PaymentLedger.ts"
import { control, get, post, type Route } from "./Routes.ts"
import { replying } from "./Wire.ts"

const Nothing = Schema.Struct({})

/** Pays the intent (`late`: even if it is canceled) and, unless asked not to, tells the order service. */
export const payAndAnnounce = Effect.fnUntraced(function* (
  { perform }: Journal<Ledger.PaymentState, PaymentFact>,
  { announce }: Announcer,
  request: PayRequest & { readonly id: string; readonly late: boolean }
): Effect.fn.Return<Result.Result<{ readonly intent: Intent; readonly announced: Announced }, PaymentRefusal>> {
  const paid = yield* perform((state) => Ledger.pay(state, request))
  if (Result.isFailure(paid)) return Result.fail(paid.failure)
  const intent = paid.success
  const announced = request.announce === false ? null : yield* announce(intent)
  return Result.succeed({ intent, announced })
})

const Paid = Schema.Struct({ intent: Intent, announced: Schema.Unknown })

const replyIntent = replying(Intent)
const replyRefund = replying(PaymentRefund)

/** What a browser would need to pay; told when the intent is created. */
const clientSecretOf = (id: string): string => `${id}_secret_sandbox`

export const paymentRoutes = (
  journal: Journal<Ledger.PaymentState, PaymentFact>,
  announcer: Announcer
): ReadonlyArray<Route> => {
  const { perform } = journal
  const payment = (late: boolean) => (call: { readonly id: string; readonly body: PayRequest }) =>
    Effect.map(payAndAnnounce(journal, announcer, { ...call.body, id: call.id, late }), replying(Paid))
  return [
    post("payments.createIntent", "/internal/payment-intents", IntentRequest, ({ body, key, tenantId }) =>
      Effect.map(
        perform((state) => Ledger.createIntent(state, { tenantId, key, ...body })),
        (result) =>
          replying(Intent, (encoded) => ({
            ...encoded,
            clientSecret: Result.match(result, { onFailure: () => null, onSuccess: ({ id }) => clientSecretOf(id) })
          }))(result)
      )
    ),
    get("payments.getIntent", "/internal/payment-intents/:id", (call) =>
      Effect.map(
        perform((state) => Ledger.getIntent(state, call)),
        replyIntent
      )
    ),
    post("payments.cancelIntent", "/internal/payment-intents/:id/cancel", Nothing, ({ id, key, tenantId }) =>
      Effect.map(
        perform((state) => Ledger.cancelIntent(state, { tenantId, key, id })),
        replyIntent
      )
    ),
    post("payments.createRefund", "/internal/refunds", RefundRequest, ({ body, fired, key, tenantId }) => {
      const outcome = fired.refundOutcome ?? "succeeded"
      return Effect.map(
        perform((state) => Ledger.createRefund(state, { tenantId, key, ...body, outcome })),
        replyRefund
      )
    }),
    get("payments.getRefund", "/internal/refunds/:id", (call) =>
      Effect.map(
        perform((state) => Ledger.getRefund(state, call)),
        replyRefund
      )
    ),
    control("POST", "/sandbox/payment-intents/:id/pay", PayRequest, payment(false)),
    control("POST", "/sandbox/payment-intents/:id/late", PayRequest, payment(true)),
    control("POST", "/sandbox/payment-intents/:id/process", Nothing, ({ id }) =>
      Effect.map(
        perform((state) => Ledger.startProcessing(state, { id })),
        replyIntent
      )
    ),
    control("POST", "/sandbox/payment-intents/:id/decline", DeclineRequest, ({ body, id }) =>
      Effect.map(
        perform((state) => Ledger.decline(state, { id, ...body })),
        replyIntent
      )
    ),
    control("POST", "/sandbox/refunds/:id/settle", SettleRequest, ({ body, id }) =>
      Effect.map(
        perform((state) => Ledger.settleRefund(state, { id, ...body })),
        replyRefund
      )
    )
  ]
}
