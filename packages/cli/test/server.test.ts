/** The commands about the service itself, over a backend that only remembers. */
import { assert, describe, it } from "@effect/vitest"
import { CommandFailed } from "@tickettoken/order-cli/ExitCode"
import { Effect, Ref, Schema } from "effect"
import { jsonOf, orders, world } from "./support/commandLine.ts"

const RAN = new Date("2026-11-22T20:00:00.000Z")

const all = [
  { name: "0001_orders", ranAt: RAN },
  { name: "0002_work", ranAt: null }
]

const migrationStatus = Effect.succeed(all)

describe("orders migrate", () => {
  it.effect("says what it has run, and when nothing was pending", () =>
    Effect.gen(function* () {
      const ran = yield* Ref.make(0)
      const migrate = Effect.as(
        Ref.update(ran, (n) => n + 1),
        ["0002_work"]
      )
      const table = yield* orders(["migrate"], { backend: { migrate } })
      assert.deepStrictEqual(table, { code: 0, stdout: "MIGRATION\n0002_work", stderr: "" })
      const json = yield* orders(["migrate", "-o", "json"], { backend: { migrate } })
      const Ran = Schema.Struct({ ran: Schema.Array(Schema.String) })
      assert.deepStrictEqual(yield* jsonOf(Ran, json), { ran: ["0002_work"] })
      assert.strictEqual(yield* Ref.get(ran), 2)
      const nothing = yield* orders(["migrate"], { backend: { migrate: Effect.succeed([]) } })
      assert.deepStrictEqual(nothing, { code: 0, stdout: "", stderr: "orders: nothing is pending" })
    }).pipe(Effect.provide(world))
  )

  it.effect("lists the migrations with --status, and runs none", () =>
    Effect.gen(function* () {
      const migrate = Effect.die(new Error("it was run"))
      const table = yield* orders(["migrate", "--status"], { backend: { migrate, migrationStatus } })
      assert.deepStrictEqual(table, {
        code: 0,
        stdout: ["MIGRATION    RAN", "0001_orders  2026-11-22T20:00:00.000Z", "0002_work    pending"].join("\n"),
        stderr: ""
      })
      const json = yield* orders(["migrate", "--status", "-o", "json"], { backend: { migrate, migrationStatus } })
      const Status = Schema.Struct({
        migrations: Schema.Array(Schema.Struct({ name: Schema.String, ranAt: Schema.NullOr(Schema.String) }))
      })
      assert.deepStrictEqual(yield* jsonOf(Status, json), {
        migrations: [
          { name: "0001_orders", ranAt: "2026-11-22T20:00:00.000Z" },
          { name: "0002_work", ranAt: null }
        ]
      })
    }).pipe(Effect.provide(world))
  )

  it.effect("fails with the reason", () =>
    Effect.gen(function* () {
      const migrate = Effect.fail(new CommandFailed({ code: "denied", message: "not you" }))
      const outcome = yield* orders(["migrate"], { backend: { migrate } })
      assert.deepStrictEqual(outcome, { code: 4, stdout: "", stderr: "orders: not you" })
    }).pipe(Effect.provide(world))
  )
})

describe("orders serve", () => {
  it.effect("serves until it ends", () =>
    Effect.gen(function* () {
      const served = yield* Ref.make(false)
      const outcome = yield* orders(["serve"], { backend: { serve: Ref.set(served, true) } })
      assert.deepStrictEqual(outcome, { code: 0, stdout: "", stderr: "" })
      assert.isTrue(yield* Ref.get(served))
    }).pipe(Effect.provide(world))
  )
})
