/**
 * Circuit breakers of the services that we call: Effect's, one for each service and class of calls.
 *
 * **Details**
 *
 * Asking, changing and giving back are classes of their own: a service that answers no questions may still take back
 * what it has, and a sale that fails must not keep refunds waiting. A circuit sees attempts, not calls: it opens in the
 * middle of the repetitions of one call, and its probe is one request.
 */
import type { BasisPoints } from "@tickettoken/order-domain/Money"
import { Context, Duration, Effect, Exit, Layer, Schedule, Stream } from "effect"
import { CircuitBreaker } from "effect/persistence"
import type { OptionalRedis } from "../redis/OptionalRedis.ts"
import { circuits as metrics } from "../telemetry/Metrics.ts"
import { NoAnswer, RETRY_AFTER_MAX } from "./Attempt.ts"
import { type CircuitName, circuitNames } from "./CircuitName.ts"
import * as CircuitStore from "./CircuitStore.ts"
import { reactions } from "./Reaction.ts"

export interface CircuitSettings {
  /** A circuit opens when so much of its last attempts has failed. */
  readonly failureShare: BasisPoints
  /** How many attempts are looked at, and how many there must have been. */
  readonly calls: number
  /** How long nothing is sent then. */
  readonly openFor: Duration.Duration
}

const BASIS_POINTS_WHOLE = 10_000

/** How a circuit stands. */
export interface CircuitReport {
  readonly circuit: CircuitName
  readonly state: "closed" | "open" | "half_open"
  /** Until it lets a probe through, where it is open. */
  readonly retryAfterSeconds?: number
}

export class Circuits extends Context.Service<
  Circuits,
  {
    /** Sends through the circuit, or fails at once while it is open. */
    readonly guard: <A>(circuit: CircuitName, attempt: Effect.Effect<A, NoAnswer>) => Effect.Effect<A, NoAnswer>
    /** All of them. */
    readonly states: Effect.Effect<ReadonlyArray<CircuitReport>>
  }
>()("@tickettoken/order-server/clients/Circuits") {
  /** Replicas share what they know through Redis, where there is one. */
  static readonly layer = (
    settings: CircuitSettings,
    store: CircuitStore.CircuitStoreOptions = {}
  ): Layer.Layer<Circuits, never, OptionalRedis> =>
    Layer.effect(Circuits, make(settings)).pipe(Layer.provide(CircuitStore.layer(store)))

  /** Keeps the gauges up to date: a circuit may be moved by another replica. */
  static readonly layerGauges: Layer.Layer<never, never, Circuits> = Layer.effectDiscard(
    Effect.flatMap(Circuits, ({ states }) =>
      Effect.forkScoped(Effect.repeat(Effect.flatMap(states, gauged), Schedule.spaced(GAUGE_EVERY)))
    )
  )
}

const GAUGE_EVERY = Duration.seconds(5)

const gaugeOf = { closed: 0, half_open: 0.5, open: 1 } as const

const gauged = (states: ReadonlyArray<CircuitReport>): Effect.Effect<void> =>
  Effect.forEach(states, ({ circuit, state }) => metrics.open.record(gaugeOf[state], { circuit }), { discard: true })

const make = Effect.fnUntraced(function* ({ calls, failureShare, openFor }: CircuitSettings) {
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.rate({
      threshold: failureShare / BASIS_POINTS_WHOLE,
      size: calls,
      minimumCalls: calls
    }),
    openDuration: openFor,
    maxOpenDuration: RETRY_AFTER_MAX
  })
  yield* breaker.transitions.pipe(Stream.runForEach(tellOf), Effect.forkScoped({ startImmediately: true }))

  return Circuits.of({
    guard: (circuit, attempt) =>
      breaker
        .execute(attempt, { key: circuit, classify: outcomeOf })
        .pipe(
          Effect.catchTag("CircuitBreakerError", (error) =>
            Effect.andThen(metrics.turnedAway.record(1, { circuit }), Effect.fail(turnedAway(error)))
          )
        ),
    states: Effect.forEach(circuitNames, (circuit) =>
      // The store answers from memory when it has to: it has no failure to tell.
      Effect.map(Effect.orDie(breaker.state(circuit)), (state) => reportOf(circuit, state))
    )
  })
})

/** Whatever is answered below 500 shows that somebody is there and works. */
const outcomeOf = (exit: Exit.Exit<unknown, NoAnswer>): CircuitBreaker.Outcome => {
  if (Exit.isSuccess(exit)) return CircuitBreaker.success
  const failed = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  if (failed === undefined) return CircuitBreaker.ignored
  const { failure, retryAfter } = failed.error
  return reactions[failure].counted ? CircuitBreaker.failure({ retryAfter }) : CircuitBreaker.success
}

const turnedAway = ({ reason }: CircuitBreaker.CircuitBreakerError): NoAnswer =>
  new NoAnswer({
    failure: "turnedAway",
    why: "too many calls have failed, and it is left alone for a while",
    retryAfter: reason._tag === "CircuitOpen" ? reason.retryAfter : undefined
  })

const reportOf = (circuit: CircuitName, state: CircuitBreaker.State): CircuitReport => {
  switch (state._tag) {
    case "Closed":
      return { circuit, state: "closed" }
    case "HalfOpen":
      return { circuit, state: "half_open" }
    case "Open": {
      const retryAfterSeconds = Math.ceil(Duration.toSeconds(state.retryAfter))
      // The next call is its probe.
      return retryAfterSeconds === 0 ? { circuit, state: "half_open" } : { circuit, state: "open", retryAfterSeconds }
    }
  }
}

const tellOf = (transition: CircuitBreaker.Transition): Effect.Effect<void> => {
  const { key } = transition
  const circuit = circuitNames.find((name) => name === key)
  if (circuit === undefined) return Effect.void
  switch (transition.to) {
    case "Open":
      return Effect.andThen(
        metrics.transitions.record(1, { circuit, to: "open" }),
        Effect.logWarning(`circuit ${key} is open for ${Duration.toSeconds(transition.retryAfter)} s: nothing is sent`)
      )
    case "HalfOpen":
      return metrics.transitions.record(1, { circuit, to: "half_open" })
    case "Closed":
      return Effect.andThen(
        metrics.transitions.record(1, { circuit, to: "closed" }),
        Effect.logInfo(`circuit ${key} is closed again`)
      )
  }
}
