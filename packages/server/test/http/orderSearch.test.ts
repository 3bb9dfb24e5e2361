/** Searching orders over HTTP, over both stores. */
import { assert } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect } from "effect"
import { confirmedOrder, createOrder, newOrder, person } from "./support/buyer.ts"
import { overEveryStore } from "./support/everyStore.ts"
import { at, listAt, textAt } from "./support/send.ts"

const path = "/api/v1/admin/orders/search"
const query = (criteria: Record<string, string>) => `${path}?${new URLSearchParams(criteria).toString()}`

overEveryStore("searching orders", (it) => {
  it.effect("finds an order by everything that is known of it, and shows it as it is shown elsewhere", () =>
    Effect.gen(function* () {
      const admin = yield* person({ role: "admin" })
      const buyer = yield* person()
      const order = yield* confirmedOrder(buyer, {
        ...newOrder(),
        metadata: { seat: `seat of ${buyer.userId}`, row: 7 }
      })
      yield* createOrder(buyer)
      const { json: shown } = yield* admin.get(`/api/v1/orders/${order.id}`)
      const searches: ReadonlyArray<Record<string, string>> = [
        { id: order.id },
        { orderNumber: textAt(shown, "orderNumber") },
        { paymentIntentId: order.intent },
        { userId: buyer.userId, status: "CONFIRMED" },
        { userId: buyer.userId, totalMin: "23338", totalMax: "23338", eventId: demo.eventId, status: "CONFIRMED" },
        { metadata: JSON.stringify({ seat: `seat of ${buyer.userId}`, row: 7 }) }
      ]
      for (const criteria of searches) {
        const { json, status } = yield* admin.get(query(criteria))
        assert.strictEqual(status, 200, JSON.stringify(criteria))
        assert.deepStrictEqual(listAt(json, "orders"), [shown], JSON.stringify(criteria))
        assert.deepStrictEqual(at(json, "pagination"), { limit: 50, hasMore: false, nextCursor: null })
      }
      const from = textAt(shown, "createdAt")
      const since = yield* admin.get(query({ userId: buyer.userId, createdFrom: from }))
      assert.lengthOf(listAt(since.json, "orders"), 2)
      const before = yield* admin.get(query({ userId: buyer.userId, createdBefore: from }))
      assert.lengthOf(listAt(before.json, "orders"), 0)
    })
  )

  it.effect("pages with a cursor that belongs to one search of one caller", () =>
    Effect.gen(function* () {
      const admin = yield* person({ role: "admin" })
      const buyer = yield* person()
      const first = yield* createOrder(buyer)
      const second = yield* createOrder(buyer)
      const asked = { userId: buyer.userId, limit: "1" }
      const { json: page } = yield* admin.get(query(asked))
      assert.deepStrictEqual([at(page, "orders", 0, "id"), at(page, "pagination", "hasMore")], [second.id, true])
      const cursor = textAt(page, "pagination", "nextCursor")
      const { json: next } = yield* admin.get(query({ ...asked, cursor }))
      assert.deepStrictEqual([at(next, "orders", 0, "id"), at(next, "pagination", "nextCursor")], [first.id, null])
      const colleague = yield* person({ role: "admin" })
      for (const refused of [
        yield* admin.get(query({ limit: "1", cursor })),
        yield* admin.get(query({ ...asked, status: "PENDING", cursor })),
        yield* admin.get(query({ ...asked, cursor: "AAAA" })),
        yield* colleague.get(query({ ...asked, cursor })),
        yield* admin.get(`/api/v1/orders?userId=${buyer.userId}&cursor=${cursor}`)
      ]) {
        assert.deepStrictEqual([refused.status, at(refused.json, "errors", 0, "path")], [400, "query.cursor"])
      }
    })
  )

  it.effect("7.1 is for admins, each of their own tenant", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const { id } = yield* createOrder(buyer)
      for (const role of ["user", "support", "finance"]) {
        const { json, status } = yield* (yield* person({ role })).get(query({ id }))
        assert.deepStrictEqual([status, at(json, "code")], [403, "FORBIDDEN"], role)
      }
      const foreign = yield* person({ role: "admin", tenantId: demo.secondTenantId })
      assert.deepStrictEqual(listAt((yield* foreign.get(query({ id }))).json, "orders"), [])
    })
  )

  it.effect("refuses what no order can have, field by field", () =>
    Effect.gen(function* () {
      const admin = yield* person({ role: "admin" })
      const refused: ReadonlyArray<readonly [Record<string, string>, string]> = [
        [{ id: "1" }, "query.id"],
        [{ orderNumber: "ORD-1" }, "query.orderNumber"],
        [{ userId: "me" }, "query.userId"],
        [{ eventId: "x" }, "query.eventId"],
        [{ status: "LOST" }, "query.status"],
        [{ currency: "JPY" }, "query.currency"],
        [{ totalMin: "-1" }, "query.totalMin"],
        [{ totalMax: "10000000001" }, "query.totalMax"],
        [{ createdFrom: "yesterday" }, "query.createdFrom"],
        [{ createdBefore: "2026-02-30T00:00:00Z" }, "query.createdBefore"],
        [{ metadata: "seat" }, "query.metadata"],
        [{ metadata: '{"seat":["A1"]}' }, "query.metadata"],
        [{ metadata: '{"seat":"\\u0000"}' }, "query.metadata"],
        [{ paymentIntentId: "\u0000" }, "query.paymentIntentId"],
        [{ limit: "101" }, "query.limit"],
        [{ tenantId: demo.tenantId }, "query.tenantId"]
      ]
      for (const [criteria, field] of refused) {
        const { json, status } = yield* admin.get(query(criteria))
        const place = /^query\.\w+/.exec(String(at(json, "errors", 0, "path")))
        assert.deepStrictEqual([status, place?.[0]], [400, field], JSON.stringify(criteria))
      }
    })
  )
})
