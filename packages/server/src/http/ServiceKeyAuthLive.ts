/**
 * Lets other services in: a good key, with the scope that the endpoint asks for (rule 7.3).
 */
import { Context, Effect, Layer } from "effect"
import { ServiceKeys } from "../auth/ServiceKeys.ts"
import { CurrentService, RequiredScope, ServiceKeyAuth } from "../contract/Auth.ts"
import { ForbiddenProblem, UnauthorizedProblem } from "../contract/Problems.ts"
import { CurrentRequest } from "./CurrentRequest.ts"

export const layer = Layer.effect(
  ServiceKeyAuth,
  Effect.gen(function* () {
    const keys = yield* ServiceKeys
    return ServiceKeyAuth.of({
      serviceKey: Effect.fnUntraced(function* (httpEffect, { credential, endpoint }) {
        const { about, repeatedHeaders, requestId } = yield* CurrentRequest
        const refused = new UnauthorizedProblem({ detail: "a valid service key is needed", requestId })
        if (repeatedHeaders.has("authorization")) return yield* refused
        const { keyId, scopes } = yield* keys
          .verify(credential)
          .pipe(Effect.catchTag("InvalidCredential", () => Effect.fail(refused)))
        about.set("serviceKey", keyId)
        const scope = Context.getOrUndefined(endpoint.annotations, RequiredScope)
        // An endpoint without a scope is nobody's.
        if (scope === undefined || !scopes.has(scope)) {
          const needs = scope === undefined ? "a scope that does not exist" : `the scope ${scope}`
          return yield* new ForbiddenProblem({ detail: `this needs ${needs}`, requestId })
        }
        return yield* httpEffect.pipe(
          Effect.provideService(CurrentService, { keyId }),
          Effect.annotateLogs({ serviceKey: keyId })
        )
      })
    })
  })
)
