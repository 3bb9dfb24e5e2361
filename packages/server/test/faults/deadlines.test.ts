/**
 * Money at the edge of time, on PostgreSQL: at the deadline, at the end of grace, and after the order has expired. What
 * counts is the database's clock at the decision, and there is one decision.
 */
import { assert, layer } from "@effect/vitest"
import { systemActor } from "@tickettoken/order-domain/Actor"
import type { LatePaymentPolicy, Order } from "@tickettoken/order-domain/Order"
import { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { bulkCancelEvent } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { expireDueOrders, expireOrder } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { reviewRefund } from "@tickettoken/order-domain/workflows/ReviewRefund"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { Clock, Context, DateTime, Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as shiftedClock from "../http/support/shiftedClock.ts"
import * as lastWriteWins from "./support/lastWriteWins.ts"
import { rounds } from "./support/scale.ts"
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
  type Node,
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

const confirm = (order: Order) => confirmOrder({ caller: service, orderId: order.id, paymentIntentId: intentOf(order) })

const GRACE_MILLIS = 120_000

/**
 * When grace ends, in milliseconds from the moment at which everybody starts: around the deadline itself, and around the
 * end of grace, where the answers of a few milliseconds of calls lie on both sides.
 */
const edges = [GRACE_MILLIS + 1, GRACE_MILLIS, GRACE_MILLIS - 1, 40, 30, 20, 15, 10, 5, 1, 0, -1] as const

/** A buyer's order whose payment has just succeeded, told of five times while the expiry job runs on both nodes. */
const raceAt = Effect.fnUntraced(function* (millis: number, show: number, there: Node) {
  const controls = yield* ServiceControls
  const order = yield* buy(yield* someone, showOf(show))
  yield* controls.pay(intentOf(order))
  yield* endGraceIn(order, millis)
  const before = yield* stored(order)
  if (before.status !== "PENDING") return yield* Effect.die(new Error(`order ${order.id} is ${before.status}`))
  const tells = answered(confirm(order))
  const sweeps = answered(expireDueOrders())
  yield* atOnce([tells, tells, sweeps, sweeps, tells, tells, tells], there)
  return { order, graceEndsAt: DateTime.add(before.hold.expiresAt, { milliseconds: GRACE_MILLIS }) }
})

const RACES = rounds(100)

const races = (there: Node, count = RACES) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    (n) => raceAt(edges[n % edges.length] ?? 0, n % SHOWS, there),
    { concurrency: 2 }
  )

const SHOWS = 4

/** Orders that have their tickets and have had their money sent back as late: both answers at once. */
const bothAnswers = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`
    select order_id from order_events where type in ('ORDER_CONFIRMED', 'LATE_PAYMENT_REFUNDED')
    group by order_id having count(*) > 1`
)

/** In time by the instant that the database has written beside the money. */
const isInTime = (order: Order, graceEndsAt: DateTime.Utc): boolean => {
  const [capture] = order.captures
  if (capture === undefined) throw new Error(`order ${order.id} has no money`)
  return DateTime.isLessThan(capture.capturedAt, graceEndsAt)
}

const world = (latePayment: LatePaymentPolicy) => ({ catalogue: shows(SHOWS, 500), policies: { latePayment } })

