/**
 * A seeded simulation: buyers, payments, an organiser and sweepers act at random while ports fail at random; then
 * everything heals, and what is left must be right to the last ticket and the last cent.
 *
 * The seed decides about everything: who acts, what fails, every id. The same seed is the same history.
 */
import { Effect, Exit, Fiber, HashMap, Layer, Random, Ref, Scope } from "effect"
import { TestClock } from "effect/testing"
import { type PaymentIntentId, UserId } from "@tickettoken/order-domain/Ids"
import type { Order } from "@tickettoken/order-domain/Order"
import type { RefundRequest } from "@tickettoken/order-domain/RefundQuote"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { requestRefund } from "@tickettoken/order-domain/workflows/RequestRefund"
import { reserveOrder } from "@tickettoken/order-domain/workflows/ReserveOrder"
import { type RefundVerdict, reviewRefund } from "@tickettoken/order-domain/workflows/ReviewRefund"
import { knowingIdle } from "./IdleScheduler.ts"
import { breaksAtRest, breaksNow } from "./invariantsMemory.ts"
import { MemoryServices } from "./memory/MemoryServices.ts"
import { MemoryWorld } from "./memory/MemoryWorld.ts"
import { ScriptedFaults, serviceOperations, storeOperations } from "./memory/ScriptedFaults.ts"
import { demo } from "./sandbox/catalogue.ts"
import type { FaultPlan } from "./sandbox/Faults.ts"
import {
  admin,
  buyer,
  cancelEvent,
  comeToRest,
  createFor,
  layer,
  type OfferName,
  onClock,
  openStray,
  pay,
  paymentService,
  settleDown,
  startProcessing,
  sweepCompletion,
  sweepExpiry,
  sweepWork,
  tellFailure
} from "./scenarioActors.ts"
import { derivedId } from "./TestOrders.ts"

/** How likely each fault is, per call of any port. */
export interface Weather {
  readonly failBefore: number
  readonly failAfter: number
  readonly hang: number
}

export const calm: Weather = { failBefore: 0, failAfter: 0, hang: 0 }
export const stormy: Weather = { failBefore: 0.06, failAfter: 0.06, hang: 0.02 }

// A database that hangs is the adapter's to bound (its sessions have timeouts): it fails, before or after the effect.
const planOf = (seed: number, { failAfter, failBefore, hang }: Weather): FaultPlan => ({
  seed,
  rules: [
    ...storeOperations.map((operation) => ({ operation, failBefore, failAfter })),
    ...serviceOperations.flatMap((operation) => [
      { operation, failBefore, failAfter, hang },
      { operation, hang: { probability: hang, when: "after" as const } }
    ])
  ]
})

/** What came of a simulation. */
export interface Outcome {
  readonly seed: number
  readonly breaks: ReadonlyArray<string>
  readonly states: ReadonlyMap<string, number>
  /** How many calls did not go as they should. */
  readonly faults: number
  /** Sweeps until nothing was under way. */
  readonly rounds: number
}

const offers: ReadonlyArray<OfferName> = ["general", "general", "vip", "last seat", "last seat", "free", "soon"]

const buyers = Array.from({ length: 8 }, (_, n) => UserId.make(derivedId(demo.buyerId, 500 + n)))

const pick = <A>(list: readonly [A, ...Array<A>] | ReadonlyArray<A>): Effect.Effect<A | undefined> =>
  list.length === 0
    ? Effect.succeed(undefined)
    : Effect.map(Random.nextIntBetween(0, list.length - 1), (at) => list[at])

const anyOrder = Effect.gen(function* () {
  const { orders } = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
  return yield* pick(HashMap.toValues(orders).toSorted((a, b) => (a.id < b.id ? -1 : 1)))
})

const verdicts: ReadonlyArray<RefundVerdict> = [
  { _tag: "Approve" },
  { _tag: "Reject", reason: "no" },
  { _tag: "Retry" }
]

/** An admin decides about one of the order's refunds. */
const reviewOne = Effect.fnUntraced(function* (order: Order) {
  const refund = yield* pick(order.refunds)
  const verdict = yield* pick(verdicts)
  if (refund === undefined || verdict === undefined) return
  yield* reviewRefund({ caller: admin, orderId: order.id, refundId: refund.id, verdict })
})

/** What happens to a payment, told or not. The service speaks of a failure only while it holds no money. */
const payingActions = (order: Order, { id }: NonNullable<Order["intent"]>) => {
  const confirm = (paymentIntentId: PaymentIntentId) =>
    Effect.ignore(confirmOrder({ caller: paymentService, orderId: order.id, paymentIntentId }))
  return [
    pay(id),
    startProcessing(id),
    confirm(id),
    Effect.andThen(pay(id), confirm(id)),
    Effect.flatMap(openStray(order), (stray) => Effect.andThen(pay(stray), confirm(stray))),
    Effect.gen(function* () {
      const { payments } = yield* MemoryServices
      const { intents } = yield* payments.state
      const isPaid = HashMap.toValues(intents).some((intent) => intent.id === id && intent.status === "succeeded")
      if (!isPaid) yield* Effect.ignore(tellFailure(order, id, yield* Random.nextBoolean))
    })
  ]
}

