/** What the commands that change one order do, print and leave behind. */
import { assert, describe, it } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { MemoryWorld } from "@tickettoken/order-testing/memory/MemoryWorld"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { fixedId } from "@tickettoken/order-testing/TestOrders"
import { Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { jsonOf, orders, world } from "./support/commandLine.ts"
import { buy, reload, reserve } from "./support/sale.ts"

/** Runs a command that must leave everything as it was. */
const changesNothing = Effect.fnUntraced(function* <A, E, R>(run: Effect.Effect<A, E, R>) {
  const memory = yield* MemoryWorld
  const before = yield* memory.snapshot
  const result = yield* run
  assert.strictEqual(yield* memory.snapshot, before)
  return result
})

/** Lets everything run that is ready. */
const nextTurn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

const Actors = Schema.Struct({
  events: Schema.Array(
    Schema.Struct({
      eventType: Schema.String,
      actor: Schema.Struct({ kind: Schema.String, id: Schema.String }),
      metadata: Schema.Record(Schema.String, Schema.Unknown)
    })
  )
})

/** Who did this to the order, and why. */
const doneBy = Effect.fnUntraced(function* (orderId: string, eventType: string) {
  const { events } = yield* jsonOf(Actors, yield* orders(["history", orderId, "-o", "json"]))
  return events
    .filter((event) => event.eventType === eventType)
    .map(({ actor, metadata }) => [`${actor.kind}:${actor.id}`, metadata["reason"]])
})

const Cancelled = Schema.Struct({
  orderId: Schema.String,
  status: Schema.String,
  refundStatus: Schema.String,
  currency: Schema.String,
  refund: Schema.NullOr(Schema.Struct({ amount: Schema.Int, status: Schema.String, retained: Schema.Int }))
})

const Quoted = Schema.Struct({ dryRun: Schema.Boolean, amount: Schema.Int, retained: Schema.Int })

describe("orders cancel", () => {
  it.effect("4.3 returns 228.08 of 233.38, waits for it and says so", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const outcome = yield* orders(["cancel", order.id, "--reason", "asked by phone", "--yes"])
      assert.deepStrictEqual(outcome.stdout.split("\n"), [
        "FIELD     VALUE",
        `order     ${order.id}`,
        `number    ${order.orderNumber}`,
        "status    REFUNDED",
        "refund    COMPLETED",
        "returned  228.08 USD COMPLETED"
      ])
      assert.deepStrictEqual([outcome.code, outcome.stderr], [0, ""])
      assert.deepStrictEqual(yield* doneBy(order.id, "ORDER_CANCELLED"), [["operator:maria", "asked by phone"]])
    }).pipe(Effect.provide(world))
  )

  it.effect("4.3 is JSON in minor units, and returns what its dry run said", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const dry = yield* changesNothing(orders(["cancel", order.id, "--reason", "asked", "--dry-run", "-o", "json"]))
      assert.deepStrictEqual(yield* jsonOf(Quoted, dry), { dryRun: true, amount: 22_808, retained: 530 })
      const done = yield* orders(["cancel", order.id, "--reason", "asked", "-y", "-o", "json"])
      assert.deepStrictEqual(yield* jsonOf(Cancelled, done), {
        orderId: order.id,
        status: "REFUNDED",
        refundStatus: "COMPLETED",
        currency: "USD",
        refund: { amount: 22_808, status: "COMPLETED", retained: 530 }
      })
    }).pipe(Effect.provide(world))
  )

  it.effect("returns nothing of what nobody has paid", () =>
    Effect.gen(function* () {
      const order = yield* reserve()
      const done = yield* orders(["cancel", order.id, "--reason", "asked", "-y", "-o", "json"])
      const { refund, refundStatus, status } = yield* jsonOf(Cancelled, done)
      assert.deepStrictEqual([status, refundStatus, refund], ["CANCELLED", "NOT_APPLICABLE", null])
    }).pipe(Effect.provide(world))
  )

  it.effect("shows the dry run as a table too", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const dry = yield* changesNothing(orders(["cancel", order.id, "--reason", "asked", "--dry-run"]))
      assert.deepStrictEqual(dry.stdout.split("\n").slice(3), [
        "would return  228.08 USD",
        "would keep    5.30 USD",
        "refundable    228.08 USD"
      ])
      assert.strictEqual(dry.stderr, "orders: dry run: nothing was changed")
    }).pipe(Effect.provide(world))
  )

  it.effect("cancels although the payment service is away, and says who goes on", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const faults = yield* ScriptedFaults
      yield* faults.always(["payments.cancelIntent", "payments.getIntent", "payments.refund"], "failBefore")
      const outcome = yield* orders(["cancel", order.id, "--reason", "asked", "--yes"])
      assert.strictEqual(outcome.code, 0)
      assert.strictEqual((yield* reload(order)).status, "CANCELLED")
      assert.include(outcome.stdout, "returned  228.08 USD APPROVED")
      assert.include(outcome.stderr, "orders: warn: REFUND will be tried again")
      assert.include(outcome.stderr, "orders: the refund is on its way: the running server goes on with it")
      assert.notMatch(outcome.stderr, /\n\s+at /)
    }).pipe(Effect.provide(world))
  )

  it.effect("ends although the payment service never answers", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const faults = yield* ScriptedFaults
      yield* faults.always(["payments.cancelIntent", "payments.getIntent", "payments.refund"], "hang")
      const running = yield* Effect.forkChild(orders(["cancel", order.id, "--reason", "asked", "--yes"]))
      // Second by second: each wait begins when the one before has ended.
      yield* Effect.repeat(Effect.andThen(TestClock.adjust("1 second"), nextTurn), {
        until: () => running.pollUnsafe() !== undefined,
        times: 120
      })
      const outcome = yield* Fiber.join(running)
      assert.strictEqual(outcome.code, 0)
      assert.include(outcome.stdout, "returned  228.08 USD APPROVED")
      assert.include(outcome.stderr, "the running server goes on with it")
    }).pipe(Effect.provide(world))
  )

  it.effect("refuses an order that has ended, and one that is not there", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const cancel = (id: string) => orders(["cancel", id, "--reason", "asked", "--yes"])
      yield* cancel(order.id)
      const again = yield* changesNothing(cancel(order.id))
      assert.deepStrictEqual(again, {
        code: 1,
        stdout: "",
        stderr: "orders: Cancel is not possible while the order is REFUNDED"
      })
      assert.strictEqual((yield* cancel(fixedId(1))).code, 3)
    }).pipe(Effect.provide(world))
  )
})

