/**
 * What a run outside production gets where nobody has provided anything: a PostgreSQL of its own, the sandbox in place
 * of the other services, and credentials for the demo.
 *
 * This folder alone knows the testing package, and loads it only when a sandbox is to be started. In production nothing
 * here is reached: the configuration asks for every address and credential then.
 */
import { Duration, Effect, Option, type Redacted } from "effect"
import type { Configuration } from "../AppConfig.ts"
import type { Foundation } from "../AppLayer.ts"
import * as DemoCredentials from "../auth/DemoCredentials.ts"
import * as EmbeddedPostgres from "../embedded/EmbeddedPostgres.ts"
import { startFailure } from "../StartFailure.ts"
import { writeDemoFiles } from "./demoFiles.ts"

/** What there is to try the service out with. */
export interface Demo {
  readonly tokens: DemoCredentials.DemoTokens
  /** `<id>.<secret>`. */
  readonly serviceCredential: Redacted.Redacted
  /** Where payments are made, if the sandbox stands in for the payment service. */
  readonly paymentSandbox: URL | null
}

export interface World {
  readonly foundation: Foundation
  readonly demo: Demo
  /** The database is ours to migrate. */
  readonly isEmbeddedDatabase: boolean
  /** Tells the payment sandbox where the service listens, so that it can announce payments. */
  readonly announceAt: (port: number) => Effect.Effect<void>
}

/** Starts what is missing, for as long as the scope lives. PostgreSQL ends last. */
export const open = Effect.fn("EmbeddedWorld.open")(function* (config: Configuration) {
  const databaseUrl = yield* database(config)
  const credentials = yield* DemoCredentials.open(config.dataFolder).pipe(
    Effect.mapError(({ message, why }) =>
      startFailure(
        /^E[A-Z]+:/.test(why) ? `The data folder ${config.dataFolder} can not be written (${why}). ${CHOOSE}` : message
      )
    )
  )
  const sandbox = yield* startSandbox(config)
  const jwtSecret = Option.getOrElse(config.jwt.secret, () => credentials.jwtSecret)
  const { audience, issuer } = config.jwt
  const tokens = yield* DemoCredentials.makeTokens({ secret: jwtSecret, issuer, audience })
  const foundation: Foundation = {
    databaseUrl,
    services: sandbox.services,
    outgoingKey: config.downstream.serviceKey,
    jwtSecret,
    // The sandbox announces payments with the demo's key, whoever else may call.
    serviceKeys: [...Option.getOrElse(config.serviceKeys, () => []), credentials.serviceKey],
    // Nobody balances load before a demo: Ctrl-C is obeyed at once.
    shutdownDelay: Duration.zero
  }
  const demo = { tokens, serviceCredential: credentials.serviceCredential, paymentSandbox: sandbox.paymentSandbox }
  yield* writeDemoFiles(config.dataFolder, demo)
  const world: World = {
    foundation,
    demo,
    isEmbeddedDatabase: Option.isNone(config.database.url),
    announceAt: (port) => sandbox.announceAt(port, credentials.serviceCredential)
  }
  return world
})

const CHOOSE = "ORDER_DATA_FOLDER names the folder."

const database = ({ database: { url }, dataFolder }: Configuration) =>
  Option.isSome(url)
    ? Effect.succeed(url.value)
    : EmbeddedPostgres.start({ dataFolder }).pipe(
        Effect.map((server) => server.url),
        Effect.mapError(({ reason }) =>
          startFailure(reason._tag.startsWith("Folder") ? `${reason.message} ${CHOOSE}` : reason.message)
        )
      )

interface RunningSandbox {
  readonly services: Foundation["services"]
  readonly paymentSandbox: URL | null
  readonly announceAt: (port: number, serviceCredential: Redacted.Redacted) => Effect.Effect<void>
}

/** The services that the configuration names, and the sandbox for those that it does not. */
const startSandbox = Effect.fnUntraced(function* ({ dataFolder, sandbox, services }: Configuration) {
  const { eventUrl, paymentUrl, ticketUrl } = services
  if (Option.isSome(ticketUrl) && Option.isSome(paymentUrl) && Option.isSome(eventUrl)) {
    const outside: RunningSandbox = {
      services: { ticketUrl: ticketUrl.value, paymentUrl: paymentUrl.value, eventUrl: eventUrl.value },
      paymentSandbox: null,
      announceAt: () => Effect.void
    }
    return outside
  }
  const { openSandbox } = yield* Effect.promise(() => import("./openSandbox.ts"))
  const { announceTo, eventAt, paymentAt, ticketAt } = yield* openSandbox({ ...sandbox, dataFolder })
  const running: RunningSandbox = {
    services: {
      ticketUrl: Option.getOrElse(ticketUrl, () => ticketAt),
      paymentUrl: Option.getOrElse(paymentUrl, () => paymentAt),
      eventUrl: Option.getOrElse(eventUrl, () => eventAt)
    },
    paymentSandbox: Option.isSome(paymentUrl) ? null : paymentAt,
    announceAt: (port, serviceKey) => announceTo({ orderServiceUrl: `http://127.0.0.1:${port}`, serviceKey })
  }
  return running
})
