/** Vitest's global setup: one PostgreSQL per run, thrown away at the end. With DATABASE_URL set, that server instead. */
import * as EmbeddedPostgres from "@tickettoken/order-server/embedded/EmbeddedPostgres"
import { Clock, Config, Effect, Exit, Option, Redacted, Scope } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { TestProject } from "vitest/node"
import { makeTemporaryFolder, temporaryRoot } from "./temporaryFolder.ts"

declare module "vitest" {
  interface ProvidedContext {
    readonly postgresAdminUrl: string
  }
}

const PREFIX = "tickettoken-test-postgres-"

/** A younger folder may belong to a run that has not locked it yet. */
const LEFTOVER_AGE_MILLIS = 60_000

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const scope = await Effect.runPromise(Scope.make())
  const adminUrl = await Effect.runPromise(Scope.provide(startServer, scope))
  project.provide("postgresAdminUrl", Redacted.value(adminUrl))
  return () => Effect.runPromise(Scope.close(scope, Exit.void))
}

const startServer = Effect.gen(function* () {
  const own = yield* Config.option(Config.Redacted("DATABASE_URL"))
  if (Option.isSome(own)) return own.value
  yield* removeLeftovers
  const folder = yield* Effect.acquireRelease(makeFolder, (folder) => Effect.orDie(removeFolder(folder)))
  return (yield* EmbeddedPostgres.start({ dataFolder: folder, durable: false })).url
})

const makeFolder = Effect.promise(() => makeTemporaryFolder(PREFIX))

const removeFolder = (folder: string) =>
  Effect.andThen(
    EmbeddedPostgres.remove(folder),
    Effect.promise(() => fs.rm(folder, { recursive: true, force: true }))
  )

/** Of runs that were killed: their servers would otherwise live for ever. */
const removeLeftovers = Effect.gen(function* () {
  const now = yield* Clock.currentTimeMillis
  const root = yield* Effect.promise(temporaryRoot)
  const names = yield* Effect.promise(() => fs.readdir(root))
  for (const name of names.filter((name) => name.startsWith(PREFIX))) {
    yield* removeIfLeft(path.join(root, name), now).pipe(
      // A run that is still going on, another account's, or just removed by a run beside this one: none of our business.
      Effect.catchCause((cause) => Effect.logDebug(`Leaving ${name} alone`, cause))
    )
  }
})

const removeIfLeft = Effect.fnUntraced(function* (folder: string, now: number) {
  const { mtimeMs } = yield* Effect.promise(() => fs.stat(folder))
  if (now - mtimeMs >= LEFTOVER_AGE_MILLIS) yield* removeFolder(folder)
})