const Refunded = Schema.Struct({ orderId: Schema.String, amount: Schema.Int, status: Schema.String })

describe("orders refund", () => {
  it.effect("4.3 returns one ticket after the other: 113.89, then 114.19", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const one = ["refund", order.id, "--reason", "ill", "--item", `${order.items[0].id}:1`, "-o", "json"]
      const amounts: Array<number> = []
      for (const _ of [1, 2]) {
        const quoted = yield* jsonOf(Quoted, yield* changesNothing(orders([...one, "--dry-run"])))
        const { amount, status } = yield* jsonOf(Refunded, yield* orders([...one, "--yes"]))
        assert.deepStrictEqual([amount, status], [quoted.amount, "COMPLETED"])
        amounts.push(amount)
      }
      assert.deepStrictEqual(amounts, [11_389, 11_419])
      assert.deepStrictEqual(yield* doneBy(order.id, "REFUND_REQUESTED"), [
        ["operator:maria", "ill"],
        ["operator:maria", "ill"]
      ])
    }).pipe(Effect.provide(world))
  )

  it.effect("returns an amount, or all that the policy gives", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const part = yield* orders(["refund", order.id, "--reason", "goodwill", "--amount", "500", "--yes"])
      assert.include(part.stdout, "returned       5.00 USD\nstatus         COMPLETED")
      const rest = yield* orders(["refund", order.id, "--reason", "goodwill", "--yes", "-o", "json"])
      assert.strictEqual((yield* jsonOf(Refunded, rest)).amount, 22_308)
    }).pipe(Effect.provide(world))
  )

  it.effect("refuses more than there is, an amount and tickets at once, and tickets that are not in it", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const refund = (...flags: ReadonlyArray<string>) =>
        Effect.map(changesNothing(orders(["refund", order.id, "--reason", "x", "--yes", ...flags])), (outcome) => [
          outcome.code,
          outcome.stderr
        ])
      assert.deepStrictEqual(yield* refund("--amount", "30000"), [
        1,
        "orders: 30000 was asked for, 22808 can be refunded"
      ])
      const item = `${order.items[0].id}:1`
      assert.deepStrictEqual(yield* refund("--amount", "1", "--item", item), [
        2,
        "orders: say either --amount or --item"
      ])
      assert.strictEqual((yield* refund("--item", `${fixedId(1)}:1`))[0], 2)
      assert.strictEqual((yield* refund("--item", `${order.items[0].id}:3`))[0], 2)
    }).pipe(Effect.provide(world))
  )

  it.effect("says when a refund was refused by the bank", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const controls = yield* ServiceControls
      yield* controls.nextRefunds("failed")
      const outcome = yield* orders(["refund", order.id, "--reason", "ill", "--yes"])
      assert.include(outcome.stdout, "status         FAILED")
      assert.match(outcome.stderr, /orders: the payment service has refused the refund: /)
    }).pipe(Effect.provide(world))
  )
})

describe("orders expire", () => {
  it.effect("3.5 expires what has passed its deadline and grace, in the operator's name", () =>
    Effect.gen(function* () {
      const order = yield* reserve()
      const expire = orders(["expire", order.id, "--yes", "--actor", "jo"])
      const early = yield* changesNothing(expire)
      assert.deepStrictEqual([early.code, early.stdout], [1, ""])
      yield* TestClock.adjust("17 minutes")
      const late = yield* expire
      assert.strictEqual(late.code, 0)
      assert.include(late.stdout.split("\n"), "status          EXPIRED")
      assert.deepStrictEqual(yield* doneBy(order.id, "RESERVATION_EXPIRED"), [
        ["operator:jo", "expired by an operator"]
      ])
    }).pipe(Effect.provide(world))
  )

  it.effect("is JSON of the order", () =>
    Effect.gen(function* () {
      const order = yield* reserve()
      yield* TestClock.adjust("17 minutes")
      const Expired = Schema.Struct({ id: Schema.String, status: Schema.String, expiredAt: Schema.String })
      const done = yield* orders(["expire", order.id, "--yes", "-o", "json", "--tenant", demo.tenantId])
      assert.deepStrictEqual(yield* jsonOf(Expired, done), {
        id: order.id,
        status: "EXPIRED",
        expiredAt: "1970-01-01T00:17:00.000Z"
      })
    }).pipe(Effect.provide(world))
  )
})
