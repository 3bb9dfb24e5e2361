/** A backlog of jobs and a payment service that is too slow: buyers do not wait for them, and stock is not kept for ever. */
import { assert, describe, it } from "@effect/vitest"
import { systemActor } from "@tickettoken/order-domain/Actor"
import { TicketPricingId, TicketTypeId } from "@tickettoken/order-domain/Ids"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { REQUEST_LANE, WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { bulkCancelEvent } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { createOrder, type CreateOrderInput } from "@tickettoken/order-domain/workflows/CreateOrder"
import { expireDueOrders } from "@tickettoken/order-domain/workflows/ExpireOrder"
import * as MemoryLayer from "@tickettoken/order-testing/memory/MemoryLayer"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"

const core = () => WorkExecutor.layer.pipe(Layer.provideMerge(MemoryLayer.layerWith({})))

const general = {
  ticketTypeId: TicketTypeId.make("33333333-3333-4333-8333-333333333331"),
  ticketPricingId: TicketPricingId.make("44444444-4444-4444-8444-444444444441")
}
const free = {
  ticketTypeId: TicketTypeId.make("33333333-3333-4333-8333-333333333334"),
  ticketPricingId: TicketPricingId.make("44444444-4444-4444-8444-444444444444")
}

const order = (
  line: typeof general,
  { currency, eventId }: Pick<CreateOrderInput, "eventId" | "currency"> = { eventId: demo.eventId, currency: "USD" }
) =>
  Effect.flatMap(randomUuid, (id) =>
    createOrder({
      caller: { tenantId: demo.tenantId, actor: { kind: "user", id, ip: null }, vip: false },
      eventId,
      items: [{ ...line, quantity: 1 }],
      currency,
      metadata: {}
    })
  )

/** Lets everything that can run without time passing run: calls of the in-memory ports give way a few times each. */
const atOnce = Effect.forEach(Array.from({ length: 200 }), () => Effect.yieldNow, { discard: true })

/** Lets time pass a second at a time, so that what runs in between is seen at the instant at which it runs. */
const pass = (seconds: number) =>
  Effect.forEach(Array.from({ length: seconds }), () => Effect.andThen(atOnce, TestClock.adjust("1 second")), {
    discard: true
  })

/** Runs what is due every ten seconds, as the sweeper does. */
const sweepFor = (minutes: number) =>
  Effect.gen(function* () {
    const queue = yield* WorkQueue
    const executor = yield* WorkExecutor
    for (let round = 0; round < minutes * 6; round += 1) {
      const running = yield* Effect.forkChild(Effect.flatMap(queue.claimDue(16), executor.runInBackground))
      yield* pass(10)
      yield* Fiber.join(running)
    }
  })

describe("a backlog of expiries at a payment service that hangs", () => {
  it.effect("does not keep a buyer waiting", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      yield* Effect.forEach(Array.from({ length: 40 }), () => order(general), { discard: true })
      yield* TestClock.adjust("18 minutes")
      yield* faults.always(["payments.getIntent"], "hang")
      const backlog = yield* Effect.forkChild(expireDueOrders())
      yield* atOnce
      const bought = yield* order(free)
      assert.strictEqual(bought.status, "CONFIRMED")
      assert.isAbove(yield* faults.hits("payments.getIntent"), 0)
      // The hanging steps end by themselves, so that the executor can close.
      yield* pass(60)
      yield* Fiber.join(backlog)
    }).pipe(Effect.provide(core()))
  )

  it.effect("3.5 ends after ten minutes of asking: the order expires", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const store = yield* OrderStore
      const pending = yield* order(general)
      yield* TestClock.adjust("18 minutes")
      yield* faults.always(["payments.getIntent"], "hang")
      const first = yield* Effect.forkChild(expireDueOrders())
      yield* pass(8)
      yield* Fiber.join(first)
      yield* sweepFor(5)
      const waiting = yield* store.load(demo.tenantId, pending.id)
      assert.strictEqual(waiting.order.status, "PENDING")
      yield* sweepFor(7)
      const ended = yield* store.load(demo.tenantId, pending.id)
      assert.strictEqual(ended.order.status, "EXPIRED")
      assert.isAbove(yield* faults.hits("payments.getIntent"), 1)
    }).pipe(Effect.provide(core()))
  )
})

describe("a bulk cancel at services that hang", () => {
  it.effect("does not keep a buyer waiting, and is finished by the sweeper", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const queue = yield* WorkQueue
      const count = 3 * REQUEST_LANE
      yield* Effect.forEach(Array.from({ length: count }), () => order(general), { discard: true })
      yield* faults.always(["payments.cancelIntent", "tickets.release"], "hang")
      const caller = { tenantId: demo.tenantId, actor: systemActor("organiser"), vip: false }
      const job = yield* Effect.forkChild(bulkCancelEvent({ caller, eventId: demo.eventId, reason: "rain" }))
      yield* pass(9)
      assert.isAtLeast(yield* faults.hits("payments.cancelIntent"), 8)
      const bought = yield* order(demo.euro, { eventId: demo.euroEventId, currency: "EUR" })
      assert.strictEqual(bought.status, "PENDING")
      yield* faults.heal
      yield* pass(60)
      const { succeeded } = yield* Fiber.join(job)
      assert.strictEqual(succeeded, count)
      yield* sweepFor(3)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* queue.claimDue(count), [])
    }).pipe(Effect.provide(core()))
  )
})

describe("a queue of requests at a payment service that hangs", () => {
  it.effect(
    "is left to the sweeper where it has outlived its leases: the lane is free for those who have just come",
    () =>
      Effect.gen(function* () {
        const faults = yield* ScriptedFaults
        yield* faults.always(["payments.openIntent"], "hang")
        // Two fill the lane for eight seconds each; the rest gets its place when its lease is over.
        const crowd = yield* Effect.forkChild(
          Effect.forEach(Array.from({ length: 4 * REQUEST_LANE }), () => Effect.exit(order(general)), {
            concurrency: "unbounded",
            discard: true
          })
        )
        yield* pass(20)
        assert.strictEqual(yield* faults.calls("tickets.hold"), 2 * REQUEST_LANE)
        yield* Fiber.join(crowd)
        yield* faults.heal
        const bought = yield* order(free)
        assert.strictEqual(bought.status, "CONFIRMED")
      }).pipe(Effect.provide(core()))
  )
})
