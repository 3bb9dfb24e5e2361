/** What the commands that look print, as a table and as JSON. */
import { assert, describe, it } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { fixedId } from "@tickettoken/order-testing/TestOrders"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { jsonOf, orders, world } from "./support/commandLine.ts"
import { buy, reserve } from "./support/sale.ts"

const Page = Schema.Struct({
  orders: Schema.Array(Schema.Struct({ id: Schema.String, status: Schema.String, createdAt: Schema.String })),
  pagination: Schema.Struct({ total: Schema.Int, limit: Schema.Int, offset: Schema.Int, hasMore: Schema.Boolean })
})

const listed = Effect.fnUntraced(function* (...flags: ReadonlyArray<string>) {
  const page = yield* jsonOf(Page, yield* orders(["list", "-o", "json", ...flags]))
  return page.orders.map(({ id }) => id)
})

describe("orders list", () => {
  it.effect("shows a row for each order, newest first, and says on stderr when there is more", () =>
    Effect.gen(function* () {
      const first = yield* buy()
      yield* TestClock.adjust("1 minute")
      const second = yield* reserve(1)
      const all = yield* orders(["list"])
      assert.deepStrictEqual(all.stdout.split("\n"), [
        "ORDER                                 NUMBER               STATUS     PAYMENT  TICKETS  TOTAL       CREATED",
        `${second.id}  ${second.orderNumber}  PENDING    UNPAID   1        116.85 USD  1970-01-01T00:01:00.000Z`,
        `${first.id}  ${first.orderNumber}  CONFIRMED  PAID     2        233.38 USD  1970-01-01T00:00:00.000Z`
      ])
      assert.strictEqual(all.stderr, "")
      const page = yield* orders(["list", "--limit", "1"])
      assert.strictEqual(page.stderr, "orders: 1 of 2 orders; --offset 1 shows the next")
    }).pipe(Effect.provide(world))
  )

  it.effect("is JSON with the place in the list", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const page = yield* jsonOf(Page, yield* orders(["list", "-o", "json"]))
      assert.deepStrictEqual(page, {
        orders: [{ id: order.id, status: "CONFIRMED", createdAt: "1970-01-01T00:00:00.000Z" }],
        pagination: { total: 1, limit: 20, offset: 0, hasMore: false }
      })
    }).pipe(Effect.provide(world))
  )

  it.effect("narrows by state, event and user, and skips", () =>
    Effect.gen(function* () {
      const paid = yield* buy()
      yield* TestClock.adjust("1 minute")
      const open = yield* reserve()
      assert.deepStrictEqual(yield* listed("--status", "CONFIRMED"), [paid.id])
      assert.deepStrictEqual(yield* listed("--event", demo.eventId), [open.id, paid.id])
      assert.deepStrictEqual(yield* listed("--event", demo.euroEventId), [])
      assert.deepStrictEqual(yield* listed("--user", demo.buyerId), [open.id, paid.id])
      assert.deepStrictEqual(yield* listed("--user", demo.secondBuyerId), [])
      assert.deepStrictEqual(yield* listed("--offset", "1"), [paid.id])
    }).pipe(Effect.provide(world))
  )

  it.effect("prints nothing on stdout when there is nothing, and another tenant's orders to nobody", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* orders(["list"]), { code: 0, stdout: "", stderr: "orders: no orders" })
      yield* buy()
      const other = yield* orders(["list", "--tenant", demo.secondTenantId])
      assert.deepStrictEqual(other, { code: 0, stdout: "", stderr: "orders: no orders" })
      assert.strictEqual((yield* orders(["list", "--offset", "5"])).stderr, "orders: no orders behind the first 1")
    }).pipe(Effect.provide(world))
  )
})

const Shown = Schema.Struct({
  id: Schema.String,
  paymentStatus: Schema.String,
  captured: Schema.Int,
  currency: Schema.String,
  pricing: Schema.Record(Schema.String, Schema.Unknown),
  tickets: Schema.Array(Schema.Unknown),
  reservationExpiresAt: Schema.NullOr(Schema.String),
  confirmedAt: Schema.NullOr(Schema.String)
})

