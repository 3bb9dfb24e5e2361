/**
 * What buyers notice of services that fail, over real sockets and with the clients as production sets them: refusals come
 * fast and say when to come back, what is given back is accepted, and nothing is confirmed on a lie (F27, F28, F30).
 */
import { assert, layer } from "@effect/vitest"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { BACKGROUND_LANE, WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { Circuits } from "@tickettoken/order-server/clients/Circuits"
import type { CircuitName } from "@tickettoken/order-server/clients/CircuitName"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import type { Faults } from "@tickettoken/order-testing/sandbox/Faults"
import * as Sandbox from "@tickettoken/order-testing/sandbox/Sandbox"
import { Duration, Effect } from "effect"
import { asService, confirmedOrder, createOrder, newOrder, person } from "../http/support/buyer.ts"
import { eventually } from "../http/support/eventually.ts"
import { live } from "../http/support/everyStore.ts"
import { type Answer, at } from "../http/support/send.ts"
import { memoryStore, serverWith } from "../http/support/testServer.ts"
import { sandboxPortsWith } from "../support/sandboxPorts.ts"

/** Long enough to be seen, short enough to be waited for. */
const OPEN = Duration.seconds(4)

const server = serverWith(
  sandboxPortsWith({ attemptTimeout: Duration.seconds(2), circuit: { openFor: OPEN } }),
  memoryStore
)

const stateOf = (name: CircuitName) =>
  Effect.gen(function* () {
    const states = yield* Effect.flatMap(Circuits, (circuits) => circuits.states)
    return states.find(({ circuit }) => circuit === name)?.state
  })

const callsOf = (faults: Faults) => Effect.map(faults.report, ({ rules }) => rules[0]?.calls ?? 0)

const isOutage = ({ headers, json, status }: Answer): void => {
  assert.strictEqual(`${status} ${String(at(json, "code"))}`, "503 SERVICE_UNAVAILABLE")
  assert.isAtLeast(Number(headers["retry-after"]), 1)
}

/** Asks until the circuit is open. */
const untilOpen = Effect.fnUntraced(function* <E, R>(circuit: CircuitName, request: Effect.Effect<Answer, E, R>) {
  for (let asked = 0; asked < 30 && (yield* stateOf(circuit)) === "closed"; asked++) isOutage(yield* request)
  assert.notStrictEqual(yield* stateOf(circuit), "closed")
})

layer(server, live)("F28 an event service that answers 500", (it) => {
  it.effect("is left alone after ten attempts, and one probe finds it well again", () =>
    Effect.gen(function* () {
      const { events } = yield* Sandbox.Sandbox
      const buyer = yield* person()
      const create = buyer.post("/api/v1/orders", newOrder())
      yield* events.faults.set({ rules: [{ failBefore: 1 }] })
      const [waited] = yield* Effect.timed(
        Effect.gen(function* () {
          yield* untilOpen("events:read", create)
          for (let number = 0; number < 20; number++) isOutage(yield* create)
        })
      )
      // However slow this machine is: ten, and one probe each time that the circuit lets one through.
      const probes = Math.ceil(Duration.toMillis(waited) / Duration.toMillis(OPEN))
      assert.isAtLeast(yield* callsOf(events.faults), 10)
      assert.isAtMost(yield* callsOf(events.faults), 10 + probes)
      yield* events.faults.set({ rules: [{ failBefore: 0 }] })
      const made = yield* eventually(create, ({ status }) => status === 201)
      assert.strictEqual(made.status, 201)
      assert.strictEqual(yield* stateOf("events:read"), "closed")
    })
  )

  it.effect("and one that answers nothing but 4xx is asked every time", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const unknown = { ...newOrder(), eventId: "22222222-2222-4222-8222-2222222222ff" }
      for (let number = 0; number < 25; number++) {
        const answer = yield* buyer.post("/api/v1/orders", unknown)
        assert.strictEqual(answer.status, 404)
      }
      assert.strictEqual(yield* stateOf("events:read"), "closed")
    })
  )
})

const ORDERS = 12

/** What the sweeper does, as soon as it is due. */
const sweep = Effect.gen(function* () {
  const time = yield* TestTime
  const queue = yield* WorkQueue
  const executor = yield* WorkExecutor
  yield* time.passMinutes(1)
  yield* executor.runInBackground(yield* queue.claimDue(BACKGROUND_LANE))
})

layer(server, live)("F28 a payment and a ticket service that answer 500", (it) => {
  it.effect("keep nobody from cancelling or asking for money back, and it comes once they are well", () =>
    Effect.gen(function* () {
      const { payments, tickets } = yield* Sandbox.Sandbox
      const buyers = yield* Effect.forEach(Array.from({ length: ORDERS }), () =>
        Effect.gen(function* () {
          const buyer = yield* person()
          return { buyer, order: yield* confirmedOrder(buyer) }
        })
      )
      for (const { faults } of [payments, tickets]) yield* faults.set({ rules: [{ failBefore: 1 }] })
      for (const [number, { buyer, order }] of buyers.entries()) {
        const answer =
          number % 2 === 0
            ? yield* buyer.post(`/api/v1/orders/${order.id}/cancel`, { reason: "ill" })
            : yield* buyer.post(`/api/v1/orders/${order.id}/refund`, { reason: "half", amount: 5000 })
        assert.strictEqual(answer.status, 200, answer.text)
      }
      yield* eventually(stateOf("payments:compensation"), (state) => state !== "closed")
      // Selling is another circuit's business.
      assert.strictEqual(yield* stateOf("payments:change"), "closed")
      for (const { faults } of [payments, tickets]) yield* faults.clear
      const paidBack = Effect.forEach(buyers, ({ buyer, order }) =>
        Effect.map(buyer.get(`/api/v1/orders/${order.id}`), ({ json }) => at(json, "paymentStatus"))
      )
      const backThen = yield* eventually(Effect.andThen(sweep, paidBack), (statuses) =>
        statuses.every((status) => status === "REFUNDED" || status === "PARTIALLY_REFUNDED")
      )
      assert.lengthOf(backThen, ORDERS)
    })
  )
})

layer(server, live)("F30 a payment service that lies", (it) => {
  it.effect.each(["amount", "currency", "missing", "html", "huge", "redirect"] as const)(
    "about a payment (%s) confirms nothing, and the truth does afterwards",
    (about) =>
      Effect.gen(function* () {
        const { payments } = yield* Sandbox.Sandbox
        const controls = yield* ServiceControls
        const buyer = yield* person()
        const { id, intent } = yield* createOrder(buyer)
        yield* controls.pay(intent)
        yield* payments.faults.set({ rules: [{ operation: "payments.getIntent", lie: { about } }] })
        const confirm = asService("POST", `/internal/v1/orders/${id}/confirm`, { paymentIntentId: intent })
        const answer = yield* confirm
        assert.include(
          ["409 PAYMENT_MISMATCH", "503 SERVICE_UNAVAILABLE"],
          `${answer.status} ${String(at(answer.json, "code"))}`
        )
        assert.strictEqual(at((yield* buyer.get(`/api/v1/orders/${id}`)).json, "status"), "PENDING")
        yield* payments.faults.clear
        assert.strictEqual((yield* confirm).status, 200)
      })
  )
})
