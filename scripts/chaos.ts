/**
 * `pnpm chaos`: real servers, services, PostgreSQL and buyers, everything that can go wrong, and then the question
 * whether anything was lost, charged twice or sold twice. Exit code 0 when nothing was, 1 when something was.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { makePlan } from "@tickettoken/order-testing/chaos/ChaosPlan"
import { simulateMany } from "@tickettoken/order-testing/simulateMany"
import { Cause, Config, Console, Data, Duration, Effect, Option } from "effect"
import { randomInt } from "node:crypto"
import { chmod, mkdir, mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { planLines, play, table, tiers } from "./chaos/play.ts"

const help = `pnpm chaos [--long] [options]

  Plays a run and says whether every promise was kept. Ctrl-C ends it and leaves nothing running.

  --long           1000 kills of a server in 25 minutes; without it 6 in 25 seconds
  --seed N         the same faults and visitors again
  --kills N        how often a server is killed
  --minutes N      how long the load lasts
  --minutes-max N  ends the load after so long, however many kills are still to come (default: when all have come)
  --buyers N       how many buyers there are at a time
  --folder PATH    where logs, journals and the clients' log go; a new temporary folder by default
  --plan           prints the plan of the seed and ends
  --simulate N     plays N histories of the core in memory instead, from --seed on (default 1)
  --actions N      how much happens in each of them (default 60)

  DATABASE_URL makes a database of its own on that server, in place of a PostgreSQL of the run's own.
`

class Failed extends Data.TaggedError("Failed")<{ readonly message: string }> {}

const numberOf = (given: string | undefined, otherwise: number): number =>
  given === undefined || !Number.isFinite(Number(given)) ? otherwise : Number(given)

const whyOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Failed ? error.message : Cause.pretty(cause)
}

/** Histories of `--simulate` without a number that can be read. */
const SIMULATED = 100_000
/** Of one history: twice as many as in the tests of every run. */
const ACTIONS = 60
const PROGRESS_EVERY = 5000

/** From the end of the load, without a fault from there on. */
const REST_WITHIN = Duration.seconds(90)

/** The core in memory, on all cores of the machine. */
const simulated = Effect.fn("chaos.simulated")(function* (count: number, from: number, actions: number) {
  yield* Console.log(`${count} histories of ${actions} actions, seeds ${from} to ${from + count - 1}`)
  let told = 0
  const [took, summary] = yield* Effect.timed(
    simulateMany({
      from,
      count,
      actions,
      onProgress: (done) => {
        if (done - told < PROGRESS_EVERY) return Effect.void
        told = done
        return Console.log(`  ${done}`)
      }
    })
  )
  const { broken, faults, histories, states } = summary
  yield* Console.log(
    [
      `${histories} histories in ${Duration.toSeconds(took).toFixed(0)} s, ${(faults / histories).toFixed(1)} faults each`,
      ...[...states].map(([state, times]) => `  ${state.padEnd(12)}${times}`),
      `broken: ${broken.length}`
    ].join("\n")
  )
  if (broken.length === 0) return
  const shown = broken
    .slice(0, 20)
    .map(({ breaks, seed }) => `  pnpm chaos --simulate 1 --seed ${seed} --actions ${actions}: ${breaks[0]}`)
  return yield* new Failed({ message: shown.join("\n") })
})

const main = Effect.gen(function* () {
  const { values } = parseArgs({
    options: {
      long: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      plan: { type: "boolean", default: false },
      seed: { type: "string" },
      kills: { type: "string" },
      minutes: { type: "string" },
      "minutes-max": { type: "string" },
      buyers: { type: "string" },
      folder: { type: "string" },
      simulate: { type: "string" },
      actions: { type: "string" }
    }
  })
  if (values.help) return yield* Console.log(help)
  if (values.simulate !== undefined) {
    const { actions, seed, simulate } = values
    return yield* simulated(numberOf(simulate, SIMULATED), numberOf(seed, 1), numberOf(actions, ACTIONS))
  }
  const tier = values.long ? tiers.long : tiers.quick
  const seed = numberOf(values.seed, randomInt(1, 1_000_000))
  const kills = numberOf(values.kills, tier.kills)
  const seconds = Math.round(numberOf(values.minutes, tier.seconds / 60) * 60)
  const url = yield* Config.option(Config.Redacted("DATABASE_URL"))
  const plan = makePlan({ seed, kills, millis: seconds * 1000, databaseRestarts: Option.isNone(url) })
  if (values.plan) return yield* Console.log(planLines(plan).join("\n"))
  const folder = yield* Effect.promise(() => folderOf(values.folder))
  const report = yield* play(
    {
      seed,
      kills,
      seconds,
      buyers: numberOf(values.buyers, tier.buyers),
      folder,
      loadWithin: Duration.minutes(numberOf(values["minutes-max"], Number.POSITIVE_INFINITY)),
      restWithin: REST_WITHIN,
      databaseUrl: Option.getOrNull(url)
    },
    Console.log
  )
  yield* Console.log(table(report))
  if (report.failures.length === 0) return
  const shown = report.failures.slice(0, 20).map((failure) => `  ${failure}`)
  return yield* new Failed({
    message: [
      `${report.failures.length} broken promises; logs in ${folder}`,
      ...shown,
      `again: pnpm chaos --seed ${seed}`
    ].join("\n")
  })
})

const folderOf = async (given: string | undefined): Promise<string> => {
  if (given === undefined) {
    const folder = await mkdtemp(path.join(tmpdir(), "chaos-"))
    // The account that PostgreSQL runs under when we are root must get in.
    await chmod(folder, 0o755)
    return folder
  }
  await mkdir(given, { recursive: true })
  return path.resolve(given)
}

NodeRuntime.runMain(
  Effect.tapCause(main, (cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : Console.error(whyOf(cause)))),
  { disableErrorReporting: true }
)
