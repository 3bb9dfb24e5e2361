/**
 * What every request gets, whatever its route: an id, a limit on its body, an answer even when nothing fits or something
 * breaks, headers that keep browsers careful, a trace, its place in the metrics, and one line in the log.
 */
import { Identifiers } from "@tickettoken/order-domain/ports/Identifiers"
import { ByteSize, Clock, Effect, Exit, Option, Tracer, type Types } from "effect"
import {
  HttpIncomingMessage,
  HttpRouter,
  HttpServerError,
  HttpServerRequest,
  HttpServerRespondable,
  HttpServerResponse
} from "effect/http"
import { type AnyProblem, InternalErrorProblem, RouteNotFoundProblem } from "../contract/Problems.ts"
import { crossOrigin } from "./crossOrigin.ts"
import { CurrentRequest, factsOf, type RequestFacts } from "./CurrentRequest.ts"
import { TrustedProxies } from "../limits/TrustedProxies.ts"
import { HttpSettings } from "./HttpSettings.ts"
import * as requestMetrics from "./requestMetrics.ts"
import { securityHeaders } from "./securityHeaders.ts"
import { traceparentOf } from "../telemetry/traceparent.ts"
import { traceOf } from "./requestTrace.ts"

const PATH_CHARS_MAX = 200

export const layer = HttpRouter.middleware(
  Effect.gen(function* () {
    const { uuid } = yield* Identifiers
    return (httpEffect) =>
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const { bodyBytesMax, corsOrigins } = yield* HttpSettings
        const freshId = yield* uuid
        const facts = factsOf(request, freshId, yield* TrustedProxies)
        const trace = yield* traceOf(request, freshId)
        const startedAt = yield* Clock.currentTimeMillis
        yield* requestMetrics.begun
        const response = yield* answerAlways(noting(crossOrigin(corsOrigins)(httpEffect), facts), facts).pipe(
          Effect.provideService(CurrentRequest, facts),
          Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(bodyBytesMax)),
          Effect.annotateLogs({ requestId: facts.requestId }),
          Effect.provideService(Tracer.ParentSpan, trace),
          // A client that hangs up, and a server that stops, interrupt the request: that is a line as well.
          Effect.onExit((exit) => Effect.flatMap(statusOf(exit), (status) => tell(request, facts, startedAt, status)))
        )
        return HttpServerResponse.setHeaders(response, {
          ...securityHeaders,
          ...response.headers,
          "x-request-id": facts.requestId,
          traceparent: traceparentOf(trace)
        })
      })
  }),
  { global: true }
)

/** Without the query, which may hold what should not be in a log. */
const pathOf = ({ url }: HttpServerRequest.HttpServerRequest): string =>
  url.replace(/[?#].*$/s, "").slice(0, PATH_CHARS_MAX)

/** The status that the client gets, or would have got: 499 if it did not wait for it. */
const statusOf = (exit: Exit.Exit<HttpServerResponse.HttpServerResponse, unknown>): Effect.Effect<number> =>
  Exit.isSuccess(exit)
    ? Effect.succeed(exit.value.status)
    : Effect.map(HttpServerError.causeResponse(exit.cause), ([{ status }]) => status)

const ORDER_IN_PATH = /\/orders\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/|$)/i

/** Notes the template of the route that the router has found, before its handler's context is left. */
const noting = <A, E, R>(httpEffect: Effect.Effect<A, E, R>, facts: RequestFacts): Effect.Effect<A, E, R> =>
  Effect.onExit(httpEffect, () =>
    Effect.map(Effect.serviceOption(HttpRouter.RouteContext), (found) => {
      if (Option.isSome(found)) facts.route = found.value.route.path
    })
  )

/**
 * One line a request, and its place in the metrics. Nothing that came in a header or a body is in the line, but for
 * what has been verified.
 */
const tell = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  { about, requestId, route }: RequestFacts,
  startedAt: number,
  status: number
) {
  const { method } = request
  const path = pathOf(request)
  const [, orderId] = ORDER_IN_PATH.exec(path) ?? []
  if (orderId !== undefined) about.set("orderId", orderId.toLowerCase())
  const millis = (yield* Clock.currentTimeMillis) - startedAt
  yield* requestMetrics.ended({ method, route, status, millis })
  yield* Effect.logInfo(`${method} ${path} ${status}`).pipe(
    Effect.annotateLogs({ requestId, method, path, status, millis, ...Object.fromEntries(about) })
  )
})

const answerAlways = <R>(
  httpEffect: Effect.Effect<HttpServerResponse.HttpServerResponse, Types.unhandled, R>,
  { requestId }: RequestFacts
) =>
  httpEffect.pipe(
    Effect.catch(
      (error): Effect.Effect<HttpServerResponse.HttpServerResponse, Types.unhandled> =>
        HttpServerError.isHttpServerError(error) && error.reason._tag === "RouteNotFound"
          ? render(new RouteNotFoundProblem({ detail: "nothing is served here", requestId }))
          : Effect.fail(error)
    ),
    Effect.catchDefect((defect) =>
      HttpServerResponse.isHttpServerResponse(defect)
        ? Effect.succeed(defect)
        : Effect.logError("a request met a bug", defect).pipe(
            Effect.andThen(
              render(new InternalErrorProblem({ detail: "the request id helps us to find out why", requestId }))
            )
          )
    )
  )

const render = (problem: AnyProblem): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  HttpServerRespondable.toResponse(problem)