/** What somebody may do about this order, with how often they do. */
const actionsOn = (order: Order) => {
  const { id: orderId, userId } = order
  const caller = buyer(userId)
  const ask = (by: typeof caller, request: RefundRequest) =>
    Effect.ignore(requestRefund({ caller: by, orderId, request, reason: "ill" }))
  const paying = order.intent === null ? [] : payingActions(order, order.intent)
  return [
    ...paying,
    ...paying,
    Effect.ignore(reserveOrder({ caller, orderId })),
    Effect.ignore(cancelOrder({ caller, orderId, reason: null })),
    ask(caller, { _tag: "Everything" }),
    Effect.flatMap(Random.nextIntBetween(1, 60_000), (amount) => ask(admin, { _tag: "Amount", amount })),
    Effect.ignore(reviewOne(order))
  ]
}

const buying = Effect.gen(function* () {
  const userId = (yield* pick(buyers)) ?? demo.buyerId
  const offer = (yield* pick(offers)) ?? "general"
  const quantity = offer === "last seat" ? 1 : yield* Random.nextIntBetween(1, 4)
  yield* createFor(buyer(userId), [[quantity, offer]])
})

/** Somebody does something; whether it works out is not their concern here. */
const act = Effect.gen(function* () {
  const roll = yield* Random.nextIntBetween(0, 99)
  const order = yield* anyOrder
  if (roll < 30 || order === undefined) yield* buying
  else if (roll < 36) yield* sweepExpiry
  else if (roll < 46) yield* sweepWork
  else if (roll < 48) yield* sweepCompletion
  else if (roll < 49) yield* cancelEvent(demo.soonEventId)
  else yield* (yield* pick(actionsOn(order))) ?? Effect.void
}).pipe(Effect.ignoreCause)

const waits = [0, 0, 0, 1, 5, 30, 60, 300, 900, 1200]

/** One history: so many actions, side by side as they come, then peace. */
const history = Effect.fnUntraced(function* (seed: number, actions: number, weather: Weather) {
  const faults = yield* ScriptedFaults
  const services = yield* MemoryServices
  yield* faults.roll(planOf(seed, weather))
  const running: Array<Fiber.Fiber<void>> = []
  for (let n = 0; n < actions; n++) {
    const fiber = yield* Effect.forkChild(act)
    running.push(fiber)
    // Some clients hang up in the middle: the work goes on without them.
    if ((yield* Random.nextIntBetween(0, 9)) === 0) {
      yield* Effect.yieldNow
      yield* Effect.forkChild(Fiber.interrupt(fiber))
    }
    if ((yield* Random.nextIntBetween(0, 2)) > 0) yield* settleDown
    if ((yield* Random.nextIntBetween(0, 9)) === 0) {
      const outcome = (yield* pick(["pending", "failed"] as const)) ?? "pending"
      yield* Ref.update(services.refundOutcomes, (known) => [...known, outcome])
    }
    const seconds = (yield* pick(waits)) ?? 0
    if (seconds > 0) yield* TestClock.adjust(`${seconds} seconds`)
  }
  const during = yield* breaksNow
  yield* faults.heal
  yield* Ref.set(services.refundOutcomes, [])
  // Everybody who still waits has given up.
  yield* Effect.forEach(running, Fiber.interrupt, { discard: true })
  const hits = yield* Effect.forEach([...storeOperations, ...serviceOperations], faults.hits)
  const rounds = yield* Effect.orDie(comeToRest)
  const { orders } = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
  const states = new Map<string, number>()
  for (const { status } of HashMap.values(orders)) states.set(status, (states.get(status) ?? 0) + 1)
  const outcome: Outcome = {
    seed,
    breaks: [...during, ...(yield* breaksAtRest)],
    states,
    faults: hits.reduce((sum, count) => sum + count, 0),
    rounds
  }
  return outcome
})

interface Plan {
  readonly actions: number
  readonly weather: Weather
}

const inWorldOfItsOwn = Effect.fnUntraced(function* (seed: number, { actions, weather }: Plan) {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(layer, scope)
  const outcome = yield* Effect.provideContext(history(seed, actions, weather), context)
  // Closing waits for running work by the clock.
  yield* onClock(Scope.close(scope, Exit.void))
  return outcome
})

/** Plays the history of one seed in a world of its own. */
export const simulate = (seed: number, plan: Partial<Plan> = {}): Effect.Effect<Outcome> =>
  inWorldOfItsOwn(seed, { actions: 60, weather: stormy, ...plan }).pipe(
    Random.withSeed(`simulation ${seed}`),
    // A clock of its own: histories that follow one another do not begin where the last one ended.
    Effect.provide(TestClock.layer()),
    Effect.withTracerEnabled(false),
    knowingIdle
  )
