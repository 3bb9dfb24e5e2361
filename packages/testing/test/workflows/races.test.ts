/**
 * Many at once on one order: one wins, the others are told why, and money and tickets follow the winner.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, HashMap, type Layer } from "effect"
import { TestClock } from "effect/testing"
import type { Order } from "@tickettoken/order-domain/Order"
import { VersionConflict } from "@tickettoken/order-domain/OrderErrors"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { requestRefund } from "@tickettoken/order-domain/workflows/RequestRefund"
import { reserveOrder } from "@tickettoken/order-domain/workflows/ReserveOrder"
import { breaksAtRest } from "@tickettoken/order-testing/invariantsMemory"
import { MemoryWorld } from "@tickettoken/order-testing/memory/MemoryWorld"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import {
  admin,
  answerOf,
  buyer,
  cancelEvent,
  comeToRest,
  createFor,
  layer,
  onClock,
  pay,
  paymentService,
  settleDown,
  stored,
  sweepExpiry
} from "@tickettoken/order-testing/scenarioActors"

const intentOf = (order: Order) => order.intent?.id ?? assert.fail("the order has no intent")

type World = Layer.Success<typeof layer>

/** What somebody is answered. */
const answered = <A, E extends { readonly _tag: string }>(
  act: Effect.Effect<A, E, World>
): Effect.Effect<string, never, World> => Effect.map(Effect.exit(act), answerOf)

/** All of them at once; what each was answered. */
const atOnce = (acts: ReadonlyArray<Effect.Effect<string, never, World>>) =>
  Effect.tap(onClock(Effect.all(acts, { concurrency: "unbounded" })), () => settleDown)

/** What everybody may do to an order at the same moment. */
const everything = (order: Order) => {
  const { id: orderId, userId } = order
  const confirm = confirmOrder({ caller: paymentService, orderId, paymentIntentId: intentOf(order) })
  const cancel = cancelOrder({ caller: buyer(userId), orderId, reason: null })
  const adminCancels = cancelOrder({ caller: admin, orderId, reason: "goodwill" })
  const reserve = reserveOrder({ caller: buyer(userId), orderId })
  return [
    answered(confirm),
    answered(cancel),
    answered(reserve),
    answered(adminCancels),
    answered(confirm),
    answered(cancelEvent(demo.eventId)),
    answered(sweepExpiry),
    answered(confirm),
    answered(cancel)
  ]
}

/** The same acts from another starter on, so that each of them comes first once. */
const rotated = <A>(list: ReadonlyArray<A>, by: number): ReadonlyArray<A> => [...list.slice(by), ...list.slice(0, by)]

describe("at once", () => {
  it.effect.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    "3.6, 4.7 confirmations, cancellations, renewal, expiry and the event's end, starting with the %s.: one order of events",
    (first) =>
      Effect.gen(function* () {
        const order = yield* onClock(createFor(buyer(), [[2, "general"]]))
        yield* pay(intentOf(order))
        const answers = yield* atOnce(rotated(everything(order), first))
        // A lost race is decided anew, not shown to anybody.
        assert.deepStrictEqual(
          answers.filter((answer) => answer.includes("VersionConflict") || answer.includes("defect")),
          []
        )
        yield* Effect.orDie(comeToRest)
        const end = yield* stored(order.id)
        assert.include(["REFUNDED", "CANCELLED"], end.status)
        assert.strictEqual(end.captures.length, 1)
        assert.strictEqual((yield* breaksAtRest).join("; "), "")
      }).pipe(Effect.provide(layer))
  )

  it.effect("3.4, 3.5 a success at the end of grace and the expiry: never both, and never neither", () =>
    Effect.gen(function* () {
      const orders = yield* Effect.forEach([1, 2, 3, 4], () => onClock(createFor(buyer(), [[1, "general"]])))
      yield* TestClock.adjust("17 minutes")
      for (const order of orders) yield* pay(intentOf(order))
      const confirms = orders.map((order) =>
        answered(confirmOrder({ caller: paymentService, orderId: order.id, paymentIntentId: intentOf(order) }))
      )
      yield* atOnce([answered(sweepExpiry), ...confirms, answered(sweepExpiry)])
      yield* Effect.orDie(comeToRest)
      for (const { id } of orders) assert.strictEqual((yield* stored(id)).status, "CONFIRMED")
      assert.strictEqual((yield* breaksAtRest).join("; "), "")
    }).pipe(Effect.provide(layer))
  )

  it.effect("4.4 fifty refunds of 60 %: one is accepted", () =>
    Effect.gen(function* () {
      const order = yield* onClock(createFor(buyer(), [[2, "general"]]))
      yield* pay(intentOf(order))
      const { id: orderId } = order
      yield* onClock(confirmOrder({ caller: paymentService, orderId, paymentIntentId: intentOf(order) }))
      const asks = Array.from({ length: 50 }, (_, n) =>
        answered(
          requestRefund({
            caller: n % 2 === 0 ? buyer() : admin,
            orderId,
            request: { _tag: "Amount", amount: 14_000 },
            reason: "ill"
          })
        )
      )
      const answers = yield* atOnce(asks)
      assert.strictEqual(answers.filter((answer) => answer === "ok").length, 1)
      assert.isTrue(answers.every((answer) => answer === "ok" || answer === "! RefundExceedsCaptured"))
      yield* Effect.orDie(comeToRest)
      assert.strictEqual((yield* breaksAtRest).join("; "), "")
    }).pipe(Effect.provide(layer))
  )

  it.effect("3.1 two hundred buyers of the last seat: one gets it", () =>
    Effect.gen(function* () {
      const users = [demo.buyerId, demo.secondBuyerId]
      const buys = Array.from({ length: 200 }, (_, n) => answered(createFor(buyer(users[n % 2]), [[1, "last seat"]])))
      const answers = yield* atOnce(buys)
      assert.strictEqual(answers.filter((answer) => answer === "ok").length, 1)
      const { orders } = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
      const open = HashMap.toValues(orders).filter(({ status }) => status === "PENDING")
      assert.strictEqual(open.length, 1)
      yield* Effect.orDie(comeToRest)
      assert.strictEqual((yield* breaksAtRest).join("; "), "")
    }).pipe(Effect.provide(layer))
  )

  it.effect("a change that loses every race is told to come back, and only who named a version hears of versions", () =>
    Effect.gen(function* () {
      const store = yield* OrderStore
      const order = yield* onClock(createFor(buyer(), [[1, "general"]]))
      const losing = OrderStore.of({
        ...store,
        commit: ({ decision }) =>
          Effect.fail(new VersionConflict({ orderId: decision.order.id, expected: 3, actual: 4 }))
      })
      const cancel = (expectedVersion?: number) =>
        answered(
          Effect.provideService(
            cancelOrder({ caller: buyer(), orderId: order.id, reason: null, expectedVersion }),
            OrderStore,
            losing
          )
        )
      assert.strictEqual(yield* onClock(cancel()), "! ServiceUnavailable")
      assert.strictEqual(yield* onClock(cancel(order.version)), "! VersionConflict")
    }).pipe(Effect.provide(layer))
  )
})
