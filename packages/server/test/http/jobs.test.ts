/** The chores of a process: what they do, that nothing stops them, and that a stopping process takes nothing new. */
import { assert, describe, it } from "@effect/vitest"
import type { EventId } from "@tickettoken/order-domain/Ids"
import { isOpen, type Order } from "@tickettoken/order-domain/Order"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { systemActor } from "@tickettoken/order-domain/Actor"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { beginBulkCancel } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { createOrder } from "@tickettoken/order-domain/workflows/CreateOrder"
import { emptyMetadata } from "@tickettoken/order-domain/Metadata"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { Health } from "@tickettoken/order-server/http/Health"
import * as BulkJobFiber from "@tickettoken/order-server/jobs/BulkJobFiber"
import * as CompletionFiber from "@tickettoken/order-server/jobs/CompletionFiber"
import * as ExpiryFiber from "@tickettoken/order-server/jobs/ExpiryFiber"
import * as Sweeper from "@tickettoken/order-server/jobs/Sweeper"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import * as MemoryLayer from "@tickettoken/order-testing/memory/MemoryLayer"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, Layer, References } from "effect"
import { TestClock } from "effect/testing"

const core = WorkExecutor.layer.pipe(
  Layer.provideMerge(Health.layer(Effect.succeed([]))),
  Layer.provideMerge(ControlsMemory.layer),
  Layer.provideMerge(MemoryLayer.layer),
  Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
)

const world = Layer.mergeAll(ExpiryFiber.layer("1 minute"), Sweeper.layer).pipe(Layer.provideMerge(core))

const buyer = { tenantId: demo.tenantId, actor: { kind: "user", id: demo.buyerId, ip: null }, vip: false } as const

const createFor = (eventId: EventId, line: typeof demo.general) =>
  createOrder({
    caller: buyer,
    eventId,
    items: [{ ...line, quantity: 2 }],
    currency: "USD",
    metadata: emptyMetadata
  })

const create = createFor(demo.eventId, demo.general)

const statusOf = (order: Order) =>
  Effect.flatMap(OrderStore, (store) => store.load(order.tenantId, order.id)).pipe(Effect.map((stored) => stored.order))

describe("expiry", () => {
  it.effect("3.5 expires an order once its deadline and grace have passed, within its interval", () =>
    Effect.gen(function* () {
      const order = yield* create
      yield* TestClock.adjust("16 minutes")
      assert.isTrue(isOpen(yield* statusOf(order)))
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* statusOf(order)).status, "EXPIRED")
    }).pipe(Effect.provide(world))
  )

  it.effect("3.5 goes on after rounds that fail, and takes nothing once the process is stopping", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const health = yield* Health
      const order = yield* create
      yield* faults.always(["queue.claimExpired"], "failBefore")
      yield* TestClock.adjust("20 minutes")
      assert.isTrue(isOpen(yield* statusOf(order)))
      assert.isAbove(yield* faults.hits("queue.claimExpired"), 10)
      yield* faults.heal
      yield* health.beginStop
      const asked = yield* faults.calls("queue.claimExpired")
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(yield* faults.calls("queue.claimExpired"), asked)
      assert.isTrue(isOpen(yield* statusOf(order)))
    }).pipe(Effect.provide(world))
  )
})

describe("the sweeper", () => {
  it.effect("does what an outage has left behind, whoever left it", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const order = yield* create
      yield* faults.always(["tickets.allocate"], "failBefore")
      const controls = yield* ServiceControls
      const intent = order.intent?.id
      if (intent === undefined) return assert.fail("no intent")
      yield* controls.pay(intent)
      const service = { tenantId: demo.tenantId, actor: systemActor("test"), vip: false }
      yield* confirmOrder({ caller: service, orderId: order.id, paymentIntentId: intent })
      assert.strictEqual((yield* statusOf(order)).status, "PENDING")
      yield* TestClock.adjust("30 seconds")
      assert.isAbove(yield* faults.hits("tickets.allocate"), 2)
      yield* faults.heal
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* statusOf(order)).status, "CONFIRMED")
    }).pipe(Effect.provide(world))
  )

  it.effect("goes on after rounds that fail, and takes nothing once the process is stopping", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const health = yield* Health
      yield* faults.always(["queue.claimDue"], "failBefore")
      yield* TestClock.adjust("10 seconds")
      assert.isAbove(yield* faults.hits("queue.claimDue"), 5)
      yield* faults.heal
      yield* health.beginStop
      const asked = yield* faults.calls("queue.claimDue")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* faults.calls("queue.claimDue"), asked)
    }).pipe(Effect.provide(world))
  )
})

describe("bulk jobs", () => {
  it.effect("5 go on when the process that began them has died, and not once this one is stopping", () =>
    Effect.gen(function* () {
      const health = yield* Health
      const first = yield* create
      const second = yield* createFor(demo.soonEventId, demo.soon)
      yield* beginBulkCancel({ caller: buyer, eventId: demo.eventId, reason: "rain" })
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(isOpen(yield* statusOf(first)))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* statusOf(first)).status, "CANCELLED")
      yield* beginBulkCancel({ caller: buyer, eventId: demo.soonEventId, reason: "rain" })
      yield* health.beginStop
      yield* TestClock.adjust("1 minute")
      assert.isTrue(isOpen(yield* statusOf(second)))
    }).pipe(Effect.provide(BulkJobFiber.layer.pipe(Layer.provideMerge(core))))
  )
})

describe("completion", () => {
  it.effect("3.9 completes a confirmed order when its event is over", () =>
    Effect.gen(function* () {
      const controls = yield* ServiceControls
      // It begins in 12 hours and ends 3 hours later.
      const order = yield* createFor(demo.soonEventId, demo.soon)
      const intent = order.intent?.id
      if (intent === undefined) return assert.fail("no intent")
      yield* controls.pay(intent)
      const service = { tenantId: demo.tenantId, actor: systemActor("test"), vip: false }
      yield* confirmOrder({ caller: service, orderId: order.id, paymentIntentId: intent })
      yield* TestClock.adjust("14 hours")
      assert.strictEqual((yield* statusOf(order)).status, "CONFIRMED")
      yield* TestClock.adjust("62 minutes")
      assert.strictEqual((yield* statusOf(order)).status, "COMPLETED")
    }).pipe(Effect.provide(CompletionFiber.layer.pipe(Layer.provideMerge(core))))
  )
})
