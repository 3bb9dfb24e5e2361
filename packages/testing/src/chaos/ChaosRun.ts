/**
 * A run from its beginning to its verdict: start everything, load with faults, heal, wait until nothing is under way,
 * and compare what clients were told with what truly happened.
 */
import { createServer } from "node:net"
import * as path from "node:path"
import { DateTime, Duration, Effect, Option, Ref, Schedule, Schema } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { PaymentFact } from "../sandbox/PaymentFacts.ts"
import { TicketFact } from "../sandbox/TicketFacts.ts"
import * as Callers from "./Callers.ts"
import { type ChaosPlan, plannedCounts, SERVERS, type ServiceName } from "./ChaosPlan.ts"
import * as ClientLog from "./ClientLog.ts"
import { credentialVariables } from "./Credentials.ts"
import * as FaultProxy from "./FaultProxy.ts"
import * as Injector from "./Injector.ts"
import { type Program, supervise } from "./Supervised.ts"
import { type Evidence, type Finding, judge, type Verdict } from "./Verdict.ts"
import * as Workload from "./Workload.ts"

export interface ChaosOptions {
  readonly plan: ChaosPlan
  readonly buyers: number
  /** Logs, journals and the clients' log go here and stay. */
  readonly folder: string
  /** The server's entry point, for `node`. */
  readonly serverEntry: string
  /** The entry point of one sandbox service: name, port, journal folder, first start, announcements' URL. */
  readonly serviceEntry: string
  /** Where the database truly is: host and port are replaced by those of a proxy. */
  readonly databaseUrl: string
  readonly database: Injector.ChaosDatabase
  /** Environment of every process, e.g. a cache of compiled code. */
  readonly env: { readonly [name: string]: string }
  /** Takes a guard away before the load begins: to show that the verdict sees what it was good for. */
  readonly sabotage?: Effect.Effect<void>
  /** `orders fsck` over this evidence. */
  readonly fsck: (evidence: Evidence) => Effect.Effect<ReadonlyArray<Finding>>
  readonly say: (line: string) => Effect.Effect<void>
}

export interface ChaosReport {
  readonly plan: ChaosPlan
  readonly faults: ReadonlyMap<string, number>
  readonly answers: ReadonlyMap<string, number>
  readonly verdict: Verdict
  /** `null`: it has not come to rest. */
  readonly quiesceSeconds: number | null
  readonly openAtTheEnd: string
  /** Everything that makes the run a failure, as sentences; empty for a good run. */
  readonly failures: ReadonlyArray<string>
  /** At least what was planned; longer where servers started slowly. */
  readonly loadSeconds: number
}

const HOLD_MINUTES = 0.1
const EXPIRY_INTERVAL_SECONDS = 3
const QUIESCE_LIMIT = Duration.seconds(90)
const READY_LIMIT = Duration.seconds(60)
const HOST = "127.0.0.1"

/** Short holds, so that expiry and late payments happen within the run. */
const timing = {
  RESERVATION_DURATION_MINUTES: String(HOLD_MINUTES),
  VIP_RESERVATION_DURATION_MINUTES: String(HOLD_MINUTES),
  RESERVATION_GRACE_PERIOD_MINUTES: "0",
  EXPIRATION_CHECK_INTERVAL_MINUTES: String(EXPIRY_INTERVAL_SECONDS / 60)
} as const

/** Buyers of a run are few and busy: limits are not what is looked at. */
const generous = {
  RATE_LIMIT_CREATE_PER_MINUTE: "1000000",
  RATE_LIMIT_RESERVE_PER_MINUTE: "1000000",
  RATE_LIMIT_CANCEL_PER_MINUTE: "1000000",
  RATE_LIMIT_REFUND_PER_MINUTE: "1000000",
  RATE_LIMIT_ADDRESS_PER_MINUTE: "1000000",
  RATE_LIMIT_BAD_CREDENTIALS_PER_MINUTE: "1000000"
} as const

const EXPIRED_AFTER = Duration.seconds(HOLD_MINUTES * 60 + 2 * EXPIRY_INTERVAL_SECONDS)

const freePort = Effect.callback<number>((resume) => {
  const listener = createServer()
  listener.listen(0, HOST, () => {
    const address = listener.address()
    const port = address !== null && typeof address === "object" ? address.port : 0
    listener.close(() => resume(Effect.succeed(port)))
  })
})

const isUp = (url: string) =>
  Effect.flatMap(HttpClient.HttpClient, (client) =>
    client.get(url).pipe(
      Effect.timeout("3 seconds"),
      Effect.map(({ status }) => status === 200),
      Effect.catch(() => Effect.succeed(false))
    )
  )

