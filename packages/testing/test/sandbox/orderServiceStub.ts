/** An order service that only listens: it notes who announced what, and answers from a script. */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Redacted, Ref } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"

/** An announcement as it arrived. */
export interface Told {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly tenant: string | undefined
  readonly body: unknown
}

/** One answer of the script. */
export interface Scripted {
  readonly status: number
  readonly body: object
}

const confirmed: Scripted = { status: 200, body: { order: { status: "CONFIRMED" } } }

/** Answers the script's replies one after another, then 200. */
export const orderServiceStub = Effect.fnUntraced(function* (...script: ReadonlyArray<Scripted>) {
  const told = yield* Ref.make<ReadonlyArray<Told>>([])
  const server = yield* NodeHttpServer.make(() => createServer(), { host: "127.0.0.1", port: 0 })
  const app = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { authorization, "x-tenant-id": tenant } = request.headers
    const one = { method: request.method, path: request.url, authorization, tenant, body: yield* request.json }
    const count = yield* Ref.modify(told, (before) => [before.length, [...before, one]])
    const { body, status } = script[count] ?? confirmed
    return HttpServerResponse.jsonUnsafe(body, { status })
  })
  yield* server.serve(Effect.orDie(app))
  const port = server.address._tag === "UnixPathAddress" ? 0 : server.address.port
  return {
    told: Ref.get(told),
    target: { orderServiceUrl: `http://127.0.0.1:${port}`, serviceKey: Redacted.make("payment.secret") }
  }
})
