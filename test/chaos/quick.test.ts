/**
 * The quick tier of `pnpm chaos` as a test, played with `CHAOS=1`: real servers that are killed, services that fail, a PostgreSQL that crashes,
 * and buyers who are told things that must stay true. At its end the run loses an order on purpose: a verdict that did not
 * see it would be worth nothing.
 *
 * A failure names its seed and the folder with the logs: `pnpm chaos --seed <seed>` plays the same plan again.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { play, table, tiers } from "../../scripts/chaos/play.ts"
import { isChaosWanted } from "../support/chaosWanted.ts"

/** The run waits for whatever it has planned: on a machine with much else to do that takes long, and is no fault. */
const TIMEOUT_MILLIS = 1_800_000
const REST_WITHIN = Duration.minutes(5)

const SEED = 20_261_127

const makeFolder = Effect.promise(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "chaos-"))
  await chmod(folder, 0o755)
  return folder
})

describe.skipIf(!isChaosWanted)("a service in chaos", () => {
  it.live(
    "F01 F08 F09 loses nothing, charges nobody twice and sells nothing twice, and a verdict that sees a loss says so",
    () =>
      Effect.gen(function* () {
        const folder = yield* makeFolder
        const limits = { loadWithin: Duration.infinity, restWithin: REST_WITHIN }
        const report = yield* play(
          { ...tiers.quick, ...limits, seed: SEED, folder, databaseUrl: null },
          () => Effect.void
        )
        const told = `${table(report)}\n${report.failures.join("\n")}\nlogs in ${folder}`
        assert.deepStrictEqual(report.failures, [], told)
        assert.isTrue(report.isBelievable, told)
        // With its logs it stays where something went wrong.
        yield* Effect.promise(() => rm(folder, { recursive: true, force: true }))
      }),
    TIMEOUT_MILLIS
  )
})
