/**
 * A real PostgreSQL server for a machine that has none: started from programs that npm brings along, over a data folder
 * of ours, for as long as the scope lives.
 *
 * **When to use**
 *
 * The default database of the order service on a developer's machine and in tests. With `DATABASE_URL` set nothing here
 * runs; production uses a server of its own.
 *
 * **Details**
 *
 * It listens on 127.0.0.1 only, with a generated password, in UTC and UTF-8. If this process is killed the server lives
 * on; the next start over the same folder stops it first. See `DataFolder` for what is where.
 *
 * **Gotchas**
 *
 * On Windows the server does not start from an administrator's terminal.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Clock, Duration, Effect, Redacted, Schedule, type Scope } from "effect"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import * as path from "node:path"
import { type DataFolder, open, writingTo } from "./DataFolder.ts"
import * as DatabaseFiles from "./DatabaseFiles.ts"
import { type EmbeddedPostgresError, failure, hasCode, PortTaken, ServerNotReady } from "./EmbeddedPostgresError.ts"
import * as FolderLock from "./FolderLock.ts"
import { stopLeftover } from "./Leftover.ts"
import * as PostgresBinaries from "./PostgresBinaries.ts"
import { lastLines, type ServerProcess, startServer } from "./PostgresProcess.ts"

export interface Options {
  /** Made if missing. One live process at a time may use it. */
  readonly dataFolder: string
  /** A free one if left out. */
  readonly port?: number | undefined
  /** Whether commits survive a power cut. `false` is faster and for tests. */
  readonly durable?: boolean | undefined
  /** After a crash the server replays its log before it is ready. */
  readonly readyWithin?: Duration.Input | undefined
  /** Then it is stopped harder, without the final writes. */
  readonly stopWithin?: Duration.Input | undefined
  /** Is done while the server starts, for what would only have to be waited for afterwards. */
  readonly meanwhile?: Effect.Effect<void> | undefined
}

export interface EmbeddedPostgres {
  /** Of the owner: creates schemas and roles, is superuser and so sees past every row policy. */
  readonly url: Redacted.Redacted
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** Of the server process. */
  readonly pid: number
  readonly logFile: string
}

const HOST = "127.0.0.1"
const DATABASE = "orders"
const READY_WITHIN: Duration.Input = "60 seconds"
const STOP_WITHIN: Duration.Input = "20 seconds"
const LOG_TAIL_CHARS_MAX = 4096

/** Between our look for a free port and the server's use of it another program may take it. */
const PORT_TRIES_MAX = 3

/** A process does not wait for a test's clock. */
const onWallClock = Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())

/** Starts the server and, the first time, creates the files and the database `orders`. */
export const start = Effect.fn("EmbeddedPostgres.start")(function* (
  options: Options
): Effect.fn.Return<EmbeddedPostgres, EmbeddedPostgresError, Scope.Scope> {
  const durable = options.durable ?? true
  const stopWithin = options.stopWithin ?? STOP_WITHIN
  const source = yield* PostgresBinaries.find
  const folder = yield* open(options.dataFolder)
  yield* FolderLock.acquire(folder)
  const bin = yield* PostgresBinaries.unpack(source, folder.home)
  yield* stopLeftover({ folder, bin, stopWithin })
  const password = yield* DatabaseFiles.ensure({ folder, bin, major: source.major, durable })
  const logFile = path.join(folder.home, "server.log")
  const launch = (port: number) => serve({ ...options, folder, bin, logFile, durable, stopWithin, port })
  const { port, pid, exited } = yield* options.port === undefined ? onFreePort(launch) : onPort(options.port, launch)

  yield* createDatabase(ownerUrl(password, port, "postgres")).pipe(
    Effect.catch((error) => notReady(`does not serve its owner (${error.message})`, logFile))
  )
  // Forked last, so that it is interrupted before the server is stopped on purpose.
  yield* Effect.forkScoped(
    Effect.flatMap(exited, (how) =>
      Effect.logError(`The embedded PostgreSQL has stopped by itself (${how}): ${logFile}`)
    )
  )
  return {
    url: ownerUrl(password, port),
    host: HOST,
    port,
    user: DatabaseFiles.OWNER,
    database: DATABASE,
    pid,
    logFile
  }
}, onWallClock)

/** The owner's URL of a database on the server at this port. */
export const ownerUrl = (password: Redacted.Redacted, port: number, database = DATABASE): Redacted.Redacted =>
  Redacted.make(`postgres://${DatabaseFiles.OWNER}:${Redacted.value(password)}@${HOST}:${port}/${database}`)

/** Deletes the database of a folder, after stopping a server that a killed process left there. */
export const remove = Effect.fn("EmbeddedPostgres.remove")(function* (
  dataFolder: string
): Effect.fn.Return<void, EmbeddedPostgresError> {
  const source = yield* PostgresBinaries.find
  const folder = yield* open(dataFolder)
  const inFolder = writingTo(folder.requested)
  yield* Effect.scoped(
    Effect.gen(function* () {
      yield* FolderLock.acquire(folder)
      const bin = yield* PostgresBinaries.unpack(source, folder.home)
      yield* stopLeftover({ folder, bin, stopWithin: STOP_WITHIN })
      yield* inFolder(() => fs.rm(folder.data, { recursive: true, force: true }))
    })
  )
  // Windows can not delete a lock that is held.
  yield* inFolder(() => fs.rm(folder.home, { recursive: true, force: true }))
  yield* inFolder(() => fs.rm(path.join(folder.requested, "postgres"), { recursive: true, force: true }))
}, onWallClock)

