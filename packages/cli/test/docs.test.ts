/** What docs/cli.md says is run as it stands there. */
import { assert, describe, it } from "@effect/vitest"
import { app } from "@tickettoken/order-cli/App"
import { exitCodes } from "@tickettoken/order-cli/ExitCode"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import * as path from "node:path"
import { jsonOf, orders, world } from "./support/commandLine.ts"
import { buy, reload, reserve } from "./support/sale.ts"

const page = readFileSync(path.join(import.meta.dirname, "../../../docs/cli.md"), "utf8")

interface Example {
  readonly line: string
  /** The `text` block that follows, if one does. */
  readonly output: string | undefined
}

const examples: ReadonlyArray<Example> = [...page.matchAll(/```sh\n([^`]*)```(?:\n\n```text\n([^`]*)\n```)?/g)].flatMap(
  ([, script = "", output]) => {
    const lines = script.split("\n").filter((line) => line.startsWith("orders "))
    return lines.map((line, at) => ({ line, output: at === lines.length - 1 ? output : undefined }))
  }
)

/** Splits as a shell does, as far as the page goes: words, and single quotes around more of them. */
const wordsOf = (line: string): ReadonlyArray<string> =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].slice(1).map(([, quoted, bare]) => quoted ?? bare ?? "")

const firstRefundOf = Effect.fnUntraced(function* (order: Parameters<typeof reload>[0]) {
  const [refund] = (yield* reload(order)).refunds
  return refund?.id ?? "no refund"
})

/** A shop with what the placeholders of the page stand for. */
const scene = Effect.gen(function* () {
  const lapsed = yield* reserve()
  yield* TestClock.adjust("17 minutes")
  const large = yield* buy(5)
  yield* orders(["cancel", large.id, "--reason", "a review is due", "--yes"])
  const refused = yield* buy()
  yield* Effect.flatMap(ScriptedFaults, (faults) => faults.next("payments.refund", "refuse"))
  yield* orders(["refund", refused.id, "--reason", "the bank says no", "--yes"])
  const cancelled = yield* orders(["cancel-event", demo.euroEventId, "--yes", "-o", "json"])
  const { jobId } = yield* jsonOf(Schema.Struct({ jobId: Schema.String }), cancelled)
  const order = yield* buy()
  const names: ReadonlyArray<readonly [string, string]> = [
    ["LAPSED_ORDER_ID", lapsed.id],
    ["LARGE_ORDER_ID", large.id],
    ["LARGE_REFUND_ID", yield* firstRefundOf(large)],
    ["REFUSED_ORDER_ID", refused.id],
    ["REFUSED_REFUND_ID", yield* firstRefundOf(refused)],
    ["JOB_ID", jobId],
    ["ORDER_ID", order.id],
    ["ORDER_NUMBER", order.orderNumber],
    ["ITEM_ID", order.items[0].id]
  ]
  return {
    filledIn: (text: string) => names.reduce((known, [name, value]) => known.replaceAll(name, value), text),
    blanked: (text: string) => names.reduce((known, [name, value]) => known.replaceAll(value, name), text)
  }
})

describe("docs/cli.md", () => {
  it("has an example of every command", () => {
    const shown = new Set(examples.map(({ line }) => wordsOf(line)[0]))
    const commands = app.subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))
    assert.isAbove(commands.length, 9)
    assert.sameMembers([...shown], commands)
  })

  it.effect.each(examples)("works: $line", ({ line, output }) =>
    Effect.gen(function* () {
      const { blanked, filledIn } = yield* scene
      const outcome = yield* orders(wordsOf(filledIn(line)))
      assert.strictEqual(outcome.code, 0, outcome.stderr)
      if (output !== undefined) assert.strictEqual(blanked(outcome.stdout), output)
    }).pipe(Effect.provide(world))
  )

  it("lists every exit code", () => {
    const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
    assert.deepStrictEqual(
      listed,
      Object.values(exitCodes).toSorted((a, b) => a - b)
    )
  })
})
