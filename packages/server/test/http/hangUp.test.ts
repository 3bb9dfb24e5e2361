/** Clients that hang up in the middle. What has begun is done, and a repetition with the same key is told how it ended. */
import { assert, layer } from "@effect/vitest"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { MemoryServices } from "@tickettoken/order-testing/memory/MemoryServices"
import type { Operation } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect } from "effect"
import { confirmedOrder, createOrder, newOrder, person, type Person } from "./support/buyer.ts"
import { serviceKey } from "./support/credentials.ts"
import { eventually, slowOnce } from "./support/eventually.ts"
import { live } from "./support/everyStore.ts"
import { sendAndHangUp } from "./support/hangUp.ts"
import { at } from "./support/send.ts"
import { memoryServer, ServerPort } from "./support/testServer.ts"

/** How long the slow step takes, and when the client has had enough. */
const STEP_MILLIS = 150
const PATIENCE_MILLIS = 60

const post = Effect.fnUntraced(function* (path: string, body: object, headers: Record<string, string>) {
  const port = yield* ServerPort
  const answered = yield* sendAndHangUp({ port, path, body, headers }, PATIENCE_MILLIS)
  assert.isFalse(answered, "the client hung up too late to prove anything")
})

const headersOf = (who: Person, key: string) => ({ authorization: who.authorization, "idempotency-key": key })

const ordersOf = (who: Person) => Effect.map(who.get("/api/v1/orders"), ({ json }) => at(json, "pagination", "total"))

layer(memoryServer(), live)("a client that hangs up", (it) => {
  // One step of a creation after the other: pricing, the row, the hold, the intent.
  const steps: ReadonlyArray<Operation> = [
    "events.get",
    "tickets.availability",
    "store.create",
    "tickets.hold",
    "payments.openIntent",
    "keys.finish"
  ]
  it.effect.each(steps)("6 during %s of a creation gets its order nevertheless, and only one", (operation) =>
    Effect.gen(function* () {
      const buyer = yield* person()
      yield* slowOnce(operation, STEP_MILLIS)
      yield* post("/api/v1/orders", newOrder(), headersOf(buyer, "gone"))
      yield* eventually(ordersOf(buyer), (total) => total === 1)
      const again = yield* buyer.post("/api/v1/orders", newOrder(), { "idempotency-key": "gone" })
      assert.strictEqual(again.status, 201)
      assert.strictEqual(again.headers["idempotent-replayed"], "true")
      assert.strictEqual(at(again.json, "status"), "PENDING")
      assert.strictEqual(yield* ordersOf(buyer), 1)
    })
  )

  it.effect("6 without a key has its order as well", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      yield* slowOnce("tickets.availability", STEP_MILLIS)
      yield* post("/api/v1/orders", newOrder(), { authorization: buyer.authorization })
      yield* eventually(ordersOf(buyer), (total) => total === 1)
    })
  )

  it.effect("4.7 during a cancel or a refund has it done, once", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const cancelled = yield* createOrder(buyer)
      yield* slowOnce("store.commit", STEP_MILLIS)
      yield* post(`/api/v1/orders/${cancelled.id}/cancel`, {}, headersOf(buyer, "c"))
      yield* eventually(buyer.get(`/api/v1/orders/${cancelled.id}`), ({ json }) => at(json, "status") === "CANCELLED")
      const refunded = yield* confirmedOrder(buyer)
      const refund = { reason: "half", amount: 10_000 }
      yield* slowOnce("store.commit", STEP_MILLIS)
      yield* post(`/api/v1/orders/${refunded.id}/refund`, refund, headersOf(buyer, "r"))
      const refunds = buyer.get(`/api/v1/orders/${refunded.id}/refunds`)
      yield* eventually(refunds, ({ json }) => at(json, "refunds", 0, "status") === "COMPLETED")
      const again = yield* buyer.post(`/api/v1/orders/${refunded.id}/refund`, refund, { "idempotency-key": "r" })
      assert.strictEqual(again.headers["idempotent-replayed"], "true")
      const facts = yield* (yield* MemoryServices).payments.facts
      const returned = facts.filter((fact) => fact.kind === "refund.created" && fact.orderId === refunded.id)
      assert.lengthOf(returned, 1)
    })
  )

  it.effect("3.6 during a confirmation has its tickets", () =>
    Effect.gen(function* () {
      const controls = yield* ServiceControls
      const buyer = yield* person()
      const { id, intent } = yield* createOrder(buyer)
      yield* controls.pay(intent)
      yield* slowOnce("payments.getIntent", STEP_MILLIS)
      const headers = { authorization: serviceKey("payments"), "x-tenant-id": demo.tenantId }
      yield* post(`/internal/v1/orders/${id}/confirm`, { paymentIntentId: intent }, headers)
      yield* eventually(buyer.get(`/api/v1/orders/${id}`), ({ json }) => at(json, "status") === "CONFIRMED")
    })
  )
})
