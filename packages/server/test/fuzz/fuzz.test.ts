/** A29, A31: requests made from the OpenAPI document, valid and not, by everybody. No answer may be wrong. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { nothingPlayed, play, type Report, together } from "./play.ts"

/** The same ones each time: what is new is found by `pnpm fuzz`, which rolls a seed of its own and prints it. */
const SEED = 20_261_127
const ROUNDS = 5
const REQUESTS_A_ROUND = 1000

describe("five thousand requests from the document", () => {
  it.live(
    "A29 are answered as declared, 0 faults: no undeclared status or shape, no invalid input taken, no 5xx, nobody let in",
    () =>
      Effect.gen(function* () {
        let report: Report = nothingPlayed
        for (let round = 0; round < ROUNDS; round++) {
          report = together(report, yield* play(SEED + round, REQUESTS_A_ROUND))
        }
        assert.deepStrictEqual(report.faults, [])
        assert.strictEqual(report.requests, ROUNDS * REQUESTS_A_ROUND)
        // The dice are worth something: much of it was wrong.
        assert.isAbove(report.invalid, report.requests / 10)
      }),
    600_000
  )
})
