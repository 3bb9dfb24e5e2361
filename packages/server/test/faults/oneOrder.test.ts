/**
 * Everybody on one order at the same moment, on PostgreSQL and from two nodes: one of them wins, money and tickets follow
 * the winner, the others are told why. Each race has a twin without its guard, which does the damage.
 */
import { assert, layer } from "@effect/vitest"
import type { Order } from "@tickettoken/order-domain/Order"
import { systemActor } from "@tickettoken/order-domain/Actor"
import { bulkCancelEvent } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { expireOrder } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { requestRefund } from "@tickettoken/order-domain/workflows/RequestRefund"
import { Cents } from "@tickettoken/order-domain/Money"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as lastWriteWins from "./support/lastWriteWins.ts"
import { rounds } from "./support/scale.ts"
import {
  admin,
  answered,
  atOnce,
  breaks,
  buy,
  buyerOf,
  comeToRest,
  endGraceIn,
  intentOf,
  moneyOf,
  type Node,
  RACE_MILLIS_MAX,
  secondNode,
  service,
  type Show,
  showOf,
  shows,
  someone,
  stored,
  suite,
  worldWith
} from "./support/world.ts"

/** One more node, whose version check is off too. */
const unguarded = secondNode({ store: lastWriteWins.layer })

/** What a loser may be told: all of them are a 409 on the wire. */
const lost = [
  "ok",
  "InvalidTransition",
  "ReservationExpired",
  "EventCancelled",
  "OrderAlreadyConfirmed",
  "RefundExceedsCaptured"
]

const paid = Effect.fnUntraced(function* (show: Show) {
  const controls = yield* ServiceControls
  const order = yield* buy(yield* someone, show, 2)
  yield* controls.pay(intentOf(order))
  return order
})

/** What everybody may do to an order at the same moment. */
const everything = (order: Order, { eventId }: Show) => {
  const { id: orderId, userId } = order
  const confirm = confirmOrder({ caller: service, orderId, paymentIntentId: intentOf(order) })
  const cancel = cancelOrder({ caller: buyerOf(userId), orderId, reason: null })
  const sweep = expireOrder({
    caller: { ...service, actor: systemActor("expiry") },
    orderId,
    reason: "time is up"
  }).pipe(
    // Somebody else is asking the payment service already, and has not heard yet.
    Effect.catchIf(
      (error) => error._tag === "ServiceUnavailable" && error.service === "orders",
      () => Effect.succeed(order)
    )
  )
  return [
    answered(confirm),
    answered(cancel),
    answered(sweep),
    answered(bulkCancelEvent({ caller: admin, eventId, reason: "rain" })),
    answered(confirm),
    answered(cancelOrder({ caller: admin, orderId, reason: "goodwill" })),
    answered(sweep),
    answered(confirm)
  ]
}

const rotated = <A>(list: ReadonlyArray<A>, by: number): ReadonlyArray<A> => {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

const ROUNDS = rounds(100)

/** Each round has its order and its event; in every other one the time of the order is up. */
const raceOn = Effect.fnUntraced(function* (count: number, there: Node) {
  return yield* Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    Effect.fnUntraced(function* (n) {
      const show = showOf(n)
      const order = yield* paid(show)
      if (n % 2 === 1) yield* endGraceIn(order, -1)
      return { order, answers: yield* atOnce(rotated(everything(order, show), n), there) }
    }),
    { concurrency: 3 }
  )
})

/** Orders that were cancelled more than once: two have won. */
const endedTwice = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`select order_id from order_events where type = 'ORDER_CANCELLED' group by order_id having count(*) > 1`
)

