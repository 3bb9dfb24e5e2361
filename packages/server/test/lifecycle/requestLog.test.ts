/** The line that every request leaves in the log of production, whatever becomes of it. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { BearerAuth } from "@tickettoken/order-server/contract/Auth"
import * as BearerAuthLive from "@tickettoken/order-server/http/BearerAuthLive"
import * as nodeServer from "@tickettoken/order-server/http/nodeServer"
import * as requestMiddleware from "@tickettoken/order-server/http/requestMiddleware"
import * as Logging from "@tickettoken/order-server/Logging"
import * as SecureIdentifiers from "@tickettoken/order-server/SecureIdentifiers"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Deferred, Effect, Layer, Logger, Queue, Schema } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { once } from "node:events"
import { connect } from "node:net"
import { bearer, layer as credentials } from "../http/support/credentials.ts"
import { at, send } from "../http/support/send.ts"

const ORDER = "00000000-0000-4000-8000-0000000000aa"

const decodeLine = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

class Group extends HttpApiGroup.make("people").add(HttpApiEndpoint.get("me", "/me")).middleware(BearerAuth) {}
class Api extends HttpApi.make("api").add(Group) {}

/** Routes of a test's own behind the real middleware, and the lines that they leave. */
const serving = Effect.gen(function* () {
  const lines = yield* Queue.unbounded<string>()
  const begun = yield* Deferred.make<void>()
  const api = HttpApiBuilder.layer(Api).pipe(
    Layer.provide(HttpApiBuilder.group(Api, "people", (handlers) => handlers.handle("me", () => Effect.void))),
    Layer.provide(BearerAuthLive.layer)
  )
  const slow = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
  const routes = Layer.mergeAll(
    api,
    HttpRouter.add("GET", "/api/v1/orders/:id", HttpServerResponse.text("found")),
    HttpRouter.add("GET", "/slow", slow),
    HttpRouter.add("GET", "/bug", Effect.die(new Error("a bug"))),
    requestMiddleware.layer
  )
  const server = HttpRouter.serve(routes, { disableListenLog: true, disableLogger: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(() => nodeServer.make(() => undefined), { port: 0, host: "127.0.0.1" })),
    Layer.provide([
      credentials,
      SecureIdentifiers.layer,
      Logger.layer([Logger.map(Logging.jsonLine, (line) => Queue.offerUnsafe(lines, line))])
    ])
  )
  const port = yield* Effect.flatMap(
    Effect.provideContext(HttpServer.HttpServer, yield* Layer.build(server)),
    (http) =>
      http.address._tag === "UnixPathAddress"
        ? Effect.die(new Error("not a TCP port"))
        : Effect.succeed(http.address.port)
  )
  const line = Effect.flatMap(Queue.take(lines), decodeLine)
  return { port, begun: Deferred.await(begun), line }
})

describe("the line of a request", () => {
  it.live("L3 carries what an operator looks for, and no query", () =>
    Effect.gen(function* () {
      const { line, port } = yield* serving
      const path = `/api/v1/orders/${ORDER}`
      yield* send({ port, path: `${path}?token=secret`, headers: { "x-request-id": "abc", cookie: "secret" } })
      const logged = yield* line
      const { millis, time, ...rest } = logged
      assert.isNumber(millis)
      assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
      assert.deepStrictEqual(rest, {
        level: "info",
        service: "order-service",
        message: `GET ${path} 200`,
        requestId: "abc",
        method: "GET",
        path,
        status: 200,
        orderId: ORDER
      })
    }).pipe(Effect.scoped)
  )

  it.live("L3 is there for a client that hangs up, with status 499", () =>
    Effect.gen(function* () {
      const { begun, line, port } = yield* serving
      const socket = connect(port, "127.0.0.1")
      yield* Effect.promise(() => once(socket, "connect"))
      socket.write("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
      yield* begun
      socket.resetAndDestroy()
      const logged = yield* line
      assert.deepStrictEqual([at(logged, "status"), at(logged, "message")], [499, "GET /slow 499"])
    }).pipe(Effect.scoped)
  )

  it.live("L3 names the tenant and the person, and never the token", () =>
    Effect.gen(function* () {
      const { line, port } = yield* serving
      const authorization = yield* bearer(demo.buyerId)
      yield* send({ port, path: "/me", headers: { authorization } })
      const logged = yield* line
      assert.deepStrictEqual([at(logged, "tenantId"), at(logged, "userId")], [demo.tenantId, demo.buyerId])
      assert.notInclude(JSON.stringify(logged), authorization.slice(7))
    }).pipe(Effect.scoped)
  )

  it.live.each([
    ["/nowhere", 404],
    ["/bug", 500],
    ["/me", 401]
  ] as const)("is there for %s, which answers %s", ([path, status]) =>
    Effect.gen(function* () {
      const { line, port } = yield* serving
      const answer = yield* send({ port, path })
      assert.strictEqual(answer.status, status)
      let logged = yield* line
      while (at(logged, "status") === undefined) logged = yield* line
      assert.deepStrictEqual([at(logged, "path"), at(logged, "status")], [path, status])
    }).pipe(Effect.scoped)
  )
})
