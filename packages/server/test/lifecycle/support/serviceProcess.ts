/** The service as a process of its own, with nothing in its environment but what is given. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import * as path from "node:path"

const ROOT = path.join(import.meta.dirname, "../../../../..")

/** What people start: with the banner of the demo, and as it is deployed; and one that ends where it is told to. */
export const entries = {
  demo: path.join(ROOT, "scripts/start.ts"),
  service: path.join(ROOT, "packages/server/src/main.ts"),
  crashing: path.join(ROOT, "packages/server/test/crash/support/holdCrashing.ts")
} as const

export interface Outcome {
  /** `null`: it was killed. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * That a service has stopped in time: by itself, or by the last resort that it has for the case that the machine gives it
 * too little time.
 */
export const assertStopped = ({ code, stderr }: Outcome): void =>
  code === 1
    ? assert.match(stderr, /^The service has not stopped within [\d.]+ s and is ended\.\n$/)
    : assert.deepStrictEqual([code, stderr], [0, ""])

/** A started process, with any port that is free. It is killed if it is still there when the scope closes. */
export const start = Effect.fn("serviceProcess.start")(function* (
  entry: keyof typeof entries,
  env: { readonly [name: string]: string },
  account: { readonly uid?: number; readonly gid?: number } = {}
) {
  const anyPort = {
    PORT: "0",
    ORDER_SANDBOX_TICKET_PORT: "0",
    ORDER_SANDBOX_PAYMENT_PORT: "0",
    ORDER_SANDBOX_EVENT_PORT: "0"
  }
  const { child, ended, text } = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [entries[entry]], {
        ...account,
        env: { ...anyPort, ...env },
        stdio: ["pipe", "pipe", "pipe"]
      })
      // A process that has ended reads nothing any more.
      child.stdin.on("error", () => {})
      const text = { stdout: "", stderr: "" }
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        text.stdout += chunk
      })
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        text.stderr += chunk
      })
      const ended = new Promise<Outcome>((resolve) => child.once("close", (code) => resolve({ code, ...text })))
      return { child, ended, text }
    }),
    ({ child, ended }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return ended
      })
  )
  /** Waits until it has printed this on stdout; fails when it ends without. */
  const printed = (wanted: RegExp) =>
    Effect.promise(
      () =>
        new Promise<RegExpExecArray>((resolve, reject) => {
          const look = () => {
            const match = wanted.exec(text.stdout)
            if (match === null) return
            child.stdout.off("data", look)
            child.off("close", ended)
            resolve(match)
          }
          const ended = () => reject(new Error(`ended without ${wanted.source}: ${text.stdout}${text.stderr}`))
          child.stdout.on("data", look)
          child.once("close", ended)
          look()
        })
    )
  return {
    outcome: Effect.promise(() => ended),
    send: (signal: NodeJS.Signals) => Effect.sync(() => child.kill(signal)),
    /** Gives it a line on stdin. */
    tell: (line: string) => Effect.sync(() => child.stdin.write(`${line}\n`)),
    printed,
    /** Where it listens, once it does. */
    port: Effect.map(printed(/(?:listening on port |Health\s+http:\/\/localhost:)(\d+)/), ([, port]) => Number(port))
  }
})
