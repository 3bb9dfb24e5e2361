/** Every rule of the payment sandbox, on the pure engine. */
import { assert, describe, it } from "@effect/vitest"
import { HashMap, Schema } from "effect"
import { rebuild, type Step } from "@tickettoken/order-testing/sandbox/Engine"
import { PaymentFact, type RefundStatus } from "@tickettoken/order-testing/sandbox/PaymentFacts"
import * as Ledger from "@tickettoken/order-testing/sandbox/PaymentLedger"
import { cents, ok, order, otherTenantId, plain, play, refund, refused, tenantId, userId } from "./scene.ts"

interface Opening {
  readonly key?: string
  readonly amount?: number
  readonly currency?: string
  readonly tenant?: typeof tenantId
}

interface Return {
  readonly key?: string
  readonly amount?: number
  readonly number?: number
  readonly outcome?: RefundStatus
  readonly ofOrder?: number
}

const bank = () => {
  const stage = play(Ledger.engine)
  const open = ({ amount = 23_338, currency = "USD", key = "i", tenant = tenantId }: Opening = {}) =>
    stage.run((state) =>
      Ledger.createIntent(state, { tenantId: tenant, key, orderId: order(1), userId, amount: cents(amount), currency })
    )
  return {
    ...stage,
    open,
    opened: () => ok(open()).id,
    intent: (id: string) => ok(stage.run((state) => Ledger.getIntent(state, { id, tenantId }))),
    pay: (id: string, more: { amount?: number; currency?: string; late?: boolean } = {}) => {
      const { amount, late = false, ...rest } = more
      const money = amount === undefined ? rest : { ...rest, amount: cents(amount) }
      return stage.run((state) => Ledger.pay(state, { id, late, ...money }))
    },
    cancel: (id: string, key = "x", tenant = tenantId) =>
      stage.run((state) => Ledger.cancelIntent(state, { id, key, tenantId: tenant })),
    decline: (id: string, retryable: boolean) => stage.run((state) => Ledger.decline(state, { id, retryable })),
    start: (id: string) => stage.run((state) => Ledger.startProcessing(state, { id })),
    refund: (id: string, { amount = 1000, key = "r", number = 1, ofOrder = 1, outcome = "succeeded" }: Return = {}) =>
      stage.run((state) =>
        Ledger.createRefund(state, {
          tenantId,
          key,
          paymentIntentId: ok(Ledger.getIntent(state, { id }).reply).id,
          orderId: order(ofOrder),
          refundId: refund(number),
          amount: cents(amount),
          reason: "requested",
          outcome
        })
      )
  }
}

describe("an intent", () => {
  it("waits for its payment", () => {
    const { open } = bank()
    const intent = ok(open())
    assert.strictEqual(intent.status, "requires_payment")
    assert.strictEqual(intent.amount, 23_338)
    assert.strictEqual(intent.amountCaptured, 0)
    assert.strictEqual(intent.orderId, order(1))
  })

  it("is the same one under the same key, as it is by now", () => {
    const { facts, open, pay } = bank()
    const first = ok(open())
    ok(pay(first.id))
    assert.strictEqual(ok(open()).id, first.id)
    assert.strictEqual(ok(open()).status, "succeeded")
    assert.deepStrictEqual(
      facts.map((fact) => fact.kind),
      ["intent.created", "intent.captured"]
    )
  })

  it("is refused under a used key with other content", () => {
    const { open } = bank()
    ok(open())
    assert.strictEqual(refused(open({ amount: 1 })).code, "IDEMPOTENCY_MISMATCH")
    assert.strictEqual(refused(open({ currency: "EUR" })).code, "IDEMPOTENCY_MISMATCH")
  })

  it("is another one under another key, or in another tenant", () => {
    const { open } = bank()
    const ids = [ok(open()).id, ok(open({ key: "j" })).id, ok(open({ tenant: otherTenantId })).id]
    assert.strictEqual(new Set(ids).size, 3)
  })

  it("does not exist for another tenant", () => {
    const { cancel, opened, run } = bank()
    const id = opened()
    assert.strictEqual(
      refused(run((state) => Ledger.getIntent(state, { id, tenantId: otherTenantId }))).code,
      "INTENT_NOT_FOUND"
    )
    assert.strictEqual(refused(cancel(id, "x", otherTenantId)).code, "INTENT_NOT_FOUND")
  })
})

