/**
 * Rate limits in front of the endpoints (rule 7.4): an address before its credentials, a person after them, and both
 * before the shape of the request (rule 8).
 */
import { Context, Effect, Layer } from "effect"
import { HttpEffect, HttpServerResponse } from "effect/http"
import { CurrentCaller } from "../contract/Auth.ts"
import { RateLimitExceededProblem, UnauthorizedProblem } from "../contract/Problems.ts"
import { AddressLimit, CallerLimit, LimitedAs, type LimitedOperation } from "../contract/RateLimit.ts"
import { AddressLimits } from "../limits/AddressLimits.ts"
import { RateLimits } from "../limits/RateLimits.ts"
import { type Verdict, WINDOW_SECONDS } from "../limits/Verdict.ts"
import { CurrentRequest } from "./CurrentRequest.ts"
import { raise } from "./toProblem.ts"

const addresses = Layer.effect(
  AddressLimit,
  Effect.gen(function* () {
    const limits = yield* AddressLimits
    return AddressLimit.of(
      Effect.fnUntraced(function* (httpEffect) {
        const { clientAddress } = yield* CurrentRequest
        const verdict = yield* limits.enter(clientAddress)
        if (!verdict.allowed) return yield* refuse("too many requests from this address", verdict)
        return yield* Effect.tapError(httpEffect, (error) =>
          error instanceof UnauthorizedProblem ? limits.refused(clientAddress) : Effect.void
        )
      })
    )
  })
)

const callers = Layer.effect(
  CallerLimit,
  Effect.gen(function* () {
    const limits = yield* RateLimits
    return CallerLimit.of(
      Effect.fnUntraced(function* (httpEffect, { endpoint }) {
        const operation = Context.getOrUndefined(endpoint.annotations, LimitedAs)
        if (operation === undefined) return yield* httpEffect
        const verdict = yield* limits.take(operation, yield* CurrentCaller)
        yield* showLimit(operation, verdict)
        return verdict.allowed
          ? yield* httpEffect
          : yield* refuse(`too many requests of this kind (${operation}) in the last minute`, verdict)
      })
    )
  })
)

export const layer = Layer.merge(addresses, callers)

const MILLIS_PER_SECOND = 1000

const secondsOf = ({ waitMillis }: Verdict): number => Math.max(1, Math.ceil(waitMillis / MILLIS_PER_SECOND))

/** On whatever the request is answered with. */
const showLimit = (operation: LimitedOperation, verdict: Verdict) =>
  HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(
      HttpServerResponse.setHeaders(response, {
        "ratelimit-policy": `"${operation}";q=${verdict.limit};w=${WINDOW_SECONDS}`,
        ratelimit: `"${operation}";r=${verdict.remaining};t=${secondsOf(verdict)}`
      })
    )
  )

const refuse = Effect.fnUntraced(function* (detail: string, verdict: Verdict) {
  const { requestId } = yield* CurrentRequest
  return yield* raise(new RateLimitExceededProblem({ detail, requestId, retryAfterSeconds: secondsOf(verdict) }))
})
