/** The commands that check the whole installation, over a backend that only answers. */
import { assert, describe, it } from "@effect/vitest"
import type { CheckResult, Finding } from "@tickettoken/order-server/fsck/Fsck"
import { fixedId } from "@tickettoken/order-testing/TestOrders"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, Ref, Schema } from "effect"
import * as fs from "node:fs/promises"
import { jsonOf, orders, type RunOptions, world } from "./support/commandLine.ts"

const finding: Finding = {
  check: "I07",
  part: "expiry",
  tenantId: demo.tenantId,
  orderId: fixedId(1),
  subject: null,
  detail: "its deadline was yesterday"
}
const found: ReadonlyArray<CheckResult> = [
  { check: "I07", part: "expiry", notChecked: null, isTimedOut: false, findings: [finding] },
  {
    check: "I08",
    part: "tickets",
    notChecked: "without the journal of the ticket service",
    isTimedOut: false,
    findings: []
  }
]
const clean = found.map((result) => ({ ...result, findings: [] }))

const repairs = [{ finding, what: "expire it" }]

/** Finds one offender until it is put right; counts how often that was asked. */
const oneOffender = Effect.map(Ref.make(0), (repaired) => ({
  repaired,
  backend: {
    inspect: () => Effect.map(Ref.get(repaired), (n) => (n > 0 ? clean : found)),
    planRepairs: (findings) => Effect.succeed(findings.length > 0 ? repairs : []),
    repair: () =>
      Effect.as(
        Ref.update(repaired, (n) => n + 1),
        repairs
      )
  } satisfies RunOptions["backend"]
}))

const Printed = Schema.Struct({
  findings: Schema.Array(
    Schema.Struct({ check: Schema.String, orderId: Schema.String, fix: Schema.NullOr(Schema.String) })
  ),
  checked: Schema.Int,
  notChecked: Schema.Array(Schema.Struct({ check: Schema.String, why: Schema.String }))
})

describe("orders fsck", () => {
  it.effect("ends with 0 when nothing is found, and says what was not checked", () =>
    Effect.gen(function* () {
      const outcome = yield* orders(["fsck"], { backend: { inspect: () => Effect.succeed(clean) } })
      assert.deepStrictEqual(outcome, {
        code: 0,
        stdout: "",
        stderr: [
          "orders: 1 checks done, 0 offenders",
          "orders: I08 not checked without the journal of the ticket service"
        ].join("\n")
      })
    }).pipe(Effect.provide(world))
  )

  it.effect("ends with 1 and the list when something is found", () =>
    Effect.gen(function* () {
      const { backend, repaired } = yield* oneOffender
      const table = yield* orders(["fsck"], { backend })
      assert.strictEqual(table.code, 1)
      assert.match(
        table.stdout,
        /^CHECK +PART +TENANT +ORDER +SUBJECT +DETAIL +FIX\nI07 +expiry .* its deadline was yesterday +-$/
      )
      assert.include(table.stderr, "orders: 1 offenders found")
      const json = yield* orders(["fsck", "-o", "json"], { backend })
      assert.deepStrictEqual(yield* jsonOf(Printed, json), {
        findings: [{ check: "I07", orderId: fixedId(1), fix: null }],
        checked: 1,
        notChecked: [{ check: "I08", why: "without the journal of the ticket service" }]
      })
      assert.strictEqual(yield* Ref.get(repaired), 0)
    }).pipe(Effect.provide(world))
  )

  it.effect("ends with 1 when a check took too long: that is no clean run", () =>
    Effect.gen(function* () {
      const late: CheckResult = {
        check: "I23",
        part: "chain",
        notChecked: "because a statement took too long",
        isTimedOut: true,
        findings: []
      }
      const outcome = yield* orders(["fsck"], { backend: { inspect: () => Effect.succeed([...clean, late]) } })
      assert.strictEqual(outcome.code, 1)
      assert.include(outcome.stderr, "orders: I23 not checked because a statement took too long")
      assert.include(outcome.stderr, "orders: 1 checks were not done in time")
    }).pipe(Effect.provide(world))
  )

  it.effect("asks for what it is told: a tenant, some checks", () =>
    Effect.gen(function* () {
      const asked = yield* Ref.make<unknown>(null)
      const backend: RunOptions["backend"] = { inspect: (what) => Effect.as(Ref.set(asked, what), clean) }
      yield* orders(["fsck", "--tenant", demo.tenantId, "--check", "I07", "--check", "I13"], { backend })
      assert.deepStrictEqual(yield* Ref.get(asked), { tenantId: demo.tenantId, only: ["I07", "I13"] })
      assert.strictEqual((yield* orders(["fsck", "--check", "I99"], { backend })).code, 2)
    }).pipe(Effect.provide(world))
  )

  it.effect("says with --dry-run what --fix would do, and does nothing", () =>
    Effect.gen(function* () {
      const { backend, repaired } = yield* oneOffender
      const { code, stderr, stdout } = yield* orders(["fsck", "--fix", "--dry-run"], { backend })
      assert.strictEqual(code, 1)
      assert.match(stdout, /its deadline was yesterday +expire it$/)
      assert.include(stderr, "dry run: nothing was changed")
      assert.strictEqual(yield* Ref.get(repaired), 0)
    }).pipe(Effect.provide(world))
  )

  it.effect("puts right only after a yes, and shows what is left", () =>
    Effect.gen(function* () {
      const { backend, repaired } = yield* oneOffender
      assert.strictEqual((yield* orders(["fsck", "--fix"], { backend })).code, 2)
      assert.strictEqual((yield* orders(["fsck", "--fix"], { backend, typed: "no" })).code, 1)
      assert.strictEqual(yield* Ref.get(repaired), 0)
      const typed = yield* orders(["fsck", "--fix"], { backend, typed: "fix" })
      assert.deepStrictEqual([typed.code, yield* Ref.get(repaired)], [0, 1])
      assert.include(typed.stderr, "orders: 1 put right")
      // Nothing left to put right: nobody is asked.
      assert.strictEqual((yield* orders(["fsck", "--fix"], { backend })).code, 0)
    }).pipe(Effect.provide(world))
  )
})

