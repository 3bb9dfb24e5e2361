/**
 * Clients that hang up in the middle: while they send, and during every call that their request makes. What has begun is
 * done, what has not is not, and a repetition with the same key is told how it ended.
 */
import { assert, layer } from "@effect/vitest"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { breaksAtRest } from "@tickettoken/order-testing/invariantsMemory"
import { MemoryServices } from "@tickettoken/order-testing/memory/MemoryServices"
import { MemoryWorld } from "@tickettoken/order-testing/memory/MemoryWorld"
import { type Operation, ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, HashMap, Layer } from "effect"
import { layerStore } from "../sql/database.ts"
import { confirmedOrder, createOrder, newOrder, person, type Person } from "./support/buyer.ts"
import { serviceKey } from "./support/credentials.ts"
import { eventually } from "./support/eventually.ts"
import { live } from "./support/everyStore.ts"
import { type SentPart, sendAndHangUp } from "./support/hangUp.ts"
import { callsOfChange, callsOfCreate } from "./support/requestCalls.ts"
import { at, listAt } from "./support/send.ts"
import { memoryServer, ServerPort, serverOver } from "./support/testServer.ts"

/** Where the client hangs up: with a part of its request, or while its request makes this call. */
type Point = SentPart | Operation

const parts: ReadonlyArray<SentPart> = ["half of the headers", "half of the body", "all of it"]

const isPart = (point: Point): point is SentPart => parts.some((part) => part === point)

/** Sends a request that is broken off at this point. */
const breakOff = Effect.fnUntraced(function* (
  point: Point,
  path: string,
  body: object,
  headers: Record<string, string>
) {
  const port = yield* ServerPort
  const request = { port, path, body, headers }
  if (isPart(point)) {
    yield* sendAndHangUp(request, point, Effect.void)
    return
  }
  const faults = yield* ScriptedFaults
  const call = yield* faults.stopNext(point)
  const answered = yield* sendAndHangUp(request, "all of it", call.reached)
  assert.isFalse(answered, "the client hung up too late to prove anything")
  yield* call.letGo
})

/** Sends it with a key, hangs up, and sends it again: what the repetition is answered. */
const sendTwice = Effect.fnUntraced(function* (who: Person, point: Point, path: string, body: object) {
  yield* breakOff(point, path, body, { authorization: who.authorization, "idempotency-key": "gone" })
  return yield* who.post(path, body, { "idempotency-key": "gone" })
})

const ordersOf = (who: Person) => Effect.map(who.get("/api/v1/orders"), ({ json }) => at(json, "pagination", "total"))

/** After each operation: what must have happened exactly once. */
const operations = {
  create: Effect.fnUntraced(function* (point: Point) {
    const buyer = yield* person()
    const again = yield* sendTwice(buyer, point, "/api/v1/orders", newOrder())
    assert.strictEqual(again.status, 201, again.text)
    assert.strictEqual(at(again.json, "status"), "PENDING")
    assert.strictEqual(yield* ordersOf(buyer), 1)
    const { facts } = (yield* MemoryServices).payments
    const opened = (yield* facts).filter((fact) => fact.kind === "intent.created" && fact.userId === buyer.userId)
    assert.lengthOf(opened, 1)
    return again
  }),
  cancel: Effect.fnUntraced(function* (point: Point) {
    const buyer = yield* person()
    const { id } = yield* createOrder(buyer)
    const again = yield* sendTwice(buyer, point, `/api/v1/orders/${id}/cancel`, {})
    assert.strictEqual(again.status, 200, again.text)
    const { json } = yield* buyer.get(`/api/v1/orders/${id}/events`)
    const cancelled = listAt(json, "events").filter((event) => at(event, "eventType") === "ORDER_CANCELLED")
    assert.lengthOf(cancelled, 1)
    return again
  }),
  refund: Effect.fnUntraced(function* (point: Point) {
    const buyer = yield* person()
    const { id } = yield* confirmedOrder(buyer)
    const path = `/api/v1/orders/${id}/refund`
    const again = yield* sendTwice(buyer, point, path, { reason: "half", amount: 10_000 })
    assert.strictEqual(again.status, 200, again.text)
    const refunds = buyer.get(`/api/v1/orders/${id}/refunds`)
    const { json } = yield* eventually(refunds, (answer) => at(answer.json, "refunds", 0, "status") === "COMPLETED")
    assert.isUndefined(at(json, "refunds", 1))
    const { facts } = (yield* MemoryServices).payments
    const returned = (yield* facts).filter((fact) => fact.kind === "refund.created" && fact.orderId === id)
    assert.lengthOf(returned, 1)
    return again
  })
} as const

/** Every call that the request makes, in order; a repetition of one that has begun is a replay. */
const calls: { readonly [Name in keyof typeof operations]: ReadonlyArray<Operation> } = {
  create: callsOfCreate,
  cancel: callsOfChange,
  refund: callsOfChange
}

const names = ["create", "cancel", "refund"] as const

/** With four rounds over all points there are more than a hundred. */
const ROUNDS = 4

/** Nothing is under way any more, and nothing is wrong. */
const atRest = Effect.gen(function* () {
  const world = yield* MemoryWorld
  yield* eventually(
    Effect.map(world.snapshot, ({ work }) => HashMap.toValues(work).filter(({ state }) => state !== "DONE").length),
    (open) => open === 0
  )
  assert.strictEqual((yield* breaksAtRest).join("; "), "")
})

layer(memoryServer(), live)("F07 a client that hangs up", (it) => {
  for (const name of names) {
    it.effect.each([...parts, ...calls[name]])(`6 %s of a ${name}: done once or not at all, and told so`, (point) =>
      Effect.gen(function* () {
        for (let round = 0; round < ROUNDS; round++) {
          const again = yield* operations[name](point)
          // Before its key is looked up a request has done nothing, and the repetition is the first one.
          if (!isPart(point) && point !== "keys.lookup") {
            assert.strictEqual(again.headers["idempotent-replayed"], "true")
          }
        }
        yield* atRest
      })
    )
  }

  it.effect("6 without a key has its order as well", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      yield* breakOff("tickets.availability", "/api/v1/orders", newOrder(), { authorization: buyer.authorization })
      yield* eventually(ordersOf(buyer), (total) => total === 1)
    })
  )

  it.effect("3.6 during a confirmation has its tickets", () =>
    Effect.gen(function* () {
      const controls = yield* ServiceControls
      const buyer = yield* person()
      const { id, intent } = yield* createOrder(buyer)
      yield* controls.pay(intent)
      const headers = { authorization: serviceKey("payments"), "x-tenant-id": demo.tenantId }
      const path = `/internal/v1/orders/${id}/confirm`
      yield* breakOff("payments.getIntent", path, { paymentIntentId: intent }, headers)
      yield* eventually(buyer.get(`/api/v1/orders/${id}`), ({ json }) => at(json, "status") === "CONFIRMED")
    })
  )
})

layer(serverOver(Layer.merge(layerStore, ScriptedFaults.layer)), live)(
  "F07 a client that hangs up, on PostgreSQL",
  (it) => {
    // Of the calls those to other services can be stopped here.
    const services = calls.create.filter((operation) => /^(?:events|tickets|payments)\./.test(operation))
    const points: { readonly [Name in (typeof names)[number]]: ReadonlyArray<Point> } = {
      create: [...parts, ...services],
      cancel: parts,
      refund: parts
    }
    for (const name of names) {
      it.effect.each([...points[name]])(`6 %s of a ${name}: done once or not at all, and told so`, (point) =>
        operations[name](point)
      )
    }
  }
)
