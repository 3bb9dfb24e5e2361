/**
 * A process that is started again whenever it dies, until the run ends: what an orchestrator does in earnest.
 *
 * Its output goes to a file that outlives it. With the scope it is killed, and nothing of it is left.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync } from "node:fs"
import { Duration, Effect, Ref, type Scope } from "effect"

export interface Program {
  readonly name: string
  /** Of `node`: the file and its arguments. */
  readonly args: ReadonlyArray<string>
  /** The whole environment: nothing of ours is passed on. */
  readonly env: { readonly [name: string]: string }
  readonly logFile: string
}

export interface Supervised {
  readonly name: string
  /** Sends a signal to the process that runs now; answers whether there was one. */
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<boolean>
  /** Starts so far. */
  readonly starts: Effect.Effect<number>
  /** How often it has ended without being killed by us: with which exit code. */
  readonly unasked: Effect.Effect<ReadonlyArray<string>>
}

/** One that refuses to start, because what it needs is away, is not asked at once again. */
const PAUSE_AFTER_REFUSAL = Duration.millis(250)

const ended = (child: ChildProcess): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const tell = () => resume(Effect.succeed(child.signalCode ?? `exit code ${child.exitCode}`))
    if (child.exitCode !== null || child.signalCode !== null) return tell()
    child.once("error", (error) => resume(Effect.succeed(error.message)))
    child.once("exit", tell)
  })

const killed = (child: ChildProcess): Effect.Effect<string> =>
  Effect.andThen(
    Effect.sync(() => child.kill("SIGKILL")),
    ended(child)
  )

/** Runs the program from now on. */
export const supervise = Effect.fn("Supervised.supervise")(function* (
  program: Program
): Effect.fn.Return<Supervised, never, Scope.Scope> {
  const current = yield* Ref.make<ChildProcess | null>(null)
  const starts = yield* Ref.make(0)
  const unasked = yield* Ref.make<ReadonlyArray<string>>([])
  const log = yield* Effect.acquireRelease(
    Effect.sync(() => openSync(program.logFile, "a")),
    (file) => Effect.sync(() => closeSync(file))
  )
  const launch = Effect.sync(() =>
    spawn(process.execPath, [...program.args], { env: { ...program.env }, stdio: ["ignore", log, log] })
  )
  const once = Effect.acquireUseRelease(
    launch,
    (child) =>
      Effect.gen(function* () {
        yield* Ref.set(current, child)
        yield* Ref.update(starts, (count) => count + 1)
        return yield* ended(child)
      }),
    killed
  )
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.gen(function* () {
        const how = yield* once
        if (how === "SIGKILL") return
        yield* Ref.update(unasked, (all) => [...all, how])
        yield* Effect.sleep(PAUSE_AFTER_REFUSAL)
      })
    )
  )
  return {
    name: program.name,
    signal: (signal) => Effect.map(Ref.get(current), (child) => child?.kill(signal) ?? false),
    starts: Ref.get(starts),
    unasked: Ref.get(unasked)
  }
})
