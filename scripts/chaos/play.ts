/**
 * One run as the command and the test play it: a folder, a database, the entry points, and the report in words.
 */
import { type ChaosPlan, makePlan, plannedCounts } from "@tickettoken/order-testing/chaos/ChaosPlan"
import { type ChaosReport, type ChaosOptions, run } from "@tickettoken/order-testing/chaos/ChaosRun"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { type Duration, Effect, Redacted } from "effect"
import * as path from "node:path"
import { writeBundle } from "../bundle.ts"
import { openEmbedded, openOn } from "./database.ts"
import { fsckOn } from "./fsck.ts"

export interface RunSize {
  readonly seed: number
  readonly kills: number
  readonly seconds: number
  readonly buyers: number
  /** Where everything of the run goes. */
  readonly folder: string
  /** A server to make a database on, in place of a PostgreSQL of the run's own. */
  readonly databaseUrl: Redacted.Redacted | null
  readonly loadWithin: Duration.Duration
  readonly restWithin: Duration.Duration
}

/** What each size is good for: one beside all other tests, one for the figures. */
export const tiers = {
  quick: { kills: 6, seconds: 25, buyers: 10 },
  long: { kills: 1000, seconds: 25 * 60, buyers: 16 }
} as const

const root = path.join(import.meta.dirname, "../..")

/** The processes of a run, each in a file: they start so often that reading a thousand modules would be most of a run. */
const entries = {
  server: path.join(root, "packages/server/src/main.ts"),
  service: path.join(root, "scripts/chaos/service.ts")
}

/** Plays a run of this size and gives its report. */
export const play = Effect.fn("chaos.play")(
  function* (size: RunSize, say: ChaosOptions["say"]) {
    const { buyers, folder, kills, loadWithin, restWithin, seconds, seed } = size
    const { database, url } = yield* size.databaseUrl === null ? openEmbedded(folder) : openOn(size.databaseUrl)
    const cache = path.join(folder, "programs")
    const plan = makePlan({ seed, kills, millis: seconds * 1000, databaseRestarts: database.own !== null })
    yield* say(`seed ${seed}, ${kills} kills in ${seconds} s, ${buyers} buyers; logs in ${folder}`)
    if (database.own === null) yield* say("skipped: a restart of PostgreSQL, which is not ours")
    yield* say("skipped: Redis and RabbitMQ, whose own suites disturb them")
    const programs = yield* Effect.promise(() => writeBundle(entries, path.join(cache, "bundle")))
    return yield* run({
      plan,
      buyers,
      folder,
      say,
      database,
      loadWithin,
      restWithin,
      fsck: fsckOn(url),
      databaseUrl: Redacted.value(url),
      serverEntry: path.join(programs, "server.mjs"),
      serviceEntry: path.join(programs, "service.mjs"),
      nodeOptions: ["--import", path.join(root, "scripts/chaos/keepCompiled.ts")],
      env: { NODE_COMPILE_CACHE: path.join(cache, "compiled") }
    })
  },
  Effect.scoped,
  Effect.provide(NodeHttpClient.layerUndici)
)

const line = (name: string, value: string | number): string => `  ${name.padEnd(34)}${value}`

/** The plan, line by line: the same seed prints the same. */
export const planLines = (plan: ChaosPlan): ReadonlyArray<string> =>
  plan.steps.map(({ atMillis, fault: { _tag, ...rest } }) =>
    `${(atMillis / 1000).toFixed(3).padStart(9)} s  ${_tag} ${Object.values(rest).join(" ")}`.trimEnd()
  )

const byName = (counts: ReadonlyMap<string, number>) => [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))

const believable = (isBelievable: ChaosReport["isBelievable"]): string => {
  if (isBelievable === null) return "not tried"
  return isBelievable ? "seen" : "MISSED"
}

/** The report as a table. */
export const table = ({ answers, faults, plan, restSeconds, verdict, ...report }: ChaosReport): string => {
  const planned = plannedCounts(plan)
  return [
    `seed ${plan.seed}, ${plan.kills} kills, load for ${report.loadSeconds.toFixed(0)} s, ${report.orders} orders`,
    "faults (planned: what they hit)",
    ...byName(faults).map(([name, hits]) => line(name, `${planned.get(name) ?? "-"}: ${hits}`)),
    "answers to clients",
    ...byName(answers).map(([name, count]) => line(name, count)),
    "verdict",
    line("acknowledged results checked", verdict.checked),
    line("lost", verdict.lost.length),
    line("double charges", verdict.doubleCharges.length),
    line("double refunds", verdict.doubleRefunds.length),
    line("oversold", verdict.oversold.length),
    line("cross-tenant", verdict.crossTenant.length),
    line("other invariants broken", verdict.untrue.length),
    line("at rest after", restSeconds === null ? `never: ${report.openAtTheEnd}` : `${restSeconds.toFixed(1)} s`),
    line("an order lost on purpose", believable(report.isBelievable))
  ].join("\n")
}
