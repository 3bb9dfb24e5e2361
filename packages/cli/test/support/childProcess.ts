/** Runs the command as operators do: `bin.ts` as a process of its own, with nothing in its environment but what is given. */
import { Effect, Schedule } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { Outcome } from "./commandLine.ts"

const BIN = path.join(import.meta.dirname, "../../src/bin.ts")

export interface Variables {
  readonly [name: string]: string
}

/** A started command. It is killed if it is still there when the scope closes. */
export const startBin = Effect.fn("startBin")(function* (argv: ReadonlyArray<string>, env: Variables, cwd?: string) {
  const started = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [BIN, ...argv], { env, cwd, stdio: ["ignore", "pipe", "pipe"] })
      let stdout = ""
      let stderr = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        stdout += text
      })
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text
      })
      const ended = new Promise<Outcome>((resolve) =>
        child.once("close", (code) =>
          resolve({ code: code ?? Number.NaN, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() })
        )
      )
      return { child, ended, printed: () => stdout }
    }),
    ({ child, ended }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return ended
      })
  )
  return {
    outcome: Effect.promise(() => started.ended),
    send: (signal: "SIGINT" | "SIGTERM") => Effect.sync(() => started.child.kill(signal)),
    /** Waits until it has printed this on stdout; fails when it ends without. */
    printed: (wanted: RegExp) =>
      Effect.promise(
        () =>
          new Promise<RegExpExecArray>((resolve, reject) => {
            const look = () => {
              const match = wanted.exec(started.printed())
              if (match !== null) resolve(match)
            }
            started.child.stdout.on("data", look)
            started.child.once("close", () => reject(new Error(`it ended without printing ${wanted.source}`)))
            look()
          })
      )
  }
})

/** One run from start to end. */
export const runBin = (argv: ReadonlyArray<string>, env: Variables, cwd?: string) =>
  Effect.scoped(Effect.flatMap(startBin(argv, env, cwd), ({ outcome }) => outcome))

/** Waits for a file to appear. */
export const untilThere = (file: string) =>
  Effect.promise(() =>
    fs.access(file).then(
      () => true,
      () => false
    )
  ).pipe(Effect.repeat({ until: (isThere) => isThere, schedule: Schedule.spaced("20 millis") }))

/** The status with which a server answers. */
export const statusOf = async (url: string): Promise<number> => (await fetch(url)).status
