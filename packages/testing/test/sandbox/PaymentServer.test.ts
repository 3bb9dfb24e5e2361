/** The payment sandbox over HTTP: the wire of contract section 2, and the controls that stand for buyers and banks. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import type { HttpClient } from "effect/http"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Intent, PaymentRefund } from "@tickettoken/order-testing/sandbox/PaymentFacts"
import type { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { assertAnswer, assertProblem, get, inSandbox, keyed, post, read, send } from "./http.ts"
import { orderServiceStub, type Scripted, type Told } from "./orderServiceStub.ts"
import { order, refund, userId } from "./scene.ts"

const wanted = { orderId: order(1), userId, amount: 23_338, currency: "USD" }

const openIntent = (url: string) =>
  Effect.map(post(`${url}/internal/payment-intents`, "i", wanted), (answer) => read(Intent, answer).id)

const payment = (url: string, id: string, act: string, body?: object) =>
  send("POST", `${url}/sandbox/payment-intents/${id}/${act}`, body)

describe("the payment sandbox", () => {
  it.live("opens, shows, takes and returns money", () =>
    inSandbox(({ payments: { url } }) =>
      Effect.gen(function* () {
        const opened = yield* post(`${url}/internal/payment-intents`, "i", wanted)
        const { id } = read(Intent, opened)
        assertAnswer(opened, 200, {
          status: "requires_payment",
          amount: 23_338,
          currency: "USD",
          clientSecret: `${id}_secret_sandbox`
        })
        const intentUrl = `${url}/internal/payment-intents/${id}`
        assertAnswer(yield* get(intentUrl), 200, { status: "requires_payment", amountCaptured: 0, orderId: order(1) })
        assertAnswer(yield* payment(url, id, "pay"), 200, { intent: { status: "succeeded" }, announced: null })
        assertAnswer(yield* get(intentUrl, { "x-tenant-id": demo.tenantId }), 200, {
          status: "succeeded",
          amountCaptured: 23_338,
          currency: "USD"
        })
        const asked = { paymentIntentId: id, orderId: order(1), refundId: refund(1), amount: 22_808, reason: "buyer" }
        const refunded = yield* post(`${url}/internal/refunds`, "r", asked)
        assertAnswer(refunded, 200, { refundId: refund(1), amount: 22_808, currency: "USD", status: "succeeded" })
        const again = yield* get(`${url}/internal/refunds/${read(PaymentRefund, refunded).id}`)
        assert.deepStrictEqual(again.body, refunded.body)
        assertProblem(yield* post(`${url}/internal/refunds`, "s", asked), 409, "REFUND_EXCEEDS_CAPTURED")
      })
    )
  )

  it.live("shows the intent in the problem when it is too late to cancel", () =>
    inSandbox(({ payments: { url } }) =>
      Effect.gen(function* () {
        const id = yield* openIntent(url)
        const cancel = (key: string) =>
          send("POST", `${url}/internal/payment-intents/${id}/cancel`, undefined, keyed(key))
        yield* payment(url, id, "process")
        assertProblem(yield* cancel("x"), 409, "INTENT_PROCESSING", { intent: { id, status: "processing" } })
        yield* payment(url, id, "pay")
        const intent = { id, status: "succeeded", amountCaptured: 23_338, currency: "USD" }
        assertProblem(yield* cancel("y"), 409, "INTENT_SUCCEEDED", { intent })
      })
    )
  )

  it.live("keeps keys and tenants apart", () =>
    inSandbox(({ payments: { url } }) =>
      Effect.gen(function* () {
        const id = yield* openIntent(url)
        assert.strictEqual(yield* openIntent(url), id)
        const intents = `${url}/internal/payment-intents`
        assertProblem(yield* post(intents, "i", { ...wanted, amount: 1 }), 422, "IDEMPOTENCY_MISMATCH")
        assertProblem(yield* post(intents, "j", { ...wanted, amount: 0 }), 400, "VALIDATION_ERROR")
        assertProblem(yield* send("POST", intents, wanted), 400, "VALIDATION_ERROR")
        const foreign = { "x-tenant-id": demo.secondTenantId }
        assertProblem(yield* get(`${intents}/${id}`, foreign), 404, "INTENT_NOT_FOUND")
        assertProblem(yield* get(`${intents}/pi_none`, foreign), 404, "INTENT_NOT_FOUND")
        const stolen = yield* send("POST", `${intents}/${id}/cancel`, {}, keyed("x", demo.secondTenantId))
        assertProblem(stolen, 404, "INTENT_NOT_FOUND")
      })
    )
  )

  it.live("declines for now or for good", () =>
    inSandbox(({ payments: { url } }) =>
      Effect.gen(function* () {
        const id = yield* openIntent(url)
        assertAnswer(yield* payment(url, id, "decline", { retryable: true }), 200, { status: "requires_payment" })
        assertAnswer(yield* payment(url, id, "decline", { retryable: false }), 200, { status: "canceled" })
        assertProblem(yield* payment(url, id, "pay"), 409, "INTENT_CANCELED", { intent: { status: "canceled" } })
        assertProblem(yield* payment(url, id, "decline"), 400, "VALIDATION_ERROR")
        const late = yield* payment(url, id, "late", { amount: 100, currency: "EUR" })
        assertAnswer(late, 200, { intent: { status: "succeeded", amountCaptured: 100, currency: "EUR" } })
      })
    )
  )

  it.live("lets refunds wait or fail when the faults say so, and settles them on demand", () =>
    inSandbox(({ payments }) =>
      Effect.gen(function* () {
        const { url } = payments
        const id = yield* openIntent(url)
        yield* payments.pay(id)
        yield* payments.faults.set({
          rules: [{ refundOutcome: { value: "pending", times: 1 } }, { operation: "none" }]
        })
        const asked = { paymentIntentId: id, orderId: order(1), refundId: refund(1), amount: 500, reason: "buyer" }
        const pending = read(PaymentRefund, yield* post(`${url}/internal/refunds`, "r", asked))
        assert.strictEqual(pending.status, "pending")
        const settled = yield* send("POST", `${url}/sandbox/refunds/${pending.id}/settle`, {
          status: "failed",
          reason: "account_closed"
        })
        assertAnswer(settled, 200, { status: "failed", failureReason: "account_closed" })
        yield* payments.faults.set({ rules: [{ operation: "payments.createRefund", refundOutcome: "failed" }] })
        assertAnswer(yield* post(`${url}/internal/refunds`, "s", asked), 200, { status: "failed" })
      })
    )
  )
})

/** Opens an intent, with an order service that answers the script. */
const announcing = <A, E>(
  script: ReadonlyArray<Scripted>,
  test: (
    payments: Sandbox["Service"]["payments"],
    id: string,
    told: Effect.Effect<ReadonlyArray<Told>>
  ) => Effect.Effect<A, E, HttpClient.HttpClient>
) =>
  Effect.scoped(
    Effect.flatMap(orderServiceStub(...script), ({ target, told }) =>
      inSandbox(({ payments }) => Effect.flatMap(openIntent(payments.url), (id) => test(payments, id, told)), {
        announceTo: target
      })
    )
  )

