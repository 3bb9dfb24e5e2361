/**
 * Whether this process should get requests, and how the things that it needs are.
 */
import { Clock, Context, Duration, Effect, Layer, Ref } from "effect"
import type { CircuitReport } from "../clients/Circuits.ts"

/** One thing that the service depends on. */
export interface Dependency {
  readonly name: string
  /** Without it nothing works: the process is not ready. */
  readonly required: boolean
  /** Fails, with a few words for an operator, when it is not there. */
  readonly check: Effect.Effect<void, string>
  /** Of a service that we call. */
  readonly circuits?: Effect.Effect<ReadonlyArray<CircuitReport>>
}

export interface DependencyReport {
  readonly name: string
  readonly required: boolean
  readonly status: "up" | "down"
  readonly latencyMs: number
  readonly why?: string
  readonly circuits?: ReadonlyArray<CircuitReport>
}

/** Longer than a healthy answer takes, shorter than a probe waits. */
const CHECK_TIMEOUT = Duration.seconds(2)

/** Probes come from many places; what they ask for is asked for once in this time. */
const REPORT_TTL = Duration.seconds(1)

export class Health extends Context.Service<
  Health,
  {
    /** The process is about to end: it finishes what it has and wants nothing new. */
    readonly isStopping: Effect.Effect<boolean>
    readonly beginStop: Effect.Effect<void>
    /** How the required dependencies are. */
    readonly required: Effect.Effect<ReadonlyArray<DependencyReport>>
    /** How all of them are. */
    readonly all: Effect.Effect<ReadonlyArray<DependencyReport>>
  }
>()("@tickettoken/order-server/http/Health") {
  static readonly layer = <E, R>(
    dependencies: Effect.Effect<ReadonlyArray<Dependency>, E, R>
  ): Layer.Layer<Health, E, R> =>
    Layer.effect(
      Health,
      Effect.gen(function* () {
        const known = yield* dependencies
        const stopping = yield* Ref.make(false)
        const reports = (wanted: ReadonlyArray<Dependency>) =>
          Effect.cachedWithTTL(Effect.forEach(wanted, report, { concurrency: "unbounded" }), REPORT_TTL)
        return Health.of({
          isStopping: Ref.get(stopping),
          beginStop: Ref.set(stopping, true),
          required: yield* reports(known.filter(({ required }) => required)),
          all: yield* reports(known)
        })
      })
    )
}

const report = Effect.fnUntraced(function* ({ check, circuits, name, required }: Dependency) {
  const startedAt = yield* Clock.currentTimeMillis
  const why = yield* check.pipe(
    Effect.timeoutOrElse({ duration: CHECK_TIMEOUT, orElse: () => Effect.fail("it does not answer") }),
    Effect.catchDefect(() => Effect.fail("the check itself is broken")),
    Effect.match({ onFailure: (reason) => reason, onSuccess: () => undefined })
  )
  const latencyMs = (yield* Clock.currentTimeMillis) - startedAt
  const result: DependencyReport = {
    name,
    required,
    status: why === undefined ? "up" : "down",
    latencyMs,
    ...(why === undefined ? {} : { why }),
    ...(circuits === undefined ? {} : { circuits: yield* circuits })
  }
  return result
})
