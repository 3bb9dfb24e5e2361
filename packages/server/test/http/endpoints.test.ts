/** Every endpoint's answer, to the field, over both stores. */
import { assert } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect } from "effect"
import { confirmedOrder, createOrder, payAndConfirm, person } from "./support/buyer.ts"
import { overEveryStore } from "./support/everyStore.ts"
import { INSTANT, minutesBetween, orderBody, UUID } from "./support/golden.ts"
import { at, listAt, textAt } from "./support/send.ts"
import { eventually } from "./support/eventually.ts"

overEveryStore("creating an order", (it) => {
  it.effect("1.2 two General tickets cost 23338, are PENDING and held for 15 minutes", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { answer, json } = yield* createOrder(buyer)
      assert.strictEqual(answer.status, 201)
      assert.strictEqual(answer.headers["content-type"], "application/json")
      assert.strictEqual(answer.headers["etag"], '"3"')
      assert.deepStrictEqual(json, orderBody(json, { userId: buyer.userId, clientSecret: at(json, "clientSecret") }))
      assert.match(textAt(json, "id"), UUID)
      assert.match(textAt(json, "items", 0, "id"), UUID)
      assert.match(textAt(json, "orderNumber"), /^ORD-\d{8}-[2-9A-Y]{6}$/)
      assert.match(textAt(json, "createdAt"), INSTANT)
      assert.match(textAt(json, "clientSecret"), /secret/)
      assert.strictEqual(minutesBetween(textAt(json, "createdAt"), textAt(json, "reservationExpiresAt")), 15)
    })
  )

  it.effect("3.2 VIP tickets, and VIP customers, are held for 30 minutes", () =>
    Effect.gen(function* () {
      const vip = yield* person({ customerTier: "vip" })
      const buyer = yield* person()
      const held = (json: unknown) => minutesBetween(textAt(json, "createdAt"), textAt(json, "reservationExpiresAt"))
      assert.strictEqual(held((yield* createOrder(vip)).json), 30)
      const body = { eventId: demo.eventId, items: [{ ...demo.vip, quantity: 1 }] }
      assert.strictEqual(held((yield* createOrder(buyer, body)).json), 30)
    })
  )

  it.effect("1.4 a free order is CONFIRMED at once and has no payment", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const body = { eventId: demo.eventId, items: [{ ...demo.free, quantity: 2 }], metadata: { note: "two" } }
      const { json, status } = yield* buyer.post("/api/v1/orders", body)
      assert.strictEqual(status, 201)
      assert.strictEqual(at(json, "status"), "CONFIRMED")
      assert.strictEqual(at(json, "paymentStatus"), "PAID")
      assert.strictEqual(at(json, "paymentIntentId"), null)
      assert.strictEqual(at(json, "clientSecret"), null)
      assert.deepStrictEqual(at(json, "metadata"), { note: "two" })
      assert.lengthOf(listAt(json, "tickets"), 2)
    })
  )
})

