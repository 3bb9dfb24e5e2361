/**
 * A whole run of the service: configuration, foundation, start, and an orderly end.
 *
 * Whatever keeps it from starting ends it with one clear line and an exit code; nothing prints a stack trace.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Console, Context, Effect, Exit, Layer, Option, Runtime, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { AppConfig, type Configuration } from "./AppConfig.ts"
import type { Foundation, Seams } from "./AppLayer.ts"
import { configuredBus } from "./messaging/configuredBus.ts"
import { prepareDatabase } from "./prepareDatabase.ts"
import type { World } from "./sandbox/EmbeddedWorld.ts"
import * as Shutdown from "./Shutdown.ts"
import { CONFIGURATION_EXIT_CODE, StartFailure, startFailure } from "./StartFailure.ts"
import * as Export from "./telemetry/Export.ts"

/** What a run tells once it takes requests. */
export interface Ready {
  readonly port: number
  readonly dataFolder: string
  /** Only where the sandbox stands in for other services. */
  readonly demo: World["demo"]
}

/** Serves until it is interrupted. Has no span: everything that is ever done here would hang below it. */
const serve = Effect.fnUntraced(function* (onReady: (ready: Ready) => Effect.Effect<void>, seams: Seams) {
  const config = yield* Effect.provide(AppConfig, AppConfig.layer).pipe(
    Effect.mapError(({ message }) => startFailure(message, CONFIGURATION_EXIT_CODE))
  )
  const { begin, setTotal } = yield* Shutdown.Shutdown
  const { telemetry, total } = Shutdown.limitsOf(config.shutdown, config.shutdown.delay)
  yield* setTotal(total)
  return yield* Effect.gen(function* () {
    const exporters = yield* Shutdown.stage("Traces and logs", telemetry)
    const observed = yield* Layer.buildWithScope(Export.layer(config), exporters)
    return yield* serveConfigured(config, onReady, seams).pipe(
      // A run that fails has as little time to end as one that is stopped.
      Effect.onExit(() => begin),
      Effect.scoped,
      Effect.provideContext(observed)
    )
  }).pipe(Effect.scoped)
})

const serveConfigured = Effect.fnUntraced(function* (
  config: Configuration,
  onReady: (ready: Ready) => Effect.Effect<void>,
  seams: Seams
) {
  const { world } = Shutdown.limitsOf(config.shutdown, config.shutdown.delay)
  const worldScope = yield* Shutdown.stage("The database and the sandbox", world)
  // The largest part of the program: read while an embedded database starts.
  const composition = yield* Effect.cached(Effect.promise(() => import("./AppLayer.ts")))
  const { announceAt, demo, foundation } = yield* Scope.provide(
    openWorld(config, Effect.asVoid(composition)),
    worldScope
  )
  const { appLayer, databaseLayer, listeningPort } = yield* composition
  const { pool, work } = Shutdown.limitsOf(config.shutdown, foundation.shutdownDelay)
  const poolScope = yield* Shutdown.stage("Connections to the database", pool)
  const database = yield* Layer.buildWithScope(databaseLayer(config, foundation), poolScope).pipe(
    Effect.mapError(() => startFailure("The database that DATABASE_URL names can not be used."))
  )
  yield* prepareDatabase(config).pipe(
    Effect.provideService(SqlClient.SqlClient, Context.get(database, SqlClient.SqlClient))
  )
  const running = appLayer(config, foundation, seams).pipe(Layer.provide(Layer.succeedContext(database)))
  const app = yield* Layer.buildWithScope(running, yield* Shutdown.stage("Requests and work", work))
  const port = yield* Effect.provideContext(listeningPort, app)
  yield* announceAt(port)
  yield* onReady({ port, dataFolder: config.dataFolder, demo })
  return yield* Effect.never
})

/**
 * In production the configuration names everything. Elsewhere the embedded world provides what it leaves open, and does
 * `meanwhile` where it would only wait.
 */
const openWorld = Effect.fnUntraced(function* (config: Configuration, meanwhile: Effect.Effect<void>) {
  if (config.mode !== "production") {
    const { open } = yield* Effect.promise(() => import("./sandbox/EmbeddedWorld.ts"))
    return yield* open(config, meanwhile)
  }
  const named: World = { announceAt: () => Effect.void, demo: null, foundation: yield* productionFoundation(config) }
  return named
})

const productionFoundation = Effect.fnUntraced(function* (config: Configuration) {
  const { database, downstream, jwt, serviceKeys, services, shutdown } = config
  const all = Option.all({
    databaseUrl: database.url,
    ticketUrl: services.ticketUrl,
    paymentUrl: services.paymentUrl,
    eventUrl: services.eventUrl,
    tokenKeys: jwt.keys,
    serviceKeys
  })
  // The reader of the configuration has seen to it.
  if (Option.isNone(all)) return yield* Effect.die(new Error("a production configuration lacks something"))
  const { eventUrl, paymentUrl, ticketUrl, ...rest } = all.value
  const bus = configuredBus(config)
  if (bus === null) yield* Effect.logWarning("RABBITMQ_URL is not set: messages wait in the outbox")
  const foundation: Foundation = {
    ...rest,
    services: { ticketUrl, paymentUrl, eventUrl },
    outgoingKey: downstream.serviceKey,
    bus,
    shutdownDelay: shutdown.delay
  }
  return foundation
})

/**
 * Runs the service as this process, until it is asked to stop: for entry points. A start that is refused is told in its
 * own words on stderr, anything else in one line; being asked to stop is a success. A second Ctrl-C ends it at once.
 * `seams` are for tests.
 */
export const runAsProcess = (onReady: (ready: Ready) => Effect.Effect<void>, seams: Seams = {}): void =>
  NodeRuntime.runMain(
    serve(onReady, seams).pipe(
      Effect.provideService(Shutdown.Shutdown, Shutdown.ofProcess()),
      Effect.catchCause(tellWhy)
    ),
    { teardown, disableErrorReporting: true }
  )

const tellWhy = (cause: Cause.Cause<StartFailure>): Effect.Effect<never, StartFailure> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
  const error = Cause.squash(cause)
  const failure = error instanceof StartFailure ? error : startFailure(`The service has failed: ${firstLine(error)}`)
  return Effect.andThen(Console.error(failure.message), Effect.fail(failure))
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "no reason is known"

const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)
