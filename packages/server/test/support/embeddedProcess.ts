/** What the tests of the embedded server need: throw-away data folders, other processes that hold one, and SQL. */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as EmbeddedPostgres from "@tickettoken/order-server/embedded/EmbeddedPostgres"
import { Effect, type Redacted, Schema } from "effect"
import { spawn } from "node:child_process"
import { readFileSync, statSync } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as readline from "node:readline"
import { makeTemporaryFolder } from "./temporaryFolder.ts"

export const isRoot = process.getuid?.() === 0

/** Linux's `nobody`, which the server also uses under root. */
export const nobody = { uid: 65534, gid: 65534 }

/** To start another process as an ordinary user: ourselves, unless we are root. */
export const ordinaryUser: Partial<typeof nobody> = isRoot ? nobody : {}

/** Not when root has checked this project out under a folder of its own, such as `/root`. */
export const ordinaryUserCanRunThis =
  !isRoot || [import.meta.dirname, path.dirname(process.execPath)].every((folder) => isOpenToAll(folder))

function isOpenToAll(folder: string): boolean {
  const parent = path.dirname(folder)
  return (statSync(folder).mode & 0o001) !== 0 && (parent === folder || isOpenToAll(parent))
}

/** Real servers: a first start makes the database files. */
export const timeout = 300_000

export const start = (dataFolder: string, options: Partial<EmbeddedPostgres.Options> = {}) =>
  EmbeddedPostgres.start({ dataFolder, durable: false, ...options })

/** Why a start is refused. */
export const refusal = (dataFolder: string, options: Partial<EmbeddedPostgres.Options> = {}) =>
  start(dataFolder, options).pipe(
    Effect.scoped,
    Effect.flip,
    Effect.map((error) => error.reason)
  )

/** A folder to ask for, inside one that every account can enter; servers left in it are stopped at the end. */
export const makeDataFolder = Effect.acquireRelease(
  Effect.promise(async () => path.join(await makeTemporaryFolder("embedded-postgres-"), "data")),
  (folder) =>
    Effect.andThen(
      Effect.orDie(EmbeddedPostgres.remove(folder)),
      Effect.promise(() => fs.rm(path.dirname(folder), { recursive: true, force: true }))
    )
)

const Line = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({ serverPid: Schema.Int, url: Schema.RedactedFromValue(Schema.String) }),
    Schema.Struct({ refused: Schema.String, message: Schema.String }),
    Schema.Struct({ answersAtTheEnd: Schema.Boolean })
  ])
)

/** Another process that starts the server (holdPostgres.ts), in a process group of its own. */
export const holdInOtherProcess = Effect.fn("holdInOtherProcess")(function* (
  dataFolder: string,
  options: { readonly account?: Partial<typeof nobody>; readonly mode?: "once" } = {}
) {
  const script = path.join(import.meta.dirname, "holdPostgres.ts")
  const { child, exit, kill } = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(
        process.execPath,
        [script, dataFolder, ...(options.mode === undefined ? [] : [options.mode])],
        {
          ...options.account,
          detached: true,
          stdio: ["ignore", "pipe", "inherit"]
        }
      )
      const ended = new Promise<number | string | null>((resolve) =>
        child.once("exit", (code, signal) => resolve(signal ?? code))
      )
      const exit = Effect.promise(() => ended)
      return {
        child,
        exit,
        kill: Effect.andThen(
          Effect.sync(() => child.kill("SIGKILL")),
          exit
        )
      }
    }),
    ({ kill }) => kill
  )
  const lines = readline.createInterface(child.stdout)[Symbol.asyncIterator]()
  const pid = yield* Effect.fromNullishOr(child.pid)
  return {
    pid,
    /** The next line that it prints. */
    line: Effect.promise(() => lines.next()).pipe(
      Effect.flatMap(({ value }) => Schema.decodeUnknownEffect(Line)(value)),
      Effect.orDie
    ),
    /** Ends with its exit code or the signal that ended it. */
    exit,
    kill,
    /** As the terminal does: to every process of the group. */
    pressCtrlC: Effect.sync(() => process.kill(-pid, "SIGINT"))
  }
}, Effect.orDie)

/** Runs one statement and returns its rows. */
export const query = (url: Redacted.Redacted, statement: string) =>
  PgConnection.make({ url }).pipe(
    Effect.flatMap((connection) => connection.query(statement)),
    Effect.scoped,
    Effect.map((result) => result.rows)
  )

/** Not for one that has ended and was not reaped yet, which happens to the orphans of a killed process. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return process.platform !== "linux" || readFileSync(`/proc/${pid}/cmdline`, "utf8") !== ""
  } catch {
    return false
  }
}
