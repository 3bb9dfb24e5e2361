/**
 * Messages of other services in whatever order they come, as often and as late as they come: the order ends as it is true.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, HashMap, Layer, Random } from "effect"
import { TestClock } from "effect/testing"
import { type ClaimedDelivery, messageKeyOf } from "@tickettoken/order-domain/InboundMessage"
import { paymentStatusOf, type Order } from "@tickettoken/order-domain/Order"
import { OrderId } from "@tickettoken/order-domain/Ids"
import { OrderNotFound } from "@tickettoken/order-domain/OrderErrors"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { handleMessage } from "@tickettoken/order-domain/workflows/HandleMessage"
import { settleDelivery } from "@tickettoken/order-domain/workflows/SettleDelivery"
import { breaksAtRest } from "@tickettoken/order-testing/invariantsMemory"
import { MemoryServices, settled } from "@tickettoken/order-testing/memory/MemoryServices"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { MemoryWorld } from "@tickettoken/order-testing/memory/MemoryWorld"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import * as Ledger from "@tickettoken/order-testing/sandbox/PaymentLedger"
import {
  buyer,
  comeToRest,
  createFor,
  layer,
  onClock,
  openStray,
  pay,
  settleDown,
  stored,
  sweepExpiry
} from "@tickettoken/order-testing/scenarioActors"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"

const world = ControlsMemory.layer.pipe(Layer.provideMerge(layer))

const intentOf = ({ intent }: Order) => intent?.id ?? assert.fail("the order has no intent")

// ---- what other services say

/** What a message says, given the order that it is about. */
type Says = (order: Order) => { readonly type: string; readonly data: object }

const succeeded: Says = (order) => ({
  type: "payment.succeeded",
  data: { orderId: order.id, paymentIntentId: intentOf(order), amount: 1 }
})

const failed =
  (retryable: boolean): Says =>
  (order) => ({
    type: "payment.failed",
    data: { orderId: order.id, paymentIntentId: intentOf(order), retryable, reason: "declined" }
  })

const allocated: Says = (order) => ({
  type: "ticket.allocated",
  data: { orderId: order.id, tickets: [{ id: "forged" }] }
})

const refunded =
  (outcome: "succeeded" | "failed"): Says =>
  (order) => ({
    type: `payment.refund.${outcome}`,
    data: { orderId: order.id, refundId: order.refunds[0]?.id ?? assert.fail("the order has no refund") }
  })

const textOf = (says: Says, order: Order, id: string): string =>
  JSON.stringify({ specversion: "1.0", id, source: "elsewhere", tenantid: order.tenantId, ...says(order) })

// ---- what the inbox does with it

const handle = (claimed: ClaimedDelivery) => settleDelivery(claimed, handleMessage)

const deliver = Effect.fnUntraced(function* (body: string) {
  const { receive } = yield* Inbox
  const key = messageKeyOf(body)
  if (key === null) return assert.fail("whose message is it?")
  const claimed = yield* receive({ ...key, body, bytes: body.length, traceparent: null })
  if (claimed !== null) yield* onClock(handle(claimed))
  yield* settleDown
})

const openMessages = Effect.map(
  Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot),
  ({ inbox }) => HashMap.toValues(inbox).filter(({ state }) => state === "NEW").length
)

/** Handles what comes again, until nothing is open any more. */
const handleRest = Effect.gen(function* () {
  const { claimDue } = yield* Inbox
  while ((yield* openMessages) > 0) {
    for (const claimed of yield* claimDue(100)) yield* onClock(handle(claimed))
    yield* settleDown
    yield* TestClock.adjust("1 second")
  }
})

/** Each of these messages twice, in an order that the seed gives. */
const deliverShuffled = Effect.fnUntraced(function* (order: Order, says: ReadonlyArray<Says>) {
  const texts = yield* Effect.forEach(says, (one) => Effect.map(randomUuid, (id) => textOf(one, order, id)))
  const shuffled = yield* Random.shuffle([...texts, ...texts])
  yield* Effect.forEach([...shuffled], deliver)
  return shuffled
})

