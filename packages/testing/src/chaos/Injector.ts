/**
 * Lets the faults of a plan happen, and counts what has truly hit something: a fault that was planned and has hit
 * nothing has tested nothing, and fails the run.
 */
import { Duration, Effect, Ref, Schedule, Schema, Semaphore } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import type { FaultRule } from "../sandbox/Faults.ts"
import {
  type ChaosPlan,
  type Link,
  type LinkFault,
  nameOf,
  type PlannedFault,
  type ServiceFault,
  type ServiceName
} from "./ChaosPlan.ts"
import type { FaultProxy } from "./FaultProxy.ts"
import type { Supervised } from "./Supervised.ts"

/** What can be done to a database server that is the run's own. */
export interface OwnDatabase {
  /** Ends it as a crash does and starts it again. */
  readonly restart: Effect.Effect<void>
  /** From now on no commit waits for the log, and nobody writes it: the next crash loses what was acknowledged. */
  readonly forget: Effect.Effect<void>
}

/** What a run can do to its database. */
export interface ChaosDatabase {
  /** Ends the sessions of so many clients; answers how many there were. */
  readonly terminateSessions: (count: number) => Effect.Effect<number>
  /** Absent where the server is not ours. */
  readonly own: OwnDatabase | null
  /** The rows of a statement that only reads. */
  readonly rows: (statement: string) => Effect.Effect<ReadonlyArray<unknown>>
}

export interface Server {
  readonly process: Supervised
  /** Whether it takes requests. */
  readonly isReady: Effect.Effect<boolean>
}

export interface Targets {
  readonly servers: ReadonlyArray<Server>
  readonly services: { readonly [Name in ServiceName]: { readonly process: Supervised; readonly url: string } }
  /** Several of one link: one before each server. */
  readonly proxies: { readonly [Name in Link]: ReadonlyArray<FaultProxy> }
  readonly database: ChaosDatabase
}

/** A fault that has hit nothing so far stays in force for so much longer: servers may be slow to come back. */
const PATIENCE = Duration.minutes(4)
/** So many faults are under way at a time: on a slow machine the plan is as slow, and servers still come to work. */
const AT_ONCE_MAX = 8
const LOOK = Duration.millis(250)
const HALF = 0.5

const ruleOf = (fault: ServiceFault): FaultRule => {
  switch (fault) {
    case "failBefore":
      return { failBefore: HALF }
    case "failAfter":
      return { failAfter: HALF }
    case "hang":
      return { hang: { probability: 0.3, when: "after", forMs: 15_000 } }
    case "latency":
      return { latencyMs: { probability: HALF, value: 1500 } }
    case "duplicate":
      return { duplicate: HALF }
    case "lie":
      return { lie: { probability: HALF, about: "html" } }
  }
}

const Report = Schema.Struct({
  rules: Schema.Array(Schema.Struct({ hits: Schema.Record(Schema.String, Schema.Finite) }))
})

