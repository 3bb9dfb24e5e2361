/**
 * How we call another service: attempts, repetitions of them, and what is told when none of them has brought an answer.
 *
 * **Details**
 *
 * This is the one layer that repeats a request: with the same key, while an attempt that takes its whole time would
 * still end before the deadline, and within a budget. Pauses grow from {@link RetrySettings.delay}, each chosen at random
 * from none to all of its length; a service that names a pause gets at least that one. Work that has found no answer is
 * a row, and a call of its own later.
 *
 * **Gotchas**
 *
 * Messages name fields and statuses, never values: an answer may hold a client secret.
 */
import type { BasisPoints } from "@tickettoken/order-domain/Money"
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { RETRY_AFTER_SECONDS } from "@tickettoken/order-domain/RequestBudget"
import { Clock, Duration, Effect, Exit, Option, Random, type Redacted, Schema, SchemaIssue } from "effect"
import { monotonicMillis } from "../monotonicMillis.ts"
import { downstream as metrics } from "../telemetry/Metrics.ts"
import * as Attempt from "./Attempt.ts"
import type { CircuitName } from "./CircuitName.ts"
import { Circuits } from "./Circuits.ts"
import { printable } from "./printable.ts"
import { reactions } from "./Reaction.ts"
import * as RetryBudget from "./RetryBudget.ts"

type Service = Exclude<ServiceUnavailable["service"], "orders" | "database">

export interface RetrySettings {
  /** Attempts after the first one. */
  readonly max: number
  /** The longest first pause; each further one may be twice as long. */
  readonly delay: Duration.Duration
  /** How many attempts may be repetitions, of all calls of one service. */
  readonly share: BasisPoints
}

export interface DownstreamOptions {
  readonly baseUrl: URL
  /** Our own `<id>.<secret>`. Without one the service is called without a credential. */
  readonly serviceKey?: Option.Option<Redacted.Redacted> | undefined
  /** For one attempt, its whole answer included. */
  readonly attemptTimeout: Duration.Duration
  /** For the whole call. */
  readonly deadline: Duration.Duration
  readonly retry: RetrySettings
}

export interface Downstream<Circuit extends CircuitName> {
  readonly send: (circuit: Circuit, call: Attempt.Call) => Effect.Effect<Attempt.Answer, ServiceUnavailable>
  /** What was accepted, decoded; any refusal is one that this call can not have. */
  readonly accepted: <A>(
    schema: Schema.Codec<A, unknown>
  ) => (answer: Attempt.Answer) => Effect.Effect<A, ServiceUnavailable>
  /** The service does not do what was agreed. The words end the sentence "the tickets service is not available:". */
  readonly unavailable: (why: string) => ServiceUnavailable
  readonly unexpected: (refused: Attempt.Refused) => ServiceUnavailable
}

/** A client of one service. */
export const make = Effect.fnUntraced(function* <const S extends Service>(service: S, options: DownstreamOptions) {
  const circuits = yield* Circuits
  const { attemptTimeout, baseUrl, deadline, retry } = options
  const limit = Duration.min(attemptTimeout, deadline)
  const attempt = yield* Attempt.make({ baseUrl, limit, serviceKey: options.serviceKey ?? Option.none() })
  const budget = RetryBudget.make(retry.share)
  /** An attempt that begins later may not end in time. */
  const begunWithin = Duration.toMillis(deadline) - Duration.toMillis(limit)

  const unavailable = (why: string, retryAfter: Duration.Duration = RETRY_AFTER) =>
    new ServiceUnavailable({ service, why, retryAfterSeconds: Math.max(1, Math.ceil(Duration.toSeconds(retryAfter))) })
  const unexpected = (refused: Attempt.Refused) => unavailable(Attempt.describeRefusal(refused))

  /** How long to wait before attempt `number`, or nothing if there is to be none. */
  const pauseBefore = Effect.fnUntraced(function* (number: number, startedAt: number, failed: Attempt.NoAnswer) {
    if (number > retry.max || !reactions[failed.failure].retried) return undefined
    const longest = Duration.toMillis(retry.delay) * 2 ** (number - 1)
    const asked = failed.retryAfter === undefined ? 0 : Duration.toMillis(failed.retryAfter)
    const pause = Math.max((yield* Random.next) * longest, asked)
    if ((yield* monotonicMillis) - startedAt + pause > begunWithin) return undefined
    const isPaidFor = budget.spend()
    yield* metrics.retries.record(1, { service, outcome: isPaidFor ? "sent" : "over_budget" })
    return isPaidFor ? pause : undefined
  })

  const repeated = Effect.fnUntraced(function* (circuit: CircuitName, call: Attempt.Call) {
    const startedAt = yield* monotonicMillis
    budget.earn()
    for (let number = 1; ; number++) {
      const answer = yield* Effect.result(circuits.guard(circuit, attempt(call)))
      if (answer._tag === "Success") return answer.success
      const pause = yield* pauseBefore(number, startedAt, answer.failure)
      if (pause === undefined) return yield* answer.failure
      yield* Effect.sleep(Duration.millis(pause))
    }
  })

  const downstream: Downstream<Extract<CircuitName, `${S}:${string}`>> = {
    send: (circuit, call) =>
      repeated(circuit, call).pipe(
        Effect.mapError(({ retryAfter, why }) => unavailable(why, retryAfter)),
        measured(service)
      ),
    accepted: (schema) => (answer) =>
      answer._tag === "Refused"
        ? Effect.fail(unexpected(answer))
        : Schema.decodeUnknownEffect(schema)(answer.body).pipe(
            Effect.mapError(({ issue }) => unavailable(`its answer is not as agreed, at ${placesOf(issue)}`))
          ),
    unavailable: (why) => unavailable(why),
    unexpected
  }
  return downstream
})

const RETRY_AFTER = Duration.seconds(RETRY_AFTER_SECONDS)

const outcomeOf = (exit: Exit.Exit<Attempt.Answer, ServiceUnavailable>): "accepted" | "refused" | "unavailable" => {
  if (Exit.isFailure(exit)) return "unavailable"
  return exit.value._tag === "Accepted" ? "accepted" : "refused"
}

/** Counts and times a call, whatever becomes of it. */
const measured =
  (service: Service) =>
  (call: Effect.Effect<Attempt.Answer, ServiceUnavailable>): Effect.Effect<Attempt.Answer, ServiceUnavailable> =>
    Effect.gen(function* () {
      const startedAt = yield* Clock.currentTimeMillis
      return yield* Effect.onExit(call, (exit) =>
        Effect.gen(function* () {
          const millis = (yield* Clock.currentTimeMillis) - startedAt
          yield* metrics.calls.record(1, { service, outcome: outcomeOf(exit) })
          yield* metrics.seconds.record(millis / 1000, { service })
        })
      )
    })

const placesFormatter = SchemaIssue.makeFormatterStandardSchemaV1()

/** Where an answer is wrong, without what stands there. */
const placesOf = (issue: SchemaIssue.Issue): string => {
  const places = placesFormatter(issue).issues.map(({ path = [] }) => path.map(String).join("."))
  return printable([...new Set(places.map((place) => (place === "" ? "the top" : place)))].join(", "))
}
