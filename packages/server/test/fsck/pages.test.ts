/** I23: fsck and audit verify look at a few orders with each statement, however many there are, and find all the same. */
import { assert, layer } from "@effect/vitest"
import * as AuditChain from "@tickettoken/order-server/fsck/AuditChain"
import { OrdersPage } from "@tickettoken/order-server/fsck/Check"
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import { createConfirmed } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Effect, Exit } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "../sql/database.ts"
import { behindTheBack, it_, its } from "./faults.ts"

const ORDERS = 7
const PAGE = 2
const FACTS = 5

/** Refuses to hash more than a page of histories in one transaction. The database's own function is kept aside. */
const counting = [
  `alter function order_event_hash rename to order_event_hash_kept`,
  `create function order_event_hash(
    p_prev bytea, p_tenant uuid, p_order uuid, p_version integer, p_id uuid, p_type text, p_actor_kind text,
    p_actor_id text, p_ip text, p_data jsonb, p_at timestamptz
  ) returns bytea language plpgsql volatile as $$
  declare
    hashed integer := coalesce(nullif(current_setting('test.hashed', true), ''), '0')::integer + 1;
  begin
    if hashed > ${PAGE * FACTS} then
      raise exception 'more than a page of histories was hashed at once';
    end if;
    perform set_config('test.hashed', hashed::text, true);
    return order_event_hash_kept(p_prev, p_tenant, p_order, p_version, p_id, p_type, p_actor_kind, p_actor_id, p_ip,
      p_data, p_at);
  end $$`
]

layer(layerStore, { excludeTestServices: true, timeout: "60 seconds" })("fsck of many orders", (it) => {
  it.effect("finds an offender on every page, also of one tenant alone, and none twice", () =>
    Effect.gen(function* () {
      const orders = yield* Effect.forEach(Array.from({ length: ORDERS }), () =>
        Effect.flatMap(freshBuyer, createConfirmed)
      )
      for (const order of orders) {
        yield* behindTheBack(`update orders set captured_cents = captured_cents + 1 where ${it_}`, order, order.id)
        yield* behindTheBack(`update order_events set actor_id = 'x' where ${its} and version = 2`, order, order.id)
      }
      const ids = orders.map(({ id }) => id).toSorted()
      const found = yield* Fsck.run({ only: ["I03", "I23"] })
      for (const part of ["captured", "chain"]) {
        assert.deepStrictEqual(
          found
            .filter((one) => one.part === part)
            .map(({ orderId }) => orderId ?? "")
            .toSorted(),
          ids
        )
      }
      const [order] = orders
      if (order === undefined) return assert.fail("there is no order")
      const { id, tenantId } = order
      const own = yield* Fsck.run({ only: ["I23"], tenantId })
      assert.deepStrictEqual(
        own.map(({ orderId }) => orderId),
        [id]
      )
      const breaks = yield* AuditChain.verify({ tenantId: null, orderId: null })
      assert.deepStrictEqual(breaks.map(({ orderId }) => orderId).toSorted(), ids)
      assert.deepStrictEqual(yield* AuditChain.verify({ tenantId, orderId: id }), [
        { tenantId, orderId: id, version: 2, fault: "EDITED" }
      ])
    }).pipe(Effect.provideService(OrdersPage, PAGE))
  )
})

layer(layerStore, { excludeTestServices: true, timeout: "60 seconds" })("the history of many orders", (it) => {
  it.effect("is never hashed further than a page of orders with one statement", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* Effect.forEach(Array.from({ length: ORDERS }), () => Effect.flatMap(freshBuyer, createConfirmed))
      for (const text of counting) yield* sql.unsafe(text).unprepared
      const verify = AuditChain.verify({ tenantId: null, orderId: null })
      assert.deepStrictEqual(yield* Effect.provideService(verify, OrdersPage, PAGE), [])
      assert.deepStrictEqual(yield* Effect.provideService(Fsck.run({ only: ["I23"] }), OrdersPage, PAGE), [])
      // Twin: a page of all of them is refused.
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.provideService(verify, OrdersPage, ORDERS))))
    })
  )
})
