/**
 * /metrics in the text format of Prometheus, for whoever may read it.
 *
 * **Details**
 *
 * With a token everybody needs it. Without one the route is open outside production and does not exist in production:
 * what a service sells, and how much of it, is not for everybody who can reach its port (A33).
 */
import { Context, Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { digestOf, sameDigest } from "../auth/ServiceKeys.ts"
import { UnauthorizedProblem } from "../contract/Problems.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import { ProcessMetrics } from "../telemetry/ProcessMetrics.ts"
import { CurrentRequest } from "./CurrentRequest.ts"

/** Who may read the metrics: nobody, anybody, or whoever has the token. */
export type MetricsAccess = "off" | "open" | Redacted.Redacted

export const MetricsAccess = Context.Reference<MetricsAccess>("@tickettoken/order-server/http/MetricsAccess", {
  defaultValue: () => "off"
})

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

const isAllowed = (access: MetricsAccess, authorization: string | undefined): boolean => {
  if (!Redacted.isRedacted(access)) return access === "open"
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1]
  return given !== undefined && sameDigest(digestOf(given), digestOf(Redacted.value(access)))
}

export const layer = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const access = yield* MetricsAccess
    if (access === "off") return
    const process = yield* ProcessMetrics
    yield* router.add(
      "GET",
      "/metrics",
      Effect.gen(function* () {
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        const { repeatedHeaders, requestId } = yield* CurrentRequest
        if (repeatedHeaders.has("authorization") || !isAllowed(access, headers["authorization"])) {
          return yield* HttpServerRespondable.toResponse(
            new UnauthorizedProblem({ detail: "the token for metrics is needed", requestId })
          )
        }
        yield* process.read
        return HttpServerResponse.text(yield* PrometheusMetrics.format(), { contentType: CONTENT_TYPE })
      })
    )
  })
).pipe(Layer.provide([ProcessMetrics.layer, Metrics.layerInitial]))