const untilUp = (url: string) =>
  Effect.repeat(isUp(url), { until: (up) => up, schedule: Schedule.spaced("100 millis") }).pipe(
    Effect.timeoutOption(READY_LIMIT),
    Effect.flatMap((up) =>
      Option.isSome(up) ? Effect.void : Effect.die(new Error(`${url} was not ready within a minute`))
    )
  )

const through = (url: string, port: number): string => {
  const changed = new URL(url)
  changed.hostname = HOST
  changed.port = String(port)
  return changed.href
}

/** Everything that runs: two servers, three services, and a proxy wherever one talks to another. */
const startWorld = Effect.fnUntraced(function* (options: ChaosOptions) {
  const { folder } = options
  const client = yield* Effect.context<HttpClient.HttpClient>()
  const logOf = (name: string) => path.join(folder, `${name}.log`)
  const serverPorts = yield* Effect.forEach(Array.from({ length: SERVERS }), () => freePort)
  const proxyTo = (port: number) => FaultProxy.make(Effect.succeed(port))
  const serverProxies = yield* Effect.forEach(serverPorts, proxyTo)
  const turn = yield* Ref.make(0)
  // What announces payments knows one address: behind it the servers take turns.
  const announcements = yield* FaultProxy.make(
    Effect.map(
      Ref.getAndUpdate(turn, (number) => number + 1),
      (number) => serverPorts[number % SERVERS] ?? 0
    )
  )
  const firstStart = DateTime.formatIso(yield* DateTime.now)
  const startService = Effect.fnUntraced(function* (name: ServiceName) {
    const port = yield* freePort
    const process = yield* supervise({
      name,
      args: [
        options.serviceEntry,
        name,
        String(port),
        path.join(folder, "journals"),
        firstStart,
        `http://${HOST}:${announcements.port}`
      ],
      env: options.env,
      logFile: logOf(name)
    })
    return { process, port, url: `http://${HOST}:${port}`, proxy: yield* proxyTo(port) }
  })
  const [ticket, payment, event] = yield* Effect.all([
    startService("ticket"),
    startService("payment"),
    startService("event")
  ])
  yield* Effect.forEach([ticket, payment, event], ({ url }) => untilUp(`${url}/health`), { concurrency: 3 })
  const database = yield* proxyTo(Number(new URL(options.databaseUrl).port))
  const serverAt = (port: number, index: number): Program => ({
    name: `server-${index}`,
    args: [options.serverEntry],
    logFile: logOf(`server-${index}`),
    env: {
      ...options.env,
      ...timing,
      ...generous,
      ...credentialVariables,
      NODE_ENV: "development",
      LOG_LEVEL: "warn",
      PORT: String(port),
      DATABASE_URL: through(options.databaseUrl, database.port),
      TICKET_SERVICE_URL: `http://${HOST}:${ticket.proxy.port}`,
      PAYMENT_SERVICE_URL: `http://${HOST}:${payment.proxy.port}`,
      EVENT_SERVICE_URL: `http://${HOST}:${event.proxy.port}`,
      ORDER_DATA_FOLDER: path.join(folder, `data-${index}`)
    }
  })
  const servers: Array<Injector.Server> = []
  for (const [index, port] of serverPorts.entries()) {
    const health = `http://${HOST}:${port}/health/readiness`
    servers.push({
      process: yield* supervise(serverAt(port, index)),
      isReady: Effect.provideContext(isUp(health), client)
    })
    yield* untilUp(health)
  }
  const targets: Injector.Targets = {
    servers,
    services: { ticket, payment, event },
    proxies: {
      server: [...serverProxies, announcements],
      database: [database],
      ticket: [ticket.proxy],
      payment: [payment.proxy],
      event: [event.proxy]
    },
    database: options.database
  }
  return { targets, clientPorts: serverProxies.map(({ port }) => port), serverPorts }
})

const OpenCounts = Schema.Struct({
  work: Schema.Int,
  orders: Schema.Int,
  refunds: Schema.Int,
  messages: Schema.Int,
  jobs: Schema.Int
})

/** What is still under way, as the database sees it. */
const openStatement = `select
  (select count(*)::int from order_work where state in ('TODO', 'DOING')) as work,
  (select count(*)::int from orders where status in ('PENDING', 'RESERVED')) as orders,
  (select count(*)::int from order_refunds where state in ('APPROVED', 'PROCESSING')) as refunds,
  (select count(*)::int from outbox where state = 'NEW') as messages,
  (select count(*)::int from bulk_jobs where state = 'RUNNING') as jobs`

