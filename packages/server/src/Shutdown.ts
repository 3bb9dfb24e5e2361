/**
 * The end of a run has an end: one budget for all its stages, and a last resort when they do not keep to it.
 *
 * **Details**
 *
 * The clock starts with the signal, wherever the run is then. Each stage gets what is left until its own limit and is
 * left behind after that: what hangs, such as a rollback that a frozen database does not answer, hangs in nobody's way.
 * When even that does not help the process ends itself, with exit code 1 and one line.
 *
 * **Gotchas**
 *
 * A wrapper such as `pnpm` passes on the Ctrl-C that the terminal has sent to everybody already: two signals at once are
 * one request.
 */
import { Context, Duration, Effect, Exit, Fiber, Option, Scope } from "effect"
import { writeSync } from "node:fs"

/** Counted from the beginning of the stop. */
export interface Limits {
  /** Requests and work that have begun. */
  readonly work: Duration.Duration
  /** The connections to the database. */
  readonly pool: Duration.Duration
  /** What a run has started for itself: PostgreSQL and the sandbox. */
  readonly world: Duration.Duration
  /** The last traces and logs on their way to a collector. */
  readonly telemetry: Duration.Duration
  /** Everything. */
  readonly total: Duration.Duration
}

/** For what comes behind requests and work: the pool has a third of it. */
const MARGIN_MILLIS = 1500
const POOL_MILLIS = 500
/** So much earlier than the last resort. */
const WORLD_EARLY_MILLIS = 300
const TELEMETRY_EARLY_MILLIS = 150

/** `delay` is what really passes before the end of listening: none in a demo. */
export const limitsOf = (
  configured: { readonly delay: Duration.Duration; readonly timeout: Duration.Duration },
  delay: Duration.Duration
): Limits => {
  const work = Duration.sum(delay, configured.timeout)
  const total = Duration.sum(Duration.sum(configured.delay, configured.timeout), Duration.millis(MARGIN_MILLIS))
  return {
    work,
    pool: Duration.sum(work, Duration.millis(POOL_MILLIS)),
    world: Duration.subtract(total, Duration.millis(WORLD_EARLY_MILLIS)),
    telemetry: Duration.subtract(total, Duration.millis(TELEMETRY_EARLY_MILLIS)),
    total
  }
}

/** Until the configuration is known: its defaults. */
const TOTAL_MILLIS = 24_500

/** Signals that are closer together than this have one cause. */
const REPEATED_MILLIS = 500

const INTERRUPTED_EXIT_CODE = 130

interface ShutdownShape {
  /** The run ends: from now on the budget is used up. Said again, it changes nothing. */
  readonly begin: Effect.Effect<void>
  readonly setTotal: (total: Duration.Duration) => Effect.Effect<void>
  /** From now until so long after the beginning. */
  readonly leftOf: (limit: Duration.Duration) => Effect.Effect<Duration.Duration>
  /** What must not outlive the process, however it ends. It is given no time. */
  readonly whenForced: (action: () => void) => Effect.Effect<void, never, Scope.Scope>
}

export class Shutdown extends Context.Service<Shutdown, ShutdownShape>()("@tickettoken/order-server/Shutdown") {}

/** The budget of this process, which begins with SIGTERM or SIGINT. */
export const ofProcess = (): ShutdownShape => {
  const actions = new Set<() => void>()
  let begunAt: number | undefined
  let totalMillis = TOTAL_MILLIS
  const endNow = (code: number, line: string): void => {
    for (const action of actions) action()
    writeSync(process.stderr.fd, `${line}\n`)
    process.exit(code)
  }
  const begin = (): void => {
    if (begunAt !== undefined) return
    begunAt = performance.now()
    const tooLate = () => endNow(1, `The service has not stopped within ${totalMillis / 1000} s and is ended.`)
    // oxlint-disable-next-line eslint/no-restricted-globals -- the last resort does not lean on the runtime that hangs
    setTimeout(tooLate, totalMillis).unref()
  }
  process.on("SIGTERM", begin)
  process.on("SIGINT", () => {
    if (begunAt === undefined) return begin()
    if (performance.now() - begunAt > REPEATED_MILLIS) endNow(INTERRUPTED_EXIT_CODE, "Stopped at once, as asked.")
  })
  return {
    begin: Effect.sync(begin),
    setTotal: (total) =>
      Effect.sync(() => {
        totalMillis = Duration.toMillis(total)
      }),
    leftOf: (limit) =>
      Effect.sync(() => {
        const used = begunAt === undefined ? 0 : performance.now() - begunAt
        return Duration.millis(Math.max(0, Duration.toMillis(limit) - used))
      }),
    whenForced: (action) =>
      Effect.acquireRelease(
        Effect.sync(() => void actions.add(action)),
        () => Effect.sync(() => void actions.delete(action))
      )
  }
}

/** A scope for one stage of the run, closed together with the one around it: in time, or left behind. */
export const stage = (what: string, limit: Duration.Duration) =>
  Effect.acquireRelease(Scope.make(), (scope, exit) => closeInTime(scope, exit, what, limit))

const closeInTime = Effect.fnUntraced(function* (
  scope: Scope.Closeable,
  exit: Exit.Exit<unknown, unknown>,
  what: string,
  limit: Duration.Duration
) {
  const shutdown = yield* Shutdown
  const closing = yield* Effect.forkDetach(Scope.close(scope, exit))
  const left = yield* shutdown.leftOf(limit)
  const closed = yield* Effect.timeoutOption(Effect.interruptible(Fiber.await(closing)), left)
  if (Option.isNone(closed)) return yield* Effect.logWarning(`${what} did not end in time and are left behind`)
  if (Exit.isFailure(closed.value)) yield* Effect.logError(`${what} did not end well`, closed.value.cause)
})
