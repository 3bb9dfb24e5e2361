/**
 * Where a process is to end: stops at named crash points, each for one order, and what happens to a flow there.
 *
 * **Details**
 *
 * A stop holds once. Parked flows let many orders of one process stand at many points at the same time, so that one
 * SIGKILL ends the process at all of them; what is left behind is the same as if it had ended there for each alone.
 */
import { Effect, Schema } from "effect"
import { type CrashCall, crashPoint, type CrashSite, type CrashSubject } from "./crashPoints.ts"

/**
 * - park: the flow never goes on, the process does
 * - kill: the process ends there and then
 * - freeze: the process stands still until somebody lets it go on, and then goes on
 */
export const CrashFate = Schema.Literals(["park", "kill", "freeze"])

/** One stop. `again`: at the place where the repair of that point ends in turn. */
export const CrashStop = Schema.Struct({
  point: Schema.String,
  again: Schema.Boolean,
  /**
   * The order; for the calls of a key the key, for opening a bulk job the event, and for its other calls the job.
   * `null`: whichever comes by first.
   */
  subject: Schema.NullOr(Schema.String),
  fate: CrashFate
})
export type CrashStop = typeof CrashStop.Type

/** A stop that has been reached, and by whom. */
export interface Reached {
  readonly point: string
  readonly subject: string
}

/** A call of a port as the stops see it. */
export interface CrashedCall {
  readonly call: CrashCall
  readonly about: CrashSubject | null
  readonly subject: string
}

export interface CrashStops {
  /** More stops, from now on. */
  readonly add: (stops: ReadonlyArray<CrashStop>) => void
  /** Runs a call with the stops before and after it. */
  readonly around: <A, E, R>(crashed: CrashedCall, call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Of the items of a call, those that go on: the others stay as they are, and nobody has them. */
  readonly withhold: <A>(
    when: CrashSite["when"],
    items: ReadonlyArray<A>,
    crashed: (item: A) => CrashedCall
  ) => Effect.Effect<ReadonlyArray<A>>
}

const siteOf = ({ again, point }: CrashStop): CrashSite => (again ? crashPoint(point).again : crashPoint(point).site)

const isAbout = ({ about = [] }: CrashSite, crashed: CrashedCall): boolean =>
  about.length === 0 || (crashed.about !== null && about.includes(crashed.about))

/** Stops that tell `report` of each that is reached, before anything happens there. */
export const make = (report: (reached: Reached) => void): CrashStops => {
  let pending: ReadonlyArray<CrashStop> = []

  const reach = (when: CrashSite["when"], crashed: CrashedCall): CrashStop | undefined => {
    const stop = pending.find((known) => {
      const site = siteOf(known)
      const isHere = site.when === when && site.call === crashed.call && isAbout(site, crashed)
      return isHere && (known.subject === null || known.subject === crashed.subject)
    })
    if (stop === undefined) return undefined
    pending = pending.filter((known) => known !== stop)
    report({ point: stop.point, subject: crashed.subject })
    if (stop.fate === "kill") process.kill(process.pid, "SIGKILL")
    if (stop.fate === "freeze") process.kill(process.pid, "SIGSTOP")
    return stop
  }

  /** Nothing ends a parked flow, not even the time limit of its step: as far as it is concerned the process is gone. */
  const stay = Effect.uninterruptible(Effect.never)

  const stopAt = (when: CrashSite["when"], crashed: CrashedCall): Effect.Effect<void> =>
    Effect.suspend(() => {
      const stop = reach(when, crashed)
      return stop === undefined || stop.fate === "freeze" ? Effect.void : stay
    })

  return {
    add: (stops) => {
      pending = [...pending, ...stops]
    },
    around: (crashed, call) =>
      Effect.andThen(
        stopAt("before", crashed),
        Effect.tap(call, () => stopAt("after", crashed))
      ),
    withhold: (when, items, crashed) =>
      Effect.sync(() =>
        items.filter((item) => {
          const stop = reach(when, crashed(item))
          return stop === undefined || stop.fate === "freeze"
        })
      )
  }
}
