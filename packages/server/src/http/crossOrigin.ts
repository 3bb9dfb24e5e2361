/**
 * Which pages of other origins may call from a browser: those that the configuration lists, and nobody else.
 *
 * Credentials travel in `Authorization`, never in cookies, so a browser is not asked to send any.
 */
import type { Effect } from "effect"
import { HttpMiddleware, type HttpServerRequest, type HttpServerResponse } from "effect/http"

const ALLOWED_METHODS = ["GET", "POST"]
const ALLOWED_HEADERS = ["authorization", "content-type", "idempotency-key", "if-match", "traceparent", "x-request-id"]
const EXPOSED_HEADERS = [
  "etag",
  "idempotent-replayed",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "traceparent",
  "x-request-id"
]
const PREFLIGHT_SECONDS = 600

type Middleware = <E, R>(
  httpEffect: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest>

/** Without an origin nothing is added, and a preflight is a request like any other. */
export const crossOrigin = (origins: ReadonlyArray<string>): Middleware => {
  if (origins.length === 0) return (httpEffect) => httpEffect
  const allowed = new Set(origins)
  return HttpMiddleware.cors({
    // A list of one would be named to every origin; asked one by one, only the listed ones hear of it.
    allowedOrigins: (origin) => allowed.has(origin),
    allowedMethods: ALLOWED_METHODS,
    allowedHeaders: ALLOWED_HEADERS,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS
  })
}
