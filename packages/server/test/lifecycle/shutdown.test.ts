/** The end of the process while the database does not answer: it comes, in time, and takes PostgreSQL with it. */
import { assert, describe, it } from "@effect/vitest"
import { limitsOf } from "@tickettoken/order-server/Shutdown"
import { Duration, Effect, Fiber, Redacted, Schedule } from "effect"
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import * as path from "node:path"
import { send } from "../http/support/send.ts"
import { isAlive, makeDataFolder, start as startPostgres } from "../support/embeddedProcess.ts"
import { assertStopped, start } from "./support/serviceProcess.ts"

const slow = 300_000

/** Long before the process would end by itself, or never would: busy cores need some time for it. */
const SOON_SECONDS = 20

/** The processes of a PostgreSQL: the server and, as Linux tells, its children. */
const processesOf = (server: number): ReadonlyArray<number> => [
  server,
  ...readdirSync("/proc").flatMap((name) => {
    try {
      const [, parent] = /\) \S (\d+) /.exec(readFileSync(`/proc/${name}/stat`, "utf8")) ?? []
      return Number(parent) === server ? [Number(name)] : []
    } catch {
      return []
    }
  })
]

/** Stops all of a PostgreSQL as a debugger does: connections stay open and nothing answers. It goes on with the scope. */
const freeze = (server: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const pids = processesOf(server)
      for (const pid of pids) process.kill(pid, "SIGSTOP")
      return pids
    }),
    (pids) => Effect.sync(() => pids.filter(isAlive).forEach((pid) => process.kill(pid, "SIGCONT")))
  )

/** How long it takes from here, in seconds. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.timed(effect), ([duration, value]) => ({ seconds: Duration.toSeconds(duration), value }))

const running = Effect.fnUntraced(function* (env: { readonly [name: string]: string }) {
  const folder = yield* makeDataFolder
  const service = yield* start("service", { ORDER_DATA_FOLDER: folder, ...env })
  const port = yield* service.port
  return { folder, port, service }
})

/** A service on a PostgreSQL that is not its own, frozen in the middle of a request. */
const onFrozen = Effect.fnUntraced(function* (env: { readonly [name: string]: string }) {
  const { pid, url } = yield* startPostgres(yield* makeDataFolder)
  const { folder, port, service } = yield* running({ ...env, DATABASE_URL: Redacted.value(url) })
  yield* freeze(pid)
  yield* ask(folder, port)
  return service
})

/** Somebody asks for orders and waits. */
const ask = Effect.fnUntraced(function* (folder: string, port: number) {
  const authorization = `Bearer ${readFileSync(path.join(folder, "demo/buyer.token"), "utf8").trim()}`
  const request = send({ port, path: "/api/v1/orders", headers: { authorization } })
  yield* Effect.forkScoped(Effect.ignoreCause(request), { startImmediately: true })
  // It is behind the other one: this one has been taken, and so has that.
  yield* send({ port, path: "/health/liveness" })
})

describe("the budget of a stop", () => {
  it("H4 is below 25 seconds with the defaults, and each stage ends before the next", () => {
    const configured = { delay: Duration.seconds(5), timeout: Duration.seconds(18) }
    for (const delay of [configured.delay, Duration.zero]) {
      const { pool, total, work, world } = limitsOf(configured, delay)
      const ends = [work, pool, world, total].map(Duration.toSeconds)
      assert.deepStrictEqual(
        ends,
        ends.toSorted((a, b) => a - b)
      )
      assert.isBelow(Duration.toSeconds(total), 25)
      assert.isAtLeast(Duration.toSeconds(work), Duration.toSeconds(Duration.sum(delay, configured.timeout)))
    }
  })
})

