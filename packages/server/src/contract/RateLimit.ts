/**
 * Who is asked to come back later: addresses before anybody looks at their credentials, people by what they want to do
 * (rules 7.4, 8).
 *
 * An endpoint with a limit of its own says so with `limited`, and its answers carry `RateLimit-Policy` and `RateLimit`
 * (draft-ietf-httpapi-ratelimit-headers-10). How requests are counted is limits/RateLimits.ts.
 */
import { Context } from "effect"
import { HttpApiMiddleware, OpenApi } from "effect/http-api"
import type { CurrentCaller } from "./Auth.ts"
import { RateLimitExceededProblem } from "./Problems.ts"

/** What a person may do so often a minute and no more. */
export type LimitedOperation = "create" | "reserve" | "cancel" | "refund"

/** The limit that an endpoint has, annotated on the endpoint. */
export class LimitedAs extends Context.Service<LimitedAs, LimitedOperation>()(
  "@tickettoken/order-server/contract/LimitedAs"
) {}

/** The member of an operation in the OpenAPI file that names its limit. */
export const LIMIT_EXTENSION = "x-rate-limit"

/** The annotations of an endpoint with a limit of its own. */
export const limited = (operation: LimitedOperation): Context.Context<LimitedAs | OpenApi.Override> =>
  Context.make(LimitedAs, operation).pipe(Context.add(OpenApi.Override, { [LIMIT_EXTENSION]: operation }))

/** Turns away addresses that ask too often, or too often with bad credentials. */
export class AddressLimit extends HttpApiMiddleware.Service<AddressLimit>()(
  "@tickettoken/order-server/contract/AddressLimit",
  { error: RateLimitExceededProblem }
) {}

/** Turns away people who ask too often for the same thing. */
export class CallerLimit extends HttpApiMiddleware.Service<CallerLimit, { requires: CurrentCaller }>()(
  "@tickettoken/order-server/contract/CallerLimit",
  { error: RateLimitExceededProblem }
) {}
