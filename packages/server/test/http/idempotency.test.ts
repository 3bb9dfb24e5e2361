/** A request that is sent twice takes effect once and is answered with the same bytes. */
import { assert, layer } from "@effect/vitest"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { MemoryServices } from "@tickettoken/order-testing/memory/MemoryServices"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Duration, Effect } from "effect"
import { confirmedOrder, createOrder, newOrder, payAndConfirm, person, type Person } from "./support/buyer.ts"
import { eventually } from "./support/eventually.ts"
import { live, overEveryStore } from "./support/everyStore.ts"
import { type Answer, at, textAt } from "./support/send.ts"
import { memoryServer } from "./support/testServer.ts"
import { untilAnswered } from "./support/untilAnswered.ts"

const keyed = (key: string) => ({ "idempotency-key": key })

const totalOf = (buyer: Person) =>
  Effect.map(buyer.get("/api/v1/orders"), ({ json }) => at(json, "pagination", "total"))

const codeOf = ({ json, status }: Answer) => `${status} ${String(at(json, "code"))}`

overEveryStore("the same key", (it) => {
  it.effect("6 fifty creations at once with one key make one order and fifty identical answers", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const create = buyer.post("/api/v1/orders", newOrder(), keyed("fifty"))
      const answers = yield* Effect.all(
        Array.from({ length: 50 }, () => create),
        { concurrency: 50 }
      )
      assert.deepStrictEqual([...new Set(answers.map(codeOf))], ["201 undefined"])
      assert.strictEqual(new Set(answers.map(({ text }) => text)).size, 1)
      assert.deepStrictEqual([...new Set(answers.map(({ headers }) => headers["etag"]))], ['"3"'])
      const first = answers.filter(({ headers }) => headers["idempotent-replayed"] === undefined)
      assert.lengthOf(first, 1)
      assert.strictEqual(yield* totalOf(buyer), 1)
      const { facts } = (yield* MemoryServices).payments
      const opened = (yield* facts).filter((fact) => fact.kind === "intent.created" && fact.userId === buyer.userId)
      assert.lengthOf(opened, 1)
    })
  )

  it.effect(
    "6 a repetition is answered to the byte, with the header that says so, also when the order has moved on",
    () =>
      Effect.gen(function* () {
        const buyer = yield* person()
        const first = yield* createOrder(buyer, newOrder(), "again")
        yield* payAndConfirm(first)
        const again = yield* buyer.post("/api/v1/orders", newOrder(), keyed("again"))
        assert.strictEqual(again.status, 201)
        assert.strictEqual(again.text, first.answer.text)
        assert.strictEqual(again.headers["idempotent-replayed"], "true")
        assert.strictEqual(again.headers["etag"], first.answer.headers["etag"])
        assert.strictEqual(first.answer.headers["idempotent-replayed"], undefined)
        // Other order of members, other spaces: the same request.
        const { currency, eventId, items } = newOrder()
        const spaced = JSON.stringify({ currency, items, eventId }, null, 3)
        assert.strictEqual((yield* buyer.post("/api/v1/orders", spaced, keyed("again"))).text, first.answer.text)
        const noted = yield* createOrder(buyer, { ...newOrder(), metadata: { a: { b: 1, c: [2, 1] }, d: 3 } }, "noted")
        const turned = { ...newOrder(), metadata: { d: 3, a: { c: [2, 1], b: 1 } } }
        assert.strictEqual((yield* buyer.post("/api/v1/orders", turned, keyed("noted"))).text, noted.answer.text)
        const other = { ...newOrder(), metadata: { d: 3, a: { c: [1, 2], b: 1 } } }
        assert.strictEqual(
          codeOf(yield* buyer.post("/api/v1/orders", other, keyed("noted"))),
          "422 IDEMPOTENCY_MISMATCH"
        )
      })
  )

  it.effect("6 with another body or another order is a 422", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const one = yield* createOrder(buyer, newOrder(1), "once")
      const two = yield* createOrder(buyer)
      const said = {
        body: codeOf(yield* buyer.post("/api/v1/orders", newOrder(2), keyed("once"))),
        metadata: codeOf(yield* buyer.post("/api/v1/orders", { ...newOrder(1), metadata: {} }, keyed("once"))),
        cancel: (yield* buyer.post(`/api/v1/orders/${one.id}/cancel`, {}, keyed("c"))).status,
        otherOrder: codeOf(yield* buyer.post(`/api/v1/orders/${two.id}/cancel`, {}, keyed("c"))),
        otherReason: codeOf(yield* buyer.post(`/api/v1/orders/${one.id}/cancel`, { reason: "x" }, keyed("c")))
      }
      const mismatch = "422 IDEMPOTENCY_MISMATCH"
      assert.deepStrictEqual(said, {
        body: mismatch,
        metadata: mismatch,
        cancel: 200,
        otherOrder: mismatch,
        otherReason: mismatch
      })
    })
  )

  it.effect("6 belongs to one user, tenant and operation", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const other = yield* person()
      const mine = yield* createOrder(buyer, newOrder(), "shared")
      const theirs = yield* createOrder(other, newOrder(), "shared")
      assert.notStrictEqual(mine.id, theirs.id)
      assert.strictEqual((yield* buyer.post(`/api/v1/orders/${mine.id}/reserve`, {}, keyed("shared"))).status, 200)
      const foreigner = yield* person({ userId: buyer.userId, tenantId: demo.secondTenantId })
      assert.strictEqual(
        codeOf(yield* foreigner.post("/api/v1/orders", newOrder(), keyed("shared"))),
        "404 EVENT_NOT_FOUND"
      )
    })
  )

  it.effect("6 reserves, cancels and refunds once, however often and at once it is sent", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const held = yield* createOrder(buyer)
      const paid = yield* confirmedOrder(buyer)
      const ten = (path: string, body: object, key: string) => {
        const request = buyer.post(path, body, keyed(key))
        return Effect.all(
          Array.from({ length: 10 }, () => request),
          { concurrency: 10 }
        )
      }
      for (const [path, body] of [
        [`/api/v1/orders/${held.id}/reserve`, {}],
        [`/api/v1/orders/${held.id}/cancel`, { reason: "ill" }],
        [`/api/v1/orders/${paid.id}/refund`, { reason: "half", amount: 10_000 }]
      ] as const) {
        const answers = yield* ten(path, body, path.slice(-7))
        assert.deepStrictEqual(
          [...new Set(answers.map(({ status, text }) => `${status} ${text}`))],
          [`200 ${answers[0]?.text}`]
        )
        const again = yield* buyer.post(path, body, keyed(path.slice(-7)))
        assert.strictEqual(again.text, answers[0]?.text)
        assert.strictEqual(again.headers["idempotent-replayed"], "true")
      }
      const { json } = yield* buyer.get(`/api/v1/orders/${paid.id}/refunds`)
      assert.deepStrictEqual(Object.keys(at(json, "refunds") ?? {}), ["0"])
    })
  )

  it.effect("6 keeps refusals that would be the same tomorrow, and forgets those that may change", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const buyer = yield* person()
      const absent = "/api/v1/orders/99999999-9999-4999-8999-999999999999/cancel"
      const first = yield* buyer.post(absent, {}, keyed("kept"))
      const again = yield* buyer.post(absent, {}, keyed("kept"))
      assert.strictEqual(first.status, 404)
      assert.strictEqual(again.text, first.text)
      assert.strictEqual(again.headers["idempotent-replayed"], "true")
      assert.strictEqual(again.headers["content-type"], "application/problem+json")
      const euros = { ...newOrder(), currency: "EUR" }
      const mismatch = yield* buyer.post("/api/v1/orders", euros, keyed("euros"))
      assert.strictEqual(codeOf(mismatch), "422 CURRENCY_MISMATCH")
      assert.strictEqual((yield* buyer.post("/api/v1/orders", euros, keyed("euros"))).text, mismatch.text)
      // An outage is over some time: the same key then succeeds.
      yield* faults.next("tickets.availability", "failBefore")
      assert.strictEqual((yield* buyer.post("/api/v1/orders", newOrder(), keyed("outage"))).status, 503)
      assert.strictEqual((yield* buyer.post("/api/v1/orders", newOrder(), keyed("outage"))).status, 201)
      // So is a conflict: here the order is cancelled by then.
      const { id } = yield* confirmedOrder(buyer)
      const reserve = () => buyer.post(`/api/v1/orders/${id}/reserve`, {}, keyed("conflict"))
      const conflict = yield* reserve()
      assert.strictEqual(conflict.status, 409)
      assert.notStrictEqual((yield* reserve()).text, conflict.text)
    })
  )

  it.effect("6 of an order that could not be held is free again: nothing was sold under it", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const buyer = yield* person()
      yield* faults.next("tickets.hold", "refuse")
      const first = yield* buyer.post("/api/v1/orders", newOrder(), keyed("sold out"))
      assert.strictEqual(codeOf(first), "409 TICKETS_SOLD_OUT")
      const again = yield* buyer.post("/api/v1/orders", newOrder(), keyed("sold out"))
      assert.strictEqual(again.status, 201)
      assert.strictEqual(again.headers["idempotent-replayed"], undefined)
    })
  )

  it.effect("6 after its window makes no second order or refund: a 409 names the first", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const buyer = yield* person()
      const { id } = yield* confirmedOrder(buyer)
      const refund = () => buyer.post(`/api/v1/orders/${id}/refund`, { reason: "x", amount: 100 }, keyed("refund"))
      const order = yield* createOrder(buyer, newOrder(), "window")
      assert.strictEqual((yield* refund()).status, 200)
      yield* time.passMinutes(29)
      const inTime = yield* buyer.post("/api/v1/orders", newOrder(), keyed("window"))
      assert.strictEqual(inTime.text, order.answer.text)
      yield* time.passMinutes(2)
      const late = yield* buyer.post("/api/v1/orders", newOrder(), keyed("window"))
      assert.strictEqual(codeOf(late), "409 IDEMPOTENCY_KEY_USED")
      assert.strictEqual(at(late.json, "orderId"), order.id)
      const lateRefund = yield* refund()
      assert.deepStrictEqual([codeOf(lateRefund), at(lateRefund.json, "orderId")], ["409 IDEMPOTENCY_KEY_USED", id])
      assert.strictEqual(yield* totalOf(buyer), 2)
    })
  )
})

