/**
 * Starting and stopping the PostgreSQL programs.
 *
 * **Details**
 *
 * `node:child_process` instead of Effect's process service, which can not run a program under another account.
 */
import { type Duration, Effect, Option, type Scope } from "effect"
import { type SpawnOptions, spawn } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { Account } from "./DataFolder.ts"
import { describeCause, hasCode } from "./EmbeddedPostgresError.ts"

const OUTPUT_CHARS_MAX = 4096
const TAIL_LINES_MAX = 5

/** After SIGQUIT PostgreSQL itself waits 5 s for its children before it kills them. */
const QUIT_WITHIN: Duration.Input = "6 seconds"
const KILL_WITHIN: Duration.Input = "5 seconds"

/**
 * PostgreSQL reads dozens of PG* variables and takes its language and time zone from the environment, so it gets a small
 * fixed one. The working folder must be one that the account can enter.
 */
const spawnOptions = (command: string, account: Option.Option<Account>): SpawnOptions => ({
  cwd: path.parse(command).root,
  env: { LC_ALL: "C", TZ: "UTC", PATH: "/usr/local/bin:/usr/bin:/bin" },
  windowsHide: true,
  ...Option.getOrElse(account, () => ({}))
})

/** Runs a program to its end; fails with the end of what it printed. */
export const runProgram = (options: {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly account: Option.Option<Account>
}): Effect.Effect<string, string> =>
  Effect.callback((resume) => {
    const child = spawn(options.command, options.args, {
      ...spawnOptions(options.command, options.account),
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString("utf8")).slice(-OUTPUT_CHARS_MAX)
    }
    child.stdout?.on("data", keep)
    child.stderr?.on("data", keep)
    child.once("error", (error) => resume(Effect.fail(error.message)))
    child.once("close", (code, signal) =>
      resume(code === 0 ? Effect.succeed(output) : Effect.fail(`${lastLines(output)} (${describeExit(code, signal)})`))
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })

export interface ServerProcess {
  readonly pid: number
  /** Ends when the process has ended, and says how. */
  readonly exited: Effect.Effect<string>
}

/**
 * Starts the server in a session of its own, so that Ctrl-C at the terminal reaches only us and the server can be the
 * last thing to stop. Closing the scope stops it.
 */
export const startServer = (options: {
  readonly bin: string
  readonly args: ReadonlyArray<string>
  readonly account: Option.Option<Account>
  readonly logFile: string
  readonly stopWithin: Duration.Input
}): Effect.Effect<ServerProcess, string, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.tryPromise({ try: () => spawnServer(options), catch: describeCause }),
      ({ child, pid, exited }) =>
        Effect.suspend(() => {
          // Its pid may already be that of another process.
          if (child.exitCode !== null || child.signalCode !== null) return Effect.void
          return stop({ ...options, pid, gone: exited })
        })
    ),
    ({ pid, exited }) => ({ pid, exited })
  )

const spawnServer = async (options: {
  readonly bin: string
  readonly args: ReadonlyArray<string>
  readonly account: Option.Option<Account>
  readonly logFile: string
}) => {
  const command = path.join(options.bin, "postgres")
  // The log is a file and not a pipe, which would break the server when we die.
  const log = await openLog(options.logFile)
  try {
    const child = spawn(command, options.args, {
      ...spawnOptions(command, options.account),
      detached: true,
      stdio: ["ignore", log.fd, log.fd]
    })
    const exited = new Promise<string>((resolve) => {
      child.once("exit", (code, signal) => resolve(describeExit(code, signal)))
    })
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve)
      child.once("error", reject)
    })
    const pid = child.pid
    if (pid === undefined) throw new Error("no process id")
    return { child, pid, exited: Effect.promise(() => exited) }
  } finally {
    await log.close()
  }
}

const openLog = async (logFile: string): Promise<fs.FileHandle> => {
  try {
    await fs.rename(logFile, `${logFile}.previous`)
  } catch (cause) {
    if (!hasCode(cause, "ENOENT")) throw cause
  }
  return fs.open(logFile, "a", 0o600)
}

/**
 * Asks for a fast shutdown (clients are disconnected, everything is written), then for an immediate one, then kills.
 * `gone` must end when the process has ended. Returns whether it has.
 */
export const stop = Effect.fnUntraced(function* (options: {
  readonly bin: string
  readonly pid: number
  readonly stopWithin: Duration.Input
  readonly gone: Effect.Effect<unknown>
}) {
  const ways = [
    { signal: "INT", within: options.stopWithin },
    { signal: "QUIT", within: QUIT_WITHIN },
    { signal: "KILL", within: KILL_WITHIN }
  ] as const
  for (const { signal, within } of ways) {
    yield* sendSignal(options.bin, options.pid, signal)
    if (Option.isSome(yield* Effect.timeoutOption(options.gone, within))) return true
    yield* Effect.logWarning(`PostgreSQL process ${options.pid} did not stop on SIG${signal} in time`)
  }
  return false
})

const sendSignal = (bin: string, pid: number, signal: "INT" | "QUIT" | "KILL"): Effect.Effect<void> => {
  // Windows has no signals; PostgreSQL has its own there, which only its own program can send.
  if (process.platform === "win32") {
    return runProgram({
      command: path.join(bin, "pg_ctl"),
      args: ["kill", signal, String(pid)],
      account: Option.none()
    }).pipe(Effect.catch((detail) => Effect.logDebug(`pg_ctl kill ${signal} ${pid}: ${detail}`)))
  }
  return Effect.suspend(() => {
    try {
      process.kill(pid, `SIG${signal}`)
      return Effect.void
    } catch (cause) {
      // No such process: it has stopped meanwhile.
      if (hasCode(cause, "ESRCH")) return Effect.void
      return Effect.logWarning(`Can not stop PostgreSQL process ${pid}: ${describeCause(cause)}`)
    }
  })
}

const describeExit = (code: number | null, signal: string | null): string =>
  signal === null ? `exit code ${code}` : `ended by ${signal}`

/** The last lines in one, for a message. */
export const lastLines = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(-TAIL_LINES_MAX)
    .join(" | ")
