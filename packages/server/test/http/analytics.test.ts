/** What staff are told of sales, to the field, over both stores. */
import { assert } from "@effect/vitest"
import { foldAllSales } from "@tickettoken/order-server/sql/SalesRollupSql"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, Option } from "effect"
import { SqlClient } from "effect/sql"
import { confirmedOrder, createOrder, person } from "./support/buyer.ts"
import { overEveryStore } from "./support/everyStore.ts"
import { eventually } from "./support/eventually.ts"
import { INSTANT, minutesBetween } from "./support/golden.ts"
import { at, listAt, textAt } from "./support/send.ts"

const base = "/api/v1/admin/analytics"

/** Has what a database counts now and then counted at once. */
const settle = Effect.flatMap(Effect.serviceOption(SqlClient.SqlClient), (sql) =>
  Option.isSome(sql) ? Effect.provideService(Effect.asVoid(foldAllSales), SqlClient.SqlClient, sql.value) : Effect.void
)

const noOrders = {
  created: 0,
  refused: 0,
  held: 0,
  open: 0,
  renewed: 0,
  confirmed: 0,
  cancelled: 0,
  expired: 0,
  refunded: 0
}

const golden = {
  currency: "USD",
  orders: 1,
  tickets: 2,
  revenue: 23_338,
  averageOrderValue: 23_338,
  subtotal: 20_000,
  platformFee: 1000,
  processingFee: 610,
  tax: 1728,
  refunds: 0,
  refunded: 0,
  retained: 0,
  net: 23_338,
  returned: 0
}

