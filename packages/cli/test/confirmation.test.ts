/** Nothing that can not be taken back happens without a yes. */
import { assert, describe, it } from "@effect/vitest"
import { MemoryWorld } from "@tickettoken/order-testing/memory/MemoryWorld"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { orders, world } from "./support/commandLine.ts"
import { buy, reload, reserve } from "./support/sale.ts"

/** A bought order, one whose hold has ended, and the commands that would end them. */
const scene = Effect.gen(function* () {
  const held = yield* reserve()
  yield* TestClock.adjust("17 minutes")
  const bought = yield* buy()
  return {
    bought,
    held,
    commands: [
      ["cancel", bought.id, "--reason", "asked"],
      ["refund", bought.id, "--reason", "asked"],
      ["expire", held.id],
      ["cancel-event", demo.eventId]
    ]
  }
})

describe("without a yes", () => {
  it.effect("nothing happens where nobody can be asked, and the way out is named", () =>
    Effect.gen(function* () {
      const { bought, commands, held } = yield* scene
      const memory = yield* MemoryWorld
      const before = yield* memory.snapshot
      const said: Array<string> = []
      for (const command of commands) {
        const { code, stderr, stdout } = yield* orders(command)
        assert.deepStrictEqual([code, stdout], [2, ""])
        said.push(stderr)
      }
      const wayOut = "? There is no terminal to ask at: use --yes"
      assert.deepStrictEqual(said, [
        `orders: Cancel ${bought.orderNumber} (CONFIRMED) and return 228.08 USD${wayOut}`,
        `orders: Return 228.08 USD of ${bought.orderNumber}${wayOut}`,
        `orders: Expire ${held.orderNumber} (PENDING)${wayOut}`,
        `orders: Close the event for good, cancel 2 orders and return 233.38 USD${wayOut}`
      ])
      assert.strictEqual(yield* memory.snapshot, before)
    }).pipe(Effect.provide(world))
  )

  it.effect("another answer than the one that is asked for changes nothing", () =>
    Effect.gen(function* () {
      const { bought, commands } = yield* scene
      const memory = yield* MemoryWorld
      const before = yield* memory.snapshot
      for (const command of commands) {
        for (const typed of ["", "y", "yes", bought.orderNumber.toLowerCase()]) {
          const { code, stderr, stdout } = yield* orders(command, { typed })
          assert.deepStrictEqual([code, stdout], [1, ""])
          assert.match(stderr, /\?\norders: not confirmed: nothing was changed$/)
        }
      }
      assert.strictEqual(yield* memory.snapshot, before)
    }).pipe(Effect.provide(world))
  )

  it.effect("Ctrl-C at the question ends the command as interrupted", () =>
    Effect.gen(function* () {
      const { commands } = yield* scene
      const memory = yield* MemoryWorld
      const before = yield* memory.snapshot
      for (const command of commands) {
        const { code, stdout } = yield* orders(command, { typed: "ORD-^C" })
        assert.deepStrictEqual([code, stdout], [130, ""])
      }
      assert.strictEqual(yield* memory.snapshot, before)
    }).pipe(Effect.provide(world))
  )
})

describe("with a yes", () => {
  it.effect("typing the order's number does it, with the question on stderr", () =>
    Effect.gen(function* () {
      const { bought, held } = yield* scene
      const cancelled = yield* orders(["cancel", bought.id, "--reason", "asked"], { typed: bought.orderNumber })
      assert.strictEqual(cancelled.code, 0)
      assert.strictEqual(cancelled.stderr, `Cancel ${bought.orderNumber} (CONFIRMED) and return 228.08 USD?`)
      assert.strictEqual((yield* reload(bought)).status, "REFUNDED")
      const expired = yield* orders(["expire", held.id], { typed: ` ${held.orderNumber} ` })
      assert.strictEqual(expired.code, 0)
      assert.strictEqual((yield* reload(held)).status, "EXPIRED")
    }).pipe(Effect.provide(world))
  )

  it.effect("typing the event's id cancels the event, an order's number does not", () =>
    Effect.gen(function* () {
      const { bought } = yield* scene
      const wrong = yield* orders(["cancel-event", demo.eventId], { typed: bought.orderNumber })
      assert.strictEqual(wrong.code, 1)
      assert.strictEqual((yield* reload(bought)).status, "CONFIRMED")
      const right = yield* orders(["cancel-event", demo.eventId], { typed: demo.eventId })
      assert.strictEqual(right.code, 0)
      assert.strictEqual((yield* reload(bought)).status, "REFUNDED")
    }).pipe(Effect.provide(world))
  )
})
