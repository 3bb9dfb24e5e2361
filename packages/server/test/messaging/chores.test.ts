/** Relay and consumer as chores of a process: they run by themselves, and a process that stops leaves little unsent. */
import { assert, describe, it } from "@effect/vitest"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { emptyMetadata } from "@tickettoken/order-domain/Metadata"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { createOrder } from "@tickettoken/order-domain/workflows/CreateOrder"
import { EventBus } from "@tickettoken/order-domain/ports/EventBus"
import { executorLayer } from "@tickettoken/order-server/AppLayer"
import { Health } from "@tickettoken/order-server/http/Health"
import * as EventBusMemory from "@tickettoken/order-server/messaging/EventBusMemory"
import * as InboxConsumer from "@tickettoken/order-server/messaging/InboxConsumer"
import * as OutboxRelay from "@tickettoken/order-server/messaging/OutboxRelay"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import * as MemoryLayer from "@tickettoken/order-testing/memory/MemoryLayer"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, Exit, Fiber, Layer, References, Scope } from "effect"
import { TestClock } from "effect/testing"

const ports = Health.layer(Effect.succeed([])).pipe(
  Layer.provideMerge(EventBusMemory.layer),
  Layer.provideMerge(ControlsMemory.layer),
  Layer.provideMerge(MemoryLayer.layer),
  Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
)

const core = WorkExecutor.layer.pipe(Layer.provideMerge(ports))

const buyer = { tenantId: demo.tenantId, actor: { kind: "user", id: demo.buyerId, ip: null }, vip: false } as const

const create = createOrder({
  caller: buyer,
  eventId: demo.eventId,
  items: [{ ...demo.general, quantity: 2 }],
  currency: "USD",
  metadata: emptyMetadata
})

const sentTypes = Effect.flatMap(EventBusMemory.BusControls, ({ recent }) =>
  Effect.map(recent, (messages) => messages.map(({ type }) => type))
)

const created = ["order.created", "order.hold_granted", "order.payment_intent_opened"]

describe("the relay", () => {
  it.effect("takes nothing new once the process is stopping, and sends what is left at its end", () =>
    Effect.gen(function* () {
      const health = yield* Health
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(OutboxRelay.layer, scope)
      yield* create
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* sentTypes, created)
      yield* health.beginStop
      yield* create
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* sentTypes, created)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* sentTypes, [...created, ...created])
    }).pipe(Effect.provide(core))
  )

  it.effect("sends at its end also what the work leaves that the executor has just finished", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus
      const { beginStop } = yield* Health
      const faults = yield* ScriptedFaults
      const scope = yield* Scope.make()
      const process = yield* Layer.buildWithScope(executorLayer({ bus: Layer.succeed(EventBus, bus) }), scope)
      const last = yield* faults.stopNext("payments.openIntent")
      yield* Effect.forkChild(Effect.provideContext(create, process))
      yield* last.reached
      yield* beginStop
      const ending = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* last.letGo
      yield* Fiber.join(ending)
      assert.deepStrictEqual(yield* sentTypes, created)
    }).pipe(Effect.provide(ports))
  )

  it.effect("F15 sends what has waited while the bus was away, by itself", () =>
    Effect.gen(function* () {
      const { setUp } = yield* EventBusMemory.BusControls
      yield* setUp(false)
      yield* create
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(yield* sentTypes, [])
      yield* setUp(true)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* sentTypes, created)
    }).pipe(Effect.provide(OutboxRelay.layer.pipe(Layer.provideMerge(core))))
  )
})

describe("the consumer", () => {
  it.effect("K1 confirms an order whose payment comes over the bus, and tells of it", () =>
    Effect.gen(function* () {
      const { pending, send } = yield* EventBusMemory.BusControls
      const { pay } = yield* ServiceControls
      const store = yield* OrderStore
      const order = yield* create
      const paymentIntentId = order.intent?.id ?? assert.fail("the order has no intent")
      yield* pay(paymentIntentId)
      yield* send(
        JSON.stringify({
          specversion: "1.0",
          id: "m-1",
          source: "payment-service",
          type: "payment.succeeded",
          tenantid: order.tenantId,
          data: { orderId: order.id, paymentIntentId }
        })
      )
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* store.load(order.tenantId, order.id)).order.status, "CONFIRMED")
      assert.strictEqual(yield* pending, 0)
      assert.deepStrictEqual((yield* sentTypes).slice(3), ["order.payment_captured", "order.confirmed"])
    }).pipe(
      Effect.provide(
        Layer.mergeAll(OutboxRelay.layer, InboxConsumer.layer, InboxConsumer.layerDue).pipe(Layer.provideMerge(core))
      )
    )
  )
})
