/**
 * How long reading takes at size: fills a database of its own with orders of a year, counts them into the sales figures,
 * and prints the times of figures and searches. `DATABASE_URL` names a server on which it may make a database.
 *
 *   node scripts/measure-reads.ts [orders, default 1000000]
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { EventId, UserId } from "@tickettoken/order-domain/Ids"
import type { OrderCriteria } from "@tickettoken/order-domain/ports/OrderReads"
import { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { SalesReads } from "@tickettoken/order-domain/ports/SalesReads"
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import { salesFigures } from "@tickettoken/order-server/sql/migrations/0013_sales_figures"
import * as Migrations from "@tickettoken/order-server/sql/Migrations"
import * as PostgresLayer from "@tickettoken/order-server/sql/PostgresLayer"
import { foldAllSales } from "@tickettoken/order-server/sql/SalesRollupSql"
import * as SqlLayer from "@tickettoken/order-server/sql/SqlLayer"
import { create } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Clock, Config, Console, DateTime, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { randomUUID } from "node:crypto"

const ORDERS_DEFAULT = 1_000_000
const CHUNK = 50_000
const RUNS = 21

const sizeOf = (text: string | undefined): number => (text === undefined ? ORDERS_DEFAULT : Number.parseInt(text, 10))

const run = (url: string, statement: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(statement).unprepared).pipe(
    Effect.provide(SqlLayer.layer({ url: Redacted.make(url), poolSize: 1, applicationName: "measure" }))
  )

/** A database that is gone with its scope. */
const database = Effect.gen(function* () {
  const admin = Redacted.value(yield* Config.Redacted("DATABASE_URL"))
  const name = `measure_${randomUUID().replaceAll("-", "")}`
  yield* Effect.acquireRelease(run(admin, `create database ${name}`), () =>
    Effect.orDie(run(admin, `drop database ${name} with (force)`))
  )
  const url = new URL(admin)
  url.pathname = `/${name}`
  return Redacted.make(url.href)
})

/** A UUID that follows from a text, as SQL. */
const uuidOf = (text: string): string => `overlay(overlay(md5(${text}) placing '4' from 13) placing '8' from 17)::uuid`

/**
 * Copies of one order, spread over a year before now, 200 events, three currencies and every end that an order can have:
 * of twenty, thirteen are confirmed, one of them refunded, three expired, three cancelled and one is open.
 */
const made = `insert into orders select made.* from orders o, generate_series($1::int, $2::int) n,
  lateral (select date_trunc('milliseconds', now() - (n::float8 / $3) * interval '365 days') as at, n % 20 as k) t,
  jsonb_populate_record(o, jsonb_build_object(
    'id', gen_random_uuid(), 'order_number', 'ORD-20261127-' || translate(lpad(n::text, 8, '0'), '0123456789', '23456789AC'),
    'tickets', case when k < 13 then '[]'::jsonb end, 'late', case when k < 13 then false end,
    'reacquiring', case when k between 13 and 15 then false end, 'end_reason', case when k between 13 and 18 then 'made' end, 'idempotency_key', null, 'payment_intent_id', 'pi_made_' || n,
    'status', case when k < 13 then 'CONFIRMED' when k < 16 then 'EXPIRED' when k < 19 then 'CANCELLED' else 'PENDING' end,
    'stage', case when k = 19 then 'AWAITING_PAYMENT' end,
    'cancel_cause', case when k in (16, 17) then 'BUYER' when k = 18 then 'SOLD_OUT' end,
    'cancelled_at', case when k between 16 and 18 then t.at + interval '10 minutes' end,
    'expired_at', case when k between 13 and 15 then t.at + interval '17 minutes' end,
    'confirmed_at', case when k < 13 then t.at + (n % 900) * interval '1 second' end,
    'currency', (array['USD', 'USD', 'EUR', 'GBP'])[1 + n % 4],
    'user_id', ${uuidOf("'user' || n % 100000")}, 'event_id', ${uuidOf("'event' || (n / ($3 / 180) + n % 20)")},
    'platform_fee_cents', 0, 'processing_fee_cents', 0, 'tax_cents', 0,
    'subtotal_cents', 1000 + n % 50000, 'total_cents', 1000 + n % 50000,
    'metadata', case when n % 10 = 0 then jsonb_build_object('seat', n) else '{}'::jsonb end,
    'created_at', t.at, 'updated_at', t.at)) made
  where o.id = $4::uuid`

