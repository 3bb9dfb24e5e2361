/** The payment client: which answers it believes, and what a refusal means. */
import { assert, describe, it } from "@effect/vitest"
import { PaymentIntentId } from "@tickettoken/order-domain/Ids"
import { Payments } from "@tickettoken/order-domain/ports/Payments"
import { Effect } from "effect"
import {
  amount,
  calls,
  instruction,
  intent,
  intentId,
  orderId,
  otherOrderId,
  overUndici,
  tenantId,
  userId
} from "../support/clientCalls.ts"
import { httpStub, type Response } from "../support/httpStub.ts"

const against = <A, E>(given: Response, call: Effect.Effect<A, E, Payments>) =>
  Effect.gen(function* () {
    const stub = yield* httpStub(given)
    return yield* Effect.provide(call, overUndici(stub.url))
  })

const tagOf = (given: Response, call: Effect.Effect<unknown, { readonly _tag: string }, Payments>) =>
  Effect.map(against(given, Effect.flip(Effect.asVoid(call))), ({ _tag }) => _tag)

const refusal = (status: number, code: string, members: object = {}): Response => ({
  status,
  body: { type: "/problems/x", title: "X", status, detail: "because", code, ...members }
})

describe("an intent", () => {
  it.effect("is opened with what the order says, and believed when it agrees", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ body: { ...intent, somethingNew: true } })
      assert.deepStrictEqual<unknown>(yield* Effect.provide(calls.openIntent, overUndici(stub.url)), intent)
      assert.deepStrictEqual<unknown>(stub.received[0]?.body, { orderId, userId, amount, currency: "USD" })
    })
  )

  it.effect("may leave out what nobody needs: whose it is, and a capture that has not been", () =>
    Effect.gen(function* () {
      const { amountCaptured: _, clientSecret: __, orderId: ___, ...little } = intent
      assert.deepStrictEqual<unknown>(yield* against({ body: little }, calls.openIntent), {
        ...little,
        amountCaptured: 0,
        clientSecret: null,
        orderId: null
      })
    })
  )

  const lies: Record<string, object> = {
    "another amount": { amount: amount + 1 },
    "an amount with a fraction": { amount: 233.38 },
    "an amount as text": { amount: String(amount) },
    "a negative capture": { amountCaptured: -1 },
    "another currency": { currency: "CAD" },
    "a currency in lower case": { currency: "usd" },
    "another order": { orderId: otherOrderId },
    "no id": { id: "" },
    "a status that does not exist": { status: "paid" },
    "a success without an amount": { status: "succeeded", amountCaptured: undefined }
  }

  it.effect.each(Object.entries(lies))("F30 is not believed with %s when it is opened", ([, lie]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* tagOf({ body: { ...intent, ...lie } }, calls.openIntent), "ServiceUnavailable")
    })
  )

  it.effect.each(["usd", "DOLLAR", ""])("F30 is not believed with %j for a currency when it is read", (currency) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* tagOf({ body: { ...intent, currency } }, calls.getIntent), "ServiceUnavailable")
    })
  )

  it.effect("F30 is not believed when it is another one than the one asked for", () =>
    Effect.gen(function* () {
      const body = { ...intent, id: "pi_2" }
      assert.strictEqual(yield* tagOf({ body }, calls.getIntent), "ServiceUnavailable")
      assert.strictEqual(yield* tagOf({ body }, calls.cancelIntent), "ServiceUnavailable")
      assert.strictEqual(
        yield* tagOf(refusal(409, "INTENT_SUCCEEDED", { intent: body }), calls.cancelIntent),
        "ServiceUnavailable"
      )
    })
  )

  it.effect("3.6 says what was captured, even if that is not what was asked for: the order decides", () =>
    Effect.gen(function* () {
      const body = { ...intent, status: "succeeded", amountCaptured: 999, currency: "EUR" }
      assert.deepStrictEqual<unknown>(yield* against({ body }, calls.getIntent), body)
    })
  )

  it.effect.each([400, 402, 404, 409, 410, 422])("is refused for good by a %d with a code", (status) =>
    Effect.gen(function* () {
      const error = yield* against(refusal(status, "CARD_REQUIRED"), Effect.flip(calls.openIntent))
      assert.deepStrictEqual([error._tag, error.message], ["PaymentRefused", "because"])
    })
  )

  it.effect("is unknown only if the payment service itself says so", () =>
    Effect.gen(function* () {
      for (const call of [calls.getIntent, calls.cancelIntent]) {
        assert.strictEqual(yield* tagOf(refusal(404, "INTENT_NOT_FOUND"), call), "PaymentIntentNotFound")
      }
    })
  )

  it.effect.each([400, 402, 409, 410, 422])("is not shown to us by a %d with a code, which is no outage", (status) =>
    Effect.gen(function* () {
      for (const call of [calls.getIntent, calls.cancelIntent]) {
        const error = yield* against(refusal(status, "NOT_YOURS"), Effect.flip(call))
        assert.deepStrictEqual(
          [error._tag, error.message],
          ["PaymentRefused", `the payment service: it answered ${status} NOT_YOURS`]
        )
      }
    })
  )

  it.effect.each([".", "..", "\ud800"])("%j is no id that a path can hold: nothing is asked", (id) =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ body: intent })
      const paymentIntentId = PaymentIntentId.make(id)
      const asked = Effect.flatMap(Payments, ({ cancelIntent, getIntent }) =>
        Effect.all([
          Effect.flip(getIntent(tenantId, paymentIntentId)),
          Effect.flip(cancelIntent(tenantId, paymentIntentId, "key"))
        ])
      )
      const errors = yield* Effect.provide(asked, overUndici(stub.url))
      assert.deepStrictEqual(
        errors.map(({ _tag }) => _tag),
        ["PaymentIntentNotFound", "PaymentIntentNotFound"]
      )
      assert.isEmpty(stub.received)
    })
  )

  it.effect("A38 leads to no other route, whatever its id holds", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub(refusal(404, "INTENT_NOT_FOUND"))
      const ids = ["../refunds", "pi_1/cancel", "pi_1?x=1#y", "%2e%2e", "//evil.example/x", "pi 1\r\nX: y"]
      for (const id of ids) {
        yield* Effect.flatMap(Payments, ({ getIntent }) =>
          Effect.flip(getIntent(tenantId, PaymentIntentId.make(id)))
        ).pipe(Effect.provide(overUndici(stub.url)))
      }
      assert.deepStrictEqual(
        stub.received.map(({ path }) => path),
        ids.map((id) => `/internal/payment-intents/${encodeURIComponent(id)}`)
      )
    })
  )
})

