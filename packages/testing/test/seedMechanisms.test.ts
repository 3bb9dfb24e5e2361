/**
 * The mechanisms of the original specification that this service does not rely on, each with the interleaving that
 * breaks it: a lock with a time to live in Redis, the answer of a key that is stored after the commit, and a saga that
 * is rolled back from memory. Each is modelled in a few lines and does its damage; the same moments over our core do none.
 *
 * The services are the sandbox's own engines, so the damage is read from what has truly happened there.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Fiber, HashMap, Ref } from "effect"
import { TestClock } from "effect/testing"
import type { IdempotencyClaim } from "@tickettoken/order-domain/Idempotency"
import { OrderId } from "@tickettoken/order-domain/Ids"
import { isActive, type Order } from "@tickettoken/order-domain/Order"
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Cents } from "@tickettoken/order-domain/Money"
import { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import { Payments } from "@tickettoken/order-domain/ports/Payments"
import { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { breaksAtRest } from "@tickettoken/order-testing/invariantsMemory"
import { MemoryServices } from "@tickettoken/order-testing/memory/MemoryServices"
import { MemoryWorld } from "@tickettoken/order-testing/memory/MemoryWorld"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { stockRows } from "@tickettoken/order-testing/sandbox/TicketInventory"
import {
  buyer,
  comeToRest,
  createFor,
  layer,
  onClock,
  pay,
  paymentService,
  settleDown,
  stored
} from "@tickettoken/order-testing/scenarioActors"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"

/** Rule 3.12: the lock of the original specification lives this long. */
const LOCK_TTL_SECONDS = 30

/** A garbage collection, a stopped container, a laptop that was closed: longer than the lock lives. */
const PAUSE_SECONDS = 31

const intentOf = (order: Order) => order.intent?.id ?? assert.fail("the order has no intent")

/** `SET key owner NX EX 30`, and a release that compares the owner: the lock at its best. */
const makeRedisLock = Effect.map(Ref.make<{ readonly owner: string; readonly until: number } | null>(null), (cell) => ({
  acquire: (owner: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Ref.modify(cell, (held) =>
        held === null || held.until <= now
          ? ([true, { owner, until: now + LOCK_TTL_SECONDS * 1000 }] as const)
          : ([false, held] as const)
      )
    ),
  release: (owner: string) => Ref.update(cell, (held) => (held?.owner === owner ? null : held))
}))

/** Held and allocated tickets of a type, as the ticket service has them. */
const takenOf = (ticketTypeId: string) =>
  Effect.gen(function* () {
    const { tickets } = yield* MemoryServices
    const row = stockRows(yield* tickets.state).find(({ ticketType }) => ticketType.id === ticketTypeId)
    return (row?.held ?? 0) + (row?.allocated ?? 0)
  })

/** Intents that a buyer could still pay. */
const openIntents = Effect.gen(function* () {
  const { payments } = yield* MemoryServices
  const { intents } = yield* payments.state
  return HashMap.toValues(intents).filter(({ status }) => status === "requires_payment").length
})

const orders = Effect.map(
  Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot),
  (world) => HashMap.toValues(world.orders)
)

const atRest = Effect.gen(function* () {
  yield* Effect.orDie(comeToRest)
  return (yield* breaksAtRest).join("; ")
})

describe("a lock with a time to live", () => {
  it.effect("seed: its holder pauses past it, and two holders finish one order in two ways", () =>
    Effect.gen(function* () {
      const lock = yield* makeRedisLock
      const status = yield* Ref.make("RESERVED")
      const done = yield* Ref.make<ReadonlyArray<string>>([])
      /** Under the lock: read, ask a service, write what was decided upon what was read. */
      const holder = (owner: string, pauseSeconds: number, next: string) =>
        Effect.gen(function* () {
          assert.isTrue(yield* lock.acquire(owner))
          const read = yield* Ref.get(status)
          yield* Effect.sleep(Duration.seconds(pauseSeconds))
          if (read === "RESERVED") {
            yield* Ref.set(status, next)
            yield* Ref.update(done, (all) => [...all, next])
          }
          yield* lock.release(owner)
        })
      const paused = yield* Effect.forkChild(holder("confirm", PAUSE_SECONDS, "CONFIRMED"), { startImmediately: true })
      yield* TestClock.adjust(Duration.seconds(LOCK_TTL_SECONDS))
      yield* holder("cancel", 0, "CANCELLED")
      yield* TestClock.adjust(Duration.seconds(PAUSE_SECONDS))
      yield* Fiber.join(paused)
      // The tickets went back with the cancellation, and the order says that it has them.
      assert.deepStrictEqual(yield* Ref.get(done), ["CANCELLED", "CONFIRMED"])
      assert.strictEqual(yield* Ref.get(status), "CONFIRMED")
    })
  )

  it.effect("ours: the one that pauses decides again on what it finds, and the money goes back", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const order = yield* onClock(createFor(buyer(), [[1, "general"]]))
      yield* pay(intentOf(order))
      yield* faults.roll({
        rules: [{ operation: "payments.getIntent", latencyMs: { value: PAUSE_SECONDS * 1000, times: 1 } }]
      })
      const paused = yield* Effect.forkChild(
        Effect.exit(confirmOrder({ caller: paymentService, orderId: order.id, paymentIntentId: intentOf(order) })),
        { startImmediately: true }
      )
      yield* settleDown
      yield* TestClock.adjust(Duration.seconds(LOCK_TTL_SECONDS))
      assert.isUndefined(paused.pollUnsafe())
      yield* onClock(cancelOrder({ caller: buyer(), orderId: order.id, reason: null }))
      yield* onClock(Fiber.await(paused))
      assert.strictEqual(yield* atRest, "")
      assert.strictEqual((yield* stored(order.id)).status, "REFUNDED")
      assert.strictEqual(yield* takenOf(demo.general.ticketTypeId), 0)
    }).pipe(Effect.provide(layer))
  )
})

