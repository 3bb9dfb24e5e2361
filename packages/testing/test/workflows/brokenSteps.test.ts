/**
 * Every call that a flow makes, broken on purpose: it fails before or after its effect, hangs, is refused or arrives
 * twice. Whatever broke, the world comes to rest with the flow done or cleanly given up, and no invariant broken.
 *
 * The calls are not listed by hand: the flow is run once in fair weather and counted, so a new call is broken too.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, HashMap, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Order } from "@tickettoken/order-domain/Order"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { reserveOrder } from "@tickettoken/order-domain/workflows/ReserveOrder"
import { breaksAtRest } from "@tickettoken/order-testing/invariantsMemory"
import { MemoryWorld } from "@tickettoken/order-testing/memory/MemoryWorld"
import {
  type Fault,
  type Operation,
  ScriptedFaults,
  serviceOperations,
  storeOperations
} from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import {
  buyer,
  cancelEvent,
  comeToRest,
  createFor,
  layer,
  onClock,
  pay,
  paymentService,
  settleDown,
  sweepExpiry,
  sweepWork
} from "@tickettoken/order-testing/scenarioActors"

const TIMEOUT_MILLIS = 120_000

/** The one order of the world, if its creation came so far. */
const theOrder = Effect.gen(function* () {
  const { orders } = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
  const [order] = HashMap.toValues(orders)
  return order
})

/** A client waits for half a minute and then hangs up; what it is answered is not looked at. */
const patiently = <A, E, R>(request: Effect.Effect<A, E, R>) =>
  onClock(Effect.exit(Effect.timeoutOption(request, "30 seconds")))

/** Somebody does something with the order, if there is one. */
const then = <E, R>(act: (order: Order) => Effect.Effect<unknown, E, R>) =>
  Effect.gen(function* () {
    const order = yield* theOrder
    if (order !== undefined) yield* patiently(act(order))
    yield* settleDown
  })

const buys = Effect.andThen(patiently(createFor(buyer(), [[2, "general"]])), settleDown)

/** What the request left undone is taken up by the sweeper once its lease has run out. */
const sweeps = Effect.gen(function* () {
  yield* TestClock.adjust("12 seconds")
  yield* patiently(sweepWork)
  yield* settleDown
})

const pays = then((order) => (order.intent === null ? Effect.void : pay(order.intent.id)))

const confirms = then(({ id, intent }) =>
  intent === null ? Effect.void : confirmOrder({ caller: paymentService, orderId: id, paymentIntentId: intent.id })
)

const cancels = then(({ id, userId }) => cancelOrder({ caller: buyer(userId), orderId: id, reason: null }))
const reserves = then(({ id, userId }) => reserveOrder({ caller: buyer(userId), orderId: id }))
const expires = Effect.andThen(patiently(sweepExpiry), settleDown)

const bought = Effect.andThen(buys, sweeps)
const confirmed = Effect.andThen(Effect.andThen(bought, pays), Effect.andThen(confirms, sweeps))

const pastGrace = TestClock.adjust("18 minutes")

/**
 * Each flow with the states in which its order may end: REFUNDED where its tickets were refused after it was paid. An
 * order that was never created is a clean end too.
 */
