/**
 * Who may call: people with a bearer token, services with a key and a scope (rules 7.2, 7.3).
 *
 * The classes say what is asked for and what it gives; how a credential is verified is http/BearerAuth.ts and
 * http/ServiceKeyAuth.ts.
 */
import type { Caller } from "@tickettoken/order-domain/Actor"
import { Context, Schema } from "effect"
import { HttpApiMiddleware, HttpApiSchema, HttpApiSecurity } from "effect/http-api"
import { ForbiddenProblem, ServiceUnavailableProblem, UnauthorizedProblem } from "./Problems.ts"

/** The verified person behind a public request. */
export class CurrentCaller extends Context.Service<CurrentCaller, Caller>()(
  "@tickettoken/order-server/contract/CurrentCaller"
) {}

/** The verified service behind an internal request; the tenant is in its header `X-Tenant-Id`. */
export class CurrentService extends Context.Service<CurrentService, { readonly keyId: string }>()(
  "@tickettoken/order-server/contract/CurrentService"
) {}

/** What a service key may do. */
export const Scope = Schema.Literals([
  "orders:confirm",
  "orders:expire",
  "orders:read",
  "orders:bulk-cancel",
  "events:replay"
])
export type Scope = typeof Scope.Type

/** The scope that an internal endpoint asks for, annotated on the endpoint. Without one nobody may call it. */
export class RequiredScope extends Context.Service<RequiredScope, Scope>()(
  "@tickettoken/order-server/contract/RequiredScope"
) {}

/** A 401 names the scheme that it asks for (RFC 9110, section 11.6.1). */
const challenge = (scheme: string) =>
  UnauthorizedProblem.pipe(
    HttpApiSchema.encodeToWithHeaders(
      { body: UnauthorizedProblem, headers: { "www-authenticate": Schema.String } },
      { decode: ({ body }) => body, encode: (body) => ({ body, headers: { "www-authenticate": scheme } }) }
    )
  )

/** `Authorization: Bearer <JWT>`. */
export class BearerAuth extends HttpApiMiddleware.Service<BearerAuth, { provides: CurrentCaller }>()(
  "@tickettoken/order-server/contract/BearerAuth",
  {
    requiredForClient: true,
    security: { bearer: HttpApiSecurity.bearer },
    error: [challenge("Bearer"), ServiceUnavailableProblem]
  }
) {}

/** `Authorization: Service-Key <id>.<secret>`. */
export class ServiceKeyAuth extends HttpApiMiddleware.Service<ServiceKeyAuth, { provides: CurrentService }>()(
  "@tickettoken/order-server/contract/ServiceKeyAuth",
  {
    requiredForClient: true,
    security: { serviceKey: HttpApiSecurity.http({ scheme: "Service-Key" }) },
    error: [challenge("Service-Key"), ForbiddenProblem]
  }
) {}
