/**
 * Refunds follow the payment service, on PostgreSQL: its word moves them on, its silence is asked again under the same key,
 * and only its definite no opens the way for another attempt (rule 4.6).
 */
import { assert, layer } from "@effect/vitest"
import { Cents } from "@tickettoken/order-domain/Money"
import type { Order } from "@tickettoken/order-domain/Order"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { requestRefund } from "@tickettoken/order-domain/workflows/RequestRefund"
import { reviewRefund } from "@tickettoken/order-domain/workflows/ReviewRefund"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { MemoryServices } from "@tickettoken/order-testing/memory/MemoryServices"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { eventually } from "../http/support/eventually.ts"
import {
  admin,
  answered,
  breaks,
  buy,
  comeToRest,
  intentOf,
  makeDue,
  moneyOf,
  service,
  showOf,
  shows,
  someone,
  stored,
  suite,
  sweep,
  worldWith
} from "./support/world.ts"

const confirmed = Effect.gen(function* () {
  const controls = yield* ServiceControls
  const order = yield* buy(yield* someone, showOf(0), 2)
  yield* controls.pay(intentOf(order))
  return yield* confirmOrder({ caller: service, orderId: order.id, paymentIntentId: intentOf(order) })
})

const SUM = Cents.make(14_002)

const ask = (order: Order, amount: Cents = SUM) =>
  requestRefund({ caller: admin, orderId: order.id, request: { _tag: "Amount", amount }, reason: "ill" })

const refundOf = Effect.fnUntraced(function* (order: Order) {
  const [refund] = (yield* stored(order)).refunds
  return refund === undefined ? yield* Effect.die(new Error("no refund")) : refund
})

const becomes = (order: Order, state: string) => eventually(refundOf(order), (refund) => refund.state === state)

/** What the database holds back of the order's money. */
const committed = ({ id }: Order) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(sql<{ n: bigint }>`select refund_committed_cents as n from orders where id = ${id}`, ([row]) =>
      Number(row?.n)
    )
  )

/** The refunds that the payment service has made of this order, by the keys they came under. */
const made = Effect.fnUntraced(function* ({ id }: Order) {
  const { payments } = yield* MemoryServices
  return (yield* payments.facts).filter((fact) => fact.kind === "refund.created" && fact.orderId === id)
})

const end = Effect.gen(function* () {
  yield* comeToRest
  assert.strictEqual((yield* breaks).join("; "), "")
})

layer(worldWith({ catalogue: shows(1, 100) }), suite)("refunds and the payment service's word", (it) => {
  it.effect("4.6 a refund on its way is PROCESSING, and COMPLETED when it has arrived", () =>
    Effect.gen(function* () {
      const controls = yield* ServiceControls
      const order = yield* confirmed
      yield* controls.nextRefunds("pending")
      const { refund } = yield* ask(order)
      yield* becomes(order, "PROCESSING")
      // Asked again as often as it may be, it is still the same one.
      for (let n = 0; n < 3; n++) yield* Effect.andThen(makeDue, sweep)
      assert.strictEqual((yield* refundOf(order)).state, "PROCESSING")
      yield* controls.settleRefund(refund.id, "succeeded")
      yield* end
      assert.strictEqual((yield* refundOf(order)).state, "COMPLETED")
      assert.lengthOf(yield* made(order), 1)
      assert.strictEqual((yield* moneyOf(order.id)).refunded, SUM)
    })
  )

  it.effect("4.4, 4.6 a definite no frees the bound; trying again is another attempt under another key", () =>
    Effect.gen(function* () {
      const controls = yield* ServiceControls
      const order = yield* confirmed
      yield* controls.nextRefunds("pending")
      const { refund } = yield* ask(order)
      yield* becomes(order, "PROCESSING")
      assert.strictEqual(yield* committed(order), SUM)
      assert.strictEqual(yield* answered(ask(order)), "RefundExceedsCaptured")
      yield* controls.settleRefund(refund.id, "failed")
      yield* comeToRest
      assert.strictEqual((yield* refundOf(order)).state, "FAILED")
      assert.strictEqual(yield* committed(order), 0)
      yield* reviewRefund({ caller: admin, orderId: order.id, refundId: refund.id, verdict: { _tag: "Retry" } })
      yield* end
      const again = yield* refundOf(order)
      assert.deepStrictEqual([again.state, again.attempt], ["COMPLETED", 2])
      assert.lengthOf(yield* made(order), 2)
      const sql = yield* SqlClient.SqlClient
      const keys = yield* sql<{
        id: string
      }>`select id from order_work where order_id = ${order.id} and kind = 'REFUND' order by id`
      assert.deepStrictEqual(
        keys.map(({ id }) => id),
        [`${refund.id}:REFUND:1`, `${refund.id}:REFUND:2`]
      )
      assert.strictEqual((yield* moneyOf(order.id)).refunded, SUM)
    })
  )

  it.effect("4.6 silence after the effect is asked again under the same key: one refund is made", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const order = yield* confirmed
      const before = yield* faults.hits("payments.refund")
      yield* faults.next("payments.refund", "failAfter", "failBefore", "failAfter", "repeat")
      yield* ask(order)
      yield* end
      assert.strictEqual((yield* faults.hits("payments.refund")) - before, 4)
      const refund = yield* refundOf(order)
      assert.deepStrictEqual([refund.state, refund.attempt], ["COMPLETED", 1])
      assert.lengthOf(yield* made(order), 1)
      assert.strictEqual((yield* moneyOf(order.id)).refunded, SUM)
    })
  )
})
