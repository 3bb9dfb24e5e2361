/**
 * Node's HTTP server as this service runs it: how long a request may take to arrive, and what becomes of one that Node
 * itself refuses, before any route is asked.
 *
 * Left alone, Node answers those with an empty response or none at all. Here each is a problem like every other refusal,
 * and the connection ends with it: where the next request would begin nobody knows any more.
 */
import { randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { securityHeaders } from "./securityHeaders.ts"

/** How long a request may take to arrive. */
export interface ArrivalLimits {
  /** The whole of it: one byte a second is no request. */
  readonly requestMillis: number
  readonly headersMillis: number
  /** How often connections are looked at. */
  readonly checkMillis: number
}

const arrivalLimits: ArrivalLimits = { requestMillis: 30_000, headersMillis: 10_000, checkMillis: 5000 }

/** The longest headers that are read, all together. */
const HEADERS_BYTES_MAX = 16_384

/** What a request can be refused with before any route is asked. */
export type RefusedStatus = 400 | 408 | 413 | 417 | 431

interface Refusal {
  readonly status: RefusedStatus
  readonly reason: string
  readonly title: string
  readonly code: string
  readonly detail: string
}

const tooSlow: Refusal = {
  status: 408,
  reason: "Request Timeout",
  title: "The request took too long to arrive",
  code: "REQUEST_TIMEOUT",
  detail: "send the whole request at once"
}

const headersTooLarge: Refusal = {
  status: 431,
  reason: "Request Header Fields Too Large",
  title: "The headers are too long",
  code: "HEADERS_TOO_LARGE",
  detail: "the headers are longer than this service reads"
}

const bodyTooLarge: Refusal = {
  status: 413,
  reason: "Payload Too Large",
  title: "The body is too long",
  code: "BODY_TOO_LARGE",
  detail: "the extensions of a chunk are longer than this service reads"
}

const notHttp: Refusal = {
  status: 400,
  reason: "Bad Request",
  title: "The request is not valid",
  code: "VALIDATION_ERROR",
  detail: "the request is not HTTP that can be read"
}

const expectation: Refusal = {
  status: 417,
  reason: "Expectation Failed",
  title: "What is expected can not be met",
  code: "EXPECTATION_FAILED",
  detail: "the only expectation that is known is 100-continue"
}

const refusals: { readonly [code: string]: Refusal } = {
  ERR_HTTP_REQUEST_TIMEOUT: tooSlow,
  HPE_HEADER_OVERFLOW: headersTooLarge,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: bodyTooLarge
}

/** A server that does not listen yet. `onRefused` hears of each request that is refused here, by the status of its answer. */
export const make = (
  onRefused: (status: RefusedStatus) => void,
  { checkMillis, headersMillis, requestMillis }: ArrivalLimits = arrivalLimits
): Server => {
  const server = createServer({
    requestTimeout: requestMillis,
    headersTimeout: headersMillis,
    connectionsCheckingInterval: checkMillis,
    maxHeaderSize: HEADERS_BYTES_MAX
  })
  server.on("clientError", refuseBytes(onRefused))
  server.on("checkExpectation", refuseExpectation(onRefused))
  return server
}

/** What an answer of Node itself has in common with all others. */
const answerTo = ({ code, detail, status, title }: Refusal) => {
  const requestId = randomUUID()
  const type = `/problems/${code.toLowerCase().replaceAll("_", "-")}`
  const errors = code === "VALIDATION_ERROR" ? { errors: [{ path: "request", message: detail }] } : {}
  const body = JSON.stringify({ type, title, status, detail, code, requestId, ...errors })
  const headers = {
    "content-type": "application/problem+json",
    "content-length": String(Buffer.byteLength(body)),
    "x-request-id": requestId,
    ...securityHeaders,
    connection: "close"
  }
  return { body, headers }
}

type OnRefused = (status: RefusedStatus) => void

const refuseBytes =
  (onRefused: OnRefused) =>
  (error: NodeJS.ErrnoException, socket: Duplex): void => {
    // The peer has gone, or an answer is on its way: two of them would be read as one.
    if (error.code === "ECONNRESET" || !socket.writable || hasBegunToAnswer(socket)) {
      socket.destroy(error)
      return
    }
    const refusal = refusals[error.code ?? ""] ?? notHttp
    onRefused(refusal.status)
    const { body, headers } = answerTo(refusal)
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    const head = [`HTTP/1.1 ${refusal.status} ${refusal.reason}`, ...lines]
    socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy())
  }

/** Node keeps the response that a connection is busy with on its socket, and asks it the same question. */
const hasBegunToAnswer = (socket: Duplex): boolean => {
  const response: unknown = "_httpMessage" in socket ? socket._httpMessage : null
  return typeof response === "object" && response !== null && "headersSent" in response && response.headersSent === true
}

const refuseExpectation =
  (onRefused: OnRefused) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    onRefused(expectation.status)
    const { body, headers } = answerTo(expectation)
    response.writeHead(expectation.status, headers).end(body)
  }
