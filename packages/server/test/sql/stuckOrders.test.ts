/** Orders that can not be completed stay due, and keep neither the others nor the process. */
import { assert, layer } from "@effect/vitest"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { COMPLETION_PAGE, completeEndedOrders } from "@tickettoken/order-domain/workflows/CompleteOrders"
import { createConfirmed } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Effect, Layer, References } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "./database.ts"

/** Every stuck order is an error in the log. */
const quiet = layerStore.pipe(Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None")))

/** Copies of an order that end when it ends and that nobody can read. */
const stick = Effect.fnUntraced(function* ({ id }: Order, copies: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`set local session_replication_role = replica`
      yield* sql`insert into orders select stuck.*
        from orders o, generate_series(1, ${copies}::int) n, jsonb_populate_record(o, jsonb_build_object(
          'id', ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0')), 'order_number', 'stuck-' || n, 'terms', 'none',
          'idempotency_key', null, 'payment_intent_id', null)) stuck
        where o.id = ${id}`
    })
  )
})

layer(quiet, { excludeTestServices: true, timeout: "300 seconds" })("completion", (it) => {
  it.effect("3.9 passes by more than a page of stuck orders of one instant, and counts what it has completed", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const store = yield* OrderStore
      const ended = []
      for (const hours of [-4, -5]) ended.push(yield* createConfirmed(yield* freshBuyer, { startsInHours: hours }))
      const [late, early] = ended
      if (late === undefined || early === undefined) return yield* Effect.die("two were made")
      yield* stick(early, COMPLETION_PAGE * 2 + 10)
      assert.strictEqual(yield* completeEndedOrders(), 2)
      for (const { id, tenantId } of ended) {
        assert.strictEqual((yield* store.load(tenantId, id)).order.status, "COMPLETED")
      }
      // Nothing left that can be completed: the chore may rest.
      assert.strictEqual(yield* completeEndedOrders(), 0)
      const [left] = yield* sql<{ n: number }>`select count(*)::int as n from orders where status = 'CONFIRMED'`
      assert.deepStrictEqual(left, { n: COMPLETION_PAGE * 2 + 10 })
    })
  )
})