describe("the last resort", () => {
  /** A process that hangs, with 0.2 s to stop, and these signals. */
  const hang = (...signals: ReadonlyArray<NodeJS.Signals>) => {
    const script = `
      import { Effect, Duration } from "effect"
      import { ofProcess } from ${JSON.stringify(path.join(import.meta.dirname, "../../src/Shutdown.ts"))}
      const shutdown = ofProcess()
      await Effect.runPromise(shutdown.setTotal(Duration.millis(200)))
      Effect.runFork(Effect.scoped(Effect.andThen(shutdown.whenForced(() => console.log("cut")), Effect.never)))
      setInterval(() => {}, 1000)
      for (const signal of ${JSON.stringify(signals)}) process.emit(signal, signal)`
    return spawnSync(
      process.execPath,
      ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "-e", script],
      { cwd: path.join(import.meta.dirname, "../.."), encoding: "utf8", timeout: 120_000 }
    )
  }

  // `pnpm` passes on the Ctrl-C that the terminal has sent already: that is one, and not a second one.
  it.each([[["SIGTERM"]], [["SIGINT", "SIGINT"]]] as const)(
    "H4 ends a process that hangs after %j, with one line and exit code 1, and what must not outlive it",
    (signals) => {
      const { status, stderr, stdout } = hang(...signals)
      assert.deepStrictEqual(
        [status, stdout, stderr],
        [1, "cut\n", "The service has not stopped within 0.2 s and is ended.\n"]
      )
    }
  )
})

describe.runIf(process.platform === "linux")("a stop while the database does not answer", () => {
  const short = { ORDER_SHUTDOWN_TIMEOUT_SECONDS: "2", ORDER_SHUTDOWN_DELAY_SECONDS: "0" }

  it.live(
    "H4 takes no longer than it may",
    () =>
      Effect.gen(function* () {
        const service = yield* onFrozen(short)
        yield* service.send("SIGTERM")
        const { seconds, value } = yield* timed(service.outcome)
        assert.isBelow(seconds, SOON_SECONDS)
        assertStopped(value)
        assert.include(value.stdout, "did not end in time and are left behind")
      }).pipe(Effect.scoped),
    slow
  )

  it.live(
    "H4 ends at once when Ctrl-C is pressed again",
    () =>
      Effect.gen(function* () {
        const service = yield* onFrozen({})
        yield* service.send("SIGINT")
        const pressing = yield* Effect.forkScoped(Effect.repeat(service.send("SIGINT"), Schedule.spaced("100 millis")))
        const { seconds, value } = yield* timed(service.outcome)
        yield* Fiber.interrupt(pressing)
        assert.deepStrictEqual([value.code, value.stderr], [130, "Stopped at once, as asked.\n"])
        assert.isBelow(seconds, SOON_SECONDS)
      }).pipe(Effect.scoped),
    slow
  )

  it.live(
    "H4 ends the embedded PostgreSQL with it, frozen or not",
    () =>
      Effect.gen(function* () {
        const { folder, port, service } = yield* running(short)
        const pidFile = path.join(folder, "postgres/data/postmaster.pid")
        const pid = Number(readFileSync(pidFile, "utf8").split("\n", 1)[0])
        yield* freeze(pid)
        yield* ask(folder, port)
        yield* service.send("SIGTERM")
        const { seconds } = yield* timed(service.outcome)
        assert.isBelow(seconds, SOON_SECONDS)
        assert.isFalse(isAlive(pid))
      }).pipe(Effect.scoped),
    slow
  )
})

describe("a stop while everything answers", () => {
  it.live(
    "is a success, quick, and leaves no PostgreSQL",
    () =>
      Effect.gen(function* () {
        const { folder, service } = yield* running({})
        const pid = Number(readFileSync(path.join(folder, "postgres/data/postmaster.pid"), "utf8").split("\n", 1)[0])
        yield* service.send("SIGINT")
        const { seconds, value } = yield* timed(service.outcome)
        assert.deepStrictEqual([value.code, value.stderr], [0, ""])
        assert.isBelow(seconds, SOON_SECONDS)
        assert.isFalse(isAlive(pid))
      }).pipe(Effect.scoped),
    slow
  )
})