overEveryStore("looking at orders", (it) => {
  it.effect("shows an order without its client secret, with its version as a strong entity tag", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id, json: created } = yield* createOrder(buyer)
      const { headers, json, status } = yield* buyer.get(`/api/v1/orders/${id}`)
      assert.strictEqual(status, 200)
      assert.strictEqual(headers["etag"], '"3"')
      assert.deepStrictEqual(json, orderBody(created))
    })
  )

  it.effect("lists a buyer's own orders, newest first, by status and event, page by page", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const other = yield* person()
      yield* createOrder(other)
      const first = yield* createOrder(buyer)
      const second = yield* confirmedOrder(buyer)
      const third = yield* createOrder(buyer, {
        eventId: demo.euroEventId,
        items: [{ ...demo.euro, quantity: 1 }],
        currency: "EUR"
      })
      const list = (query: string) => Effect.map(buyer.get(`/api/v1/orders${query}`), ({ json }) => json)
      const idsOf = (json: unknown) => {
        return listAt(json, "orders").map((order) => at(order, "id"))
      }
      const all = yield* list("")
      assert.deepStrictEqual(idsOf(all), [third.id, second.id, first.id])
      assert.deepStrictEqual(at(all, "orders", 2), orderBody(first.json))
      assert.deepStrictEqual(at(all, "pagination"), {
        total: 3,
        limit: 50,
        offset: 0,
        hasMore: false,
        nextCursor: null
      })
      assert.deepStrictEqual(idsOf(yield* list("?status=CONFIRMED")), [second.id])
      assert.deepStrictEqual(idsOf(yield* list(`?eventId=${demo.euroEventId}`)), [third.id])
      const page = yield* list("?limit=2")
      assert.deepStrictEqual(idsOf(page), [third.id, second.id])
      assert.strictEqual(at(page, "pagination", "hasMore"), true)
      assert.deepStrictEqual(idsOf(yield* list("?limit=2&offset=2")), [first.id])
      const next = yield* list(`?limit=2&cursor=${textAt(page, "pagination", "nextCursor")}`)
      assert.deepStrictEqual(idsOf(next), [first.id])
      assert.strictEqual(at(next, "pagination", "nextCursor"), null)
    })
  )

  it.effect("refuses a cursor that was altered, or made for another buyer or filter", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const other = yield* person()
      yield* createOrder(buyer)
      yield* createOrder(buyer)
      const cursor = textAt((yield* buyer.get("/api/v1/orders?limit=1")).json, "pagination", "nextCursor")
      const flipped = cursor.slice(0, 30) + (cursor[30] === "A" ? "B" : "A") + cursor.slice(31)
      const refused = [
        yield* buyer.get(`/api/v1/orders?limit=1&cursor=${flipped}`),
        yield* buyer.get(`/api/v1/orders?limit=1&cursor=AAAA`),
        yield* buyer.get(`/api/v1/orders?limit=1&status=PENDING&cursor=${cursor}`),
        yield* buyer.get(`/api/v1/orders?limit=1&offset=1&cursor=${cursor}`),
        yield* other.get(`/api/v1/orders?limit=1&cursor=${cursor}`)
      ]
      assert.deepStrictEqual(
        refused.map(({ json }) => [at(json, "code"), at(json, "errors", 0, "path")]),
        Array(5).fill(["VALIDATION_ERROR", "query.cursor"])
      )
      assert.strictEqual((yield* buyer.get(`/api/v1/orders?limit=1&cursor=${cursor}`)).status, 200)
    })
  )

  it.effect("shows what has happened to an order: who, from where, and what", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id } = yield* confirmedOrder(buyer)
      const { json, status } = yield* buyer.get(`/api/v1/orders/${id}/events`)
      assert.strictEqual(status, 200)
      const events = listAt(json, "events")
      assert.deepStrictEqual(
        events.map((event) => at(event, "eventType")),
        ["ORDER_CREATED", "HOLD_GRANTED", "PAYMENT_INTENT_OPENED", "PAYMENT_CAPTURED", "ORDER_CONFIRMED"]
      )
      const [created, , , captured] = events
      assert.deepStrictEqual(created, {
        id: textAt(created, "id"),
        orderId: id,
        version: 1,
        eventType: "ORDER_CREATED",
        userId: buyer.userId,
        actor: { kind: "user", id: buyer.userId },
        ipAddress: "127.0.0.1",
        metadata: { total: 23_338, currency: "USD" },
        createdAt: textAt(created, "createdAt")
      })
      assert.match(textAt(created, "createdAt"), INSTANT)
      assert.deepStrictEqual(at(captured, "actor"), { kind: "service", id: "payments" })
      assert.strictEqual(at(captured, "userId"), null)
      assert.notInclude(JSON.stringify(json), "secret")
    })
  )
})

