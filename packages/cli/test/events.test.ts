/** Cancelling a whole event: the dry run, the run, and a run in which something went wrong. */
import { assert, describe, it } from "@effect/vitest"
import { BulkSettings, bulkSettings } from "@tickettoken/order-domain/BulkJob"
import { MemoryWorld } from "@tickettoken/order-testing/memory/MemoryWorld"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, Schema } from "effect"
import { jsonOf, orders, world } from "./support/commandLine.ts"
import { buy, reload, reserve } from "./support/sale.ts"

const Plan = Schema.Struct({
  dryRun: Schema.Boolean,
  eventId: Schema.String,
  orders: Schema.Int,
  releases: Schema.Int,
  refunds: Schema.Int,
  refundCents: Schema.Record(Schema.String, Schema.Int),
  confirmationToken: Schema.String
})

const Results = Schema.Struct({
  eventId: Schema.String,
  total: Schema.Int,
  succeeded: Schema.Int,
  failed: Schema.Int,
  errors: Schema.Array(Schema.Struct({ orderId: Schema.String, orderNumber: Schema.String, error: Schema.String }))
})

/** An order that fails is not tried again. */
const onlyOnce = Effect.provideService(BulkSettings, { ...bulkSettings, attemptsMax: 1 })

describe("orders cancel-event --dry-run", () => {
  it.effect("5 counts orders and money, and writes nothing", () =>
    Effect.gen(function* () {
      yield* buy()
      yield* buy(1)
      yield* reserve()
      const memory = yield* MemoryWorld
      const before = yield* memory.snapshot
      const json = yield* orders(["cancel-event", demo.eventId, "--dry-run", "-o", "json"])
      assert.deepStrictEqual(yield* jsonOf(Plan, json), {
        dryRun: true,
        eventId: demo.eventId,
        orders: 3,
        releases: 1,
        refunds: 2,
        refundCents: { USD: 23_338 + 11_685 },
        confirmationToken: `${demo.tenantId}:${demo.eventId}:3:USD=35023`
      })
      const table = yield* orders(["cancel-event", demo.eventId, "--dry-run"])
      assert.deepStrictEqual(table, {
        code: 0,
        stdout: [
          "FIELD             VALUE",
          "orders to cancel  3",
          "holds to release  1",
          "refunds to make   2",
          "to return         350.23 USD",
          `confirmation      ${demo.tenantId}:${demo.eventId}:3:USD=35023`
        ].join("\n"),
        stderr: "orders: dry run: nothing was changed"
      })
      assert.strictEqual(yield* memory.snapshot, before)
    }).pipe(Effect.provide(world))
  )

  it.effect("5 counts nothing for an event without orders", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* orders(["cancel-event", demo.euroEventId, "--dry-run"])
      assert.strictEqual(code, 0)
      assert.include(stdout, "to return         nothing")
    }).pipe(Effect.provide(world))
  )
})

describe("orders cancel-event", () => {
  const cancelEvent = orders(["cancel-event", demo.eventId, "--yes", "-o", "json"])

  it.effect("5 cancels every order, returns all of the money and sells no more", () =>
    Effect.gen(function* () {
      const bought = yield* buy()
      const held = yield* reserve()
      const outcome = yield* cancelEvent
      assert.deepStrictEqual(yield* jsonOf(Results, outcome), {
        eventId: demo.eventId,
        total: 2,
        succeeded: 2,
        failed: 0,
        errors: []
      })
      assert.deepStrictEqual([outcome.code, outcome.stderr], [0, ""])
      const refunded = yield* reload(bought)
      assert.deepStrictEqual(
        [refunded.status, refunded.refunds.map(({ amount, state }) => [amount, state])],
        ["REFUNDED", [[23_338, "COMPLETED"]]]
      )
      assert.strictEqual((yield* reload(held)).status, "CANCELLED")
      assert.strictEqual((yield* Effect.flip(reserve()))._tag, "EventCancelled")
      const { stdout } = yield* orders(["history", bought.id])
      assert.match(stdout, /ORDER_CANCELLED {2,}operator:maria /)
    }).pipe(Effect.provide(world))
  )

  it.effect("5 is a partial success when some orders fail; running it again does the rest", () =>
    Effect.gen(function* () {
      const first = yield* buy()
      const second = yield* buy()
      const faults = yield* ScriptedFaults
      yield* faults.next("store.commit", "failBefore")
      const outcome = yield* cancelEvent
      const { errors, failed, succeeded, total } = yield* jsonOf(Results, outcome)
      assert.deepStrictEqual([total, succeeded, failed], [2, 1, 1])
      assert.deepStrictEqual(
        errors.map(({ error, orderId }) => [orderId === first.id || orderId === second.id, error]),
        [[true, "the database service is not available: store.commit did not happen"]]
      )
      assert.strictEqual(outcome.code, 5)
      assert.match(outcome.stderr, /^orders: 1 of 2 orders could not be cancelled; run it again$/m)
      assert.notMatch(outcome.stderr, /\n\s+at /)
      const again = yield* cancelEvent
      assert.deepStrictEqual([again.code, (yield* jsonOf(Results, again)).total], [0, 1])
    }).pipe(onlyOnce, Effect.provide(world))
  )

  it.effect("5 is a failure when none could be cancelled, and lists them in the table", () =>
    Effect.gen(function* () {
      const order = yield* buy()
      const faults = yield* ScriptedFaults
      yield* faults.next("store.commit", "failBefore")
      const outcome = yield* orders(["cancel-event", demo.eventId, "--yes"])
      assert.strictEqual(outcome.code, 1)
      const [header = "", row = "", total = ""] = outcome.stdout.split("\n")
      assert.match(header, /^ORDER +NUMBER +RESULT$/)
      assert.strictEqual(
        row,
        `${order.id}  ${order.orderNumber}  failed: the database service is not available: store.commit did not happen`
      )
      assert.match(total, /^total +1 +0 cancelled, 1 failed$/)
    }).pipe(onlyOnce, Effect.provide(world))
  )

  it.effect("5 is a success when there is nothing to cancel", () =>
    Effect.gen(function* () {
      const outcome = yield* cancelEvent
      assert.deepStrictEqual([outcome.code, (yield* jsonOf(Results, outcome)).total], [0, 0])
    }).pipe(Effect.provide(world))
  )
})
