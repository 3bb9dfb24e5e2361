/**
 * One sandbox service as a real HTTP server, on loopback unless told otherwise: its routes, the controls that every
 * service has, and faults.
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { ByteSize, Effect, Schema } from "effect"
import { HttpIncomingMessage, HttpRouter, type HttpServerRequest, HttpServerResponse } from "effect/http"
import { FaultPlan, type Faults, unharmed } from "./Faults.ts"
import { inject } from "./FaultInjection.ts"
import type { Journal } from "./Journal.ts"
import { bare, control, type Route } from "./Routes.ts"
import { json, problem, type Reply } from "./Wire.ts"

const LOOPBACK = "127.0.0.1"
const PORT_MAX = 65_535
/** Requests that hang when the sandbox stops are cut after this. */
const SHUTDOWN_GRACE = "1 second"
const BODY_MAX = ByteSize.mebibytes(1)
/** Far beyond any client's pool: a connection that closes while it is reused would look like a fault nobody injected. */
const KEEP_ALIVE_MILLIS = 120_000

/** A server of the sandbox could not start. */
export class SandboxStartError extends Schema.TaggedError<SandboxStartError>()("SandboxStartError", {
  service: Schema.String,
  address: Schema.String,
  why: Schema.String
}) {
  override get message(): string {
    return `the ${this.service} sandbox can not listen on ${this.address}: ${this.why}`
  }
}

/** Where a server listens. */
export interface Listening {
  readonly port: number
  readonly url: string
}

interface ServerOptions<State, Fact> {
  readonly service: string
  readonly port: number
  /** The address to listen on. Loopback if left out: whoever reaches a sandbox rules it. */
  readonly host: string | undefined
  readonly journal: Journal<State, Fact>
  readonly faults: Faults
  readonly routes: ReadonlyArray<Route>
}

const Nothing = Schema.Struct({})

const JournalQuery = Schema.Struct({
  orderId: Schema.optionalKey(Schema.String),
  kind: Schema.optionalKey(Schema.String),
  /** Entries behind this one. */
  after: Schema.optionalKey(Schema.FiniteFromString),
  limit: Schema.optionalKey(Schema.FiniteFromString)
})

/** What every sandbox service has: health, its journal, its faults. */
const controls = <State, Fact>({ faults, journal, service }: ServerOptions<State, Fact>): ReadonlyArray<Route> => [
  bare("GET", "/health", Nothing, () => Effect.succeed(json(200, { status: "ok", service }))),
  bare("GET", "/sandbox/journal", JournalQuery, ({ after = 0, kind, limit = Number.POSITIVE_INFINITY, orderId }) =>
    Effect.map(journal.entries, (entries) => {
      const rows: Array<object> = []
      for (const entry of entries.slice(Math.max(0, after))) {
        if (rows.length >= limit) break
        const row = journal.encode(entry)
        if (orderId !== undefined && !("orderId" in row && row.orderId === orderId)) continue
        if (kind !== undefined && !("kind" in row && row.kind === kind)) continue
        rows.push(row)
      }
      return json(200, { service, lastSeq: entries.length, entries: rows })
    })
  ),
  bare("GET", "/sandbox/faults", Nothing, () => Effect.map(faults.report, (report) => json(200, report))),
  bare("DELETE", "/sandbox/faults", Nothing, () =>
    Effect.andThen(
      faults.clear,
      Effect.map(faults.report, (report) => json(200, report))
    )
  ),
  control("PUT", "/sandbox/faults", FaultPlan, ({ body }) =>
    Effect.andThen(
      faults.set(body),
      Effect.map(faults.report, (report) => json(200, report))
    )
  )
]

const toResponse = ({ body, contentType, headers, status }: Reply): HttpServerResponse.HttpServerResponse => {
  const options = { status, contentType, ...(headers === undefined ? {} : { headers }) }
  return typeof body === "string"
    ? HttpServerResponse.text(body, options)
    : HttpServerResponse.jsonUnsafe(body, options)
}

/** Ends the connection without an answer: to the client the outcome is unknown. */
const cut = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<never> =>
  Effect.andThen(
    Effect.sync(() => NodeHttpServerRequest.toServerResponse(request).destroy()),
    Effect.never
  )

const startError = (service: string, address: string, cause: unknown): SandboxStartError => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  const why =
    code === "EADDRINUSE"
      ? "the port is in use"
      : code === "EACCES"
        ? "this user may not use the port"
        : cause instanceof Error
          ? cause.message
          : String(cause)
  return new SandboxStartError({ service, address, why })
}

/** Starts the server; it stops with the scope. Port 0 takes any that is free. */
export const start = Effect.fnUntraced(function* <State, Fact>(options: ServerOptions<State, Fact>) {
  const { faults, host = LOOPBACK, port, routes, service } = options
  const wanted = `${host}:${port}`
  if (!Number.isInteger(port) || port < 0 || port > PORT_MAX) {
    const why = `a port is a whole number from 0 to ${PORT_MAX}`
    return yield* new SandboxStartError({ service, address: wanted, why })
  }
  const scope = yield* Effect.scope
  const answer = Effect.fnUntraced(function* (route: Route, request: HttpServerRequest.HttpServerRequest) {
    const work = yield* route.read
    if (route.operation === undefined) return yield* work(unharmed)
    const path = request.url.replace(/\?.*$/, "")
    const fired = yield* faults.draw({ operation: route.operation, method: route.method, path })
    return yield* inject(scope, fired, work(fired), cut(request))
  })
  const handle = (route: Route) => (request: HttpServerRequest.HttpServerRequest) =>
    answer(route, request).pipe(
      Effect.catch((refused) => Effect.succeed(refused)),
      Effect.catchDefect((defect) =>
        Effect.logError("a bug of the sandbox", defect).pipe(
          Effect.as(problem("INTERNAL_ERROR", `the ${service} sandbox has a bug`))
        )
      ),
      Effect.map(toResponse),
      Effect.provideService(HttpIncomingMessage.MaxBodySize, BODY_MAX)
    )
  const router = HttpRouter.use((table) =>
    Effect.forEach([...controls(options), ...routes], (route) => table.add(route.method, route.path, handle(route)))
  )
  // Handlers never fail, so the only error left is that no route matched.
  const app = Effect.catch(yield* HttpRouter.toHttpEffect(router), () =>
    Effect.succeed(toResponse(problem("ROUTE_NOT_FOUND", `the ${service} sandbox has no such route`)))
  )
  const server = yield* NodeHttpServer.make(() => createServer({ keepAliveTimeout: KEEP_ALIVE_MILLIS }), {
    host,
    port,
    gracefulShutdownTimeout: SHUTDOWN_GRACE
  }).pipe(Effect.mapError(({ cause }) => startError(service, wanted, cause)))
  yield* server.serve(app)
  const { address } = server
  if (address._tag === "UnixPathAddress") return yield* Effect.die(new Error("the sandbox listens on a TCP port"))
  const listening: Listening = { port: address.port, url: `http://${host}:${address.port}` }
  return listening
})