describe("a cancel", () => {
  it.effect("4.7 answers what the intent is now", () =>
    Effect.gen(function* () {
      const body = { ...intent, status: "canceled" }
      assert.strictEqual((yield* against({ body }, calls.cancelIntent)).status, "canceled")
    })
  )

  const captured = { ...intent, status: "succeeded", amountCaptured: amount }

  it.effect.each([
    ["in a problem", refusal(409, "INTENT_SUCCEEDED", { intent: captured })],
    ["as the body", { status: 409, body: { code: "INTENT_SUCCEEDED", ...captured } }]
  ] as const)("4.7 that came too late answers the intent that the 409 shows %s", ([, given]) =>
    Effect.gen(function* () {
      const answer = yield* against(given, calls.cancelIntent)
      assert.deepStrictEqual([answer.id, answer.status, answer.amountCaptured], [intentId, "succeeded", amount])
    })
  )

  it.effect("4.7 that came too late without showing the intent leaves it open", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* tagOf(refusal(409, "INTENT_SUCCEEDED"), calls.cancelIntent), "PaymentRefused")
      const cut = { intent: { ...captured, amountCaptured: undefined } }
      assert.strictEqual(yield* tagOf(refusal(409, "INTENT_SUCCEEDED", cut), calls.cancelIntent), "PaymentRefused")
      const told = { intent: captured }
      assert.strictEqual(yield* tagOf(refusal(422, "VALIDATION_ERROR", told), calls.cancelIntent), "PaymentRefused")
    })
  )
})

describe("a refund", () => {
  it.effect("is asked for with everything that names it", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ body: { status: "succeeded" } })
      yield* Effect.provide(calls.refund, overUndici(stub.url))
      const { key: _, tenantId: __, ...body } = instruction
      assert.deepStrictEqual<unknown>(stub.received[0]?.body, body)
    })
  )

  it.effect.each([
    [{ status: "pending" }, { _tag: "Pending" }],
    [{ status: "succeeded" }, { _tag: "Succeeded" }],
    [
      { status: "failed", failureReason: "account_closed", reason: "ill" },
      { _tag: "Failed", reason: "account_closed" }
    ],
    [
      { status: "failed", reason: "ill" },
      { _tag: "Failed", reason: "the payment service gave no reason" }
    ]
  ] as const)("4.6 that is %o is %o", ([body, outcome]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>(yield* against({ body }, calls.refund), outcome)
    })
  )

  it.effect("4.6 that is refused for good has failed: nothing has moved under its key", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* against(refusal(409, "REFUND_EXCEEDS_CAPTURED"), calls.refund), {
        _tag: "Failed",
        reason: "REFUND_EXCEEDS_CAPTURED"
      })
    })
  )

  const doubtful: Record<string, Response> = {
    "a key that was used for something else": refusal(422, "IDEMPOTENCY_MISMATCH"),
    "another amount": { body: { status: "succeeded", amount: amount + 1 } },
    "another refund": { body: { status: "succeeded", refundId: otherOrderId } },
    "another intent": { body: { status: "succeeded", paymentIntentId: "pi_2" } },
    "a status that does not exist": { body: { status: "done" } },
    "no status": { body: {} }
  }

  it.effect.each(Object.entries(doubtful))(
    "4.6 that is answered with %s is unknown, and asked for again",
    ([, given]) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* tagOf(given, calls.refund), "ServiceUnavailable")
      })
  )
})
