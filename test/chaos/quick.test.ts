/**
 * The quick tier of `pnpm chaos` as tests, played with `CHAOS=1`: real servers that are killed, services that fail,
 * a PostgreSQL that crashes, and buyers who are told things that must stay true.
 *
 * A failure names its seed and the folder with the logs: `pnpm chaos --seed <seed>` plays the same plan again.
 *
 * Not part of every run: the verdict does not wait yet for news of a payment that its service is still repeating, and
 * what the twin loses depends on the moment of the crash.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { play, type RunSize, table, tiers } from "../../scripts/chaos/play.ts"
import { isChaosWanted } from "../support/chaosWanted.ts"

const TIMEOUT_MILLIS = 300_000

const makeFolder = Effect.promise(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "chaos-"))
  await chmod(folder, 0o755)
  return folder
})

/** Plays a run; its folder goes when it was as it should be, and stays with the logs when not. */
const played = Effect.fnUntraced(function* (
  size: Omit<RunSize, "databaseUrl" | "folder">,
  expected: (failures: ReadonlyArray<string>, told: string) => void,
  sabotage?: Parameters<typeof play>[2]
) {
  const folder = yield* makeFolder
  const report = yield* play({ ...size, folder, databaseUrl: null }, () => Effect.void, sabotage)
  expected(report.failures, `${table(report)}\n${report.failures.join("\n")}\nlogs in ${folder}`)
  yield* Effect.promise(() => rm(folder, { recursive: true, force: true }))
  return report
})

describe.skipIf(!isChaosWanted)("a service in chaos", () => {
  it.live(
    "F01 F08 F09 loses nothing, charges nobody twice and sells nothing twice, and is at rest soon after",
    () =>
      Effect.gen(function* () {
        const { verdict } = yield* played({ ...tiers.quick, seed: 20_261_127 }, (failures, told) =>
          assert.deepStrictEqual(failures, [], told)
        )
        assert.isAbove(verdict.checked, 20, "clients were told something")
      }),
    TIMEOUT_MILLIS
  )

  it.live(
    "F09 twin: loses what was acknowledged when PostgreSQL does not wait for its log, and the verdict says so",
    () =>
      played(
        { seed: 7, kills: 1, seconds: 20, buyers: 12 },
        (failures, told) =>
          assert.isTrue(
            failures.some((failure) => failure.startsWith("I15")),
            told
          ),
        ({ rows }) =>
          Effect.gen(function* () {
            yield* rows("alter system set synchronous_commit = off")
            yield* rows("alter system set wal_writer_delay = '10s'")
            yield* rows("select pg_reload_conf()")
          })
      ),
    TIMEOUT_MILLIS
  )
})