// ---- what truly happens

const decline = (retryable: boolean) =>
  Effect.fnUntraced(function* (order: Order) {
    const { payments } = yield* MemoryServices
    yield* Effect.orDie(settled(payments.perform((state) => Ledger.decline(state, { id: intentOf(order), retryable }))))
  })

const paid = (order: Order) => pay(intentOf(order))

const hoursPass = (hours: number) => () => TestClock.adjust(Duration.hours(hours))

const expires = Effect.fnUntraced(function* () {
  yield* TestClock.adjust("20 minutes")
  yield* Effect.orDie(onClock(sweepExpiry))
  yield* settleDown
})

const buyerCancels = (order: Order) =>
  Effect.asVoid(Effect.orDie(onClock(cancelOrder({ caller: buyer(order.userId), orderId: order.id, reason: null }))))

const refundsTakeTime = Effect.fnUntraced(function* () {
  const { nextRefunds } = yield* ServiceControls
  yield* nextRefunds("pending")
})

const refundArrives = Effect.fnUntraced(function* (order: Order) {
  const { settleRefund } = yield* ServiceControls
  const now = yield* stored(order.id)
  yield* settleRefund(now.refunds[0]?.id ?? assert.fail("the order has no refund"), "succeeded")
})

type Act = (order: Order) => Effect.Effect<void, never, Layer.Success<typeof world>>

/** What happens, or a group of messages that arrive in any order. */
type Step = { readonly happens: Act } | { readonly arrive: ReadonlyArray<Says> }

const happens = (act: Act): Step => ({ happens: act })
const arrive = (...says: ReadonlyArray<Says>): Step => ({ arrive: says })

interface Row {
  readonly name: string
  readonly steps: ReadonlyArray<Step>
  readonly ends: readonly [status: Order["status"], payment: ReturnType<typeof paymentStatusOf>]
}

const table: ReadonlyArray<Row> = [
  {
    name: "failed and succeeded, of a buyer who took another card",
    steps: [happens(decline(true)), happens(paid), arrive(failed(true), succeeded)],
    ends: ["CONFIRMED", "PAID"]
  },
  {
    name: "failed after succeeded",
    steps: [happens(paid), arrive(succeeded), arrive(failed(true), failed(false))],
    ends: ["CONFIRMED", "PAID"]
  },
  {
    name: "succeeded after a decline that was told",
    steps: [happens(decline(true)), arrive(failed(true)), happens(paid), arrive(succeeded, failed(true))],
    ends: ["CONFIRMED", "PAID"]
  },
  {
    name: "a final failure",
    steps: [happens(decline(false)), arrive(failed(false), failed(true))],
    ends: ["CANCELLED", "UNPAID"]
  },
  {
    name: "succeeded after a final failure that was told: the money goes back",
    steps: [happens(decline(false)), arrive(failed(false)), happens(paid), arrive(succeeded, failed(false))],
    ends: ["REFUNDED", "REFUNDED"]
  },
  {
    name: "allocated before confirm",
    steps: [arrive(allocated), happens(paid), arrive(succeeded, allocated)],
    ends: ["CONFIRMED", "PAID"]
  },
  {
    name: "everything once more, 25 h late",
    steps: [
      happens(paid),
      arrive(succeeded),
      happens(hoursPass(25)),
      arrive(succeeded, failed(true), failed(false), allocated)
    ],
    ends: ["CONFIRMED", "PAID"]
  },
  {
    name: "a payment of an order that has expired, told 25 h late",
    steps: [happens(expires), happens(paid), happens(hoursPass(25)), arrive(succeeded, failed(true))],
    ends: ["CONFIRMED", "PAID"]
  },
  {
    name: "a refund that is told of before and after it has arrived",
    steps: [
      happens(paid),
      arrive(succeeded),
      happens(refundsTakeTime),
      happens(buyerCancels),
      arrive(refunded("failed"), refunded("succeeded")),
      happens(refundArrives),
      arrive(refunded("succeeded"), refunded("failed"))
    ],
    ends: ["REFUNDED", "REFUNDED"]
  }
]