overEveryStore("changing an order", (it) => {
  it.effect("3.3 reserving renews the hold", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id } = yield* createOrder(buyer)
      const { json, status } = yield* buyer.post(`/api/v1/orders/${id}/reserve`)
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(json, {
        orderId: id,
        status: "RESERVED",
        reservationExpiresAt: textAt(json, "reservationExpiresAt"),
        reservedAt: textAt(json, "reservedAt")
      })
      assert.strictEqual(minutesBetween(textAt(json, "reservedAt"), textAt(json, "reservationExpiresAt")), 15)
      assert.strictEqual((yield* buyer.post(`/api/v1/orders/${id}/reserve`, {})).status, 200)
    })
  )

  it.effect("3.6 confirming allocates the tickets, and says the same when it is asked again", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const order = yield* createOrder(buyer)
      const confirmed = yield* payAndConfirm(order)
      assert.strictEqual(confirmed.status, 200)
      assert.deepStrictEqual(confirmed.json, {
        orderId: order.id,
        status: "CONFIRMED",
        confirmedAt: textAt(confirmed.json, "confirmedAt")
      })
      assert.strictEqual((yield* payAndConfirm(order)).text, confirmed.text)
      const { json } = yield* buyer.get(`/api/v1/orders/${order.id}`)
      const tickets = at(json, "tickets")
      assert.deepStrictEqual(
        json,
        orderBody(order.json, {
          status: "CONFIRMED",
          paymentStatus: "PAID",
          reservationExpiresAt: null,
          tickets,
          version: 5,
          updatedAt: at(json, "updatedAt"),
          confirmedAt: at(confirmed.json, "confirmedAt")
        })
      )
      assert.lengthOf(listAt(json, "tickets"), 2)
      assert.strictEqual(at(tickets, 0, "ticketTypeId"), demo.general.ticketTypeId)
    })
  )

  it.effect("4.3, 4.9: cancelling a paid order returns 22808 and keeps 530", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id, json: created } = yield* confirmedOrder(buyer)
      const cancelled = yield* buyer.post(`/api/v1/orders/${id}/cancel`, { reason: "ill" })
      assert.strictEqual(cancelled.status, 200)
      assert.deepStrictEqual(cancelled.json, {
        orderId: id,
        status: "CANCELLED",
        cancelledAt: textAt(cancelled.json, "cancelledAt"),
        refundStatus: "INITIATED"
      })
      const { json } = yield* eventually(
        buyer.get(`/api/v1/orders/${id}/refunds`),
        ({ json: refunds }) => at(refunds, "refunds", 0, "status") === "COMPLETED"
      )
      const refund = at(json, "refunds", 0)
      assert.deepStrictEqual(json, {
        refunds: [
          {
            refundId: textAt(refund, "refundId"),
            orderId: id,
            amount: 22_808,
            status: "COMPLETED",
            estimatedArrival: textAt(refund, "estimatedArrival"),
            cause: "VOLUNTARY",
            reason: "ill",
            items: [{ itemId: at(created, "items", 0, "id"), quantity: 2 }],
            retained: 530,
            failureReason: null,
            requestedAt: textAt(refund, "requestedAt"),
            settledAt: textAt(refund, "settledAt")
          }
        ]
      })
      assert.strictEqual(minutesBetween(textAt(refund, "requestedAt"), textAt(refund, "estimatedArrival")), 7 * 24 * 60)
      assert.deepStrictEqual(
        (yield* buyer.get(`/api/v1/orders/${id}/refunds/${textAt(refund, "refundId")}`)).json,
        refund
      )
    })
  )

  it.effect("4.9 an order that nobody has paid is cancelled without a refund, also without a body", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id } = yield* createOrder(buyer)
      const { json, status } = yield* buyer.post(`/api/v1/orders/${id}/cancel`)
      assert.strictEqual(status, 200)
      assert.strictEqual(at(json, "refundStatus"), "NOT_APPLICABLE")
    })
  )

  it.effect("4.3, 4.4: refunds of an amount, of a ticket and of the rest", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id, json: created } = yield* confirmedOrder(buyer)
      const itemId = textAt(created, "items", 0, "id")
      const path = `/api/v1/orders/${id}/refund`
      const one = yield* buyer.post(path, { reason: "one is ill", items: [{ itemId, quantity: 1 }] })
      assert.strictEqual(one.status, 200)
      assert.deepStrictEqual(one.json, {
        refundId: textAt(one.json, "refundId"),
        orderId: id,
        amount: 11_389,
        status: "APPROVED",
        estimatedArrival: textAt(one.json, "estimatedArrival")
      })
      const sum = yield* buyer.post(path, { reason: "goodwill", amount: 400 })
      assert.strictEqual(at(sum.json, "amount"), 400)
      const rest = yield* buyer.post(path, { reason: "the other one too" })
      assert.strictEqual(at(rest.json, "amount"), 11_419 - 400)
    })
  )
})
