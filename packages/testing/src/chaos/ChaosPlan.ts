/**
 * What goes wrong in a run, and when: a list of faults that depends on the seed and the size of the run alone.
 *
 * The same seed and size are the same plan, so a run that has found something can be repeated: the plan then is the same
 * to the millisecond, while the interleaving of real processes is as it happens to be.
 */
import { dice } from "../sandbox/Faults.ts"

/** The order service's processes. */
export const SERVERS = 2

/** The services beside it, each a process of its own. */
export const services = ["ticket", "payment", "event"] as const
export type ServiceName = (typeof services)[number]

/** The places where a proxy stands: before each server, before PostgreSQL, before each service. */
export const links = ["server", "database", ...services] as const
export type Link = (typeof links)[number]

/** What a proxy does to connections. `cut` ends them in the middle of an answer. */
export const linkFaults = ["latency", "stall", "resetBefore", "resetAfter", "cut", "throttle"] as const
export type LinkFault = (typeof linkFaults)[number]

/** What a service does to calls. */
export const serviceFaults = ["failBefore", "failAfter", "hang", "latency", "duplicate", "lie"] as const
export type ServiceFault = (typeof serviceFaults)[number]

export type PlannedFault =
  /** Once it has taken requests for so long, so that a kill is one under load; `null`: in the middle of its start. */
  | { readonly _tag: "KillServer"; readonly server: number; readonly upMillis: number | null }
  | { readonly _tag: "FreezeServer"; readonly server: number; readonly forMillis: number }
  | { readonly _tag: "KillService"; readonly service: ServiceName }
  | { readonly _tag: "TerminateSessions"; readonly sessions: number }
  | { readonly _tag: "RestartDatabase" }
  | { readonly _tag: "DisturbLink"; readonly link: Link; readonly fault: LinkFault; readonly forMillis: number }
  | {
      readonly _tag: "DisturbService"
      readonly service: ServiceName
      readonly fault: ServiceFault
      readonly forMillis: number
    }

export type PlannedKind = PlannedFault["_tag"]

export interface PlannedStep {
  /** From the beginning of the load. */
  readonly atMillis: number
  readonly fault: PlannedFault
}

export interface PlanSize {
  readonly seed: number
  /** How often a server is killed. */
  readonly kills: number
  /** How long the load lasts. */
  readonly millis: number
  /** Whether the database is ours to crash. */
  readonly databaseRestarts: boolean
}

export interface ChaosPlan extends PlanSize {
  readonly steps: ReadonlyArray<PlannedStep>
}

/** The last faults end before the load does, so that recovery is seen under load too. */
const CALM_AT_THE_END = 0.05
const WARM_UP_MILLIS = 1000
/** So many of the kills come before the server is ready again. */
const STARTING_SHARE = 0.1
/** So long a server takes requests before a kill that is late comes. */
const UP_MILLIS_MAX = 1500

/** How often each fault comes in a minute, and at least once in every run. Kills have a number of their own. */
const perMinute: { readonly [Kind in Exclude<PlannedKind, "KillServer">]: number } = {
  FreezeServer: 1,
  KillService: 2,
  TerminateSessions: 8,
  RestartDatabase: 0.5,
  DisturbLink: 8,
  DisturbService: 8
}

/** A source of numbers for one use, so that more of one fault leave the others as they are. */
const chanceOf = (seed: number, use: string) => (draw: number, what: string) => dice(seed, draw, `${use}/${what}`, 0)

type Chance = ReturnType<typeof chanceOf>

const between = (low: number, high: number, chance: number): number => Math.floor(low + chance * (high - low))

/** One of the list; `offset` walks through it, so that a few draws already see every entry. */
const oneOf = <A>(list: readonly [A, ...Array<A>], index: number): A => list[index % list.length] ?? list[0]

const killAt = (plan: PlanSize, chance: Chance, index: number): PlannedStep => {
  const span = plan.millis * (1 - CALM_AT_THE_END) - WARM_UP_MILLIS
  const slot = span / plan.kills
  return {
    atMillis: Math.floor(WARM_UP_MILLIS + slot * (index + chance(index, "at"))),
    fault: {
      _tag: "KillServer",
      server: index % SERVERS,
      upMillis: chance(index, "starting") < STARTING_SHARE ? null : between(100, UP_MILLIS_MAX, chance(index, "up"))
    }
  }
}

const faultOf = (kind: Exclude<PlannedKind, "KillServer">, chance: Chance, index: number): PlannedFault => {
  switch (kind) {
    case "FreezeServer":
      return {
        _tag: kind,
        server: between(0, SERVERS, chance(index, "server")),
        forMillis: between(8000, 15_000, chance(index, "for"))
      }
    case "KillService":
      return { _tag: kind, service: oneOf(services, index + between(0, 3, chance(0, "first"))) }
    case "TerminateSessions":
      return { _tag: kind, sessions: between(1, 6, chance(index, "sessions")) }
    case "RestartDatabase":
      return { _tag: kind }
    case "DisturbLink":
      return {
        _tag: kind,
        link: oneOf(links, between(0, links.length, chance(index, "link"))),
        fault: oneOf(linkFaults, index),
        forMillis: between(1000, 4000, chance(index, "for"))
      }
    case "DisturbService":
      return {
        _tag: kind,
        service: oneOf(services, between(0, services.length, chance(index, "service"))),
        fault: oneOf(serviceFaults, index),
        forMillis: between(2000, 5000, chance(index, "for"))
      }
  }
}

const kinds = Object.keys(perMinute).filter((name): name is keyof typeof perMinute => name in perMinute)

/** The faults of a run. Every kind comes at least once, and so does every fault of links and services. */
export const makePlan = (size: PlanSize): ChaosPlan => {
  const kill = chanceOf(size.seed, "KillServer")
  const kills = Array.from({ length: size.kills }, (_, index) => killAt(size, kill, index))
  const possible = kinds.filter((kind) => kind !== "RestartDatabase" || size.databaseRestarts)
  const others = possible.flatMap((kind) => {
    const chance = chanceOf(size.seed, kind)
    const least = kind === "DisturbLink" ? linkFaults.length : kind === "DisturbService" ? serviceFaults.length : 1
    const count = Math.max(least, Math.round((perMinute[kind] * size.millis) / 60_000))
    const slot = (size.millis * (1 - CALM_AT_THE_END) - WARM_UP_MILLIS) / count
    return Array.from({ length: count }, (_, index): PlannedStep => {
      const atMillis = Math.floor(WARM_UP_MILLIS + slot * (index + 0.8 * chance(index, "at")))
      return { atMillis, fault: faultOf(kind, chance, index) }
    })
  })
  const steps = [...kills, ...others].toSorted((a, b) => a.atMillis - b.atMillis)
  return { ...size, steps }
}

/** The name under which a fault is counted. */
export const nameOf = (fault: PlannedFault): string =>
  fault._tag === "DisturbLink" || fault._tag === "DisturbService" ? `${fault._tag} ${fault.fault}` : fault._tag

/** How often each fault is planned, by its name. */
export const plannedCounts = ({ steps }: ChaosPlan): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { fault } of steps) counts.set(nameOf(fault), (counts.get(nameOf(fault)) ?? 0) + 1)
  return counts
}
