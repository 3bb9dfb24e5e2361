/** Every refusal on the wire: its code, its status, its shape, and which one wins when two apply. */
import { assert, layer } from "@effect/vitest"
import { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { type Operation, ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Duration, Effect, Layer } from "effect"
import { ask, asService, confirmedOrder, createOrder, generalLine, newOrder, person } from "./support/buyer.ts"
import { eventually } from "./support/eventually.ts"
import { live, overEveryStore } from "./support/everyStore.ts"
import { type Answer, at, textAt } from "./support/send.ts"
import { memoryServer, memoryStore, serverOver, type ServerPort } from "./support/testServer.ts"

const absent = "99999999-9999-4999-8999-999999999999"

/** Status and code, after looking at everything that all problems have. */
const problemOf = ({ headers, json, status, text }: Answer): string => {
  if (status < 400) assert.fail(`${status} ${text}`)
  assert.strictEqual(headers["content-type"], "application/problem+json", text)
  const code = textAt(json, "code")
  assert.strictEqual(at(json, "status"), status)
  assert.strictEqual(at(json, "type"), `/problems/${code.toLowerCase().replaceAll("_", "-")}`)
  assert.strictEqual(at(json, "requestId"), headers["x-request-id"])
  for (const member of ["title", "detail", "requestId"]) assert.isAbove(textAt(json, member).length, 0, member)
  // A30: nothing of our insides.
  assert.notMatch(text, /\bat \S+:\d+|node_modules|select |insert |postgres|127\.0\.0\.1|localhost|\.ts\b|Error:/i)
  return `${status} ${code}`
}

const order = (changes: object) => ({ ...newOrder(), ...changes })

overEveryStore("refusals", (it) => {
  it.effect("8 of a creation", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const create = (body: object) => Effect.map(buyer.post("/api/v1/orders", body), problemOf)
      const said = {
        price: yield* create(order({ items: [{ ...generalLine(), price: 1 }] })),
        tooMany: yield* create(newOrder(11)),
        noEvent: yield* create(order({ eventId: absent })),
        cancelled: yield* create(
          order({ eventId: demo.cancelledEventId, items: [{ ...demo.cancelled, quantity: 1 }] })
        ),
        currency: yield* create(order({ currency: "EUR" })),
        type: yield* create(order({ items: [{ ...demo.euro, quantity: 1 }] })),
        pricing: yield* create(order({ items: [{ ...generalLine(), ticketPricingId: demo.vip.ticketPricingId }] })),
        soldOut: yield* create(order({ items: [{ ...demo.lastSeat, quantity: 2 }] }))
      }
      assert.deepStrictEqual(said, {
        price: "400 VALIDATION_ERROR",
        tooMany: "400 VALIDATION_ERROR",
        noEvent: "404 EVENT_NOT_FOUND",
        cancelled: "409 EVENT_CANCELLED",
        currency: "422 CURRENCY_MISMATCH",
        type: "422 PRICING_MISMATCH",
        pricing: "422 PRICING_MISMATCH",
        soldOut: "409 TICKETS_SOLD_OUT"
      })
      assert.strictEqual(at((yield* buyer.get("/api/v1/orders")).json, "pagination", "total"), 0)
    })
  )

  it.effect("2.2 the sixth active order of an event is a 429 that says when to come back", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      for (let made = 0; made < 5; made++) yield* createOrder(buyer, newOrder(1))
      const answer = yield* buyer.post("/api/v1/orders", newOrder(1))
      assert.strictEqual(problemOf(answer), "429 ORDER_LIMIT_EXCEEDED")
      assert.match(answer.headers["retry-after"] ?? "", /^[1-9]\d*$/)
    })
  )

  it.effect("8 of what an order's state and the policies do not allow", () =>
    Effect.gen(function* () {
      const controls = yield* ServiceControls
      const buyer = yield* person()
      const of = (path: string, body?: object, headers?: Record<string, string>) =>
        Effect.map(buyer.post(path, body, headers), problemOf)
      const paid = yield* confirmedOrder(buyer)
      const open = yield* createOrder(buyer)
      const soon = yield* createOrder(
        buyer,
        order({ eventId: demo.soonEventId, items: [{ ...demo.soon, quantity: 1 }] })
      )
      const foreign = yield* createOrder(yield* person())
      yield* controls.pay(foreign.intent)
      const confirm = (id: string, paymentIntentId: string) =>
        Effect.map(asService("POST", `/internal/v1/orders/${id}/confirm`, { paymentIntentId }), problemOf)
      const api = "/api/v1/orders"
      const said = {
        reserveConfirmed: yield* of(`${api}/${paid.id}/reserve`),
        refundUnpaid: yield* of(`${api}/${open.id}/refund`, { reason: "no" }),
        refundTooMuch: yield* of(`${api}/${paid.id}/refund`, { reason: "no", amount: 23_338 }),
        refundNoItem: yield* of(`${api}/${paid.id}/refund`, { reason: "no", items: [{ itemId: absent, quantity: 1 }] }),
        windowClosed: yield* of(`${api}/${soon.id}/cancel`),
        otherVersion: yield* of(`${api}/${open.id}/cancel`, {}, { "if-match": '"2"' }),
        noRefund: problemOf(yield* buyer.get(`${api}/${paid.id}/refunds/${absent}`)),
        unpaidIntent: yield* confirm(open.id, open.intent),
        foreignIntent: yield* confirm(open.id, foreign.intent),
        anotherIntent: yield* confirm(paid.id, foreign.intent),
        unknownIntent: yield* confirm(open.id, "pi_unknown")
      }
      assert.deepStrictEqual(said, {
        reserveConfirmed: "409 INVALID_TRANSITION",
        refundUnpaid: "409 INVALID_TRANSITION",
        refundTooMuch: "409 REFUND_EXCEEDS_CAPTURED",
        refundNoItem: "400 VALIDATION_ERROR",
        windowClosed: "409 CANCELLATION_WINDOW_CLOSED",
        otherVersion: "412 VERSION_CONFLICT",
        noRefund: "404 REFUND_NOT_FOUND",
        unpaidIntent: "409 PAYMENT_MISMATCH",
        foreignIntent: "409 PAYMENT_MISMATCH",
        anotherIntent: "409 ORDER_ALREADY_CONFIRMED",
        unknownIntent: "409 PAYMENT_MISMATCH"
      })
      const matching = yield* buyer.post(`${api}/${open.id}/cancel`, {}, { "if-match": '"3"' })
      assert.strictEqual(matching.status, 200)
    })
  )

  it.effect("3.3, 3.7: a hold that is over is not renewed, and late money for stock that is gone goes back", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const buyer = yield* person()
      const { id } = yield* createOrder(buyer)
      yield* time.passMinutes(16)
      const answer = yield* buyer.post(`/api/v1/orders/${id}/reserve`)
      assert.strictEqual(problemOf(answer), "409 RESERVATION_EXPIRED")
      assert.match(textAt(answer.json, "expiredAt"), /Z$/)
    })
  )

  it.effect("8 of what nobody serves, and of methods that nobody takes", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const answers = [
        yield* ask({ path: "/" }),
        yield* ask({ path: "/api/v2/orders" }),
        yield* buyer.ask({ method: "DELETE", path: `/api/v1/orders/${absent}` }),
        yield* buyer.ask({ method: "PUT", path: "/api/v1/orders", body: {} }),
        yield* ask({ method: "POST", path: "/health/liveness" }),
        yield* buyer.ask({ path: `/api/v1/orders/${absent}/nothing` })
      ]
      assert.deepStrictEqual(answers.map(problemOf), Array(6).fill("404 ROUTE_NOT_FOUND"))
    })
  )
})

