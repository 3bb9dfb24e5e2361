/** A page of orders is found by an index that holds them in order, whatever it is filtered by. */
import { assert, layer } from "@effect/vitest"
import type { OrderQuery } from "@tickettoken/order-domain/ports/OrderReads"
import { pageStatement } from "@tickettoken/order-server/sql/OrderReadsSql"
import { inTenant } from "@tickettoken/order-server/sql/TenantTransaction"
import { create } from "@tickettoken/order-testing/contracts/storeFixture"
import { type Buyer, freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "./database.ts"

/** Enough that sorting all of them is the worse plan. */
const SEEDED = 20_000

/** Copies of one order in every status, of many buyers and events: rows that only a planner ever looks at. */
const seed = Effect.fnUntraced(function* (buyer: Buyer) {
  const sql = yield* SqlClient.SqlClient
  const { order } = yield* create(buyer)
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`set local session_replication_role = replica`
      yield* sql`insert into orders select made.* from orders o, generate_series(1, ${SEEDED}::int) n, jsonb_populate_record(o, jsonb_build_object(
          'id', gen_random_uuid(), 'order_number', 'seed-' || n, 'idempotency_key', null, 'payment_intent_id', null,
          'status', (array['PENDING', 'CONFIRMED', 'CANCELLED', 'COMPLETED'])[1 + n % 4],
          'user_id', case when n % 10 = 0 then o.user_id else gen_random_uuid() end,
          'event_id', case when n % 5 = 0 then o.event_id else gen_random_uuid() end,
          'created_at', o.created_at - n * interval '1 minute')) made
        where o.id = ${order.id}`
    })
  )
  yield* sql`analyze orders`
  return order
})

layer(layerStore, { excludeTestServices: true, timeout: "300 seconds" })("a page of orders", (it) => {
  it.effect("is read from an index, and nothing is sorted", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const buyer = yield* freshBuyer
      const order = yield* seed(buyer)
      const everything: OrderQuery = {
        tenantId: buyer.tenantId,
        userId: null,
        status: null,
        eventId: null,
        limit: 20,
        offset: 0,
        after: null
      }
      const after = { createdAt: order.createdAt, id: order.id }
      const plans = {
        orders_by_time: everything,
        orders_by_user: { ...everything, userId: buyer.userId },
        orders_by_status: { ...everything, status: "COMPLETED" },
        orders_by_event_time: { ...everything, eventId: buyer.eventId }
      } as const
      for (const [index, query] of Object.entries(plans)) {
        for (const asked of [query, { ...query, after }]) {
          const lines = yield* inTenant(
            buyer.tenantId,
            sql<{ "QUERY PLAN": string }>`explain ${pageStatement(sql, asked)}`
          )
          const plan = lines.map((line) => line["QUERY PLAN"]).join("\n")
          assert.include(plan, `Index Scan using ${index} on orders o`, plan)
          assert.notMatch(plan, /^\s*(?:->\s+)?(?:Incremental )?Sort .*\n.*Sort Key: o\.created_at/m, plan)
        }
      }
    })
  )
})