describe("orders audit", () => {
  it.effect("verify names the rows, and ends with 1", () =>
    Effect.gen(function* () {
      const whole = yield* orders(["audit", "verify"])
      assert.deepStrictEqual(whole, { code: 0, stdout: "", stderr: "orders: every row is as it was written" })
      const broken = { tenantId: demo.tenantId, orderId: fixedId(1), version: 2, fault: "EDITED" } as const
      const { code, stderr, stdout } = yield* orders(["audit", "verify"], {
        backend: { verifyAudit: () => Effect.succeed([broken]) }
      })
      assert.strictEqual(code, 1)
      assert.match(stdout, new RegExp(`${demo.tenantId} +${fixedId(1)} +2 +EDITED$`))
      assert.include(stderr, "1 rows of the audit history are not as they were written")
    }).pipe(Effect.provide(world))
  )

  it.effect("anchor prints a text that verify --anchor reads back", () =>
    Effect.gen(function* () {
      const read = yield* Ref.make<unknown>(null)
      const backend: RunOptions["backend"] = {
        anchorAudit: () => Effect.succeed("an anchor\nof two lines"),
        verifyAudit: (asked) => Effect.as(Ref.set(read, asked.anchor), [])
      }
      const { stdout } = yield* orders(["audit", "anchor"], { backend })
      const folder = yield* Effect.promise(() => fs.mkdtemp("/tmp/orders-anchor-"))
      const file = `${folder}/anchor.txt`
      yield* Effect.promise(() => fs.writeFile(file, `${stdout}\n`))
      assert.strictEqual((yield* orders(["audit", "verify", "--anchor", file], { backend })).code, 0)
      assert.strictEqual(yield* Ref.get(read), "an anchor\nof two lines\n")
      assert.strictEqual((yield* orders(["audit", "verify", "--anchor", `${folder}/none`], { backend })).code, 2)
      yield* Effect.promise(() => fs.rm(folder, { recursive: true }))
    }).pipe(Effect.provide(world))
  )
})
