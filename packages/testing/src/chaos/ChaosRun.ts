/**
 * A run from its beginning to its verdict: start everything, load with faults, heal, wait until nothing is under way,
 * compare what clients were told with what truly happened, and look whether the comparison can be believed.
 */
import * as path from "node:path"
import { Duration, Effect, Ref, Schedule } from "effect"
import * as Callers from "./Callers.ts"
import { type ChaosPlan, plannedCounts } from "./ChaosPlan.ts"
import { EXPIRED_AFTER, startWorld, type WorldOptions } from "./ChaosWorld.ts"
import * as ClientLog from "./ClientLog.ts"
import { gather, rest } from "./Evidence.ts"
import * as Injector from "./Injector.ts"
import { loseOnPurpose } from "./LossOnPurpose.ts"
import { type Evidence, type Finding, judge, type Verdict } from "./Verdict.ts"
import * as Workload from "./Workload.ts"

export interface ChaosOptions extends WorldOptions {
  readonly plan: ChaosPlan
  readonly buyers: number
  /** The clients' log goes here as well. */
  readonly folder: string
  /** Where servers start so slowly that the plan would last longer, the rest of it is left out. */
  readonly loadWithin: Duration.Duration
  /** How long the run may take to come to rest. */
  readonly restWithin: Duration.Duration
  /** `orders fsck` over this evidence. */
  readonly fsck: (evidence: Evidence) => Effect.Effect<ReadonlyArray<Finding>>
  readonly say: (line: string) => Effect.Effect<void>
}

export interface ChaosReport {
  readonly plan: ChaosPlan
  readonly faults: ReadonlyMap<string, number>
  readonly answers: ReadonlyMap<string, number>
  readonly orders: number
  readonly verdict: Verdict
  /** `null`: it has not come to rest. */
  readonly restSeconds: number | null
  readonly openAtTheEnd: string
  /** Whether an order that was lost on purpose was missed; `null` where the database can not be made to lose one. */
  readonly isBelievable: boolean | null
  /** Everything that makes the run a failure, as sentences; empty for a good run. */
  readonly failures: ReadonlyArray<string>
  /** At least what was planned; longer where servers started slowly. */
  readonly loadSeconds: number
}

const PROGRESS_EVERY = Duration.seconds(30)
/** A load in which clients were told less than this has shown nothing: it goes on. */
const TOLD_MIN = 60

const never = (plan: ChaosPlan, faults: ReadonlyMap<string, number>): ReadonlyArray<string> =>
  [...plannedCounts(plan).keys(), Callers.hungUp]
    .filter((name) => (faults.get(name) ?? 0) === 0)
    .map((name) => `the fault "${name}" has never hit anything`)

const brokenPromises = ({ checked: _, ...lists }: Verdict): ReadonlyArray<string> => Object.values(lists).flat()

const ordersIn = (entries: ReadonlyArray<ClientLog.Acknowledged>): number =>
  entries.filter(({ kind }) => kind === "created").length

/** Says how far the load is, again and again. */
const tellProgress = (
  { plan, say }: ChaosOptions,
  log: ClientLog.ClientLog,
  hits: Ref.Ref<ReadonlyMap<string, number>>
) => {
  const every = Duration.toSeconds(PROGRESS_EVERY)
  const line = (round: number, orders: number, before: number, kills: number) => {
    const seconds = round * every
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`
    const rate = ((orders - before) / every).toFixed(1)
    return `${clock.padStart(7)}  ${kills} of ${plan.kills} kills, ${orders} orders, ${rate} a second`
  }
  const round = Effect.fnUntraced(function* (number: number, before: number) {
    yield* Effect.sleep(PROGRESS_EVERY)
    const orders = ordersIn(yield* log.entries)
    yield* say(line(number, orders, before, (yield* Ref.get(hits)).get("KillServer") ?? 0))
    return orders
  })
  return Effect.gen(function* () {
    let orders = 0
    for (let number = 1; ; number++) orders = yield* round(number, orders)
  })
}

/** Plays a plan to its end. Dies only where the run itself can not go on; what it finds is in the report. */
export const run = Effect.fn("ChaosRun.run")(function* (options: ChaosOptions) {
  const { plan, say } = options
  const log = yield* ClientLog.open(path.join(options.folder, "clients.ndjson"))
  const [boot, { clientPorts, ready, targets }] = yield* Effect.timed(startWorld(options))
  yield* say(`ready after ${Duration.toSeconds(boot).toFixed(1)} s`)
  const callers = yield* Callers.make(clientPorts)
  const hits = yield* Ref.make<ReadonlyMap<string, number>>(new Map())
  const load = Workload.run({
    seed: plan.seed,
    buyers: options.buyers,
    callers,
    log,
    paymentUrl: targets.services.payment.url,
    eventUrl: targets.services.event.url,
    expiredAfter: EXPIRED_AFTER
  })
  // A server that starts slowly is killed later: the load goes on until the whole plan has happened.
  const planned = Effect.all([Injector.run(plan, targets, hits), Effect.sleep(plan.millis)], { concurrency: 2 }).pipe(
    Effect.timeoutOption(options.loadWithin)
  )
  const told = Effect.repeat(log.entries, {
    until: (entries) => entries.length >= TOLD_MIN,
    schedule: Schedule.spaced("500 millis")
  })
  const [loaded] = yield* Effect.timed(
    Effect.raceAllFirst([load, tellProgress(options, log, hits), Effect.andThen(planned, told)])
  )
  yield* say("healing")
  yield* Injector.heal(targets)
  yield* ready
  const { open, seconds } = yield* rest(targets, options.restWithin)
  const verdictNow = Effect.flatMap(gather(targets, log), (evidence) =>
    Effect.map(options.fsck(evidence), (findings) => judge(evidence, findings))
  )
  const verdict = yield* verdictNow
  const orders = ordersIn(yield* log.entries)
  const answers = yield* callers.answers
  const odd = yield* callers.odd
  const counted = new Map([...(yield* Ref.get(hits)), [Callers.hungUp, answers.get(Callers.hungUp) ?? 0]])
  const { database } = options
  const doubt =
    database.own === null
      ? null
      : yield* loseOnPurpose({ callers, log, database, own: database.own, ready, verdict: verdictNow })
  const report: ChaosReport = {
    plan,
    faults: counted,
    answers,
    orders,
    verdict,
    restSeconds: seconds,
    openAtTheEnd: open,
    isBelievable: database.own === null ? null : doubt === null,
    loadSeconds: Duration.toSeconds(loaded),
    failures: [
      ...brokenPromises(verdict),
      ...odd,
      ...(seconds === null ? [`not at rest after ${Duration.format(options.restWithin)}: ${open}`] : []),
      ...never(plan, counted),
      ...(doubt === null ? [] : [doubt])
    ]
  }
  return report
}, Effect.scoped)