/** Waits until so many announcements have arrived. */
const arrived = (told: Effect.Effect<ReadonlyArray<Told>>, count: number) =>
  Effect.repeat(told, {
    until: (announcements) => announcements.length >= count,
    schedule: Schedule.spaced("20 millis")
  }).pipe(Effect.andThen(told), Effect.timeout("1 minute"))

describe("an announcement", () => {
  it.live("names order, tenant and intent, shows the service key, and brings the answer to the payer", () =>
    announcing([], (payments, id, told) =>
      Effect.gen(function* () {
        const { announced, intent } = yield* payments.pay(id)
        assert.strictEqual(intent.status, "succeeded")
        assert.deepStrictEqual(announced, { status: 200, body: { order: { status: "CONFIRMED" } } })
        assert.deepStrictEqual(yield* told, [
          {
            method: "POST",
            path: `/internal/v1/orders/${order(1)}/confirm`,
            authorization: "Service-Key payment.secret",
            tenant: demo.tenantId,
            body: { paymentIntentId: id }
          }
        ])
        const facts = (yield* payments.journal.entries).map((entry) => entry.fact)
        assert.containSubset(facts, [{ kind: "payment.announced", attempt: 1, status: 200 }])
      })
    )
  )

  it.live("takes a refusal for the last word", () =>
    announcing([{ status: 409, body: { code: "PAYMENT_MISMATCH" } }], (payments, id, told) =>
      Effect.gen(function* () {
        const { announced } = yield* payments.pay(id)
        assert.deepStrictEqual(announced, { status: 409, body: { code: "PAYMENT_MISMATCH" } })
        yield* Effect.sleep("500 millis")
        assert.lengthOf(yield* told, 1)
      })
    )
  )

  it.live("goes on in the background while the order service is busy or broken", () =>
    announcing(
      [
        { status: 409, body: { code: "IDEMPOTENCY_IN_PROGRESS" } },
        { status: 503, body: { code: "SERVICE_UNAVAILABLE" } }
      ],
      (payments, id, told) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* payments.pay(id)).announced, "pending")
          assert.lengthOf(yield* arrived(told, 3), 3)
          yield* Effect.sleep("300 millis")
          assert.lengthOf(yield* told, 3)
        })
    )
  )

  it.live("goes on while the order service is down, to whoever is there when it comes back", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { target, told } = yield* orderServiceStub()
        const nobody = { ...target, orderServiceUrl: "http://127.0.0.1:1" }
        yield* inSandbox(
          ({ payments }) =>
            Effect.gen(function* () {
              const id = yield* openIntent(payments.url)
              const paid = yield* payment(payments.url, id, "pay")
              assertAnswer(paid, 200, { intent: { status: "succeeded" }, announced: "pending" })
              yield* payments.announceTo(target)
              assert.lengthOf(yield* arrived(told, 1), 1)
            }),
          { announceTo: nobody }
        )
      })
    )
  )

  it.live("is left out when the payer says so", () =>
    announcing([], (payments, id, told) =>
      Effect.gen(function* () {
        const paid = yield* payment(payments.url, id, "pay", { announce: false })
        assertAnswer(paid, 200, { announced: null })
        assert.lengthOf(yield* told, 0)
      })
    )
  )

  it.live("comes twice, or gets lost, when the faults say so", () =>
    announcing([], (payments, id, told) =>
      Effect.gen(function* () {
        const operation = "announcements.confirm"
        yield* payments.faults.set({ rules: [{ operation, duplicate: 1 }] })
        yield* payments.pay(id)
        assert.lengthOf(yield* told, 2)
        yield* payments.faults.set({ rules: [{ operation, failBefore: 1 }] })
        assert.strictEqual((yield* payments.pay(id)).announced, "lost")
        assert.lengthOf(yield* told, 2)
        assert.deepStrictEqual((yield* payments.faults.report).rules[0]?.hits, { failBefore: 1 })
        yield* payments.faults.set({ rules: [{ operation, failAfter: { times: 1 } }] })
        assert.strictEqual((yield* payments.pay(id)).announced, "pending")
        assert.lengthOf(yield* arrived(told, 4), 4)
      })
    )
  )
})
