/**
 * The facts of a request that are needed far from it: its id, where it came from, and what the framework smooths over.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Context, Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { NO_ROUTE } from "./requestMetrics.ts"
import { clientBehind, plainAddress, type TrustedProxies } from "../limits/TrustedProxies.ts"

export interface RequestFacts {
  /** In every answer and in every line of the log. */
  readonly requestId: string
  /** Where it came from, for limits and the audit history. Only a trusted proxy is believed that it speaks for another. */
  readonly clientAddress: string | null
  /** Headers that came more than once, in lower case. Node joins or drops the repetitions silently. */
  readonly repeatedHeaders: ReadonlySet<string>
  /** Whom and what the request is about, noted as it becomes known: for its line in the log. */
  readonly about: Map<Subject, string>
  /** The template of its route, once the router has found one: what it may be counted under. */
  route: string
}

type Subject = "tenantId" | "userId" | "serviceKey" | "orderId"

export const CurrentRequest = Context.Reference<RequestFacts>("@tickettoken/order-server/http/CurrentRequest", {
  defaultValue: () => ({
    requestId: "none",
    clientAddress: null,
    repeatedHeaders: new Set(),
    about: new Map(),
    route: NO_ROUTE
  })
})

/** A request id that may be taken over: short, and safe in a header, a log line and a file name. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** Reads the facts; a request id of the caller is kept if it is sane. */
export const factsOf = (
  request: HttpServerRequest.HttpServerRequest,
  freshId: string,
  proxies: TrustedProxies
): RequestFacts => {
  const peer = Option.match(request.remoteAddress, { onNone: () => null, onSome: plainAddress })
  const given = request.headers["x-request-id"]
  return {
    requestId: given !== undefined && REQUEST_ID.test(given) ? given : freshId,
    clientAddress: clientBehind(peer, request.headers["x-forwarded-for"], proxies),
    repeatedHeaders: repeated(request),
    about: new Map(),
    route: NO_ROUTE
  }
}

const repeated = (request: HttpServerRequest.HttpServerRequest): ReadonlySet<string> => {
  const { rawHeaders } = NodeHttpServerRequest.toIncomingMessage(request)
  const seen = new Set<string>()
  const again = new Set<string>()
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase()
    if (seen.has(name)) again.add(name)
    seen.add(name)
  }
  return again
}
