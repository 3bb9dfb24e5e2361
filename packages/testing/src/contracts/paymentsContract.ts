/**
 * What every `Payments` must do: one effect per key, captured money is never denied, nothing is returned twice.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { OrderId, PaymentIntentId, RefundId, TenantId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { Payments } from "@tickettoken/order-domain/ports/Payments"
import { demo } from "../sandbox/catalogue.ts"
import { derivedId, randomUuid } from "../TestOrders.ts"
import { ServiceControls } from "./ServiceControls.ts"
import { type ContractOptions, suiteOptions } from "./TestTime.ts"

const amount = Cents.make(23_338)

/** A request for an intent of an order that nobody has seen. */
const freshRequest = Effect.map(randomUuid, (id) => ({
  tenantId: demo.tenantId,
  key: `${id}:INTENT:1`,
  orderId: OrderId.make(id),
  userId: demo.buyerId,
  amount,
  currency: "USD" as const
}))

type Request = Effect.Success<typeof freshRequest>

const open = Effect.fnUntraced(function* (request: Request) {
  const payments = yield* Payments
  return yield* payments.openIntent(request)
})

/** An intent that has been paid. */
const paid = Effect.gen(function* () {
  const controls = yield* ServiceControls
  const request = yield* freshRequest
  const { id } = yield* open(request)
  yield* controls.pay(id)
  return { ...request, id }
})

const refundOf = (intent: Effect.Success<typeof paid>, n: number, part: number, attempt = 1) => {
  const refundId = RefundId.make(derivedId(intent.orderId, n))
  return {
    tenantId: intent.tenantId,
    key: `${refundId}:REFUND:${attempt}`,
    orderId: intent.orderId,
    refundId,
    paymentIntentId: intent.id,
    amount: Cents.make(part),
    reason: "ill"
  }
}

