/**
 * The trace that a request belongs to: the caller's, if it has named one (W3C `traceparent`), else a new one.
 *
 * The server's span is the tracer's business and exists only where spans are exported. The trace exists always: the log
 * lines of a request and the calls that it makes carry its id, whoever collects them.
 */
import { Effect, Layer, Option, Tracer } from "effect"
import { HttpMiddleware, type HttpServerRequest, HttpTraceContext, UrlParams } from "effect/http"

const SPAN_ID_CHARS = 16

/** Around the endpoints nothing is traced: probes and scrapes come every few seconds. */
const isUntraced = ({ url }: HttpServerRequest.HttpServerRequest): boolean =>
  url.startsWith("/health/") || url.startsWith("/metrics")

/** What every span below has as its parent, and the header that tells it. `freshId` is a UUID of this request. */
export const traceOf = (request: HttpServerRequest.HttpServerRequest, freshId: string): Effect.Effect<Tracer.AnySpan> =>
  Effect.map(Effect.serviceOption(Tracer.ParentSpan), (current) =>
    Option.getOrElse(
      Option.orElse(current, () => HttpTraceContext.fromHeaders(request.headers)),
      () => {
        const traceId = freshId.replaceAll("-", "").toLowerCase()
        return Tracer.externalSpan({ traceId, spanId: traceId.slice(-SPAN_ID_CHARS), sampled: !isUntraced(request) })
      }
    )
  )

/** What the server's span leaves out: whole requests, and every value of a query, which may hold anything. */
export const layer = Layer.merge(
  Layer.succeed(HttpMiddleware.TracerDisabledWhen, isUntraced),
  Layer.succeed(UrlParams.CurrentRedactedNames, [/^/])
)
