/** Requests that Node refuses before any route is asked: each answer is a problem, and ends the connection. */
import { assert, describe, it } from "@effect/vitest"
import * as nodeServer from "@tickettoken/order-server/http/nodeServer"
import { Effect } from "effect"
import { once } from "node:events"
import { type AddressInfo, connect } from "node:net"
import { at } from "../http/support/send.ts"

/** Sends these bytes, more once an answer has begun, and reads until the server closes the connection. */
const bytesBack = (port: number, bytes: string, afterwards = "") =>
  Effect.promise(async () => {
    const socket = connect(port, "127.0.0.1")
    const chunks: Array<Buffer> = []
    socket.on("data", (chunk: Buffer) => chunks.push(chunk))
    socket.on("error", () => undefined)
    socket.once("data", () => socket.write(afterwards))
    socket.write(bytes)
    await once(socket, "close")
    return Buffer.concat(chunks).toString("utf8")
  })

/** Far less than a test waits. */
const hurried = { requestMillis: 400, headersMillis: 200, checkMillis: 20 }

const listeningFor = (onRefused: (status: number) => void, ...limits: ReadonlyArray<nodeServer.ArrivalLimits>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = nodeServer.make(onRefused, ...limits.slice(0, 1))
      server.on("request", (_, response) => response.end("a route"))
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      return server
    }),
    (server) => Effect.sync(() => server.close())
  )

const listening = listeningFor(() => undefined)

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0

describe("a request that Node refuses", () => {
  it.live.each([
    ["L7 headers without end", `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${"a".repeat(20_000)}\r\n\r\n`, 431],
    ["L7 a control byte in a header", "GET / HTTP/1.1\r\nhost: x\r\nx-odd: a\u0001b\r\n\r\n", 400],
    ["L7 what is no HTTP at all", "\u0016\u0003\u0001 hello\r\n\r\n", 400],
    ["L7 an expectation", "POST / HTTP/1.1\r\nhost: x\r\nexpect: a-miracle\r\ncontent-length: 2\r\n\r\n{}", 417]
  ] as const)("%s", ([, bytes, status]) =>
    Effect.gen(function* () {
      const refused: Array<number> = []
      const server = yield* listeningFor((each) => refused.push(each))
      const answer = yield* bytesBack(portOf(server.address()), bytes)
      assert.deepStrictEqual(refused, [status])
      const [head = "", body = ""] = answer.split("\r\n\r\n")
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.match(head, /^content-type: application\/problem\+json$/im)
      assert.match(head, /^connection: close$/im)
      const problem: unknown = JSON.parse(body)
      assert.strictEqual(at(problem, "status"), status)
      for (const field of ["type", "title", "detail", "code", "requestId"]) assert.isString(at(problem, field))
      assert.match(head, new RegExp(`^x-request-id: ${String(at(problem, "requestId"))}$`, "im"))
    }).pipe(Effect.scoped)
  )

  it.live.each([
    ["headers that never end", "GET / HTTP/1.1\r\nhost: x\r\nx-slow:"],
    ["a body that never ends", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{"]
  ] as const)("A15 for its pace is told so and counted: %s", ([, bytes]) =>
    Effect.gen(function* () {
      const refused: Array<number> = []
      const server = yield* listeningFor((status) => refused.push(status), hurried)
      server.removeAllListeners("request")
      server.on("request", (request) => request.resume())
      const answer = yield* bytesBack(portOf(server.address()), bytes)
      assert.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/)
      assert.match(answer, /"code":"REQUEST_TIMEOUT"/)
      assert.deepStrictEqual(refused, [408])
    }).pipe(Effect.scoped)
  )

  it.live("after an answer has begun gets no second one", () =>
    Effect.gen(function* () {
      const server = yield* listening
      server.removeAllListeners("request")
      server.on("request", (request, response) => {
        response.writeHead(200, { "content-length": "10" })
        response.write("half")
        request.resume()
      })
      const chunked = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
      const answer = yield* bytesBack(portOf(server.address()), chunked, "this is no chunk\r\n\r\n")
      assert.deepStrictEqual([answer.split("HTTP/1.1").length, answer.slice(-4)], [2, "half"])
    }).pipe(Effect.scoped)
  )
})