export const paymentsContract = <E>(
  name: string,
  payments: Layer.Layer<Payments | ServiceControls, E>,
  options: ContractOptions = {}
): void =>
  layer(payments, suiteOptions(options))(`Payments: ${name}`, (it) => {
    it.effect("opens one intent per key, and tells it again", () =>
      Effect.gen(function* () {
        const service = yield* Payments
        const request = yield* freshRequest
        const opened = yield* open(request)
        assert.deepStrictEqual(
          [opened.status, opened.amount, opened.amountCaptured, opened.currency, opened.orderId],
          ["requires_payment", 23_338, 0, "USD", request.orderId]
        )
        assert.isString(opened.clientSecret)
        assert.strictEqual((yield* open(request)).id, opened.id)
        const read = yield* service.getIntent(demo.tenantId, opened.id)
        assert.deepStrictEqual([read.id, read.status, read.amount], [opened.id, "requires_payment", 23_338])
        assert.notStrictEqual((yield* open(yield* freshRequest)).id, opened.id)
      })
    )

    it.effect("refuses a key that comes back with another request", () =>
      Effect.gen(function* () {
        const request = yield* freshRequest
        yield* open(request)
        const refused = yield* Effect.flip(open({ ...request, amount: Cents.make(1) }))
        assert.strictEqual(refused._tag, "PaymentRefused")
      })
    )

    it.effect("knows no intent of another tenant, nor one that was never opened", () =>
      Effect.gen(function* () {
        const service = yield* Payments
        const { id } = yield* open(yield* freshRequest)
        const stranger = TenantId.make(yield* randomUuid)
        const absent = PaymentIntentId.make(`pi_${yield* randomUuid}`)
        const errors = yield* Effect.all([
          Effect.flip(service.getIntent(stranger, id)),
          Effect.flip(service.getIntent(demo.tenantId, absent)),
          Effect.flip(service.cancelIntent(stranger, id, `${id}:VOID:1`)),
          Effect.flip(service.cancelIntent(demo.tenantId, absent, `${absent}:VOID:1`))
        ])
        assert.deepStrictEqual(
          errors.map(({ _tag }) => _tag),
          errors.map(() => "PaymentIntentNotFound")
        )
      })
    )

    it.effect("3.6 states what was captured, in which currency", () =>
      Effect.gen(function* () {
        const service = yield* Payments
        const controls = yield* ServiceControls
        const own = yield* paid
        const captured = yield* service.getIntent(demo.tenantId, own.id)
        assert.deepStrictEqual(
          [captured.status, captured.amountCaptured, captured.currency],
          ["succeeded", 23_338, "USD"]
        )
        const odd = yield* open(yield* freshRequest)
        yield* controls.pay(odd.id, { amount: Cents.make(999), currency: "EUR" })
        const other = yield* service.getIntent(demo.tenantId, odd.id)
        assert.deepStrictEqual([other.status, other.amountCaptured, other.currency], ["succeeded", 999, "EUR"])
      })
    )

    it.effect("4.7 cancels an intent that nobody has paid, and answers what it is now", () =>
      Effect.gen(function* () {
        const service = yield* Payments
        const controls = yield* ServiceControls
        const cancel = (id: PaymentIntentId) => service.cancelIntent(demo.tenantId, id, `${id}:VOID:4`)
        const unpaid = yield* open(yield* freshRequest)
        assert.strictEqual((yield* cancel(unpaid.id)).status, "canceled")
        assert.strictEqual((yield* cancel(unpaid.id)).status, "canceled")
        assert.strictEqual((yield* service.getIntent(demo.tenantId, unpaid.id)).status, "canceled")
        const own = yield* paid
        const answer = yield* cancel(own.id)
        assert.deepStrictEqual([answer.status, answer.amountCaptured], ["succeeded", 23_338])
        const slow = yield* open(yield* freshRequest)
        yield* controls.startProcessing(slow.id)
        assert.strictEqual((yield* cancel(slow.id)).status, "processing")
      })
    )

    it.effect("3.8 a retryable decline leaves the intent payable, a final one ends it", () =>
      Effect.gen(function* () {
        const service = yield* Payments
        const controls = yield* ServiceControls
        const { id } = yield* open(yield* freshRequest)
        yield* controls.decline(id, { retryable: true })
        assert.strictEqual((yield* service.getIntent(demo.tenantId, id)).status, "requires_payment")
        yield* controls.decline(id, { retryable: false })
        assert.strictEqual((yield* service.getIntent(demo.tenantId, id)).status, "canceled")
      })
    )

    it.effect("4.6 returns money once per key, and says again how it stands", () =>
      Effect.gen(function* () {
        const service = yield* Payments
        const own = yield* paid
        const refund = refundOf(own, 1, 20_000)
        const given = yield* Effect.all(
          Array.from({ length: 5 }, () => service.refund(refund)),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          given,
          given.map(() => ({ _tag: "Succeeded" }))
        )
        // Had any repeat moved money again, the rest would not be there any more.
        assert.deepStrictEqual(yield* service.refund(refundOf(own, 2, 3338)), { _tag: "Succeeded" })
        assert.strictEqual((yield* service.refund(refundOf(own, 3, 1)))._tag, "Failed")
      })
    )

    it.effect("4.6 tells a pending refund apart from its end", () =>
      Effect.gen(function* () {
        const service = yield* Payments
        const controls = yield* ServiceControls
        const own = yield* paid
        yield* controls.nextRefunds("pending", "pending")
        const [good, bad] = [refundOf(own, 1, 100), refundOf(own, 2, 200)]
        for (const refund of [good, bad]) assert.deepStrictEqual(yield* service.refund(refund), { _tag: "Pending" })
        yield* controls.settleRefund(good.refundId, "succeeded")
        yield* controls.settleRefund(bad.refundId, "failed")
        assert.deepStrictEqual(yield* service.refund(good), { _tag: "Succeeded" })
        assert.strictEqual((yield* service.refund(bad))._tag, "Failed")
      })
    )

    it.effect("4.6 a refund that failed may be tried again under a new key", () =>
      Effect.gen(function* () {
        const service = yield* Payments
        const controls = yield* ServiceControls
        const own = yield* paid
        yield* controls.nextRefunds("failed")
        assert.strictEqual((yield* service.refund(refundOf(own, 1, 23_338)))._tag, "Failed")
        assert.strictEqual((yield* service.refund(refundOf(own, 1, 23_338)))._tag, "Failed")
        assert.deepStrictEqual(yield* service.refund(refundOf(own, 1, 23_338, 2)), { _tag: "Succeeded" })
      })
    )

    it.effect("4.4 returns no more than was captured, and nothing of an unpaid or foreign intent", () =>
      Effect.gen(function* () {
        const service = yield* Payments
        const own = yield* paid
        const other = yield* paid
        const request = yield* freshRequest
        const unpaid = { ...request, id: (yield* open(request)).id }
        const outcomes = yield* Effect.all([
          service.refund(refundOf(own, 1, 23_339)),
          service.refund(refundOf(unpaid, 1, 1)),
          service.refund({ ...refundOf(own, 2, 100), paymentIntentId: other.id })
        ])
        assert.deepStrictEqual(
          outcomes.map(({ _tag }) => _tag),
          ["Failed", "Failed", "Failed"]
        )
      })
    )
  })
