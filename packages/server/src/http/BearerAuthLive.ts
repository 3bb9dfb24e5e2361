/**
 * Lets people in: the bearer token becomes the caller of the request (rule 7.2).
 */
import { Effect, Layer } from "effect"
import { JwtVerifier } from "../auth/JwtVerifier.ts"
import { BearerAuth, CurrentCaller } from "../contract/Auth.ts"
import { UnauthorizedProblem } from "../contract/Problems.ts"
import { CurrentRequest } from "./CurrentRequest.ts"

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
        const caller = yield* verifier
          .verify(credential, clientAddress)
          .pipe(Effect.catchTag("InvalidCredential", () => Effect.fail(refused)))
        about.set("tenantId", caller.tenantId).set("userId", caller.actor.id)
        return yield* httpEffect.pipe(
          Effect.provideService(CurrentCaller, caller),
          Effect.annotateLogs({ tenantId: caller.tenantId, userId: caller.actor.id })
        )
      })
    })
  })
)
