/**
 * The backend of the real command: the server's own layers, without its HTTP.
 *
 * **Details**
 *
 * The same variables as the server, read by the same reader. With DATABASE_URL that database, else the one in the data
 * folder: a running server's, or one that is started for this command alone. Services that nobody names are the
 * sandbox's, at the ports where a running server has it.
 *
 * **Gotchas**
 *
 * Loading this module loads the server: only `Backend` does, when a command asks for it.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { AppConfig, type Configuration } from "@tickettoken/order-server/AppConfig"
import { coreLayer, databaseLayer, type Foundation } from "@tickettoken/order-server/AppLayer"
import * as DemoCredentials from "@tickettoken/order-server/auth/DemoCredentials"
import { startOrAttach } from "@tickettoken/order-server/embedded/Attach"
import type { EmbeddedPostgresError } from "@tickettoken/order-server/embedded/EmbeddedPostgresError"
import * as AuditChain from "@tickettoken/order-server/fsck/AuditChain"
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import * as Repair from "@tickettoken/order-server/fsck/Repair"
import * as SandboxJournals from "@tickettoken/order-server/fsck/SandboxJournals"
import { runAsProcess } from "@tickettoken/order-server/runService"
import * as Migrations from "@tickettoken/order-server/sql/Migrations"
import * as RoleCheck from "@tickettoken/order-server/sql/RoleCheck"
import { Context, Duration, Effect, Layer, Option, Redacted } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { BackendShape } from "./Backend.ts"
import { CommandFailed, deniedByDatabase, toCommandFailed } from "./ExitCode.ts"

const misconfigured = ({ message }: { readonly message: string }) =>
  new CommandFailed({ code: "configuration", message })

const read = (layer: typeof AppConfig.layer) => Effect.provide(AppConfig, layer).pipe(Effect.mapError(misconfigured))

const configuration = read(AppConfig.layer)

const isEmbedded = (config: Configuration): boolean => Option.isNone(config.database.url)

/** What is wrong with the machine or the folder stays wrong; a server that was not ready may be so next time. */
const passing: ReadonlySet<EmbeddedPostgresError["reason"]["_tag"]> = new Set(["ServerNotReady", "FolderInUse"])

const databaseUrl = ({ database: { url }, dataFolder }: Configuration) =>
  Option.isSome(url)
    ? Effect.succeed(url.value)
    : startOrAttach({ dataFolder }).pipe(
        Effect.mapError(
          ({ message, reason }) =>
            new CommandFailed({ code: passing.has(reason._tag) ? "failure" : "configuration", message })
        )
      )

/** Where the sandbox of a running server is. */
const sandboxAt = (port: number): URL => new URL(`http://127.0.0.1:${port}`)

const foundation = Effect.fnUntraced(function* (config: Configuration) {
  const { downstream, sandbox, services } = config
  const onlySandbox = [services.ticketUrl, services.paymentUrl, services.eventUrl].every(Option.isNone)
  const demo =
    isEmbedded(config) && onlySandbox
      ? Option.some(yield* Effect.mapError(DemoCredentials.open(config.dataFolder), misconfigured))
      : Option.none()
  const found: Foundation = {
    databaseUrl: yield* databaseUrl(config),
    services: {
      ticketUrl: Option.getOrElse(services.ticketUrl, () => sandboxAt(sandbox.ticketPort)),
      paymentUrl: Option.getOrElse(services.paymentUrl, () => sandboxAt(sandbox.paymentPort)),
      eventUrl: Option.getOrElse(services.eventUrl, () => sandboxAt(sandbox.eventPort))
    },
    // The demo's key is for the sandbox alone.
    outgoingKey: Option.orElse(downstream.serviceKey, () => Option.map(demo, (known) => known.serviceCredential)),
    // Nobody calls a command, so it knows no callers.
    tokenKeys: { _tag: "Secret", secret: Redacted.make("") },
    serviceKeys: [],
    // What a command leaves to be sent is sent by the running server.
    bus: null,
    shutdownDelay: Duration.zero
  }
  return found
})

const connectFailed = (error: SqlError.SqlError): CommandFailed =>
  deniedByDatabase(error) ??
  new CommandFailed({ code: "failure", message: `the database can not be reached: ${error.reason._tag}` })

const migrationFailed = (error: Migrations.MigrationFailed): CommandFailed =>
  deniedByDatabase(error) ?? toCommandFailed(error)

/** The pool, with a first word: the database is there and takes our login. */
const pool = (config: Configuration, found: Foundation) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const context = yield* Layer.build(databaseLayer(config, found))
      const sql = Context.get(context, SqlClient.SqlClient)
      yield* sql`select 1`
      return context
    }).pipe(Effect.mapError(connectFailed))
  )