describe("a payment", () => {
  it("captures the whole amount", () => {
    const { opened, pay } = bank()
    const intent = ok(pay(opened()))
    assert.strictEqual(intent.status, "succeeded")
    assert.strictEqual(intent.amountCaptured, 23_338)
  })

  it("captures once, however often it comes", () => {
    const { facts, opened, pay } = bank()
    const id = opened()
    ok(pay(id))
    ok(pay(id, { amount: 5 }))
    assert.strictEqual(facts.filter((fact) => fact.kind === "intent.captured").length, 1)
  })

  it("can be of another amount and currency than was asked for", () => {
    const { opened, pay } = bank()
    const intent = ok(pay(opened(), { amount: 100, currency: "EUR" }))
    assert.deepStrictEqual([intent.amount, intent.amountCaptured, intent.currency], [23_338, 100, "EUR"])
  })

  it("is refused on a canceled intent, unless it comes late", () => {
    const { cancel, facts, opened, pay } = bank()
    const id = opened()
    ok(cancel(id))
    assert.strictEqual(refused(pay(id)).code, "INTENT_CANCELED")
    assert.strictEqual(ok(pay(id, { late: true })).status, "succeeded")
    const captured = facts.find((fact) => fact.kind === "intent.captured")
    assert.strictEqual(captured?.late, true)
  })

  it("can take its time, and then come or not", () => {
    const { intent, opened, pay, start } = bank()
    const id = opened()
    assert.strictEqual(ok(start(id)).status, "processing")
    assert.strictEqual(ok(pay(id)).status, "succeeded")
    assert.strictEqual(refused(start(id)).code, "INTENT_SUCCEEDED")
    assert.strictEqual(intent(id).status, "succeeded")
  })
})

describe("a decline", () => {
  it("that is retryable leaves the intent open", () => {
    const { decline, opened, pay } = bank()
    const id = opened()
    assert.strictEqual(ok(decline(id, true)).status, "requires_payment")
    assert.strictEqual(ok(pay(id)).status, "succeeded")
  })

  it("that is final cancels the intent", () => {
    const { decline, opened, pay } = bank()
    const id = opened()
    assert.strictEqual(ok(decline(id, false)).status, "canceled")
    assert.strictEqual(refused(pay(id)).code, "INTENT_CANCELED")
    assert.strictEqual(refused(decline(id, true)).code, "INTENT_CANCELED")
  })

  it("comes too late for a payment", () => {
    const { decline, opened, pay } = bank()
    const id = opened()
    ok(pay(id))
    assert.strictEqual(refused(decline(id, false)).intent?.status, "succeeded")
  })
})

describe("a cancellation", () => {
  it("ends an open intent, and repeats itself", () => {
    const { cancel, facts, opened } = bank()
    const id = opened()
    assert.strictEqual(ok(cancel(id)).status, "canceled")
    assert.strictEqual(ok(cancel(id, "y")).status, "canceled")
    assert.strictEqual(facts.filter((fact) => fact.kind === "intent.canceled").length, 1)
  })

  it("is refused once money is taken or on its way, and shows the intent", () => {
    const { cancel, opened, pay, start } = bank()
    const id = opened()
    ok(start(id))
    assert.strictEqual(refused(cancel(id)).code, "INTENT_PROCESSING")
    ok(pay(id))
    const refusal = refused(cancel(id))
    assert.strictEqual(refusal.code, "INTENT_SUCCEEDED")
    assert.strictEqual(refusal.intent?.amountCaptured, 23_338)
  })
})

