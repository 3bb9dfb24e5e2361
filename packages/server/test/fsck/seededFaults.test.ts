/**
 * F45: a fault made by hand for every check, each in a tenant of its own, is found by its check and by no other than
 * those that it breaks as well. A check without a fault here fails the suite.
 */
import { assert, layer } from "@effect/vitest"
import type { InvariantId } from "@tickettoken/order-domain/Invariants"
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import { createConfirmed } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer, randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "../sql/database.ts"
import { bases, behindTheBack, type Fault, faults, it_, its } from "./faults.ts"

/** Checks of the database as a whole: their faults can not be in a tenant, and have tests of their own below. */
const ofDatabase = ["I24 roles", "I24 keys", "I25 sessions"]

const isMany = (fault: Fault | ReadonlyArray<Fault>): fault is ReadonlyArray<Fault> => Array.isArray(fault)

const cases = Object.entries(faults).flatMap(([check, fault]) =>
  (isMany(fault) ? fault : [fault]).map((one, at) => ({ name: `${check}, fault ${at + 1}`, check, fault: one }))
)

/** What the database itself would refuse. */
const dropped = [
  "alter table orders drop constraint orders_total_is_sum",
  "alter table orders drop constraint orders_refunds_within_captured",
  "alter table orders drop constraint orders_hold_within_limit",
  "alter table order_items drop constraint order_items_subtotal_is_product",
  "drop index orders_idempotency_key",
  "drop index order_refunds_idempotency_key"
]

const layerUnguarded = Layer.effectDiscard(
  Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.forEach(dropped, (text) => sql.unsafe(text).unprepared))
).pipe(Layer.provideMerge(layerStore))

const keysOf = (findings: ReadonlyArray<Fsck.Finding>): ReadonlyArray<string> =>
  [...new Set(findings.map(({ check, part }) => `${check} ${part}`))].toSorted()

layer(layerUnguarded, { excludeTestServices: true, timeout: "300 seconds" })("F45 fsck", (it) => {
  it.effect.each(cases)("finds $name", ({ check, fault }) =>
    Effect.gen(function* () {
      const order = yield* bases[fault.on](yield* freshBuyer)
      const stranger = yield* randomUuid
      if (fault.beside !== undefined) yield* fault.beside(order)
      const tenantId = fault.breaks === "stranger" ? stranger : order.tenantId
      const before = fault.beside === undefined ? yield* Fsck.run({ tenantId: order.tenantId }) : []
      assert.deepStrictEqual(before.map(Fsck.lineOf), [])
      if (fault.sql !== undefined) yield* behindTheBack(fault.sql, order, stranger)
      const findings = yield* Fsck.run({ tenantId, ...fault.evidence?.(order) })
      assert.deepStrictEqual(keysOf(findings), [check, ...(fault.also ?? [])].toSorted())
      // It names where: the tenant always, the order where the fault is one order's.
      for (const finding of findings) {
        assert.isTrue(finding.tenantId === tenantId && finding.detail.length > 10, Fsck.lineOf(finding))
      }
    })
  )

  it.effect(
    "I05 does not accuse old messages that were replayed a moment ago, nor what no relay sends to monitoring",
    () =>
      Effect.gen(function* () {
        const order = yield* createConfirmed(yield* freshBuyer)
        const { id, tenantId } = order
        const aged = "update outbox set created_at = created_at - interval '1 hour'"
        yield* behindTheBack(`${aged}, replayed_at = now() where ${its}`, order, id)
        assert.deepStrictEqual(yield* Fsck.run({ tenantId, only: ["I05"] }), [])
        yield* behindTheBack(`${aged}, replayed_at = null where ${its}`, order, id)
        assert.isAbove((yield* Fsck.run({ tenantId, only: ["I05"] })).length, 0)
        assert.deepStrictEqual(yield* Fsck.run({ tenantId, cheap: true }), [])
      })
  )

  it.effect("I14 lets two who asked use one key for one buyer", () =>
    Effect.gen(function* () {
      const order = yield* bases.returning(yield* freshBuyer)
      const { id, tenantId, userId, eventId } = order
      yield* bases.returning({ tenantId, userId, eventId })
      const own = `update order_refunds set idempotency_key = 'k', requested_by = 'admin:' || id
        where tenant_id = current_setting('test.tenant')::uuid`
      yield* behindTheBack(own, order, id)
      assert.deepStrictEqual(yield* Fsck.run({ tenantId, only: ["I14"] }), [])
    })
  )

  it("has a fault for every check", () => {
    const known = [...Fsck.databaseOnly, ...Fsck.comparisons].map(({ id, part }) => `${id} ${part}`)
    assert.deepStrictEqual(known.toSorted(), [...Object.keys(faults), ...ofDatabase].toSorted())
    assert.strictEqual(new Set(known).size, known.length)
  })

  it.effect("looks only at what it is asked for, by invariant and by tenant", () =>
    Effect.gen(function* () {
      const order = yield* createConfirmed(yield* freshBuyer)
      const other = yield* createConfirmed(yield* freshBuyer)
      const broken = `update orders set tax_cents = tax_cents + 1, captured_cents = captured_cents + 1 where ${it_}`
      for (const one of [order, other]) yield* behindTheBack(broken, one, one.id)
      const only: ReadonlyArray<InvariantId> = ["I03"]
      const findings = yield* Fsck.run({ tenantId: order.tenantId, only })
      assert.deepStrictEqual(
        findings.map(({ check, orderId }) => [check, orderId]),
        [["I03", order.id]]
      )
      const all = yield* Fsck.run({ only })
      assert.includeMembers(
        all.map(({ orderId }) => orderId),
        [order.id, other.id]
      )
    })
  )

  it.effect("I24 finds a table that does not keep tenants apart", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table forgotten (id int primary key, tenant_id uuid not null)`
      const findings = yield* Fsck.run({ only: ["I24"] })
      yield* sql`drop table forgotten`
      assert.deepStrictEqual(
        findings.map(({ detail, part }) => `${part}: ${detail}`),
        [
          "roles: row security is off on forgotten",
          "roles: row security does not bind the owner of forgotten",
          "roles: forgotten has no policy for orders_app",
          "keys: the key of forgotten does not begin with the tenant"
        ]
      )
      assert.deepStrictEqual(yield* Fsck.run({ only: ["I24"] }), [])
    })
  )

  it.effect("I25 finds a session that holds a lock while nobody is at work", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const held = yield* sql.reserve
      const run = (text: string) => held.executeUnprepared(text, [], undefined)
      yield* run("begin")
      yield* run("select pg_advisory_xact_lock(42)")
      const findings = yield* Fsck.run({ only: ["I25"], atRest: true, tenantId: yield* randomUuid })
      yield* run("rollback")
      assert.strictEqual(findings.length, 1)
      assert.match(
        findings[0]?.detail ?? "",
        /^session \d+ is idle in transaction in a transaction of \d+ seconds, with 1 advisory locks$/
      )
      assert.deepStrictEqual(yield* Fsck.run({ only: ["I25"], atRest: true, tenantId: yield* randomUuid }), [])
    }).pipe(Effect.scoped)
  )
})
