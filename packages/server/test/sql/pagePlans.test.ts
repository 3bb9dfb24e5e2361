/** A page of orders is found by an index, whatever it is filtered or searched by; so are sales figures. */
import { assert, layer } from "@effect/vitest"
import { UserId } from "@tickettoken/order-domain/Ids"
import type { Order } from "@tickettoken/order-domain/Order"
import type { OrderCriteria, OrderSearch } from "@tickettoken/order-domain/ports/OrderReads"
import { pageStatement } from "@tickettoken/order-server/sql/OrderReadsSql"
import { inTenant } from "@tickettoken/order-server/sql/TenantTransaction"
import { create } from "@tickettoken/order-testing/contracts/storeFixture"
import { type Buyer, freshBuyer, ownIntentId } from "@tickettoken/order-testing/TestOrders"
import { DateTime, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "./database.ts"

/** Enough that sorting all of them is the worse plan. */
const SEEDED = 20_000

/** Copies of one order in every status, of many buyers, events and totals: rows that only a planner ever looks at. */
const seed = Effect.fnUntraced(function* (buyer: Buyer) {
  const sql = yield* SqlClient.SqlClient
  const { order } = yield* create(buyer)
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`set local session_replication_role = replica`
      yield* sql`insert into orders select made.* from orders o, generate_series(1, ${SEEDED}::int) n, jsonb_populate_record(o, jsonb_build_object(
          'id', gen_random_uuid(), 'order_number', 'seed-' || n, 'idempotency_key', null, 'payment_intent_id', 'pi_' || n,
          'status', (array['PENDING', 'CONFIRMED', 'CANCELLED', 'COMPLETED'])[1 + n % 4],
          'confirmed_at', o.created_at - n * interval '1 minute',
          'user_id', case when n % 10 = 0 then o.user_id else gen_random_uuid() end,
          'event_id', case when n % 5 = 0 then o.event_id else gen_random_uuid() end,
          'platform_fee_cents', 0, 'processing_fee_cents', 0, 'tax_cents', 0, 'subtotal_cents', n * 7, 'total_cents', n * 7,
          'metadata', jsonb_build_object('seat', n),
          'created_at', o.created_at - n * interval '1 minute')) made
        where o.id = ${order.id}`
      yield* sql`insert into order_metadata select tenant_id,
          md5(jsonb_build_array('seat', (metadata::jsonb) -> 'seat')::text)::uuid, created_at, id from orders`
    })
  )
  yield* sql`analyze orders, order_metadata`
  return order
})

/** How PostgreSQL would run it for the tenant. */
const planOf = Effect.fnUntraced(function* (query: OrderSearch) {
  const sql = yield* SqlClient.SqlClient
  const lines = yield* inTenant(query.tenantId, sql<{ "QUERY PLAN": string }>`explain ${pageStatement(sql, query)}`)
  return lines.map((line) => line["QUERY PLAN"]).join("\n")
})

const searchIn = (order: Order, criteria: OrderCriteria, after: OrderSearch["after"] = null): OrderSearch => ({
  ...criteria,
  tenantId: order.tenantId,
  limit: 20,
  after
})

/** Sorting what one page or one order comes to is no matter; a scan of all orders is. */
const scansAll = /(?:Seq Scan|Bitmap Heap Scan) on orders o\b(?![^]*Index Cond)/

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("a page of orders", (it) => {
  it.effect("is read from an index that has it in its order, and what is rare from one that finds it", () =>
    Effect.gen(function* () {
      const buyer = yield* freshBuyer
      const order = yield* seed(buyer)
      const after = { createdAt: order.createdAt, id: order.id }
      const inOrder = {
        orders_by_time: {},
        orders_by_user: { userId: buyer.userId },
        orders_by_status: { status: "COMPLETED" },
        orders_by_event_time: { eventId: buyer.eventId }
      } as const
      for (const [index, criteria] of Object.entries(inOrder)) {
        for (const place of [null, after]) {
          const plan = yield* planOf(searchIn(order, criteria, place))
          assert.include(plan, `Index Scan using ${index} on orders o`, plan)
          assert.notMatch(plan, /^\s*(?:->\s+)?(?:Incremental )?Sort .*\n.*Sort Key: o\.created_at/m, plan)
        }
      }
      const hour = { createdFrom: DateTime.subtract(order.createdAt, { hours: 1 }), createdBefore: order.createdAt }
      const found: ReadonlyArray<readonly [OrderCriteria, ReadonlyArray<string>]> = [
        [{ id: order.id }, ["orders_pkey"]],
        [{ orderNumber: order.orderNumber }, ["orders_number_key"]],
        [{ userId: UserId.make(order.id) }, ["orders_by_user"]],
        [{ paymentIntentId: ownIntentId(order.id) }, ["orders_payment_intent_key", "payments_pkey", "orders_pkey"]],
        [{ totalMin: 70_000, totalMax: 70_100 }, ["orders_by_total"]],
        [{ metadata: { seat: 7 } }, ["order_metadata_pkey", "orders_pkey"]],
        [{ currency: "USD", ...hour }, ["orders_by_time"]]
      ]
      for (const [criteria, indexes] of found) {
        for (const place of [null, after]) {
          const plan = yield* planOf(searchIn(order, criteria, place))
          for (const index of indexes) assert.include(plan, index, plan)
          assert.notMatch(plan, scansAll, plan)
        }
      }
    })
  )
})