overEveryStore("sales figures", (it) => {
  it.effect("tell of the tenant's orders: the figures, the series that adds up to them, the best events, now", () =>
    Effect.gen(function* () {
      const admin = yield* person({ role: "admin" })
      const empty = yield* admin.get(`${base}/summary`)
      assert.deepStrictEqual([empty.status, at(empty.json, "orders"), at(empty.json, "money")], [200, noOrders, []])
      assert.deepStrictEqual(at(empty.json, "rates"), {
        conversion: null,
        cancellation: null,
        expiry: null,
        refund: null
      })

      const buyer = yield* person()
      yield* confirmedOrder(buyer)
      const open = yield* createOrder(buyer)
      yield* settle

      const { json: summary } = yield* admin.get(`${base}/summary`)
      const to = textAt(summary, "to")
      assert.deepStrictEqual(summary, {
        from: textAt(summary, "from"),
        to,
        timeZone: "UTC",
        asOf: textAt(summary, "asOf"),
        orders: { ...noOrders, created: 2, held: 2, open: 1, confirmed: 1 },
        statuses: { PENDING: 1, RESERVED: 0, CONFIRMED: 1, COMPLETED: 0, CANCELLED: 0, EXPIRED: 0, REFUNDED: 0 },
        rates: { conversion: 10_000, cancellation: 0, expiry: 0, refund: 0 },
        holdToPay: at(summary, "holdToPay"),
        money: [golden]
      })
      assert.match(textAt(summary, "asOf"), INSTANT)
      assert.strictEqual(minutesBetween(textAt(summary, "from"), to), 29 * 24 * 60)
      assert.deepStrictEqual([at(summary, "holdToPay", "orders"), at(summary, "holdToPay", "within30Minutes")], [1, 1])

      const { json: daily } = yield* admin.get(`${base}/series?from=${textAt(summary, "from")}&to=${to}`)
      const days = listAt(daily, "buckets")
      assert.lengthOf(days, 30)
      assert.deepStrictEqual([at(daily, "interval"), at(daily, "timeZone")], ["day", "UTC"])
      const sold = days.filter((bucket) => listAt(bucket, "money").length > 0)
      assert.deepStrictEqual(
        sold.map((bucket) => at(bucket, "money")),
        [[golden]]
      )
      const { json: hourly } = yield* admin.get(`${base}/series?interval=hour&from=${to}&to=${to}`)
      assert.lengthOf(listAt(hourly, "buckets"), 24)
      assert.strictEqual(textAt(hourly, "buckets", 0, "startsAt"), `${to}T00:00:00.000Z`)

      const { json: top } = yield* admin.get(`${base}/top-events`)
      const event = { eventId: demo.eventId, orders: 1, tickets: 2, revenue: 23_338, refunded: 0, net: 23_338 }
      assert.deepStrictEqual(at(top, "ranking"), [{ currency: "USD", events: [event] }])
      assert.deepStrictEqual(at((yield* admin.get(`${base}/top-events?currency=EUR`)).json, "ranking"), [])

      const { json: live } = yield* admin.get(`${base}/live`)
      assert.deepStrictEqual([at(live, "money", 0, "currency"), at(live, "money", 0, "revenue")], ["USD", 23_338])
      assert.lengthOf(listAt(live, "money", 0, "minutes"), 60)

      const { json: holds } = yield* admin.get(`${base}/holds`)
      assert.deepStrictEqual([at(holds, "open"), at(holds, "overdue"), at(holds, "next", 0, "id")], [1, 0, open.id])
      assert.lengthOf(listAt((yield* admin.get(`${base}/holds?limit=0`)).json, "next"), 0)
    })
  )

  it.effect("4.3 tell of a refund once it has arrived", () =>
    Effect.gen(function* () {
      const buyer = yield* person({ tenantId: demo.tenantId })
      const admin = yield* person({ role: "admin" })
      const order = yield* confirmedOrder(buyer)
      yield* buyer.post(`/api/v1/orders/${order.id}/cancel`, { reason: "ill" })
      yield* eventually(buyer.get(`/api/v1/orders/${order.id}`), ({ json }) => at(json, "status") === "REFUNDED")
      yield* settle
      const { json } = yield* admin.get(`${base}/summary`)
      assert.deepStrictEqual(
        ["refunds", "refunded", "retained"].map((name) => at(json, "money", 0, name)),
        [1, 22_808, 530]
      )
      assert.isAbove(Number(at(json, "rates", "refund")), 0)
    })
  )

  it.effect("7.1 are for staff, each of their own tenant", () =>
    Effect.gen(function* () {
      const paths = ["summary", "series", "top-events", "live", "holds"].map((path) => `${base}/${path}`)
      const buyer = yield* person()
      yield* confirmedOrder(buyer)
      yield* settle
      for (const path of paths) {
        const refused = yield* buyer.get(path)
        assert.deepStrictEqual([refused.status, at(refused.json, "code")], [403, "FORBIDDEN"], path)
        for (const role of ["support", "finance", "admin"]) {
          assert.strictEqual((yield* (yield* person({ role })).get(path)).status, 200, `${role} ${path}`)
        }
      }
      const stranger = yield* person({ role: "admin", tenantId: demo.secondTenantId })
      assert.deepStrictEqual(at((yield* stranger.get(`${base}/summary`)).json, "orders"), noOrders)
      assert.deepStrictEqual(at((yield* stranger.get(`${base}/live`)).json, "money"), [])
    })
  )

  it.effect("refuse days that are none, ranges that end before they begin, and those that are too long", () =>
    Effect.gen(function* () {
      const admin = yield* person({ role: "admin" })
      const refused = [
        ["summary?from=2026-02-30", "query.from"],
        ["summary?from=2026-2-1", "query.from"],
        ["summary?to=yesterday", "query.to"],
        ["summary?from=2026-03-02&to=2026-03-01", "query.to"],
        ["summary?from=2020-01-01&to=2026-01-01", "query.from"],
        ["series?interval=hour&from=2026-01-01&to=2026-02-01", "query.from"],
        ["series?interval=week", "query.interval"],
        ["top-events?currency=JPY", "query.currency"],
        ["top-events?limit=0", "query.limit"],
        ["holds?limit=101", "query.limit"]
      ] as const
      for (const [path, field] of refused) {
        const { json, status } = yield* admin.get(`${base}/${path}`)
        assert.deepStrictEqual([status, at(json, "errors", 0, "path")], [400, field], path)
      }
      assert.strictEqual((yield* admin.get(`${base}/series?interval=hour&from=2026-01-01&to=2026-01-31`)).status, 200)
    })
  )
})
