/**
 * A key whose first request came to nothing good: its process froze or died, its commit was not answered, the server was
 * started anew, the window is over. Whatever it was, the key has one effect and its repetition is told of it.
 */
import { assert, layer } from "@effect/vitest"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { MemoryServices } from "@tickettoken/order-testing/memory/MemoryServices"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import * as Sweeper from "@tickettoken/order-server/jobs/Sweeper"
import { Context, Duration, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { confirmedOrder, createOrder, newOrder, person, type Person } from "../http/support/buyer.ts"
import { eventually } from "../http/support/eventually.ts"
import { live } from "../http/support/everyStore.ts"
import { at } from "../http/support/send.ts"
import { memoryServer, serverOver, ServerPort } from "../http/support/testServer.ts"
import { untilAnswered } from "../http/support/untilAnswered.ts"
import { DatabaseUrl, layerStoreAt, layerStoreWith } from "../sql/database.ts"
import { makeDue } from "./support/world.ts"

const keyed = { "idempotency-key": "key" }

const create = (who: Person) => who.post("/api/v1/orders", newOrder(), keyed)

const ordersOf = (who: Person) => Effect.map(who.get("/api/v1/orders"), ({ json }) => at(json, "pagination", "total"))

/** Not the default of half an hour. */
const TTL_MINUTES = 60

const service = Sweeper.layer.pipe(
  Layer.provideMerge(
    serverOver(
      Layer.merge(layerStoreWith({ idempotencyTimeToLive: Duration.minutes(TTL_MINUTES) }), ScriptedFaults.layer),
      { requestBudget: Duration.seconds(2) }
    )
  )
)

layer(service, live)("F39 a key and the process of its first request, on PostgreSQL", (it) => {
  it.effect("6 whose process has frozen is resumed by another one when its lease is over, and joined", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const buyer = yield* person()
      const hold = yield* faults.stopNext("tickets.hold")
      assert.strictEqual((yield* create(buyer)).status, 503)
      yield* hold.reached
      // Still the first one's: whoever asks meanwhile is told to come back.
      const waiting = yield* eventually(create(buyer), ({ status }) => status !== 503)
      assert.strictEqual(waiting.status, 409)
      assert.isDefined(waiting.headers["retry-after"])
      yield* makeDue
      const joined = yield* eventually(create(buyer), ({ status }) => status === 201)
      // The first one wakes up: its result is late and changes nothing.
      yield* hold.letGo
      assert.strictEqual((yield* untilAnswered(create(buyer))).text, joined.text)
      assert.strictEqual(yield* ordersOf(buyer), 1)
      assert.isAtLeast(yield* faults.calls("tickets.hold"), 2)
      const { facts } = (yield* MemoryServices).payments
      const opened = (yield* facts).filter((fact) => fact.kind === "intent.created" && fact.userId === buyer.userId)
      assert.lengthOf(opened, 1)
    })
  )

  it.effect("6 whose process died before it stored the answer is answered by whoever comes next", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const buyer = yield* person()
      const first = yield* untilAnswered(create(buyer))
      // What the crash would have left: the effect, and a row without its answer.
      const cut = yield* sql`update idempotency set answer_status = null, answer_body = null
        where principal = ${buyer.userId} returning 1`
      assert.lengthOf(cut, 1)
      const joined = yield* untilAnswered(create(buyer))
      assert.deepStrictEqual([joined.status, joined.headers["idempotent-replayed"]], [201, "true"])
      assert.strictEqual(at(joined.json, "id"), at(first.json, "id"))
      assert.strictEqual(at(joined.json, "clientSecret"), at(first.json, "clientSecret"))
      assert.strictEqual(yield* ordersOf(buyer), 1)
    })
  )

  it.effect("6 is replayed by a server that was started anew, and at 31 minutes as the configured time says", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const buyer = yield* person()
      const first = yield* untilAnswered(create(buyer))
      const { id } = yield* confirmedOrder(yield* Effect.succeed(buyer))
      const refund = buyer.post(`/api/v1/orders/${id}/refund`, { reason: "x", amount: 100 }, keyed)
      const refunded = yield* untilAnswered(refund)
      assert.deepStrictEqual([first.status, refunded.status], [201, 200])
      const restarted = yield* Layer.build(
        Layer.fresh(serverOver(Layer.merge(layerStoreAt(yield* DatabaseUrl), ScriptedFaults.layer)))
      )
      const there = Effect.provideService(ServerPort, Context.get(restarted, ServerPort))
      assert.strictEqual((yield* there(untilAnswered(create(buyer)))).text, first.text)
      assert.strictEqual((yield* there(untilAnswered(refund))).text, refunded.text)
      yield* time.passMinutes(31)
      assert.strictEqual((yield* untilAnswered(create(buyer))).text, first.text)
      assert.strictEqual((yield* there(untilAnswered(refund))).text, refunded.text)
      yield* time.passMinutes(TTL_MINUTES - 30)
      const late = [yield* untilAnswered(create(buyer)), yield* there(untilAnswered(refund))]
      assert.deepStrictEqual(
        late.map(({ json, status }) => [status, at(json, "code"), at(json, "orderId")]),
        [
          [409, "IDEMPOTENCY_KEY_USED", at(first.json, "id")],
          [409, "IDEMPOTENCY_KEY_USED", id]
        ]
      )
      assert.strictEqual(yield* ordersOf(buyer), 2)
    }).pipe(Effect.scoped)
  )
})

layer(memoryServer(), live)("F08 a commit whose outcome nobody has heard of", (it) => {
  it.effect("6 of a creation, renewal, cancellation or refund is found by its repetition, and happens once", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const buyer = yield* person()
      const held = yield* createOrder(buyer)
      const paid = yield* confirmedOrder(buyer)
      const requests = [
        buyer.post(`/api/v1/orders/${held.id}/reserve`, {}, keyed),
        buyer.post(`/api/v1/orders/${held.id}/cancel`, {}, keyed),
        buyer.post(`/api/v1/orders/${paid.id}/refund`, { reason: "x", amount: 100 }, keyed)
      ]
      for (const request of requests) {
        yield* faults.next("store.commit", "failAfter")
        assert.strictEqual((yield* request).status, 503)
        const again = yield* request
        assert.deepStrictEqual([again.status, again.headers["idempotent-replayed"]], [200, "true"])
      }
      yield* faults.next("store.create", "failAfter")
      assert.strictEqual((yield* create(buyer)).status, 503)
      assert.strictEqual(yield* faults.hits("store.commit"), requests.length)
      assert.strictEqual(yield* faults.hits("store.create"), 1)
      assert.strictEqual(yield* ordersOf(buyer), 3)
      const { json } = yield* buyer.get(`/api/v1/orders/${paid.id}/refunds`)
      assert.isUndefined(at(json, "refunds", 1))
    })
  )
})
