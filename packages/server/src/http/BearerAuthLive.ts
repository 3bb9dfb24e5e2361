/**
 * Lets people in: the bearer token becomes the caller of the request (rule 7.2).
 */
import { Effect, Layer } from "effect"
import { JwtVerifier } from "../auth/JwtVerifier.ts"
import { BearerAuth, CurrentCaller } from "../contract/Auth.ts"
import { ServiceUnavailableProblem, UnauthorizedProblem } from "../contract/Problems.ts"
import { CurrentRequest } from "./CurrentRequest.ts"
import { raise } from "./toProblem.ts"

/** As long as nobody reads the keys anew, nothing changes. */
const RETRY_AFTER_SECONDS = 30

const unjudged = (requestId: string) =>
  new ServiceUnavailableProblem({
    detail: "tokens can not be verified now: send the same request again",
    requestId,
    retryAfterSeconds: RETRY_AFTER_SECONDS
  })

export const layer = Layer.effect(
  BearerAuth,
  Effect.gen(function* () {
    const verifier = yield* JwtVerifier
    return BearerAuth.of({
      bearer: Effect.fnUntraced(function* (httpEffect, { credential }) {
        const { about, clientAddress, repeatedHeaders, requestId } = yield* CurrentRequest
        const refused = new UnauthorizedProblem({ detail: "a valid bearer token is needed", requestId })
        // Of two headers Node drops one: which one the caller meant is not ours to guess.
        if (repeatedHeaders.has("authorization")) return yield* refused
        const caller = yield* verifier.verify(credential, clientAddress).pipe(
          Effect.catchTags({
            InvalidCredential: () => Effect.fail(refused),
            // Neither a good token nor a bad one: the caller keeps it and asks again.
            KeysUnavailable: () => raise(unjudged(requestId))
          })
        )
        about.set("tenantId", caller.tenantId).set("userId", caller.actor.id)
        return yield* httpEffect.pipe(
          Effect.provideService(CurrentCaller, caller),
          Effect.annotateLogs({ tenantId: caller.tenantId, userId: caller.actor.id })
        )
      })
    })
  })
)
