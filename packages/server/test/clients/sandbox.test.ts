/** The clients against the sandbox over real sockets: they keep the contracts of their ports, whatever goes wrong. */
import { assert, describe, it, layer } from "@effect/vitest"
import { OrderId, RefundId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import { Payments } from "@tickettoken/order-domain/ports/Payments"
import { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import { AppConfig, policiesLayer } from "@tickettoken/order-server/AppConfig"
import { demoPeople } from "@tickettoken/order-server/auth/DemoCredentials"
import { eventCatalogContract } from "@tickettoken/order-testing/contracts/eventCatalogContract"
import { paymentsContract } from "@tickettoken/order-testing/contracts/paymentsContract"
import { policiesContract } from "@tickettoken/order-testing/contracts/policiesContract"
import { ticketsContract } from "@tickettoken/order-testing/contracts/ticketsContract"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import type { Lie } from "@tickettoken/order-testing/sandbox/Faults"
import { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { ConfigProvider, DateTime, Effect, Layer } from "effect"
import { neverOpens } from "../support/clientSettings.ts"
import { sandboxPorts, sandboxPortsWith } from "../support/sandboxPorts.ts"

const live = { live: true }

ticketsContract("over HTTP", sandboxPorts, live)
paymentsContract("over HTTP", sandboxPorts, live)
eventCatalogContract("over HTTP", sandboxPorts, live)
policiesContract(
  "from an empty configuration",
  policiesLayer.pipe(
    Layer.provide(AppConfig.layer),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({})))
  )
)

describe("the demo", () => {
  it("is of the same people on both sides", () => {
    const { admin, buyer, secondBuyer, tenantId } = demoPeople
    assert.deepStrictEqual<unknown>(
      [tenantId, buyer.userId, secondBuyer.userId, admin.userId],
      [demo.tenantId, demo.buyerId, demo.secondBuyerId, demo.adminId]
    )
  })
})

const line = { ...demo.general, quantity: 1 }

/** An order that nobody has seen, and every call about it, each under the one key of its step. */
const scene = Effect.gen(function* () {
  const { allocate, availability, hold, release } = yield* Tickets
  const payments = yield* Payments
  const { get } = yield* EventCatalog
  const { tenantId } = demo
  const orderId = OrderId.make(yield* randomUuid)
  const refundId = RefundId.make(yield* randomUuid)
  const holdUntil = DateTime.add(yield* DateTime.now, { minutes: 20 })
  const call = (step: string) => ({ tenantId, orderId, key: `${orderId}:${step}` })
  const amount = Cents.make(11_699)
  const openIntent = payments.openIntent({ ...call("INTENT:1"), userId: demo.buyerId, amount, currency: "USD" })
  return {
    "events.get": get(tenantId, demo.eventId),
    "tickets.availability": availability(tenantId, demo.eventId, [demo.general.ticketTypeId]),
    "tickets.reserve": hold(call("HOLD:1"), demo.eventId, [line], holdUntil),
    "tickets.confirm": allocate(call("FINALIZE:4")),
    "tickets.release": release(call("RELEASE:5"), null),
    "payments.createIntent": openIntent,
    "payments.getIntent": Effect.flatMap(openIntent, ({ id }) => payments.getIntent(tenantId, id)),
    "payments.cancelIntent": Effect.flatMap(openIntent, ({ id }) =>
      payments.cancelIntent(tenantId, id, call("VOID:6").key)
    ),
    "payments.createRefund": Effect.flatMap(openIntent, ({ id: paymentIntentId }) =>
      payments.refund({ ...call(""), key: `${refundId}:REFUND:1`, refundId, paymentIntentId, amount, reason: "ill" })
    ),
    /** The buyer pays. */
    pay: Effect.gen(function* () {
      const { payments: bank } = yield* Sandbox
      yield* bank.pay((yield* openIntent).id)
    })
  } as const
})

type Scene = Effect.Success<typeof scene>
type Operation = Exclude<keyof Scene, "pay">

/** A step of an order, whatever it answers and however it may be refused. */
type Step<R = never> = Effect.Effect<void, { readonly _tag: string }, R>

const step = (order: Scene, operation: Operation): Step =>
  Effect.asVoid<unknown, { readonly _tag: string }, never>(order[operation])

/** What must have happened before the operation can succeed. */
const prepare: { readonly [Name in Operation]?: (order: Scene) => Step<Sandbox> } = {
  "tickets.confirm": (order) => step(order, "tickets.reserve"),
  "tickets.release": (order) => step(order, "tickets.reserve"),
  "payments.getIntent": (order) => step(order, "payments.createIntent"),
  "payments.cancelIntent": (order) => step(order, "payments.createIntent"),
  "payments.createRefund": (order) => order.pay
}

const faultsOf = (operation: Operation) =>
  Effect.map(Sandbox, ({ events, payments, tickets }) =>
    operation.startsWith("events.")
      ? events.faults
      : operation.startsWith("tickets.")
        ? tickets.faults
        : payments.faults
  )

const anyAnswer: ReadonlyArray<Lie> = ["html", "huge", "redirect"]

/** The lies that a client can see through. A price or a captured amount is the service's own word. */
const lies: { readonly [Name in Operation]: ReadonlyArray<Lie> } = {
  "events.get": [...anyAnswer, "missing"],
  "tickets.availability": [...anyAnswer, "missing"],
  "tickets.reserve": [...anyAnswer, "missing"],
  "tickets.confirm": [...anyAnswer, "missing"],
  "tickets.release": anyAnswer,
  "payments.createIntent": [...anyAnswer, "missing", "amount", "currency"],
  "payments.getIntent": [...anyAnswer, "missing"],
  "payments.cancelIntent": [...anyAnswer, "missing"],
  "payments.createRefund": [...anyAnswer, "missing", "amount"]
}

// oxlint-disable-next-line typescript/consistent-type-assertions -- the keys of the record above
const operations = Object.keys(lies) as ReadonlyArray<Operation>

/** The fact that each changing operation leaves in the journal, once. */
const effects = {
  "tickets.reserve": "hold.placed",
  "tickets.confirm": "tickets.allocated",
  "tickets.release": "tickets.released",
  "payments.createIntent": "intent.created",
  "payments.cancelIntent": "intent.canceled",
  "payments.createRefund": "refund.created"
} as const satisfies { readonly [Name in Operation]?: string }

/** How many facts of that kind there are, and under how many keys. */
const journalled = (kind: string) =>
  Effect.gen(function* () {
    const { payments, tickets } = yield* Sandbox
    const facts = [...(yield* tickets.journal.entries), ...(yield* payments.journal.entries)].flatMap(({ fact }) =>
      fact.kind === kind && "key" in fact ? [fact.key] : []
    )
    return { facts: facts.length, keys: new Set(facts).size }
  })

const RUNS = 25

layer(sandboxPortsWith({ circuit: neverOpens }), { excludeTestServices: true, timeout: "300 seconds" })(
  "with faults",
  (it) => {
    it.effect.each(operations.flatMap((operation) => lies[operation].map((about) => [operation, about] as const)))(
      "F30 %s: an answer that is %s is an outage, and the same call succeeds afterwards",
      ([operation, about]) =>
        Effect.gen(function* () {
          const order = yield* scene
          yield* prepare[operation]?.(order) ?? Effect.void
          const faults = yield* faultsOf(operation)
          yield* faults.set({ rules: [{ operation, lie: { about, times: 1 } }] })
          const error = yield* Effect.flip(step(order, operation))
          assert.strictEqual(error._tag, "ServiceUnavailable")
          yield* step(order, operation)
          const { rules } = yield* faults.report
          assert.strictEqual(rules[0]?.hits.lie, 1)
          yield* faults.clear
        })
    )

    it.effect.each(Object.entries(effects))("F25 %s: done but not answered, it is done once", ([name, kind]) =>
      Effect.gen(function* () {
        const operation = operations.find((known) => known === name) ?? "events.get"
        const before = yield* journalled(kind)
        const orders = yield* Effect.all(Array.from({ length: RUNS }, () => scene))
        for (const order of orders) yield* prepare[operation]?.(order) ?? Effect.void
        const prepared = yield* journalled(kind)
        const faults = yield* faultsOf(operation)
        yield* faults.set({ seed: 7, rules: [{ operation, failAfter: 0.5 }] })
        for (const order of orders) {
          yield* Effect.retry(step(order, operation), { while: ({ _tag }) => _tag === "ServiceUnavailable", times: 20 })
        }
        const { rules } = yield* faults.report
        yield* faults.clear
        assert.isAtLeast(rules[0]?.hits.failAfter ?? 0, RUNS / 5)
        const after = yield* journalled(kind)
        assert.deepStrictEqual(prepared, before)
        assert.deepStrictEqual([after.facts - before.facts, after.keys - before.keys], [RUNS, RUNS])
      })
    )
  }
)
