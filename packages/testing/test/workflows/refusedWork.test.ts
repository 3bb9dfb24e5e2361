/** Work that is refused for good, by a service or by its order, is a matter for people: an alarm tells of it for as long as it lasts. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, HashMap, Layer } from "effect"
import { Cents } from "@tickettoken/order-domain/Money"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { refusedDelay, WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { createOrder } from "@tickettoken/order-domain/workflows/CreateOrder"
import { expireDueOrders } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import * as MemoryLayer from "@tickettoken/order-testing/memory/MemoryLayer"
import { MemoryWorld } from "@tickettoken/order-testing/memory/MemoryWorld"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { onClock, stored } from "@tickettoken/order-testing/scenarioActors"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { buyerActor } from "@tickettoken/order-testing/TestOrders"
import { TestClock } from "effect/testing"

const ports = ControlsMemory.layer.pipe(Layer.provideMerge(MemoryLayer.layer))
const core = WorkExecutor.layer.pipe(Layer.provideMerge(ports))

const caller = { tenantId: demo.tenantId, actor: buyerActor(demo.buyerId), vip: false }

const reserve = createOrder({
  caller,
  eventId: demo.eventId,
  items: [{ ...demo.general, quantity: 2 }],
  currency: "USD",
  metadata: {}
})

const cancel = ({ id }: { readonly id: Parameters<typeof cancelOrder>[0]["orderId"] }) =>
  onClock(cancelOrder({ caller, orderId: id, reason: "changed my mind" }))

/** An order whose buyer has paid a cent too little and then cancels: VOID finds money that the order can not take. */
const mispaid = Effect.gen(function* () {
  const order = yield* onClock(reserve)
  if (order.intent === null) return yield* Effect.die("it costs something")
  const controls = yield* ServiceControls
  yield* controls.pay(order.intent.id, { amount: Cents.make(order.pricing.total - 1) })
  yield* cancel(order)
  return order
})

const kept = Effect.flatMap(Alarms, ({ list }) =>
  Effect.map(list({ tenantId: demo.tenantId, kind: null, cleared: true, limit: 10 }), (all) =>
    all.map(({ alarm, clearedAt, seen }) => [alarm.kind, alarm.subject, seen, clearedAt === null])
  )
)

const sweep = Effect.gen(function* () {
  const queue = yield* WorkQueue
  const executor = yield* WorkExecutor
  yield* onClock(Effect.flatMap(queue.claimDue(16), executor.runInBackground))
})

describe("work that the payment service refuses", () => {
  it.effect("3.5 keeps the hold for ten minutes, with an alarm from the first no, and expires then", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const order = yield* onClock(reserve)
      yield* faults.always(["payments.getIntent"], "refuse")
      yield* TestClock.adjust("17 minutes")
      yield* onClock(expireDueOrders())
      const { list } = yield* Alarms
      const [alarm] = yield* list({ tenantId: order.tenantId, kind: "WORK_REFUSED", cleared: false, limit: 10 })
      assert.match(
        alarm?.alarm.detail ?? "",
        /^EXPIRE of order .* was refused for good: refused by the payment service/
      )
      assert.strictEqual((yield* stored(order.id)).status, "PENDING")
      for (let minute = 1; minute <= 10; minute++) {
        yield* TestClock.adjust("1 minute")
        yield* sweep
      }
      assert.strictEqual((yield* stored(order.id)).status, "EXPIRED")
      assert.deepStrictEqual(yield* list({ tenantId: order.tenantId, kind: null, cleared: false, limit: 10 }), [])
      assert.strictEqual(yield* faults.hits("payments.getIntent"), 11)
    }).pipe(Effect.provide(core))
  )

  it("is tried as often as any other for ten minutes, then ever more seldom, and never given up", () => {
    assert.deepStrictEqual(
      [1, 20, 21, 22, 24, 25, 10_000].map((attempts) => Duration.toSeconds(refusedDelay(attempts))),
      [30, 30, 60, 120, 480, 900, 900]
    )
  })

  it.effect("4.7 has its alarm from the first no until the answer that comes at last", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const order = yield* onClock(reserve)
      yield* faults.always(["payments.cancelIntent"], "refuse")
      yield* cancel(order)
      const subject = `${order.id}:VOID:${(yield* stored(order.id)).version}`
      assert.deepStrictEqual(yield* kept, [["WORK_REFUSED", subject, 1, true]])
      yield* TestClock.adjust("30 seconds")
      yield* sweep
      assert.deepStrictEqual(yield* kept, [["WORK_REFUSED", subject, 2, true]])
      yield* faults.heal
      yield* TestClock.adjust("30 seconds")
      yield* sweep
      assert.deepStrictEqual(yield* kept, [["WORK_REFUSED", subject, 2, false]])
    }).pipe(Effect.provide(core))
  )
})

describe("work whose news the order refuses", () => {
  it.effect("3.6 raises an alarm, one however often it is told again", () =>
    Effect.gen(function* () {
      const order = yield* mispaid
      const { list } = yield* Alarms
      const [alarm] = yield* list({ tenantId: order.tenantId, kind: "WORK_REFUSED", cleared: false, limit: 10 })
      assert.match(alarm?.alarm.detail ?? "", /^VOID of order .* brought news that the order refuses: .*not 23338/)
      const subject = alarm?.alarm.subject
      assert.deepStrictEqual(yield* kept, [["WORK_REFUSED", subject, 1, true]])
      yield* TestClock.adjust("2 minutes")
      yield* sweep
      assert.deepStrictEqual(yield* kept, [["WORK_REFUSED", subject, 2, true]])
    }).pipe(Effect.provide(core))
  )

  it.effect("has its alarm ended by the attempt that succeeds", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const { raise } = yield* Alarms
      const order = yield* onClock(reserve)
      yield* faults.next("tickets.release", "failBefore")
      yield* cancel(order)
      const { work } = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
      const release = HashMap.toValues(work).find(({ item, state }) => item.work._tag === "RELEASE" && state === "TODO")
      if (release === undefined) return assert.fail("the first attempt has failed")
      yield* raise({ kind: "WORK_REFUSED", tenantId: order.tenantId, subject: release.item.id, detail: "no" })
      yield* TestClock.adjust("2 minutes")
      yield* sweep
      assert.deepStrictEqual(yield* kept, [["WORK_REFUSED", release.item.id, 1, false]])
    }).pipe(Effect.provide(core))
  )

  it.effect("is given back also when its alarm can not be kept", () => {
    const away = new ServiceUnavailable({ service: "database", why: "away", retryAfterSeconds: 1 })
    const mute = Layer.succeed(Alarms, {
      raise: () => Effect.fail(away),
      clear: () => Effect.fail(away),
      list: () => Effect.succeed([])
    })
    return Effect.gen(function* () {
      yield* mispaid
      const { work } = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
      const states = HashMap.toValues(work).map(({ item, state, why }) => [item.work._tag, state, why !== null])
      assert.deepInclude(states, ["VOID", "TODO", true])
    }).pipe(Effect.provide(WorkExecutor.layer.pipe(Layer.provide(mute), Layer.provideMerge(ports))))
  })
})
