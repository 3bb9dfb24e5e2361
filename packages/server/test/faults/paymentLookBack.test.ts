/**
 * Money that comes after the payment service has called its intent cancelled, and that nobody tells of, on PostgreSQL with
 * two nodes: the look back finds it, once, wherever it was when a node died.
 */
import { assert, layer } from "@effect/vitest"
import { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { PaymentLooks } from "@tickettoken/order-domain/ports/PaymentLooks"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { lookBackAtPayments } from "@tickettoken/order-domain/workflows/LookBackAtPayments"
import { watchPayments } from "@tickettoken/order-domain/workflows/WatchPayments"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { Duration, Effect } from "effect"
import {
  answered,
  atOnce,
  breaks,
  buy,
  comeToRest,
  intentOf,
  moneyOf,
  passMinutes,
  RACE_MILLIS_MAX,
  secondNode,
  showOf,
  shows,
  someone,
  stored,
  suite,
  worldWith
} from "./support/world.ts"

const AFTER = Duration.minutes(5)
const lookBack = answered(lookBackAtPayments([AFTER]))

/** Cancelled by its buyer, its intent cancelled at the payment service, and then paid without a word. */
const cancelledAndPaid = Effect.gen(function* () {
  const controls = yield* ServiceControls
  const caller = yield* someone
  const order = yield* buy(caller, showOf(0))
  yield* cancelOrder({ caller, orderId: order.id, reason: null })
  yield* comeToRest
  yield* controls.pay(intentOf(order))
  return order
})

layer(worldWith({ catalogue: shows(1, 50) }), suite)("F33 a payment after its intent was cancelled", (it) => {
  it.effect(
    "3.13, 4.7 goes back once, though both nodes look at once; twin: without the look back nobody finds it",
    () =>
      Effect.gen(function* () {
        const there = yield* secondNode()
        const order = yield* cancelledAndPaid
        yield* passMinutes(6)
        yield* answered(watchPayments(null))
        yield* comeToRest
        const { total } = order.pricing
        assert.deepStrictEqual(yield* moneyOf(order.id), { captured: total, refunded: 0 })
        assert.include((yield* breaks).join("; "), `I10 ${intentOf(order)}`)
        assert.deepStrictEqual(yield* atOnce([lookBack, lookBack, lookBack, lookBack], there), ["ok", "ok", "ok", "ok"])
        yield* comeToRest
        const end = yield* stored(order)
        assert.strictEqual(end.refunds.length, 1)
        assert.deepStrictEqual(yield* moneyOf(order.id), { captured: total, refunded: end.refunds[0]?.amount ?? 0 })
        const facts = yield* (yield* OrderReads).history(order.tenantId, order.id)
        assert.lengthOf(
          facts.filter(({ event }) => event.type === "PAYMENT_CAPTURED"),
          1
        )
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )

  it.effect(
    "3.13 a look goes on where it was, on whichever node, and comes to each order once",
    () =>
      Effect.gen(function* () {
        const there = yield* secondNode()
        yield* cancelledAndPaid
        yield* passMinutes(6)
        yield* lookBack
        const next = Effect.flatMap(PaymentLooks, (looks) => looks.due(Duration.toSeconds(AFTER), 100))
        assert.deepStrictEqual(yield* Effect.provideContext(next, there), [])
        const order = yield* cancelledAndPaid
        yield* passMinutes(6)
        assert.deepStrictEqual(
          (yield* Effect.provideContext(next, there)).map(({ orderId }) => orderId),
          [order.id]
        )
        yield* Effect.provideContext(lookBack, there)
        assert.deepStrictEqual(yield* next, [])
        yield* comeToRest
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})