layer(memoryServer(), live)("refusals while something is away", (it) => {
  it.effect("8 an outage is a 503 with Retry-After, never a 404, and names nobody", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const buyer = yield* person()
      const { id } = yield* createOrder(buyer)
      const during = Effect.fnUntraced(function* (operation: Operation, act: Effect.Effect<Answer, never, ServerPort>) {
        yield* faults.next(operation, "failBefore")
        const answer = yield* act
        assert.strictEqual(problemOf(answer), "503 SERVICE_UNAVAILABLE", operation)
        assert.match(answer.headers["retry-after"] ?? "", /^[1-9]\d*$/)
        assert.strictEqual(at(answer.json, "retryAfterSeconds"), Number(answer.headers["retry-after"]))
      })
      yield* during("store.load", buyer.get(`/api/v1/orders/${id}`))
      yield* during("reads", buyer.get("/api/v1/orders"))
      yield* during("events.get", buyer.post("/api/v1/orders", newOrder()))
      yield* during("tickets.availability", buyer.post("/api/v1/orders", newOrder()))
      yield* during("store.commit", buyer.post(`/api/v1/orders/${id}/cancel`))
    })
  )
})

layer(memoryServer({ requestBudget: Duration.seconds(1) }), live)(
  "work that takes longer than a request may wait",
  (it) => {
    it.effect("3.6 is a 503 for a creation, and a 202 for a confirmation whose money is taken", () =>
      Effect.gen(function* () {
        const controls = yield* ServiceControls
        const buyer = yield* person()
        const faults = yield* ScriptedFaults
        const hold = yield* faults.stopNext("tickets.hold")
        assert.strictEqual(problemOf(yield* buyer.post("/api/v1/orders", newOrder())), "503 SERVICE_UNAVAILABLE")
        yield* Effect.andThen(hold.reached, hold.letGo)
        const { id, intent } = yield* createOrder(buyer)
        yield* controls.pay(intent)
        const allocation = yield* faults.stopNext("tickets.allocate")
        // A machine that is too slow to say so in time says 503 first.
        const confirm = asService("POST", `/internal/v1/orders/${id}/confirm`, { paymentIntentId: intent })
        const { json } = yield* eventually(confirm, ({ status }) => status === 202)
        assert.deepStrictEqual(json, { orderId: id, status: "PENDING", confirmedAt: null })
        yield* Effect.andThen(allocation.reached, allocation.letGo)
        yield* eventually(buyer.get(`/api/v1/orders/${id}`), (order) => at(order.json, "status") === "CONFIRMED")
      })
    )
  }
)