const claim: IdempotencyClaim = {
  tenantId: demo.tenantId,
  principal: demo.buyerId,
  operation: "create",
  key: "phone-1",
  fingerprint: "the same body"
}

describe("the answer of a key that is stored after the commit", () => {
  it.effect("seed: a crash between the two makes a second order of the same request", () =>
    Effect.gen(function* () {
      const redis = yield* Ref.make<ReadonlyMap<string, OrderId>>(new Map())
      const handle = (crashes: boolean) =>
        Effect.gen(function* () {
          const known = (yield* Ref.get(redis)).get(claim.key)
          if (known !== undefined) return known
          // The order commits; the process dies before Redis learns of it.
          const { id } = yield* createFor(buyer(), [[1, "general"]])
          if (crashes) return null
          yield* Ref.update(redis, (all) => new Map([...all, [claim.key, id]]))
          return id
        })
      yield* onClock(handle(true))
      yield* onClock(handle(false))
      assert.strictEqual((yield* orders).filter(isActive).length, 2)
      assert.strictEqual(yield* openIntents, 2)
    }).pipe(Effect.provide(layer))
  )

  it.effect("ours: the key is a row of the order's own transaction, and the repetition finds the first order", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const keys = yield* IdempotencyKeys
      // Committed, and nobody hears of it: neither the work nor the answer follows.
      yield* faults.next("store.create", "failAfter")
      const first = yield* Effect.flip(onClock(createFor(buyer(), [[1, "general"]], { claim })))
      assert.strictEqual(first._tag, "ServiceUnavailable")
      assert.strictEqual(yield* faults.hits("store.create"), 1)
      const again = yield* Effect.flip(onClock(createFor(buyer(), [[1, "general"]], { claim })))
      assert.strictEqual(again._tag, "IdempotencyConflict")
      const [only, ...more] = yield* orders
      assert.lengthOf(more, 0)
      assert.deepStrictEqual(yield* keys.lookup(claim), { _tag: "Running", orderId: only?.id ?? null })
      // The sweeper finishes what the request had begun.
      assert.strictEqual(yield* atRest, "")
      assert.strictEqual((yield* orders).length, 1)
    }).pipe(Effect.provide(layer))
  )
})

describe("a saga that is rolled back from memory", () => {
  it.effect("seed: a crash in the middle of the rollback leaves a hold and an intent that nobody names", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const tickets = yield* Tickets
      const payments = yield* Payments
      const orderId = OrderId.make(yield* randomUuid)
      const { tenantId } = demo
      const { ticketPricingId, ticketTypeId } = demo.general
      const holdUntil = DateTime.add(yield* DateTime.now, { minutes: 15 })
      /** Reserve, open the intent, and only then write the order; undo in reverse if that fails. */
      const saga = Effect.gen(function* () {
        const lines = [{ ticketTypeId, ticketPricingId, quantity: 2 }]
        yield* tickets.hold({ tenantId, orderId, key: `${orderId}:hold` }, demo.eventId, lines, holdUntil)
        const intent = yield* payments.openIntent({
          tenantId,
          orderId,
          key: `${orderId}:intent`,
          userId: demo.buyerId,
          amount: Cents.make(23_338),
          currency: "USD"
        })
        const insert = Effect.fail(
          new ServiceUnavailable({ service: "database", why: "the connection failed", retryAfterSeconds: 1 })
        )
        yield* Effect.catch(insert, () =>
          Effect.andThen(
            payments.cancelIntent(tenantId, intent.id, `${orderId}:undo-intent`),
            tickets.release({ tenantId, orderId, key: `${orderId}:undo-hold` }, null)
          )
        )
      })
      // The process dies with its memory while it waits for the first undo.
      yield* faults.next("payments.cancelIntent", "hang")
      const process = yield* Effect.forkChild(saga, { startImmediately: true })
      yield* settleDown
      yield* Fiber.interrupt(process)
      assert.strictEqual(yield* faults.hits("payments.cancelIntent"), 1)
      // Nothing is left that names them: no row for a sweeper, no order for an operator.
      assert.deepStrictEqual(yield* orders, [])
      assert.strictEqual(yield* takenOf(ticketTypeId), 2)
      assert.strictEqual(yield* openIntents, 1)
    }).pipe(Effect.provide(layer))
  )

  it.effect("ours: the order's row comes first, the undo is rows of work, and another process finishes it", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      // The intent can not be opened, and the process dies with the release unanswered.
      yield* faults.next("payments.openIntent", "refuse")
      yield* faults.next("tickets.release", "hang")
      const request = yield* Effect.forkChild(Effect.exit(createFor(buyer(), [[2, "general"]])), {
        startImmediately: true
      })
      yield* onClock(Fiber.await(request))
      assert.strictEqual(yield* faults.hits("payments.openIntent"), 1)
      assert.strictEqual(yield* faults.hits("tickets.release"), 1)
      assert.strictEqual(yield* takenOf(demo.general.ticketTypeId), 2)
      assert.strictEqual(yield* atRest, "")
      assert.deepStrictEqual(
        (yield* orders).map(({ status }) => status),
        ["CANCELLED"]
      )
      assert.strictEqual(yield* takenOf(demo.general.ticketTypeId), 0)
      assert.strictEqual(yield* openIntents, 0)
    }).pipe(Effect.provide(layer))
  )
})