// A database of the demo is brought up to date on the way. Any other one is changed by `orders migrate` alone.
const requireSchema = Effect.fnUntraced(function* (config: Configuration) {
  const names = yield* Effect.mapError(Migrations.pending, migrationFailed)
  if (names.length === 0) return
  if (isEmbedded(config)) return yield* Effect.mapError(Effect.asVoid(Migrations.migrate), migrationFailed)
  return yield* new CommandFailed({
    code: "configuration",
    message: `the database lacks ${names.join(", ")}: run 'orders migrate' first`
  })
})

/** An operator whose login may not act for the service is denied; anything else is a database that nobody may use. */
const roleFailed = (error: RoleCheck.UnsafeDatabase | ServiceUnavailable): CommandFailed => {
  if (error._tag === "ServiceUnavailable") return toCommandFailed(error)
  const isOurs = error.faults.every((fault) => fault.includes("may not take the role"))
  return new CommandFailed({ code: isOurs ? "denied" : "configuration", message: error.message })
}

const checked = (config: Configuration) =>
  Layer.effectDiscard(Effect.andThen(requireSchema(config), Effect.mapError(RoleCheck.check(), roleFailed)))

const settledFrom = (reading: typeof configuration) =>
  Effect.gen(function* () {
    const config = yield* reading
    return { config, found: yield* foundation(config) }
  })

const settled = settledFrom(configuration)

const onDatabase = <A>(statement: Effect.Effect<A, Migrations.MigrationFailed, SqlClient.SqlClient>) =>
  Effect.gen(function* () {
    const { config, found } = yield* settledFrom(read(AppConfig.layerDatabase))
    const context = yield* Layer.build(pool(config, found))
    return yield* Effect.mapError(Effect.provideContext(statement, context), migrationFailed)
  }).pipe(Effect.scoped)

/** Work on the whole installation: over a checked database, with the ports where they are needed. */
const onInstallation = <A, E extends { readonly _tag: string; readonly message: string }>(
  work: (found: Foundation, config: Configuration) => Effect.Effect<A, E, Repair.RepairPorts>
) =>
  Effect.gen(function* () {
    const { config, found } = yield* settled
    const ports = coreLayer(config, found).pipe(Layer.provide(checked(config)), Layer.provideMerge(pool(config, found)))
    return yield* Effect.mapError(Effect.provide(work(found, config), yield* Layer.build(ports)), toCommandFailed)
  }).pipe(Effect.scoped)

/** The sandbox's journals, unless the configuration names services: then those are asked for nothing but their work. */
const journalsOf = ({ services }: Configuration, found: Foundation) =>
  Option.isNone(services.ticketUrl) && Option.isNone(services.paymentUrl)
    ? Effect.provide(SandboxJournals.read(found.services), NodeHttpClient.layerUndici)
    : Effect.succeed(undefined)

/** While a server is at work, orders that changed a moment ago are left out of comparisons with journals. */
const QUIET_SECONDS = 60

export const backend: BackendShape = {
  defaultTenant: Effect.map(configuration, (config) =>
    isEmbedded(config) ? Option.some(DemoCredentials.demoPeople.tenantId) : Option.none()
  ),
  ports: Layer.unwrap(
    Effect.map(settled, ({ config, found }) =>
      coreLayer(config, found).pipe(Layer.provide(checked(config)), Layer.provide(pool(config, found)))
    )
  ),
  migrationStatus: onDatabase(Migrations.status),
  migrate: onDatabase(Migrations.migrate),
  inspect: ({ only, tenantId }) =>
    onInstallation((found, config) =>
      Effect.flatMap(journalsOf(config, found), (journals) =>
        Fsck.inspect({
          only: only ?? undefined,
          tenantId: tenantId ?? undefined,
          journals,
          quietSeconds: QUIET_SECONDS
        })
      )
    ),
  planRepairs: (findings) => Effect.succeed(Repair.plan(findings)),
  repair: (findings, actor) => onInstallation(() => Repair.repair(findings, actor)),
  verifyAudit: ({ anchor, ...scope }) =>
    onInstallation(() =>
      Effect.gen(function* () {
        const breaks = yield* AuditChain.verify(scope)
        return anchor === null ? breaks : [...breaks, ...(yield* AuditChain.verifyAgainst(anchor, scope))]
      })
    ),
  anchorAudit: (tenantId) => onInstallation(() => AuditChain.anchor(tenantId)),
  // The service is a process of its own kind: it takes this one over, signals included, and ends it.
  serve: Effect.uninterruptible(
    Effect.andThen(
      Effect.sync(() => runAsProcess(({ port }) => Effect.logInfo(`listening on port ${port}`))),
      Effect.never
    )
  )
}
