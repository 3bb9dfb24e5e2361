/**
 * Scenarios as tables: a row is a step and its exact outcome, and `tick 15 minutes` is a row too.
 *
 * A table runs on a stage, which knows the words of its steps: pure `decide`, or the workflows over the ports in
 * memory. The whole table is compared at once, so a failure shows the row that differs among its neighbours.
 */
import { assert } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"

/** Performs one step and says what came of it: the cells that follow the step in its row. */
export interface Stage {
  readonly perform: (step: string) => Effect.Effect<ReadonlyArray<string>>
}

interface Row {
  readonly step: string
  readonly outcome: ReadonlyArray<string>
}

const cellsOf = (line: string): ReadonlyArray<string> => line.split("|").map((cell) => cell.trim())

/** Blank lines and lines that open with `--` say something to the reader only. */
const rowsOf = (table: string): ReadonlyArray<Row> =>
  table
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("--"))
    .map((line) => {
      const [step = "", ...outcome] = cellsOf(line)
      return { step, outcome }
    })

const tick = /^tick((?: \d+ (?:millis|seconds?|minutes?|hours?|days?))+)$/
const amount = /(\d+) (millis|second|minute|hour|day)s?/g

const unitMillis: { readonly [unit: string]: number } = {
  millis: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000
}

/** How far a `tick` row moves the clock, or nothing if the row is another step. */
const tickOf = (step: string): Duration.Duration | undefined => {
  const amounts = tick.exec(step)?.[1]
  if (amounts === undefined) return undefined
  return Duration.millis(
    [...amounts.matchAll(amount)].reduce(
      (sum, [, count, unit = ""]) => sum + Number(count) * (unitMillis[unit] ?? 0),
      0
    )
  )
}

/** Trailing cells that say nothing may be left out. */
const written = ({ outcome, step }: Row): string => {
  const last = outcome.findLastIndex((cell) => cell !== "")
  return [step, ...outcome.slice(0, last + 1)].join(" | ")
}

/** Runs a table on a stage under the test clock, and fails where an outcome differs. */
export const play = Effect.fnUntraced(function* (table: string, stage: Stage) {
  const expected = rowsOf(table)
  const actual: Array<Row> = []
  for (const { step } of expected) {
    const duration = tickOf(step)
    if (duration !== undefined) yield* TestClock.adjust(duration)
    actual.push({ step, outcome: duration === undefined ? yield* stage.perform(step) : [] })
  }
  assert.strictEqual(actual.map(written).join("\n"), expected.map(written).join("\n"))
})

/** A step as its verb and its options: `payable, vip, starts in 20 hours`. */
export const wordsOf = (step: string): { readonly verb: string; readonly options: ReadonlyArray<string> } => {
  const [verb = "", ...options] = step.split(",").map((part) => part.trim())
  return { verb, options }
}

/** An instant as the time since another one: "16:59.999", "1:02:03". */
export const clockOf = (millis: number): string => {
  const pad = (value: number, digits: number) => String(value).padStart(digits, "0")
  const [hours, minutes, seconds, rest] = [
    Math.floor(millis / 3_600_000),
    Math.floor(millis / 60_000) % 60,
    Math.floor(millis / 1000) % 60,
    millis % 1000
  ]
  const whole = hours > 0 ? `${hours}:${pad(minutes, 2)}:${pad(seconds, 2)}` : `${minutes}:${pad(seconds, 2)}`
  return rest === 0 ? whole : `${whole}.${pad(rest, 3)}`
}
