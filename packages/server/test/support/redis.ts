/** Redis for tests: the ordinary one on its default port, and servers of a test's own that it may kill. */
import type { RedisAddress } from "@tickettoken/order-server/redis/IoRedis"
import { Effect, type Scope } from "effect"
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { freePort } from "./freePort.ts"
import { listens, orSkip } from "./services.ts"

const DEFAULT_PORT = 6379

/** Whether the suites on the ordinary Redis can run. */
export const hasRedis = orSkip(await listens(DEFAULT_PORT), "no Redis answers on port 6379")

/** Whether a test can start servers of its own. */
export const hasRedisServer = orSkip(
  spawnSync("redis-server", ["--version"]).status === 0,
  "there is no redis-server on this machine"
)

export const ordinaryRedis: RedisAddress = { host: "127.0.0.1", port: DEFAULT_PORT }

/** A server of the test's own: empty, and gone with the scope. */
export interface OwnRedis {
  readonly address: RedisAddress
  /** Until it takes connections. */
  readonly start: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
  /** It stands still, with its connections open, until it goes on. */
  readonly stopClock: Effect.Effect<void>
  readonly goOn: Effect.Effect<void>
  /** A command by another client than the one that is tested. */
  readonly command: (...args: ReadonlyArray<string>) => Effect.Effect<string>
}

/** One that does not run yet. */
export const ownRedis = (...settings: ReadonlyArray<string>): Effect.Effect<OwnRedis, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* freePort
    let child: ChildProcess | undefined
    const kill = Effect.promise(async () => {
      const running = child
      child = undefined
      if (running === undefined) return
      const gone = once(running, "exit")
      running.kill("SIGKILL")
      await gone
    })
    yield* Effect.addFinalizer(() => kill)
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", ...settings]
    return {
      address: { host: "127.0.0.1", port },
      start: Effect.promise(async () => {
        child = spawn("redis-server", args, { stdio: "ignore" })
        while (!(await listens(port))) await new Promise(setImmediate)
      }),
      kill,
      stopClock: Effect.sync(() => child?.kill("SIGSTOP")),
      goOn: Effect.sync(() => child?.kill("SIGCONT")),
      command: (...words) =>
        Effect.promise(
          () =>
            new Promise<string>((resolve, reject) => {
              execFile("redis-cli", ["-p", String(port), ...words], (error, stdout) =>
                error === null ? resolve(stdout.trim()) : reject(new Error(error.message))
              )
            })
        )
    }
  })
