/**
 * Payments that nobody tells of (K1), on PostgreSQL with two nodes: before the deadline, within grace, and after the order
 * has expired. Each is found within a minute of its capture, and decided once (F32).
 */
import { assert, layer } from "@effect/vitest"
import { systemActor } from "@tickettoken/order-domain/Actor"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { bulkCancelEvent } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { BACKGROUND_LANE, WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { expireOrder } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { watchPayments } from "@tickettoken/order-domain/workflows/WatchPayments"
import { onceFor } from "@tickettoken/order-server/sql/ChoreSlots"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import {
  admin,
  answered,
  atOnce,
  breaks,
  buy,
  comeToRest,
  endGraceIn,
  intentOf,
  moneyOf,
  passMinutes,
  RACE_MILLIS_MAX,
  secondNode,
  service,
  showOf,
  shows,
  someone,
  stored,
  suite,
  worldWith
} from "./support/world.ts"

const SEATS = 3

const watch = answered(watchPayments(null))

const factsOf = Effect.fnUntraced(function* ({ id, tenantId }: Order) {
  const facts = yield* (yield* OrderReads).history(tenantId, id)
  return facts.map(({ event }) => event.type)
})

/** Sold, payable, and paid without a word. */
const boughtAndPaid = Effect.fnUntraced(function* (show: number, minutes: number) {
  const controls = yield* ServiceControls
  const order = yield* buy(yield* someone, showOf(show))
  yield* passMinutes(minutes)
  yield* controls.pay(intentOf(order))
  return order
})

layer(worldWith({ catalogue: shows(2, SEATS) }), suite)("K1 a payment that nobody tells of", (it) => {
  it.effect.each([
    ["before the deadline", 6],
    ["within grace", 16]
  ] as const)(
    "3.13 %s is confirmed once, though both nodes ask at once",
    ([, minutes]) =>
      Effect.gen(function* () {
        const there = yield* secondNode()
        const order = yield* boughtAndPaid(0, minutes)
        assert.deepStrictEqual(yield* atOnce([watch, watch, watch, watch], there), ["ok", "ok", "ok", "ok"])
        const confirmed = yield* stored(order)
        assert.isTrue(confirmed.status === "CONFIRMED" && !confirmed.late)
        assert.deepStrictEqual(
          (yield* factsOf(order)).filter((type) => type === "PAYMENT_CAPTURED" || type === "ORDER_CONFIRMED"),
          ["PAYMENT_CAPTURED", "ORDER_CONFIRMED"]
        )
        yield* comeToRest
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )

  it.effect("3.13 the round is one replica's: a slot is taken once", () =>
    Effect.gen(function* () {
      const there = yield* secondNode()
      const ask = answered(
        Effect.filterOrFail(
          onceFor("payment-watch", "1"),
          (mine) => mine,
          () => new Taken()
        )
      )
      const answers = yield* atOnce([ask, ask, ask, ask], there)
      assert.deepStrictEqual(answers.toSorted(), ["Taken", "Taken", "Taken", "ok"])
    }).pipe(Effect.scoped)
  )
})

class Taken {
  readonly _tag = "Taken"
}

/** What has become of the stock and of the event when the money comes. */
const circumstances = ["stock free", "stock gone", "event cancelled"] as const

/** Where the order ends, and what is decided after it has expired, each line once. */
const lateRule = {
  "stock free": { status: "CONFIRMED", refunded: false, decisions: ["LATE_PAYMENT_CAPTURED", "ORDER_CONFIRMED"] },
  "stock gone": {
    status: "EXPIRED",
    refunded: true,
    decisions: ["LATE_PAYMENT_CAPTURED", "LATE_PAYMENT_REFUNDED", "REFUND_COMPLETED"]
  },
  "event cancelled": { status: "EXPIRED", refunded: true, decisions: ["LATE_PAYMENT_REFUNDED", "REFUND_COMPLETED"] }
} as const

/** The work that closes the intent has been tried for an hour, and is tried once more. */
const retriedOften = Effect.fnUntraced(function* ({ id }: Order) {
  const sql = yield* SqlClient.SqlClient
  const executor = yield* WorkExecutor
  const queue = yield* WorkQueue
  yield* sql`update order_work set attempts = 100, next_at = clock_timestamp() - interval '1 second'
    where order_id = ${id} and kind = 'VOID' and state = 'TODO'`
  yield* executor.runInBackground(yield* queue.claimDue(BACKGROUND_LANE))
})

/** How soon the work that closes the intent asks again, in seconds. */
const asksAgainIn = Effect.fnUntraced(function* ({ id }: Order) {
  const sql = yield* SqlClient.SqlClient
  const [work] = yield* sql<{ seconds: number }>`
    select extract(epoch from next_at - clock_timestamp())::float8 as seconds from order_work
    where order_id = ${id} and kind = 'VOID' and state = 'TODO'`
  return work?.seconds
})

layer(worldWith({ catalogue: shows(circumstances.length, SEATS) }), suite)(
  "F32 a payment after the order has expired that nobody tells of",
  (it) => {
    it.effect.each(circumstances)(
      "3.7, 3.13 %s: found within a minute, one decision, the money where it belongs",
      (what) =>
        Effect.gen(function* () {
          const show = showOf(circumstances.indexOf(what))
          const controls = yield* ServiceControls
          const order = yield* buy(yield* someone, show, 2)
          // A bank that takes its time can not be stopped: the order waits once and ends, and its intent stays open.
          yield* controls.startProcessing(intentOf(order))
          for (let ask = 0; ask < 2; ask++) {
            yield* endGraceIn(order, -1)
            yield* answered(expireOrder({ caller: expiry, orderId: order.id, reason: "time is up" }))
          }
          assert.strictEqual((yield* stored(order)).status, "EXPIRED")
          if (what === "stock gone") yield* buy(yield* someone, show, SEATS)
          if (what === "event cancelled") {
            yield* bulkCancelEvent({ caller: admin, eventId: show.eventId, reason: "rain" })
          }
          yield* retriedOften(order)
          const seconds = yield* asksAgainIn(order)
          assert.isDefined(seconds, "the intent is still to be closed")
          // And a second until the sweeper comes by.
          assert.isAtMost(seconds ?? 0, 59)
          yield* controls.pay(intentOf(order))
          yield* comeToRest
          const end = yield* stored(order)
          const expected = lateRule[what]
          assert.strictEqual(end.status, expected.status)
          const facts = yield* factsOf(order)
          assert.deepStrictEqual(facts.slice(facts.indexOf("RESERVATION_EXPIRED") + 1), [...expected.decisions])
          const { total } = order.pricing
          assert.deepStrictEqual(yield* moneyOf(order.id), { captured: total, refunded: expected.refunded ? total : 0 })
          assert.strictEqual((yield* breaks).join("; "), "")
        }).pipe(Effect.scoped),
      RACE_MILLIS_MAX
    )
  }
)

const expiry = { ...service, actor: systemActor("expiry") }
