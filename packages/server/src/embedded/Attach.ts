/**
 * The way to an embedded database for a second process, such as the command line beside a running server: use the
 * server that is up, or start it for as long as the scope lives.
 */
import { Effect, type Redacted, type Scope } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { open, writingTo } from "./DataFolder.ts"
import * as DatabaseFiles from "./DatabaseFiles.ts"
import { type Options, ownerUrl, start } from "./EmbeddedPostgres.ts"
import { type EmbeddedPostgresError, failure, ServerNotReady } from "./EmbeddedPostgresError.ts"

/**
 * The owner's URL of the folder's database. A folder that another live process of ours holds is not an error here: its
 * server is used. Fails as {@link start} does otherwise.
 */
export const startOrAttach = (options: Options): Effect.Effect<Redacted.Redacted, EmbeddedPostgresError, Scope.Scope> =>
  start(options).pipe(
    Effect.map(({ url }) => url),
    Effect.catchReason("EmbeddedPostgresError", "FolderInUse", () => attach(options.dataFolder))
  )

const attach = Effect.fnUntraced(function* (dataFolder: string) {
  const folder = yield* open(dataFolder)
  const inFolder = writingTo(folder.requested)
  const pidFile = yield* inFolder(() => fs.readFile(path.join(folder.data, "postmaster.pid"), "utf8"))
  // Its fourth line is the port and its eighth the state: the format that PostgreSQL's own pg_ctl reads.
  const lines = pidFile.split("\n")
  const port = Number(lines[3])
  if (!Number.isInteger(port) || lines[7]?.trim() !== "ready") {
    const logFile = path.join(folder.home, "server.log")
    return yield* failure(new ServerNotReady({ detail: "is starting or stopping: try again", logFile, logTail: "" }))
  }
  return ownerUrl(yield* DatabaseFiles.password(folder), port)
})
