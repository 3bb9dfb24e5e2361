/**
 * Requests that may be sent twice and take effect once (rule 6).
 *
 * The first request with a key claims it in the transaction of its effect. Every other one with the same key waits for
 * the answer of the first and gives back the same bytes. A request that died between its effect and its answer is
 * finished by the next one with its key. Final are 2xx and refusals that would be the same tomorrow (400, 403, 404, 422);
 * a 409, a 412, a 429 or an outage may end differently next time and is not kept.
 */
import type { Caller } from "@tickettoken/order-domain/Actor"
import type { Keyed } from "@tickettoken/order-domain/changeOrder"
import {
  type IdempotencyClaim,
  IdempotencyConflict,
  IdempotencyInProgress,
  type IdempotencyKeyUsed,
  IdempotencyMismatch,
  type KeyedOperation,
  type KeyVerdict,
  type StoredAnswer
} from "@tickettoken/order-domain/Idempotency"
import type { OrderId } from "@tickettoken/order-domain/Ids"
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import { notReady, RequestBudget, RETRY_AFTER_SECONDS } from "@tickettoken/order-domain/RequestBudget"
import { Clock, Data, Duration, Effect, Result, Schema } from "effect"
import { HttpServerResponse, ProblemDetails } from "effect/http"
import { createHash } from "node:crypto"
import { AnyProblem } from "../contract/Problems.ts"
import { canonicalJson } from "./canonicalJson.ts"
import { CurrentRequest } from "./CurrentRequest.ts"
import { Detached } from "./Detached.ts"
import { answering, type DomainError, toProblem } from "./toProblem.ts"

/** What is to be done once, and how its answer is written down. */
export interface KeyedRequest<A, E extends DomainError, R> {
  readonly caller: Caller
  readonly operation: KeyedOperation
  readonly key: string | undefined
  /** Method and path, and the decoded body: what a repetition must have in common with the first request. */
  readonly route: string
  readonly body: unknown
  readonly run: (keyed: Keyed<A> | undefined) => Effect.Effect<A, E | IdempotencyConflict, R>
  readonly render: (result: A) => StoredAnswer
  /** What a request that is still running, or died, has come to: `null` while that is open. */
  readonly join?: (orderId: OrderId) => Effect.Effect<A | null, E, R>
  /** Headers made of the answer's body, so that a repetition has the same ones. */
  readonly headersOf?: (body: string) => { readonly [name: string]: string }
}

const POLL_MILLIS_MIN = 20
const POLL_MILLIS_MAX = 250

/** Where one round of a keyed request has led. */
type Round = Data.TaggedEnum<{
  Answered: { readonly answer: StoredAnswer; readonly replayed: boolean }
  /** Somebody else has the key: look again, at once. */
  LookAgain: object
  /** Somebody else is still at it. */
  Wait: object
}>
const Round = Data.taggedEnum<Round>()

const claimOf = (
  request: {
    readonly caller: Caller
    readonly operation: KeyedOperation
    readonly route: string
    readonly body: unknown
  },
  key: string
): IdempotencyClaim => ({
  tenantId: request.caller.tenantId,
  principal: request.caller.actor.id,
  operation: request.operation,
  key,
  fingerprint: createHash("sha256")
    .update(`${request.route}\n${canonicalJson(request.body)}`)
    .digest("hex")
})

/** Whether the same request would be refused in the same way for the rest of the key's window. */
const isFinal = (status: number): boolean => status < 500 && ![409, 412, 429].includes(status)

const encodeProblem = Schema.encodeUnknownEffect(Schema.fromJsonString(AnyProblem))

const problemText = (problem: AnyProblem): Effect.Effect<string> => Effect.orDie(encodeProblem(problem))

/** Answers a request, once per key. Without a key it is simply done, and it is done even if the client hangs up. */
export const answerOnce = <A, E extends DomainError, R>(request: KeyedRequest<A, E, R>) =>
  answering(request.key === undefined ? withoutKey(request) : withKey(request, claimOf(request, request.key)))

const withoutKey = Effect.fnUntraced(function* <A, E extends DomainError, R>(request: KeyedRequest<A, E, R>) {
  const detached = yield* Detached
  const result = yield* detached.runFor(
    yield* RequestBudget,
    // Without a claim there is nothing to conflict with.
    Effect.catchIf(request.run(undefined), isConflict, Effect.die)
  )
  return toResponse(request, { answer: request.render(result), replayed: false })
})

const isConflict = (error: unknown): error is IdempotencyConflict => error instanceof IdempotencyConflict

