/**
 * Plays requests made from the OpenAPI document against a server in memory: `pnpm fuzz` for 20 000, `--long` for a
 * million, `--requests N` for another number, `--seed S` to play the same ones again. Ends with 1 if any answer is wrong.
 */
import { Console, Effect } from "effect"
import { parseArgs } from "node:util"
import { nothingPlayed, play, together } from "../packages/server/test/fuzz/play.ts"

const ROUND = 1000
const PROGRESS_ROUNDS = 5

const { values } = parseArgs({
  options: {
    long: { type: "boolean", default: false },
    requests: { type: "string" },
    seed: { type: "string" }
  }
})

const wanted = Number(values.requests ?? (values.long ? 1_000_000 : 20_000))
const seed = Number(values.seed ?? Math.floor(performance.timeOrigin % 1_000_000_000))

const run = Effect.gen(function* () {
  yield* Console.log(`${wanted} requests from seed ${seed}, a round of ${ROUND} for each seed`)
  let report = nothingPlayed
  for (let at = 0; report.requests < wanted && report.faults.length === 0; at++) {
    report = together(report, yield* play(seed + at, Math.min(ROUND, wanted - report.requests)))
    if ((at + 1) % PROGRESS_ROUNDS === 0) yield* Console.log(`${report.requests} played`)
  }
  const { faults, ...figures } = report
  yield* Console.log(JSON.stringify(figures, null, 2))
  for (const fault of faults) yield* Console.error(fault)
  process.exitCode = faults.length === 0 ? 0 : 1
})

await Effect.runPromise(run)
