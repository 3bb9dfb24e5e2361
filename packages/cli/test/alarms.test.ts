/** What waits for a person, as the command shows it. */
import { assert, describe, it } from "@effect/vitest"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Effect, Option, Schema } from "effect"
import { jsonOf, orders, world } from "./support/commandLine.ts"

const { tenantId } = demo

/** An open alarm of the demo's tenant, one that is over, one of another tenant, and one of the installation. */
const scene = Effect.gen(function* () {
  const { clear, raise } = yield* Alarms
  const other = yield* freshBuyer
  yield* raise({ kind: "PAYMENT_REVIEW", tenantId, subject: "over", detail: "it was paid late" })
  yield* clear({ kind: "PAYMENT_REVIEW", tenantId, subject: "over" })
  yield* raise({ kind: "WORK_REFUSED", tenantId, subject: "work", detail: "it says\u001b[2J no" })
  yield* raise({ kind: "WORK_REFUSED", tenantId: other.tenantId, subject: "foreign", detail: "no" })
  yield* raise({ kind: "INVARIANT_BROKEN", tenantId: null, subject: "I07", detail: "one order" })
})

const Listed = Schema.Struct({
  alarms: Schema.Array(
    Schema.Struct({
      kind: Schema.String,
      tenantId: Schema.NullOr(Schema.String),
      subject: Schema.String,
      detail: Schema.String,
      seen: Schema.Int,
      raisedAt: Schema.String,
      seenAt: Schema.String,
      clearedAt: Schema.NullOr(Schema.String)
    })
  )
})

const subjectsOf = Effect.fnUntraced(function* (argv: ReadonlyArray<string>) {
  // Nobody's tenant is needed for a look at all of them.
  const outcome = yield* orders(["alarms", "-o", "json", ...argv], {
    backend: { defaultTenant: Effect.succeed(Option.none()) }
  })
  assert.deepStrictEqual([outcome.code, outcome.stderr], [0, ""])
  return (yield* jsonOf(Listed, outcome)).alarms.map(({ subject }) => subject)
})

describe("orders alarms", () => {
  it.effect("lists open alarms of everybody and of the installation, or of one tenant, or of one kind", () =>
    Effect.gen(function* () {
      yield* scene
      assert.deepStrictEqual(yield* subjectsOf([]), ["I07", "foreign", "work"])
      assert.deepStrictEqual(yield* subjectsOf(["--tenant", tenantId]), ["work"])
      assert.deepStrictEqual(yield* subjectsOf(["--tenant", tenantId, "--all"]), ["work", "over"])
      assert.deepStrictEqual(yield* subjectsOf(["--kind", "WORK_REFUSED", "--limit", "1"]), ["foreign"])
    }).pipe(Effect.provide(world))
  )

  it.effect("prints a table that does not drive the terminal, and says when there is none", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* orders(["alarms"]), { code: 0, stdout: "", stderr: "orders: no alarms" })
      yield* scene
      const { stdout } = yield* orders(["alarms", "--tenant", tenantId])
      const [header = "", row = ""] = stdout.split("\n")
      assert.match(header, /^KIND +TENANT +SUBJECT +SINCE +OVER +DETAIL$/)
      assert.match(
        row,
        new RegExp(`^WORK_REFUSED +${tenantId} +work +1970-01-01T00:00:00.000Z +- +it says\\?\\[2J no$`)
      )
    }).pipe(Effect.provide(world))
  )
})