const withKey = Effect.fnUntraced(function* <A, E extends DomainError, R>(
  request: KeyedRequest<A, E, R>,
  claim: IdempotencyClaim
) {
  const detached = yield* Detached
  const budget = yield* RequestBudget
  const left = leftOf(budget, yield* Clock.monotonicTimeNanos)
  let pollMillis = POLL_MILLIS_MIN
  let isRunning = false
  for (;;) {
    // A database or a service that does not answer keeps nobody waiting longer than the budget.
    const verdict = yield* inTime(detached.run(lookUp(claim)), yield* left, isRunning)
    const round = yield* verdict._tag === "Fresh"
      ? detached.runFor(yield* left, first(request, claim))
      : inTime(detached.run(repetition(request, claim, verdict)), yield* left, isRunning)
    if (round._tag === "Answered") return toResponse(request, round)
    const millis = Duration.toMillis(yield* left)
    if (millis === 0) return yield* stillRunning()
    if (round._tag === "LookAgain") continue
    isRunning = true
    yield* Effect.sleep(Duration.millis(Math.min(pollMillis, millis)))
    pollMillis = Math.min(pollMillis * 2, POLL_MILLIS_MAX)
  }
})

/** Waits so long for one look; what is said then depends on whether the first request has been seen. */
const inTime = <A, E, R>(
  look: Effect.Effect<A, E, R>,
  duration: Duration.Duration,
  isRunning: boolean
): Effect.Effect<A, E | IdempotencyInProgress | ServiceUnavailable, R> =>
  isRunning
    ? Effect.timeoutOrElse(look, { duration, orElse: stillRunning })
    : Effect.timeoutOrElse(look, { duration, orElse: () => Effect.fail(notReady("the key can not be looked up")) })

const stillRunning = () => Effect.fail(new IdempotencyInProgress({ retryAfterSeconds: RETRY_AFTER_SECONDS }))

/** What is left of a time that began at this instant, by a clock that nobody sets. */
const leftOf = (budget: Duration.Duration, begun: bigint): Effect.Effect<Duration.Duration> =>
  Effect.map(Clock.monotonicTimeNanos, (now) =>
    Duration.max(Duration.zero, Duration.subtract(budget, Duration.nanos(now - begun)))
  )

/**
 * A key is looked up in two places, its row and what it has made. A first request that commits between the two looks like
 * one of long ago: that is believed the second time.
 */
const lookUp = (claim: IdempotencyClaim) =>
  Effect.flatMap(IdempotencyKeys, (keys) => keys.lookup(claim)).pipe(
    Effect.retry({ times: 1, while: (error) => error._tag === "IdempotencyKeyUsed" })
  )

/** The key is free: does what is asked and stores the answer, if it is final. */
const first = Effect.fnUntraced(function* <A, E extends DomainError, R>(
  request: KeyedRequest<A, E, R>,
  claim: IdempotencyClaim
): Effect.fn.Return<Round, E | IdempotencyKeyUsed | ServiceUnavailable, R | IdempotencyKeys> {
  const keys = yield* IdempotencyKeys
  const result = yield* Effect.result(request.run({ claim, render: request.render }))
  if (Result.isSuccess(result)) {
    // A change has stored its answer with its effect and gets the same one back.
    const answer = yield* keys.finish(claim, request.render(result.success))
    return Round.Answered({ answer, replayed: false })
  }
  const error = result.failure
  if (isConflict(error)) return Round.LookAgain()
  const { requestId } = yield* CurrentRequest
  const problem: AnyProblem = toProblem<DomainError>(error, requestId)
  if (problem.status >= 500) return yield* Effect.fail(error)
  // The refusal may be the work of another request with this key that was faster: then its answer is ours.
  const now = yield* lookUp(claim)
  if (now._tag !== "Fresh") return Round.LookAgain()
  if (!isFinal(problem.status)) return yield* Effect.fail(error)
  const answer = yield* keys.finish(claim, { status: problem.status, body: yield* problemText(problem) })
  return Round.Answered({ answer, replayed: false })
})

/** The key is taken: gives back what the first request has come to. */
const repetition = Effect.fnUntraced(function* <A, E extends DomainError, R>(
  request: KeyedRequest<A, E, R>,
  claim: IdempotencyClaim,
  verdict: Exclude<KeyVerdict, { readonly _tag: "Fresh" }>
): Effect.fn.Return<Round, E | IdempotencyMismatch | ServiceUnavailable, R | IdempotencyKeys> {
  const keys = yield* IdempotencyKeys
  switch (verdict._tag) {
    case "Mismatch":
      return yield* new IdempotencyMismatch()
    case "Replay":
      return Round.Answered({ answer: verdict.answer, replayed: true })
    case "Running": {
      if (verdict.orderId === null || request.join === undefined) return Round.Wait()
      const joined = yield* request.join(verdict.orderId)
      if (joined === null) return Round.Wait()
      return Round.Answered({ answer: yield* keys.finish(claim, request.render(joined)), replayed: true })
    }
  }
})

const toResponse = (
  { headersOf }: { readonly headersOf?: (body: string) => { readonly [name: string]: string } },
  { answer, replayed }: { readonly answer: StoredAnswer; readonly replayed: boolean }
): HttpServerResponse.HttpServerResponse => {
  const isProblem = answer.status >= 400
  return HttpServerResponse.text(answer.body, {
    status: answer.status,
    contentType: isProblem ? ProblemDetails.contentType : "application/json",
    headers: {
      ...(isProblem || headersOf === undefined ? {} : headersOf(answer.body)),
      ...(replayed ? { "idempotent-replayed": "true" } : {})
    }
  })
}