const SEEDS = Array.from({ length: 25 }, (_, n) => n + 1)

/** What an arrival is called. */
const labelOf = (text: string): string =>
  `${messageKeyOf(text)?.type ?? ""}${text.includes(`"retryable":false`) ? " for good" : ""}`

const standOf = ({ id }: Order) => Effect.map(stored(id), (now): Row["ends"] => [now.status, paymentStatusOf(now)])

const order = createFor(buyer(), [[2, "general"]])

const createdNowhere = OrderId.make(demo.eventId)

describe("F22 the order of arrival", () => {
  it.effect.each(table)("$name", ({ ends, steps }) =>
    Effect.gen(function* () {
      const orders = new Set<string>()
      for (const seed of SEEDS) {
        yield* Effect.gen(function* () {
          const made = yield* onClock(order)
          const arrivals: Array<string> = []
          for (const step of steps) {
            if ("happens" in step) yield* step.happens(made)
            else {
              const shuffled = yield* deliverShuffled(yield* stored(made.id), step.arrive)
              arrivals.push(...[...shuffled].map(labelOf))
            }
          }
          yield* handleRest
          orders.add(arrivals.join(", "))
          const told = `seed ${seed}: ${arrivals.join(", ")}`
          assert.deepStrictEqual(yield* standOf(made), ends, told)
          // Everybody else's work, and the same news once more, change nothing of it.
          yield* comeToRest
          assert.deepStrictEqual(yield* standOf(made), ends, told)
          assert.deepStrictEqual(yield* breaksAtRest, [], `seed ${seed}`)
        }).pipe(Random.withSeed(seed), Effect.provide(Layer.fresh(world)))
      }
      const mixed = steps.some((step) => "arrive" in step && step.arrive.length > 1)
      assert.isAbove(orders.size, mixed ? 1 : 0)
    })
  )

  it.effect("a payment that is told before the order can be seen is taken once it can", () =>
    Effect.gen(function* () {
      const store = yield* OrderStore
      const made = yield* onClock(order)
      yield* paid(made)
      let hidden = 0
      const blind = OrderStore.of({
        ...store,
        load: (_, orderId) => {
          hidden++
          return Effect.fail(new OrderNotFound({ orderId }))
        }
      })
      const text = textOf(succeeded, made, yield* randomUuid)
      yield* deliver(text).pipe(Effect.provideService(OrderStore, blind))
      assert.strictEqual(hidden, 1)
      assert.strictEqual((yield* stored(made.id)).status, "PENDING")
      yield* handleRest
      assert.strictEqual((yield* stored(made.id)).status, "CONFIRMED")
    }).pipe(Effect.provide(world))
  )

  it.effect("a message about an order that nobody knows is tried for minutes, then dead, with an alarm", () =>
    Effect.gen(function* () {
      const { list } = yield* Alarms
      const { dead } = yield* Inbox
      const made = yield* onClock(order)
      const strange = { ...made, id: createdNowhere }
      yield* deliver(textOf(succeeded, strange, yield* randomUuid))
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(yield* openMessages, 1)
      yield* handleRest
      const [letter] = yield* dead({ tenantId: made.tenantId, messageId: null, since: null, limit: 10 })
      assert.deepStrictEqual([letter?.attempts, letter?.why], [5, `order ${createdNowhere} does not exist`])
      assert.strictEqual((yield* list({ tenantId: null, kind: "MESSAGE_DEAD", cleared: false, limit: 10 })).length, 1)
    }).pipe(Effect.provide(world))
  )

  it.effect("a message about a payment that its service refuses to show is dead after as many tries", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const made = yield* onClock(order)
      yield* paid(made)
      yield* faults.always(["payments.getIntent"], "refuse")
      yield* deliver(textOf(succeeded, made, yield* randomUuid))
      yield* handleRest
      assert.strictEqual(yield* faults.hits("payments.getIntent"), 5)
    }).pipe(Effect.provide(world))
  )
})

