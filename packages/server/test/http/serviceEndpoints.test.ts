/** What other services call, and the dry runs: every answer to the field, over both stores. */
import { assert, layer } from "@effect/vitest"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect } from "effect"
import {
  asService,
  confirmedOrder,
  createOrder,
  generalLine,
  newOrder,
  payAndConfirm,
  person
} from "./support/buyer.ts"
import { live, overEveryStore } from "./support/everyStore.ts"
import { INSTANT, pricing } from "./support/golden.ts"
import { at, listAt, textAt } from "./support/send.ts"
import { memoryServer } from "./support/testServer.ts"

overEveryStore("the endpoints of services", (it) => {
  it.effect("3.5 orders that end soon are shown, and expire when grace is over", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const buyer = yield* person()
      const { id } = yield* createOrder(buyer)
      const expire = asService("POST", `/internal/v1/orders/${id}/expire`, { reason: "Reservation expired" })
      yield* time.passMinutes(11)
      const { json, status } = yield* asService("GET", "/internal/v1/orders/expiring?minutes=5&limit=100")
      assert.strictEqual(status, 200)
      const mine = listAt(json, "orders").filter((order) => at(order, "id") === id)
      assert.deepStrictEqual(mine, [
        { id, reservationExpiresAt: textAt(mine[0], "reservationExpiresAt"), minutesUntilExpiration: 3 }
      ])
      assert.strictEqual(at((yield* expire).json, "code"), "INVALID_TRANSITION")
      yield* time.passMinutes(7)
      const expired = yield* expire
      assert.strictEqual(expired.status, 200)
      assert.strictEqual(expired.text, '{"message":"Order expired successfully"}')
      const after = (yield* buyer.get(`/api/v1/orders/${id}`)).json
      assert.strictEqual(at(after, "status"), "EXPIRED")
      assert.match(textAt(after, "expiredAt"), INSTANT)
    })
  )

  it.effect("5 a cancelled event cancels its orders with full refunds, and takes no more", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const held = yield* createOrder(buyer, { eventId: demo.soonEventId, items: [{ ...demo.soon, quantity: 1 }] })
      const paid = yield* createOrder(buyer, { eventId: demo.soonEventId, items: [{ ...demo.soon, quantity: 2 }] })
      yield* payAndConfirm(paid)
      const body = { eventId: demo.soonEventId, reason: "Event cancelled by organizer" }
      const { json, status } = yield* asService("POST", "/internal/v1/orders/bulk/cancel", body)
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(json, {
        message: "Bulk cancellation completed: 2 succeeded, 0 failed",
        results: { total: 2, succeeded: 2, failed: 0, errors: [] }
      })
      assert.strictEqual(at((yield* buyer.get(`/api/v1/orders/${held.id}`)).json, "status"), "CANCELLED")
      const refund = at((yield* buyer.get(`/api/v1/orders/${paid.id}/refunds`)).json, "refunds", 0)
      assert.strictEqual(at(refund, "amount"), 23_338)
      assert.strictEqual(at(refund, "retained"), 0)
      const again = yield* asService("POST", "/internal/v1/orders/bulk/cancel", body)
      assert.strictEqual(again.status, 200)
      assert.strictEqual(at(again.json, "results", "total"), 0)
      const late = yield* buyer.post("/api/v1/orders", {
        eventId: demo.soonEventId,
        items: [{ ...demo.soon, quantity: 1 }]
      })
      assert.strictEqual(at(late.json, "code"), "EVENT_CANCELLED")
    })
  )
})

overEveryStore("quotes", (it) => {
  it.effect("4.3 say to the unit what the real operation will do, and write nothing", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const quoted = yield* buyer.post("/api/v1/quotes/order", { eventId: demo.eventId, items: [generalLine()] })
      assert.strictEqual(quoted.status, 200)
      assert.deepStrictEqual(quoted.json, {
        eventId: demo.eventId,
        currency: "USD",
        pricing,
        items: [{ ...demo.general, quantity: 2, unitPrice: 10_000, subtotal: 20_000 }]
      })
      assert.strictEqual(at((yield* buyer.get("/api/v1/orders")).json, "pagination", "total"), 0)
      const { id: orderId, json: created } = yield* confirmedOrder(buyer)
      const itemId = textAt(created, "items", 0, "id")
      const cancel = yield* buyer.post("/api/v1/quotes/cancel", { orderId })
      assert.strictEqual(cancel.status, 200)
      assert.deepStrictEqual(cancel.json, {
        orderId,
        currency: "USD",
        amount: 22_808,
        retained: 530,
        gross: 23_338,
        alreadyReturned: 0,
        refundableRest: 22_808,
        items: [{ itemId, quantity: 2 }]
      })
      const refund = yield* buyer.post("/api/v1/quotes/refund", { orderId, items: [{ itemId, quantity: 1 }] })
      assert.strictEqual(at(refund.json, "amount"), 11_389)
      assert.strictEqual(at((yield* buyer.get(`/api/v1/orders/${orderId}`)).json, "version"), 5)
      yield* buyer.post(`/api/v1/orders/${orderId}/cancel`)
      assert.strictEqual(
        at((yield* buyer.post("/api/v1/quotes/cancel", { orderId })).json, "code"),
        "INVALID_TRANSITION"
      )
    })
  )
})

layer(memoryServer({ bulk: { attemptsMax: 1 } }), live)("bulk cancellation with failures", (it) => {
  it.effect("5 some failures are a 207, only failures a 500, with every order that failed", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const buyer = yield* person()
      const body = { eventId: demo.eventId, reason: "called off" }
      const first = yield* createOrder(buyer)
      const second = yield* createOrder(buyer)
      yield* faults.next("store.commit", "failBefore", "failBefore")
      const none = yield* asService("POST", "/internal/v1/orders/bulk/cancel", body)
      assert.strictEqual(none.status, 500)
      assert.strictEqual(at(none.json, "message"), "Bulk cancellation completed: 0 succeeded, 2 failed")
      yield* faults.next("store.commit", "failBefore")
      const some = yield* asService("POST", "/internal/v1/orders/bulk/cancel", body)
      assert.strictEqual(some.status, 207)
      assert.deepStrictEqual(at(some.json, "results", "succeeded"), 1)
      const failed = at(some.json, "results", "errors", 0)
      assert.include([first.id, second.id], textAt(failed, "orderId"))
      assert.match(textAt(failed, "orderNumber"), /^ORD-/)
      assert.isAbove(textAt(failed, "error").length, 0)
      const rest = yield* asService("POST", "/internal/v1/orders/bulk/cancel", body)
      assert.strictEqual(rest.status, 200)
      assert.strictEqual((yield* buyer.post("/api/v1/orders", newOrder())).status, 409)
    })
  )
})