const flows = {
  "buying and paying": { run: confirmed, ends: ["CONFIRMED", "REFUNDED", "CANCELLED", "EXPIRED"] },
  "buying and leaving": { run: Effect.andThen(bought, pastGrace), ends: ["CANCELLED", "EXPIRED"] },
  "renewing and paying": {
    run: Effect.andThen(Effect.andThen(bought, reserves), Effect.andThen(pays, confirms)),
    ends: ["CONFIRMED", "REFUNDED", "CANCELLED", "EXPIRED"]
  },
  "cancelling before paying": { run: Effect.andThen(bought, cancels), ends: ["CANCELLED", "EXPIRED"] },
  "cancelling while paying": {
    run: Effect.andThen(Effect.andThen(bought, pays), cancels),
    ends: ["REFUNDED", "CONFIRMED", "CANCELLED", "EXPIRED"]
  },
  "cancelling after paying": {
    run: Effect.andThen(confirmed, cancels),
    ends: ["REFUNDED", "CONFIRMED", "CANCELLED", "EXPIRED"]
  },
  "paying late": {
    run: Effect.andThen(
      Effect.andThen(Effect.andThen(bought, pastGrace), expires),
      Effect.andThen(Effect.andThen(sweeps, pays), confirms)
    ),
    ends: ["CONFIRMED", "CANCELLED", "EXPIRED"]
  },
  "expiring a paid order that nobody told of": {
    run: Effect.andThen(Effect.andThen(bought, pays), Effect.andThen(pastGrace, expires)),
    ends: ["CONFIRMED", "REFUNDED", "CANCELLED", "EXPIRED"]
  },
  "cancelling the event": {
    run: Effect.andThen(confirmed, Effect.andThen(patiently(cancelEvent(demo.eventId)), settleDown)),
    ends: ["REFUNDED", "CONFIRMED", "CANCELLED", "EXPIRED"]
  }
} as const

const operations: ReadonlyArray<Operation> = [...storeOperations, ...serviceOperations]

const isService = (operation: Operation): boolean => serviceOperations.some((name) => name === operation)

/** A database does not answer no, and its adapter bounds how long it may take. */
const faultsOf = (operation: Operation): ReadonlyArray<Fault> =>
  isService(operation)
    ? ["failBefore", "failAfter", "hang", "hangAfter", "refuse", "repeat"]
    : ["failBefore", "failAfter"]

/** A world of its own for one run; closing it waits for its work by the clock. */
const inFreshWorld = Effect.fnUntraced(function* <A, E>(run: Effect.Effect<A, E, Layer.Success<typeof layer>>) {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(layer, scope)
  const result = yield* Effect.provideContext(run, context)
  yield* onClock(Scope.close(scope, Exit.void))
  return result
})

/** How often the flow makes each call when nothing is wrong. */
const countCalls = (flow: (typeof flows)[keyof typeof flows]) =>
  inFreshWorld(
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      yield* flow.run
      return yield* Effect.forEach(operations, (operation) =>
        Effect.map(faults.calls(operation), (calls) => ({ operation, calls }))
      )
    })
  )

/** A call is broken once, and once more when it is tried again. */
const inARow = [1, 2]

/** Runs the flow with its nth call of an operation broken, so often in a row, and says what is wrong afterwards. */
const breakOne = (
  flow: (typeof flows)[keyof typeof flows],
  { fault, nth, operation, times }: { operation: Operation; nth: number; fault: Fault; times: number }
) =>
  inFreshWorld(
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const script = Array.from({ length: nth - 1 + times }, (_, at) => (at < nth - 1 ? "pass" : fault))
      yield* faults.next(operation, ...script)
      yield* flow.run
      const hits = yield* faults.hits(operation)
      yield* faults.heal
      yield* Effect.orDie(comeToRest)
      const order = yield* theOrder
      const end = order?.status
      const ends: ReadonlyArray<string | undefined> = [...flow.ends, undefined]
      return [
        ...(hits === 0 ? ["the fault has not fired"] : []),
        ...(ends.includes(end) ? [] : [`the order ended ${end}`]),
        ...(yield* breaksAtRest)
      ].map((what) => `${operation} #${nth} ${fault} x ${times}: ${what}`)
    })
  )

describe("a step that breaks", () => {
  for (const [name, flow] of Object.entries(flows)) {
    it.effect(
      `leaves nothing behind when ${name}`,
      () =>
        Effect.gen(function* () {
          const counts = yield* countCalls(flow)
          const wrong: Array<string> = []
          let broken = 0
          for (const { calls, operation } of counts) {
            for (let nth = 1; nth <= calls; nth++) {
              for (const fault of faultsOf(operation)) {
                for (const times of inARow) {
                  wrong.push(...(yield* breakOne(flow, { operation, nth, fault, times })))
                  broken++
                }
              }
            }
          }
          assert.strictEqual(wrong.join("\n"), "")
          assert.isAbove(broken, 60)
        }),
      TIMEOUT_MILLIS
    )
  }
})