layer(worldWith({ catalogue: shows(ROUNDS, 10) }), suite)("F33 everybody on one order", (it) => {
  it.effect(
    `4.7, 5 ${ROUNDS} rounds: money and tickets follow the one that wins, the others are refused`,
    () =>
      Effect.gen(function* () {
        const all = yield* raceOn(ROUNDS, yield* secondNode())
        const answers = new Set(all.flatMap((round) => round.answers))
        assert.deepStrictEqual([...answers].filter((answer) => !lost.includes(answer)).join(), "")
        yield* comeToRest
        assert.strictEqual((yield* breaks).join("; "), "")
        assert.lengthOf(yield* endedTwice, 0)
        for (const { order } of all) {
          // One of the cancellations came in the end: the tickets are gone and so is the money, once.
          const { captured, refunded } = yield* moneyOf(order.id)
          assert.strictEqual(captured, order.pricing.total)
          assert.isAtMost(refunded, captured)
          assert.isAbove(refunded, 0)
          assert.include(["REFUNDED", "EXPIRED"], (yield* stored(order)).status)
        }
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})

const TWIN_ROUNDS = 20

layer(worldWith({ catalogue: shows(TWIN_ROUNDS, 10), store: lastWriteWins.layer }), suite)(
  "F33 everybody on one order, the version check off",
  (it) => {
    it.effect(
      "twin: orders end in two ways at once",
      () =>
        Effect.gen(function* () {
          yield* raceOn(TWIN_ROUNDS, yield* unguarded)
          assert.isAbove((yield* endedTwice).length, 0)
        }).pipe(Effect.scoped),
      RACE_MILLIS_MAX
    )
  }
)

const REFUNDS = 50

/** 60 % of 233.38: two of them are more than was paid. */
const SIXTY_PERCENT = Cents.make(14_002)

/** So many refunds of one confirmed order at once, by its buyer and by an admin, and the cancellation of its event. */
const refundsAtOnce = Effect.fnUntraced(function* (show: Show, withBulk: boolean, there: Node) {
  const order = yield* paid(show)
  const { id: orderId, userId } = order
  yield* confirmOrder({ caller: service, orderId, paymentIntentId: intentOf(order) })
  const refunds = Array.from({ length: REFUNDS }, (_, n) =>
    answered(
      requestRefund({
        caller: n % 2 === 0 ? buyerOf(userId) : admin,
        orderId,
        request: { _tag: "Amount", amount: SIXTY_PERCENT },
        reason: "ill"
      })
    )
  )
  const bulk = withBulk ? [answered(bulkCancelEvent({ caller: admin, eventId: show.eventId, reason: "rain" }))] : []
  const answers = yield* atOnce([...refunds.slice(0, 5), ...bulk, ...refunds.slice(5)], there)
  return { order, answers }
})

layer(worldWith({ catalogue: shows(4, 10) }), suite)("F34 refunds at once", (it) => {
  it.effect(
    `4.4 of ${REFUNDS} refunds of 60 % by buyer and admin exactly one is accepted`,
    () =>
      Effect.gen(function* () {
        const { answers, order } = yield* refundsAtOnce(showOf(0), false, yield* secondNode())
        assert.strictEqual(answers.filter((answer) => answer === "ok").length, 1)
        assert.deepStrictEqual([...new Set(answers)].toSorted(), ["RefundExceedsCaptured", "ok"])
        yield* comeToRest
        assert.deepStrictEqual(yield* moneyOf(order.id), { captured: order.pricing.total, refunded: SIXTY_PERCENT })
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )

  it.effect(
    "4.4, 5 with the event's cancellation among them all money goes back, and none of it twice",
    () =>
      Effect.gen(function* () {
        const there = yield* secondNode()
        for (const n of [1, 2, 3]) {
          const { answers, order } = yield* refundsAtOnce(showOf(n), true, there)
          // The cancellation and at most one refund before it.
          assert.isAtMost(answers.filter((answer) => answer === "ok").length, 2)
          assert.deepStrictEqual([...new Set(answers)].filter((answer) => !lost.includes(answer)).join(), "")
          yield* comeToRest
          const { total } = order.pricing
          assert.deepStrictEqual(yield* moneyOf(order.id), { captured: total, refunded: total })
          assert.strictEqual((yield* stored(order)).status, "REFUNDED")
        }
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})

layer(worldWith({ catalogue: shows(2, 10), store: lastWriteWins.layer }), suite)(
  "F34 refunds at once, the version check off",
  (it) => {
    it.effect(
      "4.4 the database's own bound still holds",
      () =>
        Effect.gen(function* () {
          const { answers, order } = yield* refundsAtOnce(showOf(0), false, yield* unguarded)
          assert.strictEqual(answers.filter((answer) => answer === "ok").length, 1)
          assert.isAtMost((yield* moneyOf(order.id)).refunded, order.pricing.total)
        }).pipe(Effect.scoped),
      RACE_MILLIS_MAX
    )

    it.effect(
      "twin: with the bound dropped too, more is promised than was paid",
      () =>
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* sql`alter table orders drop constraint orders_refunds_within_captured`
          const { answers, order } = yield* refundsAtOnce(showOf(1), false, yield* unguarded)
          assert.isAbove(answers.filter((answer) => answer === "ok").length, 1)
          const [row] = yield* sql<{ promised: bigint }>`
          select sum(amount_cents)::bigint as promised from order_refunds where order_id = ${order.id}`
          assert.isAbove(Number(row?.promised), order.pricing.total)
        }).pipe(Effect.scoped),
      RACE_MILLIS_MAX
    )
  }
)