/** Runs the plan to its end; answers how often each fault has hit. */
export const run = Effect.fn("Injector.run")(function* (
  plan: ChaosPlan,
  { database, proxies, servers, services }: Targets,
  counts: Ref.Ref<ReadonlyMap<string, number>>
) {
  const client = yield* HttpClient.HttpClient
  const count = (fault: PlannedFault, hits: number) =>
    Ref.update(counts, (all) => new Map([...all, [nameOf(fault), (all.get(nameOf(fault)) ?? 0) + hits]]))

  const faultsOf = (service: ServiceName) => `${services[service].url}/sandbox/faults`
  const setFaults = (service: ServiceName, rules: ReadonlyArray<FaultRule>) =>
    client
      .execute(
        HttpClientRequest.put(faultsOf(service)).pipe(HttpClientRequest.bodyJsonUnsafe({ seed: plan.seed, rules }))
      )
      .pipe(Effect.timeout("2 seconds"), Effect.retry({ schedule: Schedule.spaced(LOOK), times: 40 }), Effect.ignore)

  /** How often the faults of a service have hit. One that was killed meanwhile has forgotten them and is told again. */
  const hitsOf = (service: ServiceName, rule: FaultRule) =>
    client.execute(HttpClientRequest.get(faultsOf(service))).pipe(
      Effect.flatMap((response) => response.json),
      Effect.flatMap(Schema.decodeUnknownEffect(Report)),
      Effect.timeout("2 seconds"),
      Effect.tap(({ rules }) => (rules.length === 0 ? setFaults(service, [rule]) : Effect.void)),
      Effect.map(({ rules }) =>
        rules.reduce((sum, { hits }) => sum + Object.values(hits).reduce((one, other) => one + other, 0), 0)
      ),
      Effect.catch(() => Effect.succeed(0))
    )

  /** Keeps a fault in force for its time, and until it has hit something. */
  const keep = Effect.fnUntraced(function* (forMillis: number, hits: Effect.Effect<number>) {
    yield* Effect.sleep(forMillis)
    const seen = yield* Effect.repeat(hits, {
      until: (number) => number > 0,
      schedule: Schedule.spaced(LOOK)
    }).pipe(Effect.timeoutOption(PATIENCE))
    return seen._tag === "Some" ? seen.value : 0
  })

  const turns = new Map<string, Semaphore.Semaphore>()
  /** One disturbance of a place after the other, or the end of one would be the end of both. */
  const inTurn = <A>(place: string, effect: Effect.Effect<A>) =>
    Effect.suspend(() => {
      const turn = turns.get(place) ?? Semaphore.makeUnsafe(1)
      turns.set(place, turn)
      return turn.withPermits(1)(effect)
    })

  const disturbLink = Effect.fnUntraced(function* (link: Link, fault: LinkFault, forMillis: number) {
    const here = proxies[link]
    const hits = Effect.map(
      Effect.forEach(here, (proxy) => proxy.hits),
      (maps) => maps.reduce((sum, map) => sum + (map.get(fault) ?? 0), 0)
    )
    const before = yield* hits
    yield* Effect.forEach(here, (proxy) => proxy.disturb({ fault }), { discard: true })
    const after = yield* keep(
      forMillis,
      Effect.map(hits, (now) => now - before)
    )
    yield* Effect.forEach(here, (proxy) => proxy.disturb(null), { discard: true })
    return after
  })

  const disturbService = Effect.fnUntraced(function* (service: ServiceName, fault: ServiceFault, forMillis: number) {
    const rule = ruleOf(fault)
    yield* setFaults(service, [rule])
    const hits = yield* keep(forMillis, hitsOf(service, rule))
    yield* setFaults(service, [])
    return hits
  })

  const untilSome = (hit: Effect.Effect<number>) =>
    Effect.repeat(hit, { until: (number) => number > 0, schedule: Schedule.spaced(LOOK) }).pipe(
      Effect.timeoutOption(PATIENCE),
      Effect.map((seen) => (seen._tag === "Some" ? seen.value : 0))
    )

  const signal = (process: Supervised | undefined, name: NodeJS.Signals) =>
    Effect.map(process?.signal(name) ?? Effect.succeed(false), (sent) => (sent ? 1 : 0))

  const kill = Effect.fnUntraced(function* (server: Server | undefined, upMillis: number | null) {
    if (server === undefined) return 0
    if (upMillis !== null) {
      yield* Effect.repeat(server.isReady, { until: (ready) => ready, schedule: Schedule.spaced(LOOK) }).pipe(
        Effect.timeoutOption(PATIENCE)
      )
      yield* Effect.sleep(upMillis)
    }
    return yield* untilSome(signal(server.process, "SIGKILL"))
  })

  const happen = (fault: PlannedFault): Effect.Effect<number> => {
    switch (fault._tag) {
      case "KillServer":
        return inTurn(`server ${fault.server}`, kill(servers[fault.server], fault.upMillis))
      case "FreezeServer":
        return Effect.gen(function* () {
          const frozen = yield* untilSome(signal(servers[fault.server]?.process, "SIGSTOP"))
          yield* Effect.sleep(fault.forMillis)
          yield* signal(servers[fault.server]?.process, "SIGCONT")
          return frozen
        })
      case "KillService":
        return untilSome(signal(services[fault.service].process, "SIGKILL"))
      case "TerminateSessions":
        return untilSome(database.terminateSessions(fault.sessions))
      case "RestartDatabase":
        return database.own === null ? Effect.succeed(0) : Effect.as(database.own.restart, 1)
      case "DisturbLink":
        return inTurn(`link ${fault.link}`, disturbLink(fault.link, fault.fault, fault.forMillis))
      case "DisturbService":
        return inTurn(`service ${fault.service}`, disturbService(fault.service, fault.fault, fault.forMillis))
    }
  }

  let passed = 0
  const places = Semaphore.makeUnsafe(AT_ONCE_MAX)
  for (const { atMillis, fault } of plan.steps) {
    const wait = atMillis - passed
    passed = atMillis
    if (wait > 0) yield* Effect.sleep(wait)
    // The plan's time stands still meanwhile.
    yield* places.take(1)
    yield* happen(fault).pipe(
      Effect.flatMap((hits) => count(fault, hits)),
      Effect.ensuring(places.release(1)),
      Effect.forkChild
    )
  }
  yield* places.take(AT_ONCE_MAX)
})

/** Takes every fault back: what was frozen goes on, networks and services are good again. */
export const heal = Effect.fn("Injector.heal")(function* ({ proxies, servers, services }: Targets) {
  const client = yield* HttpClient.HttpClient
  yield* Effect.forEach(servers, ({ process }) => process.signal("SIGCONT"), { discard: true })
  yield* Effect.forEach(Object.values(proxies).flat(), (proxy) => proxy.disturb(null), { discard: true })
  yield* Effect.forEach(
    Object.values(services),
    ({ url }) =>
      client
        .execute(HttpClientRequest.delete(`${url}/sandbox/faults`))
        .pipe(Effect.timeout("2 seconds"), Effect.retry({ schedule: Schedule.spaced(LOOK), times: 40 }), Effect.ignore),
    { discard: true }
  )
})