interface Serving extends ServerProcess {
  readonly port: number
}

const onPort = Effect.fnUntraced(function* <A, R>(
  port: number,
  launch: (port: number) => Effect.Effect<A, EmbeddedPostgresError, R>
) {
  yield* probe(port)
  return yield* launch(port)
})

const onFreePort = <A, R>(launch: (port: number) => Effect.Effect<A, EmbeddedPostgresError, R>) =>
  Effect.flatMap(probe(0), launch).pipe(
    Effect.retry({ times: PORT_TRIES_MAX - 1, while: (error) => error.reason._tag === "PortTaken" })
  )

/** Fails if the port is taken, else returns it; for 0 any free one. */
const probe = (port: number): Effect.Effect<number, EmbeddedPostgresError> =>
  Effect.callback((resume) => {
    const listener = net.createServer()
    listener.once("error", (error) => resume(failure(new PortTaken({ port, detail: error.message }))))
    listener.listen({ port, host: HOST }, () => {
      const address = listener.address()
      const found = address !== null && typeof address === "object" ? address.port : port
      listener.close(() => resume(Effect.succeed(found)))
    })
    return Effect.sync(() => listener.close())
  })

/** Starts the server on this port and waits until it takes connections. */
const serve = Effect.fnUntraced(function* (options: {
  readonly folder: DataFolder
  readonly bin: string
  readonly logFile: string
  readonly port: number
  readonly durable: boolean
  readonly stopWithin: Duration.Input
  readonly readyWithin?: Duration.Input | undefined
  readonly meanwhile?: Effect.Effect<void> | undefined
}): Effect.fn.Return<Serving, EmbeddedPostgresError, Scope.Scope> {
  const { folder, port, logFile } = options
  const settings = {
    listen_addresses: HOST,
    port,
    // TCP only: a socket file would need one more folder that both accounts can reach.
    unix_socket_directories: "",
    timezone: "UTC",
    log_timezone: "UTC",
    ...(options.durable ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" })
  }
  const args = ["-D", folder.data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])]
  const server = yield* startServer({ ...options, args, account: folder.account }).pipe(
    Effect.catch((detail) => notReady(`does not start (${detail})`, logFile))
  )
  const exited = Effect.flatMap(server.exited, (how) => stoppedEarly(how, port, logFile))
  const readyWithin = options.readyWithin ?? READY_WITHIN
  const ready = Effect.raceFirst(untilReady(folder, server.pid), exited).pipe(
    Effect.timeoutOrElse({
      duration: readyWithin,
      orElse: () => notReady(`was not ready within ${Duration.format(Duration.fromInputUnsafe(readyWithin))}`, logFile)
    })
  )
  yield* Effect.all([options.meanwhile ?? Effect.void, ready], { concurrency: "unbounded", discard: true })
  return { ...server, port }
})

/** PostgreSQL writes "ready" in the eighth line of its pid file, which is what its own `pg_ctl` waits for. */
const untilReady = (folder: DataFolder, pid: number): Effect.Effect<void, EmbeddedPostgresError> =>
  writingTo(folder.requested)(() => readText(path.join(folder.data, "postmaster.pid"))).pipe(
    Effect.map((text) => text.split("\n")),
    Effect.repeat({
      until: (lines) => lines[0] === String(pid) && lines[7]?.trim() === "ready",
      schedule: Schedule.spaced("10 millis")
    }),
    Effect.asVoid
  )

const stoppedEarly = Effect.fnUntraced(function* (how: string, port: number, logFile: string) {
  const tail = yield* logTail(logFile)
  // The messages are English: the server runs with LC_ALL=C.
  if (tail.includes("could not create any TCP/IP sockets")) {
    return yield* failure(new PortTaken({ port, detail: "another program took it first" }))
  }
  return yield* failure(new ServerNotReady({ detail: `stopped while starting (${how})`, logFile, logTail: tail }))
})

const notReady = (detail: string, logFile: string): Effect.Effect<never, EmbeddedPostgresError> =>
  Effect.flatMap(logTail(logFile), (tail) => failure(new ServerNotReady({ detail, logFile, logTail: tail })))

const logTail = (logFile: string): Effect.Effect<string, EmbeddedPostgresError> =>
  Effect.map(
    writingTo(path.dirname(logFile))(() => readText(logFile)),
    (text) => lastLines(text.slice(-LOG_TAIL_CHARS_MAX))
  )

const readText = async (file: string): Promise<string> => {
  try {
    return await fs.readFile(file, "utf8")
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return ""
    throw cause
  }
}

/** Looked for at every start, since an earlier first start may have been killed before it came to this. */
const createDatabase = (adminUrl: Redacted.Redacted) =>
  Effect.scoped(
    Effect.gen(function* () {
      const connection = yield* PgConnection.make({ url: adminUrl, applicationName: "embedded-postgres" })
      const { rows } = yield* connection.query("SELECT 1 FROM pg_database WHERE datname = $1", [DATABASE])
      if (rows.length === 0) yield* connection.query(`CREATE DATABASE ${DATABASE}`)
    })
  )
