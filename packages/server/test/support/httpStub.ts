/** A service on loopback that answers what a test wants: sockets and client are real, only the other side is not. */
import { Deferred, Effect, type Scope } from "effect"
import { freePort } from "./freePort.ts"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** What arrived. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

/** What goes back. A function has the response to itself, to hang, break or flood. */
export type Response =
  | {
      readonly status?: number
      readonly headers?: { readonly [name: string]: string }
      /** An object is sent as JSON, a text as it is. */
      readonly body?: object | string
    }
  | ((response: ServerResponse) => void)

export interface HttpStub {
  readonly url: URL
  readonly received: ReadonlyArray<Received>
  /** Done as soon as the first request has arrived. */
  readonly reached: Effect.Effect<void>
  /** Done as soon as a client has dropped a request. */
  readonly dropped: Effect.Effect<void>
}

const HOST = "127.0.0.1"

const reply = (response: ServerResponse, given: Response): void => {
  if (typeof given === "function") {
    given(response)
    return
  }
  const { body = "", headers = {}, status = 200 } = given
  const text = typeof body === "string" ? body : JSON.stringify(body)
  const type: { readonly [name: string]: string } =
    typeof body === "string" ? {} : { "content-type": status < 400 ? "application/json" : "application/problem+json" }
  response.writeHead(status, { ...type, ...headers }).end(text)
}

/** Starts one on any free port; it answers everything with `given`. */
export const httpStub = (given: Response): Effect.Effect<HttpStub, never, Scope.Scope> =>
  Effect.gen(function* () {
    const received: Array<Received> = []
    const reached = yield* Deferred.make<void>()
    const dropped = yield* Deferred.make<void>()
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      response.on("close", () => {
        if (!response.writableFinished) Deferred.doneUnsafe(dropped, Effect.void)
      })
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8")
        const { headers, method = "", url: path = "" } = request
        received.push({ method, path, headers, body: text === "" ? null : JSON.parse(text) })
        Deferred.doneUnsafe(reached, Effect.void)
        reply(response, given)
      })
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => {
        server.listen(0, HOST, () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const { port } = addressOf(server.address())
    return {
      url: new URL(`http://${HOST}:${port}`),
      received,
      reached: Deferred.await(reached),
      dropped: Deferred.await(dropped)
    }
  })

const addressOf = (address: string | AddressInfo | null): AddressInfo => {
  if (address === null || typeof address === "string") throw new Error("the stub listens on a TCP port")
  return address
}

/** Where nobody listens. */
export const closedPort = Effect.map(freePort, (port) => new URL(`http://${HOST}:${port}`))