/** Waits until nothing is under way; answers after how many seconds, or `null` when it took too long. */
const quiesce = Effect.fnUntraced(function* ({ rows }: Injector.ChaosDatabase) {
  const open = rows(openStatement).pipe(
    Effect.flatMap(([row]) => Schema.decodeUnknownEffect(OpenCounts)(row)),
    Effect.orDie
  )
  const isQuiet = Effect.map(open, (counts) => Object.values(counts).every((count) => count === 0))
  const [took, quiet] = yield* Effect.repeat(isQuiet, {
    until: (done) => done,
    schedule: Schedule.spaced("500 millis")
  }).pipe(Effect.timeoutOption(QUIESCE_LIMIT), Effect.timed)
  const left = yield* open
  return {
    seconds: Option.isSome(quiet) ? Duration.toSeconds(took) : null,
    open: Object.entries(left)
      .map(([what, count]) => `${count} ${what}`)
      .join(", ")
  }
})

const JournalPage = <Fact>(fact: Schema.Codec<Fact, object>) => Schema.Struct({ entries: Schema.Array(fact) })

const journalOf = <Fact>(url: string, fact: Schema.Codec<Fact, object>) =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const response = yield* client.execute(HttpClientRequest.get(`${url}/sandbox/journal`))
    const { entries } = yield* Schema.decodeUnknownEffect(JournalPage(fact))(yield* response.json)
    return entries
  }).pipe(Effect.orDie)

const FinalOrder = Schema.Struct({
  tenantId: Schema.String,
  id: Schema.String,
  userId: Schema.String,
  key: Schema.NullOr(Schema.String)
})
const FinalRefund = Schema.Struct({ orderId: Schema.String, id: Schema.String, amount: Schema.Int })

const ordersStatement = `select tenant_id as "tenantId", id, user_id as "userId", idempotency_key as key
  from orders`
const refundsStatement = `select order_id as "orderId", id, amount_cents::int as amount from order_refunds`

const gather = Effect.fnUntraced(function* (
  { database, services: { payment, ticket } }: Injector.Targets,
  log: ClientLog.ClientLog
) {
  const read = <A>(schema: Schema.Codec<A, object>, statement: string) =>
    Effect.orDie(Effect.flatMap(database.rows(statement), Schema.decodeUnknownEffect(Schema.Array(schema))))
  const evidence: Evidence = {
    log: yield* log.entries,
    payments: yield* journalOf(payment.url, PaymentFact),
    tickets: yield* journalOf(ticket.url, TicketFact),
    orders: yield* read(FinalOrder, ordersStatement),
    refunds: yield* read(FinalRefund, refundsStatement)
  }
  return evidence
})

const never = (plan: ChaosPlan, faults: ReadonlyMap<string, number>): ReadonlyArray<string> =>
  [...plannedCounts(plan).keys(), Callers.hungUp]
    .filter((name) => (faults.get(name) ?? 0) === 0)
    .map((name) => `the fault "${name}" has never hit anything`)

const brokenPromises = ({ checked: _, ...lists }: Verdict): ReadonlyArray<string> => Object.values(lists).flat()

/** Plays a plan to its end. Dies only where the run itself can not go on; what it finds is in the report. */
export const run = Effect.fn("ChaosRun.run")(function* (options: ChaosOptions) {
  const { plan, say } = options
  const log = yield* ClientLog.open(path.join(options.folder, "clients.ndjson"))
  const [boot, { clientPorts, serverPorts, targets }] = yield* Effect.timed(startWorld(options))
  yield* say(`ready after ${Duration.toSeconds(boot).toFixed(1)} s`)
  yield* options.sabotage ?? Effect.void
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
  const planned = Effect.all([Injector.run(plan, targets, hits), Effect.sleep(plan.millis)], { concurrency: 2 })
  const [loaded] = yield* Effect.timed(Effect.raceFirst(load, planned))
  yield* say("healing")
  yield* Injector.heal(targets)
  yield* Effect.forEach(serverPorts, (port) => untilUp(`http://${HOST}:${port}/health/readiness`))
  const rest = yield* quiesce(targets.database)
  const evidence = yield* gather(targets, log)
  const verdict = judge(evidence, yield* options.fsck(evidence))
  const answers = yield* callers.answers
  const counted = new Map([...(yield* Ref.get(hits)), [Callers.hungUp, answers.get(Callers.hungUp) ?? 0]])
  const report: ChaosReport = {
    plan,
    faults: counted,
    answers,
    verdict,
    quiesceSeconds: rest.seconds,
    openAtTheEnd: rest.open,
    loadSeconds: Duration.toSeconds(loaded),
    failures: [
      ...brokenPromises(verdict),
      ...(yield* callers.odd),
      ...(rest.seconds === null ? [`not at rest after ${Duration.format(QUIESCE_LIMIT)}: ${rest.open}`] : []),
      ...never(plan, counted)
    ]
  }
  return report
}, Effect.scoped)