describe("a refund", () => {
  it("returns money, and echoes the caller's id", () => {
    const { intent, opened, pay, refund: give } = bank()
    const id = opened()
    ok(pay(id))
    const returned = ok(give(id))
    assert.strictEqual(returned.status, "succeeded")
    assert.strictEqual(returned.refundId, refund(1))
    assert.strictEqual(intent(id).amountRefunded, 1000)
  })

  it("has one effect per key, and refuses other content under it", () => {
    const { intent, opened, pay, refund: give } = bank()
    const id = opened()
    ok(pay(id))
    assert.deepStrictEqual(ok(give(id)), ok(give(id)))
    assert.strictEqual(intent(id).amountRefunded, 1000)
    assert.strictEqual(refused(give(id, { amount: 999 })).code, "IDEMPOTENCY_MISMATCH")
    assert.strictEqual(refused(give(id, { number: 2 })).code, "IDEMPOTENCY_MISMATCH")
  })

  it("never exceeds what was captured, to the cent", () => {
    const { opened, pay, refund: give } = bank()
    const id = opened()
    assert.strictEqual(refused(give(id)).code, "REFUND_EXCEEDS_CAPTURED")
    ok(pay(id))
    ok(give(id, { amount: 20_000 }))
    assert.strictEqual(refused(give(id, { amount: 3339, key: "s" })).code, "REFUND_EXCEEDS_CAPTURED")
    ok(give(id, { amount: 3338, key: "t" }))
    assert.strictEqual(refused(give(id, { amount: 1, key: "u" })).code, "REFUND_EXCEEDS_CAPTURED")
  })

  it("that is pending counts, one that failed does not", () => {
    const { opened, pay, refund: give } = bank()
    const id = opened()
    ok(pay(id))
    const failed = ok(give(id, { amount: 23_338, outcome: "failed" }))
    assert.strictEqual(failed.failureReason, "refused_by_bank")
    ok(give(id, { amount: 23_338, key: "s", outcome: "pending" }))
    assert.strictEqual(refused(give(id, { amount: 1, key: "t" })).code, "REFUND_EXCEEDS_CAPTURED")
  })

  it("that is pending ends once, and a failure frees the money", () => {
    const { intent, opened, pay, refund: give, run } = bank()
    const id = opened()
    ok(pay(id))
    const pending = ok(give(id, { outcome: "pending" }))
    const settle = (status: "succeeded" | "failed") =>
      run((state) => Ledger.settleRefund(state, { id: pending.id, status, reason: "account_closed" }))
    assert.strictEqual(ok(settle("failed")).failureReason, "account_closed")
    assert.strictEqual(intent(id).amountRefunded, 0)
    assert.strictEqual(ok(settle("failed")).status, "failed")
    assert.strictEqual(refused(settle("succeeded")).code, "REFUND_SETTLED")
    assert.strictEqual(ok(give(id, { outcome: "pending" })).status, "failed", "the key tells how the refund stands now")
  })

  it("is refused for an intent of another order, or that is not there", () => {
    const { opened, pay, refund: give, run } = bank()
    const id = opened()
    ok(pay(id))
    assert.strictEqual(refused(give(id, { ofOrder: 2 })).code, "PAYMENT_MISMATCH")
    assert.strictEqual(refused(run((state) => Ledger.getRefund(state, { id: "re_0" }))).code, "REFUND_NOT_FOUND")
  })
})

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))
const Action = Schema.Union([
  Schema.Struct({ does: Schema.Literal("open"), key: small(3), amount: small(500) }),
  Schema.Struct({ does: Schema.Literals(["pay", "late", "cancel", "start", "decline", "fail"]), intent: small(3) }),
  Schema.Struct({
    does: Schema.Literal("refund"),
    intent: small(3),
    key: small(6),
    amount: small(400),
    outcome: Schema.Literals(["succeeded", "pending", "failed"])
  }),
  Schema.Struct({ does: Schema.Literal("settle"), refund: small(4), status: Schema.Literals(["succeeded", "failed"]) })
])

const perform = (
  state: Ledger.PaymentState,
  action: typeof Action.Type
): Step<Ledger.PaymentState, PaymentFact, unknown> => {
  const intents = HashMap.toValues(state.intents)
  const intent = "intent" in action ? intents[action.intent - 1] : undefined
  const id = intent?.id ?? "pi_none"
  switch (action.does) {
    case "open": {
      const money = { amount: cents(action.amount), currency: "USD" }
      return Ledger.createIntent(state, { tenantId, key: `${action.key}`, orderId: order(1), userId, ...money })
    }
    case "pay":
    case "late":
      return Ledger.pay(state, { id, late: action.does === "late" })
    case "cancel":
      return Ledger.cancelIntent(state, { tenantId, key: "x", id })
    case "start":
      return Ledger.startProcessing(state, { id })
    case "decline":
    case "fail":
      return Ledger.decline(state, { id, retryable: action.does === "decline" })
    case "refund": {
      if (intent === undefined) return Ledger.getIntent(state, { id })
      const money = { amount: cents(action.amount), reason: "any", outcome: action.outcome }
      const about = { paymentIntentId: intent.id, orderId: order(1), refundId: refund(action.key) }
      return Ledger.createRefund(state, { tenantId, key: `${action.key}`, ...about, ...money })
    }
    case "settle": {
      const refundId = HashMap.toValues(state.refunds)[action.refund - 1]?.id ?? "re_none"
      return Ledger.settleRefund(state, { id: refundId, status: action.status })
    }
  }
}

describe("any sequence of payments", () => {
  it.prop(
    "returns no more than came, and its journal, written down and read again, is its state",
    [Schema.Array(Action).check(Schema.isMaxLength(60))],
    ([actions]) => {
      const stage = play(Ledger.engine)
      for (const action of actions) stage.run((state) => perform(state, action))
      const state = stage.state()
      for (const intent of HashMap.toValues(state.intents)) {
        const refunds = HashMap.toValues(state.refunds).filter((one) => one.paymentIntentId === intent.id)
        const returned = refunds.reduce((sum, one) => (one.status === "failed" ? sum : sum + one.amount), 0)
        assert.strictEqual(intent.amountRefunded, returned)
        assert.isAtMost(returned, intent.amountCaptured)
      }
      const codec = Schema.fromJsonString(Schema.Array(PaymentFact))
      const again = rebuild(Ledger.engine, Schema.decodeSync(codec)(Schema.encodeSync(codec)(stage.facts)))
      assert.deepStrictEqual(plain(again.intents), plain(state.intents))
      assert.deepStrictEqual(plain(again.refunds), plain(state.refunds))
      assert.deepStrictEqual(plain(again.keys), plain(state.keys))
    },
    { arbitrary: { runs: 400 } }
  )
})
