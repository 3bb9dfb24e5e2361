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

/** How long a whole request may take to arrive: one byte a second is no request. */
const REQUEST_TIMEOUT_MILLIS = 30_000
const HEADERS_TIMEOUT_MILLIS = 10_000
const CONNECTION_CHECK_MILLIS = 5000

interface Refusal {
  readonly status: number
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

/** A server that does not listen yet. */
export const make = (): Server => {
  const server = createServer({
    requestTimeout: REQUEST_TIMEOUT_MILLIS,
    headersTimeout: HEADERS_TIMEOUT_MILLIS,
    connectionsCheckingInterval: CONNECTION_CHECK_MILLIS
  })
  server.on("clientError", refuseBytes)
  server.on("checkExpectation", refuseExpectation)
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
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    connection: "close"
  }
  return { body, headers }
}

const refuseBytes = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  // The peer has gone, or an answer is on its way: two of them would be read as one.
  if (error.code === "ECONNRESET" || !socket.writable || hasBegunToAnswer(socket)) {
    socket.destroy(error)
    return
  }
  const refusal = refusals[error.code ?? ""] ?? notHttp
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

const refuseExpectation = (_: IncomingMessage, response: ServerResponse): void => {
  const { body, headers } = answerTo(expectation)
  response.writeHead(expectation.status, headers).end(body)
}
