/**
 * Everything that runs in a run: two servers, three services, and a proxy wherever one talks to another.
 */
import * as path from "node:path"
import { DateTime, Duration, Effect, Option, Ref, Schedule } from "effect"
import { HttpClient } from "effect/http"
import { SERVERS, type ServiceName } from "./ChaosPlan.ts"
import { credentialVariables } from "./Credentials.ts"
import * as FaultProxy from "./FaultProxy.ts"
import { freePort } from "./freePort.ts"
import type * as Injector from "./Injector.ts"
import { type Program, supervise } from "./Supervised.ts"

export interface WorldOptions {
  /** Logs and journals go here and stay. */
  readonly folder: string
  /** The server's entry point, for `node`. */
  readonly serverEntry: string
  /** The entry point of one sandbox service: name, port, journal folder, first start, announcements' URL. */
  readonly serviceEntry: string
  /** Where the database truly is: host and port are replaced by those of a proxy. */
  readonly databaseUrl: string
  readonly database: Injector.ChaosDatabase
  /** Options of `node` for every process. */
  readonly nodeOptions: ReadonlyArray<string>
  /** Environment of every process, e.g. a cache of compiled code. */
  readonly env: { readonly [name: string]: string }
}

const HOLD_MINUTES = 0.1
const EXPIRY_INTERVAL_SECONDS = 3
/** For a start on a machine that has much else to do: whoever needs so long does not come at all. */
const READY_LIMIT = Duration.minutes(10)
const HOST = "127.0.0.1"

/** Short holds, so that expiry, late payments and the look back at them happen within the run. */
const timing = {
  RESERVATION_DURATION_MINUTES: String(HOLD_MINUTES),
  VIP_RESERVATION_DURATION_MINUTES: String(HOLD_MINUTES),
  RESERVATION_GRACE_PERIOD_MINUTES: "0",
  EXPIRATION_CHECK_INTERVAL_MINUTES: String(EXPIRY_INTERVAL_SECONDS / 60),
  // What is announced in vain is found while the run comes to rest.
  ORDER_PAYMENT_LOOK_BACK_MINUTES: "0.5,1,1.5,3,10"
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

/** After how long an order that nobody pays has surely expired, where all is well. */
export const EXPIRED_AFTER = Duration.seconds(HOLD_MINUTES * 60 + 2 * EXPIRY_INTERVAL_SECONDS)

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
      Option.isSome(up)
        ? Effect.void
        : Effect.die(new Error(`${url} was not ready within ${Duration.format(READY_LIMIT)}`))
    )
  )

const through = (url: string, port: number): string => {
  const changed = new URL(url)
  changed.hostname = HOST
  changed.port = String(port)
  return changed.href
}

const proxyTo = (port: number) => FaultProxy.make(Effect.succeed(port))

/** The services, and what announces payments: that knows one address, behind which the servers take turns. */
const startServices = Effect.fnUntraced(function* (options: WorldOptions, serverPorts: ReadonlyArray<number>) {
  const turn = yield* Ref.make(0)
  const announcements = yield* FaultProxy.make(
    Effect.map(
      Ref.getAndUpdate(turn, (number) => number + 1),
      (number) => serverPorts[number % SERVERS] ?? 0
    )
  )
  const firstStart = DateTime.formatIso(yield* DateTime.now)
  const start = Effect.fnUntraced(function* (name: ServiceName) {
    const port = yield* freePort
    const announceTo = `http://${HOST}:${announcements.port}`
    const journals = path.join(options.folder, "journals")
    const process = yield* supervise({
      name,
      args: [...options.nodeOptions, options.serviceEntry, name, String(port), journals, firstStart, announceTo],
      env: options.env,
      logFile: path.join(options.folder, `${name}.log`)
    })
    return { process, port, url: `http://${HOST}:${port}`, proxy: yield* proxyTo(port) }
  })
  const services = yield* Effect.all({ ticket: start("ticket"), payment: start("payment"), event: start("event") })
  yield* Effect.forEach(Object.values(services), ({ url }) => untilUp(`${url}/health`), { concurrency: 3 })
  return { announcements, services }
})

/** Starts it all; answers once the servers take requests. */
export const startWorld = Effect.fn("ChaosWorld.startWorld")(function* (options: WorldOptions) {
  const client = yield* Effect.context<HttpClient.HttpClient>()
  const serverPorts = yield* Effect.forEach(Array.from({ length: SERVERS }), () => freePort)
  const serverProxies = yield* Effect.forEach(serverPorts, proxyTo)
  const {
    announcements,
    services: { event, payment, ticket }
  } = yield* startServices(options, serverPorts)
  const database = yield* proxyTo(Number(new URL(options.databaseUrl).port))
  const serverAt = (port: number, index: number): Program => ({
    name: `server-${index}`,
    args: [...options.nodeOptions, options.serverEntry],
    logFile: path.join(options.folder, `server-${index}.log`),
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
      ORDER_DATA_FOLDER: path.join(options.folder, `data-${index}`)
    }
  })
  const healthOf = (port: number) => `http://${HOST}:${port}/health/readiness`
  const servers = yield* Effect.forEach(serverPorts, (port, index) =>
    Effect.map(
      supervise(serverAt(port, index)),
      (process): Injector.Server => ({ process, isReady: Effect.provideContext(isUp(healthOf(port)), client) })
    )
  )
  const ready = Effect.forEach(serverPorts, (port) => untilUp(healthOf(port)), { discard: true })
  yield* ready
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
  return { targets, ready, clientPorts: serverProxies.map(({ port }) => port) }
})