layer(worldWith(world("refund")), suite)("F31 success at the edge, late money goes back", (it) => {
  it.effect(
    `3.4, 3.7 ${RACES} races: inside grace always confirmed, after it always refunded, never both`,
    () =>
      Effect.gen(function* () {
        const all = yield* races(yield* secondNode())
        yield* comeToRest
        let late = 0
        for (const { graceEndsAt, order } of all) {
          const end = yield* stored(order)
          const { captured, refunded } = yield* moneyOf(order.id)
          const inTime = isInTime(end, graceEndsAt)
          if (!inTime) late++
          const expected = inTime ? { status: "CONFIRMED", refunded: 0 } : { status: "EXPIRED", refunded: captured }
          assert.deepStrictEqual({ status: end.status, refunded }, expected)
        }
        assert.isAbove(late, 0)
        assert.isBelow(late, RACES)
        assert.lengthOf(yield* bothAnswers, 0)
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})

layer(worldWith(world("reacquire")), suite)("F31 success at the edge, late money takes stock again", (it) => {
  it.effect(
    `3.4, 3.7 ${RACES} races: always confirmed, and said to be late exactly after grace`,
    () =>
      Effect.gen(function* () {
        const all = yield* races(yield* secondNode())
        yield* comeToRest
        let late = 0
        for (const { graceEndsAt, order } of all) {
          const end = yield* stored(order)
          if (end.status !== "CONFIRMED") return assert.fail(`order ${order.id} is ${end.status}`)
          assert.strictEqual(end.late, !isInTime(end, graceEndsAt))
          if (end.late) late++
        }
        assert.isAbove(late, 0)
        assert.isBelow(late, RACES)
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})

/** The twin stops at the first damage. */
const TWIN_BATCHES_MAX = 30

layer(worldWith({ ...world("refund"), store: lastWriteWins.layer }), suite)(
  "F31 success at the edge, the version check off",
  (it) => {
    it.effect(
      "twin: orders keep their tickets and get their money back",
      () =>
        Effect.gen(function* () {
          const there = yield* secondNode({ store: lastWriteWins.layer })
          for (let batch = 0; batch < TWIN_BATCHES_MAX && (yield* bothAnswers).length === 0; batch++) {
            yield* races(there, edges.length)
            yield* Effect.exit(comeToRest)
          }
          assert.isAbove((yield* bothAnswers).length, 0)
        }).pipe(Effect.scoped),
      RACE_MILLIS_MAX
    )
  }
)

/** What has become of the stock and of the event when the money comes. */
const circumstances = ["stock free", "stock gone", "event cancelled"] as const

const expiry = { ...service, actor: systemActor("expiry") }

/** An expired order, the world after it, and then its money: told of by both nodes, several times at once. */
const payLate = Effect.fnUntraced(function* (what: (typeof circumstances)[number], show: number, there: Node) {
  const controls = yield* ServiceControls
  const { eventId } = showOf(show)
  const order = yield* buy(yield* someone, showOf(show), 2)
  yield* endGraceIn(order, -1)
  yield* expireOrder({ caller: expiry, orderId: order.id, reason: "time is up" })
  yield* comeToRest
  if (what === "stock gone") yield* buy(yield* someone, showOf(show), SEATS)
  if (what === "event cancelled") yield* bulkCancelEvent({ caller: admin, eventId, reason: "rain" })
  yield* controls.pay(intentOf(order))
  const tells = answered(confirm(order))
  yield* atOnce([tells, tells, tells, tells], there)
  yield* comeToRest
  return yield* stored(order)
})

const SEATS = 3

/** What was decided after the order had expired, in the words of the audit history. */
const decisionsOf = Effect.fnUntraced(function* ({ id, tenantId }: Order) {
  const facts = yield* (yield* OrderReads).history(tenantId, id)
  const types = facts.map(({ event }) => event.type)
  return types.slice(types.indexOf("RESERVATION_EXPIRED") + 1)
})

const back = ["LATE_PAYMENT_REFUNDED", "REFUND_COMPLETED"]

/** Rule 3.7 as a table: where the order ends, and what is written of it, each line once. */
const lateRule = {
  reacquire: {
    "stock free": { status: "CONFIRMED", decisions: ["LATE_PAYMENT_CAPTURED", "ORDER_CONFIRMED"], keeps: true },
    "stock gone": { status: "EXPIRED", decisions: ["LATE_PAYMENT_CAPTURED", ...back], keeps: false },
    "event cancelled": { status: "EXPIRED", decisions: back, keeps: false }
  },
  refund: {
    "stock free": { status: "EXPIRED", decisions: back, keeps: false },
    "stock gone": { status: "EXPIRED", decisions: back, keeps: false },
    "event cancelled": { status: "EXPIRED", decisions: back, keeps: false }
  },
  review: {
    "stock free": { status: "EXPIRED", decisions: ["LATE_PAYMENT_REFUNDED"], keeps: true },
    "stock gone": { status: "EXPIRED", decisions: ["LATE_PAYMENT_REFUNDED"], keeps: true },
    "event cancelled": { status: "EXPIRED", decisions: back, keeps: false }
  }
} as const

for (const policy of ["reacquire", "refund", "review"] as const) {
  layer(worldWith({ catalogue: shows(circumstances.length, SEATS), policies: { latePayment: policy } }), suite)(
    `F32 payment after the order has expired, ${policy}`,
    (it) => {
      it.effect.each(circumstances)(
        `3.7 %s: one decision, one line in the history, the money where it belongs`,
        (what) =>
          Effect.gen(function* () {
            const expected = lateRule[policy][what]
            const order = yield* payLate(what, circumstances.indexOf(what), yield* secondNode())
            const { total } = order.pricing
            assert.strictEqual(order.status, expected.status)
            assert.deepStrictEqual([...(yield* decisionsOf(order))], [...expected.decisions])
            const money = yield* moneyOf(order.id)
            assert.deepStrictEqual(money, { captured: total, refunded: expected.keeps ? 0 : total })
            if (policy === "review" && expected.keeps) {
              // It waits for a person, and the person's word is the end of it.
              const [refund] = order.refunds
              if (refund === undefined) return assert.fail("nothing waits for review")
              assert.strictEqual(refund.state, "PENDING")
              const verdict =
                what === "stock free" ? { _tag: "Reject" as const, reason: "regular" } : { _tag: "Approve" as const }
              yield* reviewRefund({ caller: admin, orderId: order.id, refundId: refund.id, verdict })
              yield* comeToRest
              const end = yield* stored(order)
              assert.strictEqual(end.status, what === "stock free" ? "CONFIRMED" : "EXPIRED")
              assert.strictEqual((yield* moneyOf(order.id)).refunded, what === "stock free" ? 0 : total)
            }
            assert.strictEqual((yield* breaks).join("; "), "")
          }).pipe(Effect.scoped),
        RACE_MILLIS_MAX
      )
    }
  )
}

/** Runs on a node whose own clock is so many minutes off. */
const onClockOff = Effect.fnUntraced(function* <A, E, R>(minutes: number, run: (node: Node) => Effect.Effect<A, E, R>) {
  const clock = yield* Layer.build(Layer.fresh(shiftedClock.layer))
  yield* Context.get(clock, TestTime).passMinutes(minutes)
  const shifted = Context.get(clock, Clock.Clock)
  return yield* Effect.flatMap(secondNode(), run).pipe(Effect.provideService(Clock.Clock, shifted))
})

layer(worldWith({ catalogue: shows(1, 100) }), suite)("F40 nodes whose clocks are off", (it) => {
  it.effect.each([5, -5])("3.4, 3.5 by %s minutes keep to the deadlines of the database", (minutes) =>
    onClockOff(minutes, (node) =>
      Effect.gen(function* () {
        const controls = yield* ServiceControls
        const store = yield* OrderStore
        const wall = yield* store.now
        assert.isAbove(Math.abs(DateTime.toEpochMillis(yield* DateTime.now) - DateTime.toEpochMillis(wall)), 240_000)
        const order = yield* buy(yield* someone, showOf(0))
        if (order.status !== "PENDING") return assert.fail(order.status)
        const holdMillis = DateTime.toEpochMillis(order.hold.expiresAt) - DateTime.toEpochMillis(wall)
        assert.isBelow(Math.abs(holdMillis - 15 * 60_000), 60_000)
        // Within grace by the database: a clock that is ahead does not expire it, and its payment is in time.
        yield* endGraceIn(order, 60_000)
        const expire = answered(expireOrder({ caller: expiry, orderId: order.id, reason: "time is up" }))
        assert.strictEqual(yield* expire, "InvalidTransition")
        yield* controls.pay(intentOf(order))
        const confirmed = yield* confirm(order)
        assert.isTrue(confirmed.status === "CONFIRMED" && !confirmed.late)
        // After grace by the database: a clock that is behind does not keep it.
        const other = yield* buy(yield* someone, showOf(0))
        yield* endGraceIn(other, -1)
        yield* expireDueOrders()
        assert.strictEqual((yield* stored(other)).status, "EXPIRED")
        yield* comeToRest
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.provideContext(node))
    ).pipe(Effect.scoped)
  )
})