const brokenReads = Layer.succeed(
  OrderReads,
  OrderReads.of({
    search: () => Effect.die("nobody searches"),
    list: () => Effect.die(new Error("select secret from orders at /srv/app/x.ts:1")),
    history: () => Effect.die("nonsense"),
    expiring: () => Effect.die(null),
    cancellableOfEvent: () => Effect.die(undefined)
  })
)

layer(serverOver(Layer.merge(memoryStore, brokenReads)), live)("a bug", (it) => {
  it.effect("8 is a 500 that tells nothing but the request id", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id } = yield* createOrder(buyer)
      const answers = [
        yield* buyer.ask({ path: "/api/v1/orders", headers: { "x-request-id": "my-own.id_1" } }),
        yield* buyer.get(`/api/v1/orders/${id}/events`),
        yield* asService("GET", "/internal/v1/orders/expiring")
      ]
      assert.deepStrictEqual(answers.map(problemOf), Array(3).fill("500 INTERNAL_ERROR"))
      assert.deepStrictEqual(answers[0]?.json, {
        type: "/problems/internal-error",
        title: "Something went wrong on our side",
        status: 500,
        detail: "the request id helps us to find out why",
        code: "INTERNAL_ERROR",
        requestId: "my-own.id_1"
      })
    })
  )
})

overEveryStore("when two refusals apply", (it) => {
  it.effect("8 credentials, shape, key, existence, state and policy win in this order", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const key = { "idempotency-key": "precedence" }
      const path = `/api/v1/orders/${absent}/refund`
      const good = { reason: "first" }
      assert.strictEqual(problemOf(yield* buyer.post(path, good, key)), "404 ORDER_NOT_FOUND")
      const bad = { reason: "second", amount: -1 }
      assert.strictEqual(problemOf(yield* ask({ method: "POST", path, body: bad, headers: key })), "401 UNAUTHORIZED")
      assert.strictEqual(problemOf(yield* buyer.post(path, bad, key)), "400 VALIDATION_ERROR")
      const other = { reason: "second" }
      assert.strictEqual(problemOf(yield* buyer.post(path, other, key)), "422 IDEMPOTENCY_MISMATCH")
      assert.strictEqual(problemOf(yield* buyer.post(path, other)), "404 ORDER_NOT_FOUND")
      const soon = { eventId: demo.soonEventId, items: [{ ...demo.soon, quantity: 1 }] }
      const { id } = yield* createOrder(buyer, soon)
      const cancel = `/api/v1/orders/${id}/cancel`
      assert.strictEqual(problemOf(yield* buyer.post(cancel)), "409 CANCELLATION_WINDOW_CLOSED")
      const admin = yield* person({ role: "admin" })
      yield* admin.post(cancel, { reason: "an exception" })
      assert.strictEqual(problemOf(yield* buyer.post(cancel)), "409 INVALID_TRANSITION")
    })
  )

  it.effect("8 quantities are part of the shape: they are told before a key is looked at", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const key = { "idempotency-key": "quantities" }
      yield* createOrder(buyer, newOrder(1), "quantities")
      assert.strictEqual(problemOf(yield* buyer.post("/api/v1/orders", newOrder(11), key)), "400 VALIDATION_ERROR")
      assert.strictEqual(problemOf(yield* buyer.post("/api/v1/orders", newOrder(2), key)), "422 IDEMPOTENCY_MISMATCH")
    })
  )

  it.effect("8 a user's limit wins over tickets that another service would refuse", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const buyer = yield* person()
      for (let made = 0; made < 5; made++) yield* createOrder(buyer, newOrder(1))
      yield* faults.next("tickets.hold", "refuse")
      assert.strictEqual(problemOf(yield* buyer.post("/api/v1/orders", newOrder(1))), "429 ORDER_LIMIT_EXCEEDED")
      const other = yield* person()
      assert.strictEqual(problemOf(yield* other.post("/api/v1/orders", newOrder(1))), "409 TICKETS_SOLD_OUT")
    })
  )
})