layer(memoryServer({ requestBudget: Duration.millis(300) }), live)(
  "a key whose first request is still running",
  (it) => {
    it.effect("6 is a 409 with Retry-After, and joins the first as soon as that has ended", () =>
      Effect.gen(function* () {
        const buyer = yield* person()
        const faults = yield* ScriptedFaults
        const intent = yield* faults.stopNext("payments.openIntent")
        const create = buyer.post("/api/v1/orders", newOrder(), keyed("slow"))
        const first = yield* create
        assert.strictEqual(first.status, 503)
        yield* intent.reached
        const waiting = yield* eventually(create, ({ status }) => status !== 503)
        assert.strictEqual(codeOf(waiting), "409 IDEMPOTENCY_IN_PROGRESS")
        assert.strictEqual(waiting.headers["retry-after"], String(at(waiting.json, "retryAfterSeconds")))
        yield* intent.letGo
        const joined = yield* untilAnswered(create)
        assert.strictEqual(joined.status, 201)
        assert.strictEqual(joined.headers["idempotent-replayed"], "true")
        assert.strictEqual(yield* totalOf(buyer), 1)
      })
    )

    it.effect("6 is answered by whoever comes after a first request that died between its effect and its answer", () =>
      Effect.gen(function* () {
        const faults = yield* ScriptedFaults
        const buyer = yield* person()
        yield* faults.next("keys.finish", "failBefore")
        const create = buyer.post("/api/v1/orders", newOrder(), keyed("died"))
        assert.strictEqual((yield* create).status, 503)
        const joined = yield* untilAnswered(create)
        assert.strictEqual(joined.status, 201)
        assert.strictEqual(joined.headers["idempotent-replayed"], "true")
        assert.isAbove(textAt(joined.json, "clientSecret").length, 0)
        assert.strictEqual((yield* create).text, joined.text)
        assert.strictEqual(yield* totalOf(buyer), 1)
      })
    )
  }
)