describe("orders show", () => {
  it.effect("1.2 shows the money, written out in the table and in minor units as JSON", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const table = (yield* orders(["show", order.id])).stdout
      for (const line of [
        "FIELD           VALUE",
        "status          CONFIRMED",
        "subtotal        200.00 USD",
        "platform fee    10.00 USD",
        "processing fee  6.10 USD",
        "tax             17.28 USD",
        "total           233.38 USD",
        "captured        233.38 USD"
      ]) {
        assert.include(table.split("\n"), line)
      }
      const shown = yield* jsonOf(Shown, yield* orders(["show", order.id, "-o", "json"]))
      assert.strictEqual(shown.captured, 23_338)
      assert.strictEqual(shown.pricing["total"], 23_338)
      assert.strictEqual(shown.tickets.length, 2)
      assert.strictEqual(shown.confirmedAt, "1970-01-01T00:00:00.000Z")
    }).pipe(Effect.provide(world))
  )

  it.effect("shows the deadline of an open order, and never the client secret", () =>
    Effect.gen(function* () {
      const order = yield* reserve()
      const secret = order.intent?.clientSecret
      assert.isString(secret)
      const table = yield* orders(["show", order.id])
      const json = yield* orders(["show", order.id, "-o", "json"])
      assert.include(table.stdout.split("\n"), "held until      1970-01-01T00:15:00.000Z")
      assert.strictEqual((yield* jsonOf(Shown, json)).reservationExpiresAt, "1970-01-01T00:15:00.000Z")
      for (const text of [table.stdout, json.stdout]) assert.notInclude(text, String(secret))
    }).pipe(Effect.provide(world))
  )

  it.effect("7.1 tells an absent order and another tenant's alike", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const absent = yield* orders(["show", fixedId(1)])
      assert.deepStrictEqual(absent, { code: 3, stdout: "", stderr: `orders: order ${fixedId(1)} does not exist` })
      const foreign = yield* orders(["show", order.id, "--tenant", demo.secondTenantId])
      assert.deepStrictEqual(foreign, { code: 3, stdout: "", stderr: `orders: order ${order.id} does not exist` })
    }).pipe(Effect.provide(world))
  )
})

const History = Schema.Struct({
  events: Schema.Array(
    Schema.Struct({
      version: Schema.Int,
      eventType: Schema.String,
      actor: Schema.Struct({ kind: Schema.String, id: Schema.String }),
      ipAddress: Schema.NullOr(Schema.String),
      createdAt: Schema.String
    })
  )
})

describe("orders history", () => {
  it.effect("shows every version, who did it and from where", () =>
    Effect.gen(function* () {
      const order = yield* reserve()
      const { events } = yield* jsonOf(History, yield* orders(["history", order.id, "-o", "json"]))
      assert.deepStrictEqual(
        events.map(({ version }) => version),
        [1, 2, 3]
      )
      assert.deepStrictEqual(events[0], {
        version: 1,
        eventType: "ORDER_CREATED",
        actor: { kind: "user", id: demo.buyerId },
        ipAddress: "192.0.2.1",
        createdAt: "1970-01-01T00:00:00.000Z"
      })
      const [header = "", first = ""] = (yield* orders(["history", order.id])).stdout.split("\n")
      assert.match(header, /^VERSION {2}AT {24}EVENT {18}ACTOR {38}IP {9}DETAILS$/)
      assert.match(first, /^1 {8}1970-01-01T00:00:00\.000Z {2}ORDER_CREATED {10}user:5{8}.{28} {2}192\.0\.2\.1 {2}\{/)
      assert.strictEqual((yield* orders(["history", fixedId(1)])).code, 3)
    }).pipe(Effect.provide(world))
  )
})

describe("orders quote", () => {
  const general = `${demo.general.ticketTypeId}:${demo.general.ticketPricingId}`

  it.effect("says what buying would cost, and writes nothing", () =>
    Effect.gen(function* () {
      const quoted = yield* orders(["quote", "--event", demo.eventId, "--item", `${general}:2`])
      assert.deepStrictEqual(quoted.stdout.split("\n"), [
        "FIELD           VALUE",
        "event           Demo Night",
        "subtotal        200.00 USD",
        "platform fee    10.00 USD",
        "processing fee  6.10 USD",
        "tax             17.28 USD",
        "total           233.38 USD"
      ])
      const Quoted = Schema.Struct({ eventId: Schema.String, pricing: Schema.Struct({ total: Schema.Int }) })
      const json = yield* orders(["quote", "--event", demo.eventId, "--item", `${general}:2`, "-o", "json"])
      assert.deepStrictEqual(yield* jsonOf(Quoted, json), { eventId: demo.eventId, pricing: { total: 23_338 } })
      assert.deepStrictEqual(yield* listed(), [])
    }).pipe(Effect.provide(world))
  )

  it.effect("refuses for what buying would be refused for", () =>
    Effect.gen(function* () {
      const outcome = (event: string, item: string, ...more: ReadonlyArray<string>) =>
        Effect.map(orders(["quote", "--event", event, "--item", item, ...more]), ({ code, stderr }) => [code, stderr])
      assert.deepStrictEqual(yield* outcome(fixedId(1), `${general}:1`), [
        3,
        `orders: event ${fixedId(1)} does not exist`
      ])
      assert.deepStrictEqual(yield* outcome(demo.eventId, `${general}:1`, "--currency", "EUR"), [
        1,
        "orders: the event sells in USD, not in EUR"
      ])
      const [code] = yield* outcome(demo.eventId, `${general}:11`)
      assert.strictEqual(code, 2)
    }).pipe(Effect.provide(world))
  )
})
