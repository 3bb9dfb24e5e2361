/**
 * What a run outside production gets where nobody has provided anything: a PostgreSQL of its own, the sandbox in place
 * of the other services, and credentials for the demo.
 *
 * This folder alone knows the testing package, and loads it only when a sandbox is to be started. In production nothing
 * here is reached: the configuration asks for every address and credential then.
 */
import { Duration, Effect, Option, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import type { Configuration } from "../AppConfig.ts"
import type { Foundation } from "../AppLayer.ts"
import * as DemoCredentials from "../auth/DemoCredentials.ts"
import type { KeySource } from "../auth/SigningKeys.ts"
import * as EmbeddedPostgres from "../embedded/EmbeddedPostgres.ts"
import { configuredBus } from "../messaging/configuredBus.ts"
import * as EventBusMemory from "../messaging/EventBusMemory.ts"
import { limitsOf, Shutdown } from "../Shutdown.ts"
import { startFailure } from "../StartFailure.ts"
import { type Demo, writeDemoFiles } from "./demoFiles.ts"

export interface World {
  readonly foundation: Foundation
  /** Only where the sandbox stands in: with services of their own, people have credentials of their own. */
  readonly demo: Demo | null
  /** Tells the payment sandbox where the service listens, so that it can announce payments. */
  readonly announceAt: (port: number) => Effect.Effect<void>
}

/** Starts what is missing, for as long as the scope lives. PostgreSQL ends last; `meanwhile` is done as it starts. */
export const open = Effect.fn("EmbeddedWorld.open")(function* (config: Configuration, meanwhile: Effect.Effect<void>) {
  const databaseUrl = yield* database(config, meanwhile)
  const { eventUrl, paymentUrl, ticketUrl } = config.services
  const services = Option.all({ ticketUrl, paymentUrl, eventUrl })
  if (Option.isNone(services)) return yield* withSandbox(config, databaseUrl)
  const foundation: Foundation = {
    databaseUrl,
    services: services.value,
    outgoingKey: config.downstream.serviceKey,
    tokenKeys: Option.isSome(config.jwt.keys) ? config.jwt.keys.value : yield* nobodysKeys,
    serviceKeys: Option.getOrElse(config.serviceKeys, () => []),
    bus: configuredBus(config) ?? EventBusMemory.layer,
    shutdownDelay: Duration.zero
  }
  const world: World = { foundation, demo: null, announceAt: () => Effect.void }
  return world
})

/** The sandbox in place of each service that nobody names, with credentials to try it out. Not for the network. */
const withSandbox = Effect.fnUntraced(function* (config: Configuration, databaseUrl: Redacted.Redacted) {
  const credentials = yield* DemoCredentials.open(config.dataFolder).pipe(
    Effect.mapError((error) =>
      startFailure(error._tag === "FolderNotWritable" ? `${error.message} ${CHOOSE}` : error.message)
    )
  )
  const { openSandbox } = yield* Effect.promise(() => import("./openSandbox.ts"))
  const sandbox = yield* openSandbox({ ...config.sandbox, dataFolder: config.dataFolder })
  const tokenKeys = Option.getOrElse(
    config.jwt.keys,
    (): KeySource => ({ _tag: "Secret", secret: credentials.jwtSecret })
  )
  const { eventUrl, paymentUrl, ticketUrl } = config.services
  const demo: Demo = {
    // Where somebody else signs tokens, ours would not be taken.
    tokens: tokenKeys._tag === "Secret" ? yield* DemoCredentials.makeTokens(tokenKeys.secret, config.jwt) : null,
    serviceCredential: credentials.serviceCredential,
    paymentSandbox: Option.isSome(paymentUrl) ? null : sandbox.paymentAt
  }
  yield* writeDemoFiles(config.dataFolder, demo)
  const foundation: Foundation = {
    databaseUrl,
    services: {
      ticketUrl: Option.getOrElse(ticketUrl, () => sandbox.ticketAt),
      paymentUrl: Option.getOrElse(paymentUrl, () => sandbox.paymentAt),
      eventUrl: Option.getOrElse(eventUrl, () => sandbox.eventAt)
    },
    outgoingKey: config.downstream.serviceKey,
    tokenKeys,
    // The sandbox announces payments with the demo's key, whoever else may call.
    serviceKeys: [...Option.getOrElse(config.serviceKeys, () => []), credentials.serviceKey],
    // Everybody who can read the data folder or the screen is an administrator of this run.
    host: LOOPBACK,
    bus: configuredBus(config) ?? EventBusMemory.layer,
    // Nobody balances load before a demo: Ctrl-C is obeyed at once.
    shutdownDelay: Duration.zero
  }
  const announceAt = (port: number) =>
    sandbox.announceTo({ orderServiceUrl: `http://${LOOPBACK}:${port}`, serviceKey: credentials.serviceCredential })
  const world: World = { foundation, demo, announceAt }
  return world
})

const LOOPBACK = "127.0.0.1"
const SECRET_BYTES = 32

/** Without a secret or an issuer nobody has signed a token for this run, so none is taken. */
const nobodysKeys = Effect.suspend(() => {
  const secret = Redacted.make(randomBytes(SECRET_BYTES).toString("base64url"), { label: "JWT secret of nobody" })
  const keys: KeySource = { _tag: "Secret", secret }
  return Effect.as(
    Effect.logWarning("neither JWT_SECRET nor JWT_JWKS_URL is set: no bearer token is valid in this run"),
    keys
  )
})

const CHOOSE = "ORDER_DATA_FOLDER names the folder."

const database = ({ database: { url }, dataFolder, shutdown }: Configuration, meanwhile: Effect.Effect<void>) =>
  Option.isSome(url)
    ? Effect.succeed(url.value)
    : embeddedDatabase(
        { dataFolder, meanwhile },
        Duration.subtract(limitsOf(shutdown, shutdown.delay).world, KILL_BEFORE)
      )

/** So much time has PostgreSQL to be gone after it was killed. */
const KILL_BEFORE = Duration.millis(300)

/** PostgreSQL over the data folder. It stops with us: in its own time, or when `limit` of the stop has passed. */
const embeddedDatabase = Effect.fnUntraced(function* (options: EmbeddedPostgres.Options, limit: Duration.Duration) {
  const { leftOf, whenForced } = yield* Shutdown
  let stopped = false
  // Registered before the server's own finalizer, so that it comes after it.
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      stopped = true
    })
  )
  const { pid, url } = yield* EmbeddedPostgres.start(options).pipe(
    Effect.mapError(({ reason }) =>
      startFailure(reason._tag.startsWith("Folder") ? `${reason.message} ${CHOOSE}` : reason.message)
    )
  )
  const signal = (...names: ReadonlyArray<NodeJS.Signals>) => {
    if (!stopped) for (const name of names) trySignal(pid, name)
  }
  // One that was frozen wakes up to end at once.
  yield* whenForced(() => signal("SIGQUIT", "SIGCONT"))
  yield* Effect.addFinalizer(() =>
    Effect.flatMap(leftOf(limit), (left) =>
      Effect.forkDetach(
        Effect.delay(
          Effect.sync(() => signal("SIGKILL")),
          left
        )
      )
    )
  )
  return url
})

const trySignal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended by itself, or there is no such signal on this system.
  }
}
