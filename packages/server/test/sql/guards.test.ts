/** What the database refuses by itself, whoever writes. */
import { assert, layer } from "@effect/vitest"
import type { OrderStatus } from "@tickettoken/order-domain/Order"
import { OrderStatus as Statuses } from "@tickettoken/order-domain/Order"
import { transitions } from "@tickettoken/order-domain/OrderTransitions"
import { Work } from "@tickettoken/order-domain/Work"
import { workKinds } from "@tickettoken/order-server/sql/migrations/0002_work"
import { constraintOf } from "@tickettoken/order-server/sql/sqlFailures"
import { create, createConfirmed, createPayable } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Effect, Schema } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { layerStore } from "./database.ts"

class RolledBack extends Schema.TaggedError<RolledBack>()("RolledBack", {}) {}

/** Runs a transaction for its refusals and never commits it: the constraint that refuses, or "ok". */
const tryOut = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return yield* Effect.andThen(effect, Effect.andThen(sql`set constraints all immediate`, new RolledBack())).pipe(
      sql.withTransaction,
      Effect.match({
        onSuccess: () => "committed",
        onFailure: (error) => (SqlError.isSqlError(error) ? (constraintOf(error) ?? error.message) : "ok")
      })
    )
  })

/** Everything at once may be set up inside: no guard looks. */
const withoutGuards = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`set local session_replication_role = replica`
    const result = yield* effect
    yield* sql`set local session_replication_role = origin`
    return result
  })

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("guards of the database", (it) => {
  it.effect("3.1, 3.9 let an order go where the table of transitions lets it, for every pair of states", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { id } = yield* createPayable(yield* freshBuyer)
      const move = (from: OrderStatus, to: OrderStatus) =>
        tryOut(
          Effect.gen(function* () {
            yield* withoutGuards(sql`update orders set status = ${from} where id = ${id}`)
            yield* sql`update orders set status = ${to}, version = version + 1 where id = ${id}`
            yield* sql`insert into order_events (tenant_id, order_id, version, type, actor_kind, actor_id, data, at)
              select tenant_id, id, version, 'ORDER_CREATED', 'system', 'test', '{}', now() from orders where id = ${id}`
          })
        )
      for (const from of Statuses.literals) {
        for (const to of Statuses.literals) {
          const legal = from === to || transitions[from].includes(to)
          assert.strictEqual(yield* move(from, to), legal ? "ok" : "orders_transition_known", `${from} to ${to}`)
        }
      }
    })
  )

  it.effect("a change makes the version rise by exactly one", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { id } = yield* createPayable(yield* freshBuyer)
      const changes = [
        sql`update orders set version = version + 2 where id = ${id}`,
        sql`update orders set version = version - 1 where id = ${id}`,
        sql`update orders set updated_at = now() where id = ${id}`,
        sql`update orders set status = 'RESERVED' where id = ${id}`,
        sql`update orders set metadata = '{"b": 1}' where id = ${id}`,
        sql`update orders set captured_cents = 1, refund_committed_cents = 1 where id = ${id}`
      ]
      for (const change of changes) assert.strictEqual(yield* tryOut(change), "orders_version_rises_by_one")
      assert.strictEqual(yield* tryOut(sql`update orders set version = version where id = ${id}`), "ok")
    })
  )

  it.effect("no state is stored without its audit row, and no audit row without its order", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { id, tenantId } = yield* createPayable(yield* freshBuyer)
      const silent = sql`update orders set version = version + 1, updated_at = now() where id = ${id}`
      assert.strictEqual(yield* tryOut(silent), "orders_audited")
      assert.strictEqual(yield* tryOut(sql`delete from order_events where order_id = ${id}`), "outbox_event_fkey")
      const { userId: nobody } = yield* freshBuyer
      const stray = sql`insert into order_events (tenant_id, order_id, version, type, actor_kind, actor_id, data, at)
        values (${tenantId}, ${nobody}, 1, 'ORDER_CREATED', 'system', 'test', '{}', now())`
      assert.strictEqual(yield* tryOut(stray), "order_events_order_fkey")
    })
  )

  it.effect("1.5 amounts are within their bounds and parts sum to the whole", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { id } = yield* createConfirmed(yield* freshBuyer)
      const order = (change: string) =>
        tryOut(sql.unsafe(`update orders set version = version + 1, ${change} where id = $1`, [id]))
      const item = (change: string) => tryOut(sql.unsafe(`update order_items set ${change} where order_id = $1`, [id]))
      assert.deepStrictEqual(
        {
          total: yield* order("total_cents = total_cents + 1"),
          parts: yield* order("tax_cents = tax_cents - 1, platform_fee_cents = platform_fee_cents + 2"),
          negative: yield* order("tax_cents = -1, total_cents = total_cents - tax_cents - 1"),
          huge: yield* order("subtotal_cents = 10000000001, total_cents = 10000000001"),
          committedMore: yield* order("refund_committed_cents = captured_cents + 1"),
          committedLess: yield* order("refund_committed_cents = -1"),
          capturedLess: yield* order("captured_cents = -1"),
          subtotal: yield* item("subtotal_cents = subtotal_cents + 1"),
          none: yield* item("quantity = 0, subtotal_cents = 0"),
          returnedMore: yield* item("returned_quantity = quantity + 1"),
          returnedLess: yield* item("returned_quantity = -1"),
          captured: yield* tryOut(sql`update payments set amount_cents = -1 where order_id = ${id}`)
        },
        {
          total: "orders_total_is_sum",
          parts: "orders_total_is_sum",
          negative: "orders_tax_cents_check",
          huge: "orders_subtotal_cents_check",
          committedMore: "orders_refunds_within_captured",
          committedLess: "orders_refunds_within_captured",
          capturedLess: "orders_captured_cents_check",
          subtotal: "order_items_subtotal_is_product",
          none: "order_items_quantity_check",
          returnedMore: "order_items_returned_within_quantity",
          returnedLess: "order_items_returned_within_quantity",
          captured: "payments_amount_cents_check"
        }
      )
    })
  )

  it.effect("3.3 an open order has a deadline, and none beyond its limit", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { id } = yield* createPayable(yield* freshBuyer)
      const order = (change: string) =>
        tryOut(sql.unsafe(`update orders set version = version + 1, ${change} where id = $1`, [id]))
      assert.strictEqual(yield* order("hold_expires_at = null"), "orders_open_has_hold")
      assert.strictEqual(yield* order("stage = null"), "orders_open_has_hold")
      assert.strictEqual(
        yield* order("hold_expires_at = hold_limit_at + interval '1 millisecond'"),
        "orders_hold_within_limit"
      )
    })
  )

  it.effect("3.6 one payment is never booked twice, nor on two orders", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const buyer = yield* freshBuyer
      const paid = yield* createConfirmed(buyer)
      const other = yield* createPayable(buyer)
      const book = sql`insert into payments (tenant_id, payment_intent_id, order_id, position, amount_cents, captured_at)
        select tenant_id, payment_intent_id, ${other.id}, 0, amount_cents, now() from payments where order_id = ${paid.id}`
      assert.strictEqual(yield* tryOut(book), "payments_pkey")
      const share = sql`update orders set version = version + 1, payment_intent_id = ${paid.intent?.id ?? ""}
        where id = ${other.id}`
      assert.strictEqual(yield* tryOut(share), "orders_payment_intent_key")
    })
  )

  it.effect("2.2 the counter of active orders follows the orders, and never passes its cap", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const buyer = yield* freshBuyer
      const { order } = yield* create(buyer)
      yield* create(buyer)
      const counter = sql<{ n: number; cap: number }>`select n, cap from quota_event where user_id = ${buyer.userId}`
      const become = (status: OrderStatus, from: OrderStatus) =>
        Effect.andThen(
          withoutGuards(sql`update orders set status = ${from} where id = ${order.id}`),
          sql`update orders set status = ${status}, version = version + 1 where id = ${order.id}`
        )
      assert.deepStrictEqual(yield* counter, [{ n: 2, cap: 5 }])
      const counted = (change: ReturnType<typeof become>) =>
        Effect.gen(function* () {
          let seen: unknown
          const refused = yield* tryOut(
            Effect.andThen(
              change,
              Effect.tap(counter, (rows) => Effect.sync(() => void (seen = rows[0])))
            )
          )
          return [refused, seen] as const
        })
      // The audit row is missing on purpose: everything up to the deferred key is looked at.
      assert.deepStrictEqual(yield* counted(become("CANCELLED", "PENDING")), ["orders_audited", { n: 1, cap: 5 }])
      assert.deepStrictEqual(yield* counted(become("CONFIRMED", "RESERVED")), ["orders_audited", { n: 2, cap: 5 }])
      assert.deepStrictEqual(yield* counted(become("REFUNDED", "CANCELLED")), ["orders_audited", { n: 2, cap: 5 }])
      // Late money brings an order back beyond the cap: it is paid.
      yield* sql`update quota_event set cap = n where user_id = ${buyer.userId}`
      assert.deepStrictEqual(yield* counted(become("CONFIRMED", "EXPIRED")), ["orders_audited", { n: 3, cap: 3 }])
      const over = sql`update quota_event set n = cap + 1 where user_id = ${buyer.userId}`
      assert.strictEqual(yield* tryOut(over), "quota_event_within_cap")
    })
  )

  it.effect("knows every kind of work", () =>
    Effect.sync(() => assert.deepStrictEqual([...workKinds].toSorted(), Object.keys(Work.cases).toSorted()))
  )
})
