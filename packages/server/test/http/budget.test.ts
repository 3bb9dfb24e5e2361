/**
 * A request waits within its budget, whatever keeps it: the database, another service, or the work that it has started.
 * It is answered 503 with Retry-After then, what it has begun goes on, and a repetition with its key joins it.
 */
import { assert, layer } from "@effect/vitest"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { type Operation, ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import * as Sandbox from "@tickettoken/order-testing/sandbox/Sandbox"
import { Duration, Effect } from "effect"
import { neverOpens, once } from "../support/clientSettings.ts"
import { sandboxPortsWith } from "../support/sandboxPorts.ts"
import { asService, confirmedOrder, createOrder, newOrder, person } from "./support/buyer.ts"
import { eventually } from "./support/eventually.ts"
import { live } from "./support/everyStore.ts"
import { callsOfChange, callsOfCreate } from "./support/requestCalls.ts"
import { type Answer, at } from "./support/send.ts"
import { memoryServer, memoryStore, serverWith } from "./support/testServer.ts"

const BUDGET = Duration.millis(400)

const isTold = ({ headers, json, status }: Answer): void => {
  assert.strictEqual(`${status} ${String(at(json, "code"))}`, "503 SERVICE_UNAVAILABLE")
  assert.strictEqual(headers["retry-after"], String(at(json, "retryAfterSeconds")))
}

/** Sends the request while this call is stopped: it is answered without it. Lets the call go afterwards. */
const whileStopped = Effect.fnUntraced(function* <E, R>(operation: Operation, request: Effect.Effect<Answer, E, R>) {
  const faults = yield* ScriptedFaults
  const call = yield* faults.stopNext(operation)
  const answer = yield* request
  yield* call.reached
  yield* call.letGo
  return answer
})

const keyed = { "idempotency-key": "slow" }

layer(memoryServer({ requestBudget: BUDGET }), live)("F27 a request that is kept waiting", (it) => {
  it.effect.each([...callsOfCreate])(
    "6 by %s of a creation is answered in time, and its repetition joins it",
    (operation) =>
      Effect.gen(function* () {
        const buyer = yield* person()
        const create = buyer.post("/api/v1/orders", newOrder(), keyed)
        isTold(yield* whileStopped(operation, create))
        const joined = yield* eventually(create, ({ status }) => status === 201)
        const again = yield* create
        assert.deepStrictEqual([again.text, again.headers["idempotent-replayed"]], [joined.text, "true"])
        assert.strictEqual(at((yield* buyer.get("/api/v1/orders")).json, "pagination", "total"), 1)
      })
  )

  it.effect.each([...callsOfChange])(
    "6 by %s of a cancellation or a refund is answered in time, and happens once",
    (operation) =>
      Effect.gen(function* () {
        const buyer = yield* person()
        const held = yield* createOrder(buyer)
        const paid = yield* confirmedOrder(buyer)
        const refund = { reason: "half", amount: 10_000 }
        for (const request of [
          buyer.post(`/api/v1/orders/${held.id}/cancel`, {}, keyed),
          buyer.post(`/api/v1/orders/${paid.id}/refund`, refund, keyed)
        ]) {
          isTold(yield* whileStopped(operation, request))
          const done = yield* eventually(request, ({ status }) => status === 200)
          assert.strictEqual((yield* request).text, done.text)
        }
        const { json } = yield* buyer.get(`/api/v1/orders/${paid.id}/refunds`)
        assert.isUndefined(at(json, "refunds", 1))
      })
  )

  it.effect("without a key is answered in time as well, and its order is made", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      isTold(yield* whileStopped("tickets.availability", buyer.post("/api/v1/orders", newOrder())))
      yield* eventually(buyer.get("/api/v1/orders"), ({ json }) => at(json, "pagination", "total") === 1)
    })
  )

  it.effect("3.6 by a payment service that hangs: the confirmation is answered in time, and comes", () =>
    Effect.gen(function* () {
      const controls = yield* ServiceControls
      const buyer = yield* person()
      const { id, intent } = yield* createOrder(buyer)
      yield* controls.pay(intent)
      const confirm = asService("POST", `/internal/v1/orders/${id}/confirm`, { paymentIntentId: intent })
      isTold(yield* whileStopped("payments.getIntent", confirm))
      yield* eventually(buyer.get(`/api/v1/orders/${id}`), ({ json }) => at(json, "status") === "CONFIRMED")
    })
  )
})

/** Connections of this process, the clients' and the servers' ends. */
const openSockets = Effect.sync(
  () => process.getActiveResourcesInfo().filter((resource) => resource === "TCPSocketWrap").length
)

/** Clients that give up soon, and never beforehand. */
const hastyClients = sandboxPortsWith({ attemptTimeout: Duration.seconds(1), retry: once, circuit: neverOpens })

const CROWD = 100

/** Enough for the connections that are kept open for reuse. */
const KEPT_SOCKETS = 60

layer(serverWith(hastyClients, memoryStore, { requestBudget: BUDGET }), live)(
  "F27 a ticket service that takes connections and hangs",
  (it) => {
    it.effect(`${CROWD} requests are answered in time, and neither sockets nor work are left of them`, () =>
      Effect.gen(function* () {
        const { tickets } = yield* Sandbox.Sandbox
        const buyers = yield* Effect.all(Array.from({ length: CROWD }, () => person()))
        const before = yield* openSockets
        yield* tickets.faults.set({ rules: [{ operation: "tickets.availability", hang: { when: "before" } }] })
        const create = (who: (typeof buyers)[number]) => who.post("/api/v1/orders", newOrder(), keyed)
        const answers = yield* Effect.forEach(buyers, create, { concurrency: "unbounded" })
        for (const answer of answers) isTold(answer)
        yield* eventually(tickets.faults.report, ({ rules }) => (rules[0]?.hits.hang ?? 0) >= CROWD)
        yield* tickets.faults.clear
        // The calls that hang end by their own time limit.
        yield* eventually(openSockets, (open) => open <= before + KEPT_SOCKETS)
        const again = yield* Effect.forEach(buyers, (who) => eventually(create(who), ({ status }) => status === 201), {
          concurrency: 8
        })
        assert.lengthOf(again, CROWD)
        for (const who of buyers) {
          assert.strictEqual(at((yield* who.get("/api/v1/orders")).json, "pagination", "total"), 1)
        }
      })
    )
  }
)