const children = [
  `insert into order_items (tenant_id, id, order_id, position, ticket_type_id, ticket_pricing_id, quantity,
      unit_price_cents, subtotal_cents)
    select tenant_id, gen_random_uuid(), id, 0, event_id, event_id, 1, total_cents, total_cents from orders
    where payment_intent_id like 'pi_made_%'`,
  `insert into payments (tenant_id, payment_intent_id, order_id, position, amount_cents, captured_at)
    select tenant_id, payment_intent_id, id, 0, total_cents, confirmed_at from orders
    where payment_intent_id like 'pi_made_%' and confirmed_at is not null`,
  `insert into order_refunds (tenant_id, id, order_id, user_id, position, amount_cents, cause, reason, state,
      payment_intent_id, items, retained_cents, fixed_retention, attempt, requested_by, requested_at,
      estimated_arrival_at, settled_at)
    select tenant_id, gen_random_uuid(), id, user_id, 0, total_cents, 'VOLUNTARY', 'made', 'COMPLETED', payment_intent_id,
      '[]', 0, false, 1, 'user:made', confirmed_at, confirmed_at, least(now(), confirmed_at + interval '9 days')
    from orders where payment_intent_id like 'pi_made_%' and confirmed_at is not null and subtotal_cents % 13 = 0`,
  `insert into order_metadata select tenant_id, md5(jsonb_build_array('seat', metadata -> 'seat')::text)::uuid, created_at,
      id from orders where metadata::text <> '{}'`,
  // The one that was copied is among them.
  `delete from sales_changes`,
  ...salesFigures.filter((text) => text.startsWith("insert into sales_changes"))
]

const timed = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const start = yield* Clock.currentTimeNanos
  const value = yield* effect
  return { value, millis: Number((yield* Clock.currentTimeNanos) - start) / 1e6 }
})

const fill = Effect.fnUntraced(function* (orders: number) {
  const sql = yield* SqlClient.SqlClient
  const buyer = yield* freshBuyer
  const { order } = yield* create(buyer)
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`set local session_replication_role = replica`
      for (let from = 1; from <= orders; from += CHUNK) {
        yield* sql.unsafe(made, [from, Math.min(orders, from + CHUNK - 1), orders, order.id])
      }
      for (const statement of children) yield* sql.unsafe(statement)
    })
  )
  yield* sql.unsafe("vacuum analyze").unprepared
  return order
})

/** The middle and the longest of some runs, after one that warms up. */
const show = Effect.fnUntraced(function* <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) {
  const times: Array<number> = []
  for (let at = 0; at <= RUNS; at++) {
    const { millis } = yield* timed(effect)
    if (at > 0) times.push(millis)
  }
  const sorted = times.toSorted((one, other) => one - other)
  const of = (place: number): string => (sorted[place] ?? 0).toFixed(1).padStart(8)
  yield* Console.log(`${name.padEnd(44)} ${of(Math.floor(RUNS / 2))} ${of(RUNS - 1)}`)
})

const measure = Effect.fnUntraced(function* (orders: number) {
  const filled = yield* timed(fill(orders))
  yield* Console.log(`${orders} orders made in ${Math.round(filled.millis / 1000)} s`)
  const folded = yield* timed(foldAllSales)
  yield* Console.log(`${folded.value} changes counted in ${Math.round(folded.millis / 1000)} s`)
  const { eventId, id, orderNumber, tenantId } = filled.value
  const sales = yield* SalesReads
  const reads = yield* OrderReads
  const until = DateTime.add(DateTime.startOf(yield* DateTime.now, "day"), { days: 1 })
  const range = (days: number) => ({ tenantId, from: DateTime.subtract(until, { days }), until })
  const searching = (name: string, criteria: OrderCriteria) =>
    show(`search by ${name}`, reads.search({ ...criteria, tenantId, limit: 50, after: null }))
  yield* Console.log(`${"milliseconds".padEnd(44)} ${"median".padStart(8)} ${"longest".padStart(8)}`)
  for (const days of [1, 30, 366]) yield* show(`summary of ${days} days`, sales.totals(range(days)))
  yield* show("series of 366 days by the day", sales.series({ ...range(366), interval: "day" }))
  yield* show("series of 31 days by the hour", sales.series({ ...range(31), interval: "hour" }))
  yield* show("top events of 366 days", sales.topEvents({ ...range(366), currency: null, limit: 10 }))
  yield* show("the last hour", sales.live(tenantId, 60))
  yield* show("open holds", sales.holds(tenantId))
  yield* searching("nothing: the newest", {})
  yield* searching("id", { id })
  yield* searching("number", { orderNumber })
  yield* searching("user", { userId: UserId.make("00000000-0000-4000-8000-000000000000") })
  yield* searching("event", { eventId: EventId.make(eventId) })
  yield* searching("status and day", { status: "EXPIRED", createdFrom: DateTime.subtract(until, { days: 40 }) })
  yield* searching("total", { totalMin: 12_340, totalMax: 12_345 })
  yield* searching("metadata", { metadata: { seat: 70 } })
  const checked = yield* timed(Fsck.inspect({ tenantId, only: ["I26"] }))
  const found = checked.value.flatMap(({ findings }) => findings).length
  yield* Console.log(`recount of all orders: ${Math.round(checked.millis / 1000)} s, ${found} differences`)
})

const main = Effect.gen(function* () {
  const url = yield* database
  const store = PostgresLayer.layer().pipe(
    Layer.provideMerge(Layer.effectDiscard(Migrations.migrate)),
    Layer.provideMerge(SqlLayer.layer({ url, poolSize: 4, applicationName: "measure" }))
  )
  yield* Effect.provide(measure(sizeOf(process.argv[2])), store)
}).pipe(Effect.scoped)

NodeRuntime.runMain(main)