const forged: ReadonlyArray<readonly [name: string, says: Says, state: "DEAD" | "UNCHANGED"]> = [
  ["a payment that nobody has made", succeeded, "DEAD"],
  ["a decline for good that the payment service knows nothing of", failed(false), "UNCHANGED"],
  ["a decline that may be tried again", failed(true), "UNCHANGED"],
  ["tickets that nobody has allocated", allocated, "UNCHANGED"],
  [
    "a payment intent that does not exist",
    (made) => ({ type: "payment.succeeded", data: { orderId: made.id, paymentIntentId: "pi_forged" } }),
    "DEAD"
  ],
  [
    "a refund that the order does not have",
    (made) => ({ type: "payment.refund.succeeded", data: { orderId: made.id, refundId: made.userId } }),
    "DEAD"
  ]
]

describe("A26 forged messages", () => {
  it.effect.each(forged)("%s change nothing", ([, says, state]) =>
    Effect.gen(function* () {
      const made = yield* onClock(order)
      yield* deliver(textOf(says, made, yield* randomUuid))
      yield* handleRest
      assert.strictEqual((yield* stored(made.id)).version, made.version)
      const { inbox } = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
      assert.deepStrictEqual(
        HashMap.toValues(inbox).map((row) => row.state),
        [state]
      )
    }).pipe(Effect.provide(world))
  )

  it.effect("of somebody else's payment, or of one that is too small, confirm nothing", () =>
    Effect.gen(function* () {
      const made = yield* onClock(order)
      const other = yield* onClock(order)
      yield* paid(other)
      const stolen: Says = (mine) => ({
        type: "payment.succeeded",
        data: { orderId: mine.id, paymentIntentId: intentOf(other) }
      })
      yield* deliver(textOf(stolen, made, yield* randomUuid))
      yield* handleRest
      assert.strictEqual((yield* stored(made.id)).version, made.version)
      yield* pay(intentOf(made), { currency: "EUR" })
      yield* deliver(textOf(succeeded, made, yield* randomUuid))
      yield* handleRest
      assert.strictEqual((yield* stored(made.id)).version, made.version)
    }).pipe(Effect.provide(world))
  )

  it.effect("of a refund lead to what the payment service says of it", () =>
    Effect.gen(function* () {
      const made = yield* onClock(order)
      yield* paid(made)
      yield* deliver(textOf(succeeded, made, yield* randomUuid))
      yield* refundsTakeTime()
      yield* buyerCancels(made)
      yield* settleDown
      const waiting = yield* stored(made.id)
      assert.strictEqual(waiting.refunds[0]?.state, "PROCESSING")
      for (const outcome of ["failed", "succeeded"] as const) {
        yield* deliver(textOf(refunded(outcome), waiting, yield* randomUuid))
      }
      assert.strictEqual((yield* stored(made.id)).version, waiting.version)
      yield* refundArrives(made)
      yield* deliver(textOf(refunded("failed"), waiting, yield* randomUuid))
      assert.strictEqual((yield* stored(made.id)).status, "REFUNDED")
    }).pipe(Effect.provide(world))
  )

  it.effect("whose payment was truly made are no worse than true ones, and money of a second intent goes back", () =>
    Effect.gen(function* () {
      const made = yield* onClock(order)
      const stray = yield* openStray(made)
      yield* pay(stray)
      const second: Says = (mine) => ({ type: "payment.succeeded", data: { orderId: mine.id, paymentIntentId: stray } })
      yield* deliver(textOf(second, made, yield* randomUuid))
      yield* paid(made)
      yield* deliver(textOf(succeeded, made, yield* randomUuid))
      yield* comeToRest
      const now = yield* stored(made.id)
      assert.strictEqual(now.status, "CONFIRMED")
      assert.deepStrictEqual(
        now.refunds.map(({ cause, state }) => [cause, state]),
        [["OVERPAYMENT", "COMPLETED"]]
      )
    }).pipe(Effect.provide(world))
  )
})
