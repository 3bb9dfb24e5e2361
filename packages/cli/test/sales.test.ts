/** What the commands about sales, and searching, print. */
import { assert, describe, it } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { jsonOf, orders, world } from "./support/commandLine.ts"
import { buy, reserve } from "./support/sale.ts"

const Found = Schema.Struct({
  orders: Schema.Array(Schema.Struct({ id: Schema.String })),
  pagination: Schema.Struct({ limit: Schema.Int, hasMore: Schema.Boolean })
})

const found = Effect.fnUntraced(function* (...flags: ReadonlyArray<string>) {
  const page = yield* jsonOf(Found, yield* orders(["search", "-o", "json", ...flags]))
  return page.orders.map(({ id }) => id)
})

describe("orders search", () => {
  it.effect("finds orders by what is known of them, and of no other tenant", () =>
    Effect.gen(function* () {
      const paid = yield* buy()
      yield* TestClock.adjust("1 minute")
      const open = yield* reserve(1)
      assert.deepStrictEqual(yield* found(), [open.id, paid.id])
      assert.deepStrictEqual(yield* found("--number", paid.orderNumber), [paid.id])
      assert.deepStrictEqual(yield* found("--order", open.id), [open.id])
      assert.deepStrictEqual(yield* found("--payment-intent", paid.intent?.id ?? ""), [paid.id])
      assert.deepStrictEqual(yield* found("--user", demo.buyerId, "--status", "CONFIRMED"), [paid.id])
      assert.deepStrictEqual(yield* found("--min", "23338"), [paid.id])
      assert.deepStrictEqual(yield* found("--max", "23337", "--currency", "USD"), [open.id])
      assert.deepStrictEqual(yield* found("--from", "1970-01-01T00:01:00Z"), [open.id])
      assert.deepStrictEqual(yield* found("--before", "1970-01-01T00:01:00Z", "--event", demo.eventId), [paid.id])
      assert.deepStrictEqual(yield* found("--metadata", "seat=A1"), [])
      assert.deepStrictEqual(yield* found("--tenant", demo.secondTenantId), [])
      const nothing = yield* orders(["search", "--status", "EXPIRED"])
      assert.deepStrictEqual(nothing, { code: 0, stdout: "", stderr: "orders: no orders" })
    }).pipe(Effect.provide(world))
  )

  it.effect("goes on behind an order, and says which", () =>
    Effect.gen(function* () {
      const first = yield* buy()
      yield* TestClock.adjust("1 minute")
      const second = yield* reserve(1)
      const page = yield* orders(["search", "--limit", "1"])
      assert.strictEqual(page.stderr, `orders: 1 orders and more; --after ${second.id} shows the next`)
      assert.deepStrictEqual(yield* found("--after", second.id), [first.id])
      assert.deepStrictEqual(yield* found("--after", first.id), [])
    }).pipe(Effect.provide(world))
  )

  it.effect("prints lines of JSON, and a table for a sheet", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      yield* TestClock.adjust("1 minute")
      yield* reserve(1)
      const lines = (yield* orders(["search", "-o", "ndjson"])).stdout.split("\n")
      assert.lengthOf(lines, 2)
      assert.include(lines[1], `"id":"${order.id}"`)
      const sheet = (yield* orders(["search", "--status", "CONFIRMED", "-o", "csv"])).stdout
      assert.deepStrictEqual(sheet.split("\r\n"), [
        "order,number,status,payment,tickets,total,created",
        `${order.id},${order.orderNumber},CONFIRMED,PAID,2,233.38 USD,1970-01-01T00:00:00.000Z`
      ])
      assert.strictEqual((yield* orders(["search", "--status", "EXPIRED", "-o", "ndjson"])).stdout, "")
    }).pipe(Effect.provide(world))
  )

  it.effect("refuses a wrong criterion", () =>
    Effect.gen(function* () {
      const wrong = [
        ["--number", "ORD-1"],
        ["--metadata", "seat"],
        ["--from", "yesterday"],
        ["--min", "-1"],
        ["--limit", "0"]
      ]
      for (const flags of wrong) assert.strictEqual((yield* orders(["search", ...flags])).code, 2, flags.join(" "))
    }).pipe(Effect.provide(world))
  )
})

const Stats = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  timeZone: Schema.String,
  orders: Schema.Record(Schema.String, Schema.Int),
  rates: Schema.Record(Schema.String, Schema.NullOr(Schema.Int)),
  money: Schema.Array(Schema.Struct({ currency: Schema.String, revenue: Schema.Int, averageOrderValue: Schema.Int })),
  series: Schema.Struct({ interval: Schema.String, buckets: Schema.Array(Schema.Struct({ startsAt: Schema.String })) })
})

describe("orders stats", () => {
  it.effect("shows the figures with their trend, and says of which days they are", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("36 hours")
      yield* buy()
      yield* TestClock.adjust("24 hours")
      yield* buy()
      yield* reserve(1)
      const { stderr, stdout } = yield* orders(["stats", "--from", "1970-01-01", "--to", "1970-01-03"])
      const rows = new Map(stdout.split("\n").map((line) => [line.slice(0, 28).trim(), line.slice(28).trim()]))
      assert.match(rows.get("orders created") ?? "", /^3 +▁▅█$/)
      assert.strictEqual(rows.get("conversion"), "100.00 %")
      assert.match(rows.get("USD revenue") ?? "", /^466\.76 USD +▁██$/)
      assert.strictEqual(rows.get("USD average order"), "233.38 USD")
      assert.match(stderr, /^orders: 1970-01-01 to 1970-01-03, days of UTC, counted up to 1970-01-03T12:00:00/)
    }).pipe(Effect.provide(world))
  )

  it.effect("is JSON with the names of the HTTP interface, by the hour if asked", () =>
    Effect.gen(function* () {
      yield* buy()
      const stats = yield* jsonOf(Stats, yield* orders(["stats", "--by", "hour", "--from", "1970-01-01", "-o", "json"]))
      assert.deepStrictEqual([stats.from, stats.to, stats.timeZone], ["1970-01-01", "1970-01-01", "UTC"])
      assert.strictEqual(stats.orders["confirmed"], 1)
      assert.deepStrictEqual(stats.money, [{ currency: "USD", revenue: 23_338, averageOrderValue: 23_338 }])
      assert.deepStrictEqual([stats.series.interval, stats.series.buckets.length], ["hour", 24])
    }).pipe(Effect.provide(world))
  )

  it.effect("refuses days that are no range", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* orders(["stats", "--from", "1970-02-30"])).code, 2)
      const { code, stderr } = yield* orders(["stats", "--from", "1970-01-02", "--to", "1970-01-01"])
      assert.deepStrictEqual([code, stderr], [2, "orders: to: must not be before from"])
    }).pipe(Effect.provide(world))
  )
})

describe("orders top-events", () => {
  it.effect("lists the events with the most revenue", () =>
    Effect.gen(function* () {
      yield* buy()
      const { stdout } = yield* orders(["top-events"])
      assert.deepStrictEqual(stdout.split("\n"), [
        "EVENT                                 CURRENCY  ORDERS  TICKETS  REVENUE     REFUNDED  NET",
        `${demo.eventId}  USD       1       2        233.38 USD  0.00 USD  233.38 USD`
      ])
      assert.strictEqual((yield* orders(["top-events", "--currency", "EUR"])).stdout, "")
    }).pipe(Effect.provide(world))
  )
})
