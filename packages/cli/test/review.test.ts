/** A person decides about refunds: what the three commands do, print and refuse. */
import { assert, describe, it } from "@effect/vitest"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { fixedId } from "@tickettoken/order-testing/TestOrders"
import { Effect } from "effect"
import { orders, world } from "./support/commandLine.ts"
import { buy, reload } from "./support/sale.ts"

/** Five General tickets, cancelled: 57026 go back, and that much waits for review. */
const largeCancel = Effect.gen(function* () {
  const order = yield* buy(5)
  yield* orders(["cancel", order.id, "--reason", "asked", "--yes"])
  const { refunds } = yield* reload(order)
  const [refund] = refunds
  return refund === undefined ? yield* Effect.die(new Error("no refund")) : { order, refund }
})

describe("orders refund-approve", () => {
  it.effect("4.5 carries out a refund that waited, and ends the order", () =>
    Effect.gen(function* () {
      const { order, refund } = yield* largeCancel
      assert.strictEqual(refund.state, "PENDING")
      const outcome = yield* orders(["refund-approve", order.id, refund.id, "--yes"])
      assert.deepStrictEqual([outcome.code, outcome.stderr], [0, ""])
      assert.include(outcome.stdout, "COMPLETED")
      assert.strictEqual((yield* reload(order)).status, "REFUNDED")
    }).pipe(Effect.provide(world))
  )

  it.effect("refuses one that is not waiting, one that does not exist, and to go on without a yes", () =>
    Effect.gen(function* () {
      const { order, refund } = yield* largeCancel
      assert.strictEqual((yield* orders(["refund-approve", order.id, refund.id])).code, 2)
      assert.strictEqual((yield* orders(["refund-approve", order.id, fixedId(7), "--yes"])).code, 3)
      yield* orders(["refund-approve", order.id, refund.id, "--yes"])
      const again = yield* orders(["refund-approve", order.id, refund.id, "--yes"])
      assert.strictEqual(again.code, 1)
      assert.include(again.stderr, "COMPLETED")
    }).pipe(Effect.provide(world))
  )
})

describe("orders refund-reject", () => {
  it.effect("4.5 keeps the money and the reason", () =>
    Effect.gen(function* () {
      const { order, refund } = yield* largeCancel
      const outcome = yield* orders(["refund-reject", order.id, refund.id, "--reason", "fraud", "--yes"])
      assert.strictEqual(outcome.code, 0)
      const [rejected] = (yield* reload(order)).refunds
      assert.deepStrictEqual([rejected?.state, rejected?.failureReason], ["REJECTED", "fraud"])
    }).pipe(Effect.provide(world))
  )
})

describe("orders refund-retry", () => {
  it.effect("4.6 sends a refused refund again, as a new attempt", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const order = yield* buy()
      yield* faults.next("payments.refund", "refuse")
      yield* orders(["refund", order.id, "--reason", "ill", "--yes"])
      const [failed] = (yield* reload(order)).refunds
      if (failed?.state !== "FAILED") return assert.fail("the refund was not refused")
      const outcome = yield* orders(["refund-retry", order.id, failed.id, "--yes"])
      assert.strictEqual(outcome.code, 0)
      const [done] = (yield* reload(order)).refunds
      assert.deepStrictEqual([done?.state, done?.attempt], ["COMPLETED", 2])
    }).pipe(Effect.provide(world))
  )
})
