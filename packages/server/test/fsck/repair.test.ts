/** What `orders fsck --fix` puts right, each kind once, and that it leaves everything else and all money alone. */
import { assert, layer } from "@effect/vitest"
import type { Order } from "@tickettoken/order-domain/Order"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import { plan, repair, repairable } from "@tickettoken/order-server/fsck/Repair"
import { lookForBreaks } from "@tickettoken/order-server/jobs/InvariantFiber"
import { reload } from "@tickettoken/order-testing/contracts/storeFixture"
import { freshBuyer, randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { bases, behindTheBack, its, it_ } from "./faults.ts"
import { layerShop } from "./shop.ts"

const operator = { kind: "operator", id: "maria", ip: null } as const

const inspect = ({ tenantId }: Pick<Order, "tenantId">) => Fsck.run({ tenantId })

const keysOf = (findings: ReadonlyArray<Fsck.Finding>) => findings.map(({ check, part }) => `${check} ${part}`)

interface Case {
  readonly on: keyof typeof bases
  readonly sql: string
}

/** By check and part: a fault that is put right. */
const cases: { readonly [check: string]: Case } = {
  "I07 expiry": {
    on: "payable",
    sql: `update orders set hold_expires_at = now() - interval '4 minutes' where ${it_}`
  },
  "I25 leases": {
    on: "created",
    sql: `update order_work set lease_until = now() - interval '2 minutes' where ${its}`
  },
  "I05 waiting": {
    on: "payable",
    sql: `update outbox set created_at = now() - interval '3 minutes', lease_until = now() - interval '2 minutes',
      lease_token = 7 where ${its} and version = 3`
  },
  "I16 counter": {
    on: "payable",
    sql: `update quota_event set n = 4 where tenant_id = current_setting('test.tenant')::uuid`
  },
  "I26 figures": {
    on: "confirmed",
    sql: `insert into sales_by_event (tenant_id, day, currency, event_id, sales)
      select tenant_id, current_date, currency, event_id, 1 from orders where ${it_}`
  },
  "I22 release": { on: "cancelled", sql: `delete from order_work where ${its} and kind = 'RELEASE'` }
}

layer(layerShop, { excludeTestServices: true, timeout: "300 seconds" })("F45 fsck --fix", (it) => {
  it.effect.each(Object.entries(cases))("puts right %s", ([check, { on, sql: fault }]) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const order = yield* bases[on](yield* freshBuyer)
      const before = yield* reload(order)
      yield* behindTheBack(fault, order, yield* randomUuid)
      const findings = yield* inspect(order)
      assert.deepStrictEqual(keysOf(findings), [check])
      // Saying what would be done does nothing.
      assert.strictEqual(plan(findings).length, 1)
      assert.deepStrictEqual(keysOf(yield* inspect(order)), [check])

      const repaired = yield* repair(findings, operator)
      assert.deepStrictEqual(keysOf(repaired.map(({ finding }) => finding)), [check])
      const left = yield* inspect(order)
      // A message that was given back waits for whoever sends it.
      assert.deepStrictEqual(keysOf(left), check === "I05 waiting" ? [check] : [])
      // A second time there is nothing to do; counting once more changes nothing.
      const again = yield* repair(findings, operator)
      assert.strictEqual(again.length, check === "I16 counter" ? 1 : 0)

      const after = yield* reload(order)
      const money = ({ captures, refunds }: Order) => [captures.length, refunds.length]
      assert.deepStrictEqual(money(after), money(before))
      if (check === "I07 expiry") {
        assert.strictEqual(after.status, "EXPIRED")
        const [last] = yield* sql<{ type: string; actor_kind: string; actor_id: string }>`
          select type, actor_kind, actor_id from order_events where order_id = ${order.id} order by version desc limit 1`
        assert.deepStrictEqual(last, { type: "RESERVATION_EXPIRED", actor_kind: "operator", actor_id: "maria" })
      } else {
        assert.strictEqual(after.version, before.version)
      }
    })
  )

  it("has a case for everything that it puts right", () => {
    assert.deepStrictEqual(repairable.toSorted(), Object.keys(cases).toSorted())
  })

  it.effect("leaves to a person whatever else is found", () =>
    Effect.gen(function* () {
      const order = yield* bases.confirmed(yield* freshBuyer)
      yield* behindTheBack(
        `update orders set captured_cents = captured_cents + 1, tickets = '[]' where ${it_}`,
        order,
        order.id
      )
      const findings = yield* inspect(order)
      assert.deepStrictEqual(keysOf(findings), ["I03 captured", "I20 confirmed"])
      assert.deepStrictEqual(plan(findings), [])
      assert.deepStrictEqual(yield* repair(findings, operator), [])
      assert.deepStrictEqual(keysOf(yield* inspect(order)), ["I03 captured", "I20 confirmed"])
    })
  )

  it.effect("counts a quota anew beside creates that go on, and is never out by one", () =>
    Effect.gen(function* () {
      const buyer = yield* freshBuyer
      const order = yield* bases.payable(buyer)
      yield* behindTheBack(cases["I16 counter"]?.sql ?? "", order, order.id)
      const findings = yield* inspect(order)
      yield* Effect.all(
        [
          ...Array.from({ length: 6 }, () => repair(findings, operator)),
          ...Array.from({ length: 3 }, () => Effect.exit(bases.created(buyer)))
        ],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(keysOf(yield* inspect(order)), [])
    })
  )
})

layer(layerShop, { excludeTestServices: true, timeout: "300 seconds" })("the look for broken invariants", (it) => {
  it.effect("raises one alarm for each that is broken, and ends it when it holds again", () =>
    Effect.gen(function* () {
      const alarms = yield* Alarms
      const order = yield* bases.payable(yield* freshBuyer)
      const open = Effect.map(
        alarms.list({ tenantId: null, kind: "INVARIANT_BROKEN", cleared: false, limit: 100 }),
        (all) => all.map(({ alarm }) => alarm.subject)
      )
      yield* lookForBreaks
      assert.deepStrictEqual(yield* open, [])
      yield* behindTheBack(cases["I07 expiry"]?.sql ?? "", order, order.id)
      yield* lookForBreaks
      yield* lookForBreaks
      assert.deepStrictEqual(yield* open, ["I07"])
      yield* repair(yield* inspect(order), operator)
      yield* lookForBreaks
      assert.deepStrictEqual(yield* open, [])
    })
  )
})
