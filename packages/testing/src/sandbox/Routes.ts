/**
 * Routes of a sandbox server as data: how each reads its request, and what answers it.
 *
 * Reading comes first and touches nothing. What answers is one effect that the fault injection can delay, leave out,
 * repeat or keep from the caller.
 */
import { Effect, Option, Schema } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { TenantId } from "@tickettoken/order-domain/Ids"
import { IdempotencyKey } from "./Engine.ts"
import type { Fired } from "./Faults.ts"
import { problem, type Reply } from "./Wire.ts"

type Incoming = HttpServerRequest.HttpServerRequest | HttpRouter.RouteContext | HttpServerRequest.ParsedSearchParams

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  readonly path: HttpRouter.PathInput
  /** The name that fault rules know the route by; controls have none, so that faults can always be healed. */
  readonly operation: string | undefined
  /** Reads the request; fails with the 400 that says what is wrong with it. */
  readonly read: Effect.Effect<(fired: Fired) => Effect.Effect<Reply>, Reply, Incoming>
}

/** A request as its route sees it. `id` is the path's `:id`, "" where there is none. */
interface Call<Body> {
  readonly id: string
  readonly body: Body
  readonly fired: Fired
}

/** What every POST of the contract carries. */
interface KeyedCall<Body> extends Call<Body> {
  readonly tenantId: TenantId
  readonly key: string
}

const invalid = (detail: string) => problem("VALIDATION_ERROR", detail)

const pathId = Effect.map(HttpRouter.params, (params) => params["id"] ?? "")

const readTenant = (header: string | undefined): Effect.Effect<TenantId, Reply> =>
  Option.match(Schema.decodeUnknownOption(TenantId)(header), {
    onNone: () => Effect.fail(invalid("the header X-Tenant-Id must be a UUID")),
    onSome: Effect.succeed
  })

const readKey = (header: string | undefined): Effect.Effect<string, Reply> =>
  Option.match(Schema.decodeUnknownOption(IdempotencyKey)(header), {
    onNone: () => Effect.fail(invalid("the header Idempotency-Key must be 1 to 255 printable ASCII characters")),
    onSome: Effect.succeed
  })

/** The body by its schema. No body at all is an empty object: a POST that says everything by its path needs none. */
const readBody = Effect.fnUntraced(function* <Body>(schema: Schema.Codec<Body, object>) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const text = yield* request.text.pipe(
    Effect.mapError(({ reason }) =>
      reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
        ? problem("BODY_TOO_LARGE", "the body is longer than 1 MiB")
        : invalid("the body can not be read")
    )
  )
  return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(text === "" ? "{}" : text).pipe(
    Effect.mapError((error) => invalid(error.message))
  )
})

/** A POST of the contract: keyed, of one tenant. */
export const post = <Body>(
  operation: string,
  path: HttpRouter.PathInput,
  schema: Schema.Codec<Body, object>,
  answer: (call: KeyedCall<Body>) => Effect.Effect<Reply>
): Route => ({
  method: "POST",
  path,
  operation,
  read: Effect.gen(function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const tenantId = yield* readTenant(headers["x-tenant-id"])
    const key = yield* readKey(headers["idempotency-key"])
    const id = yield* pathId
    const body = yield* readBody(schema)
    return (fired) => answer({ id, tenantId, key, body, fired })
  })
})

/** A GET of the contract. The tenant may be left out; given, it must own what is asked for. */
export const get = (
  operation: string,
  path: HttpRouter.PathInput,
  answer: (call: { readonly id: string; readonly tenantId?: TenantId }) => Effect.Effect<Reply>
): Route => ({
  method: "GET",
  path,
  operation,
  read: Effect.gen(function* () {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const id = yield* pathId
    const header = headers["x-tenant-id"]
    const owner = header === undefined ? {} : { tenantId: yield* readTenant(header) }
    return () => answer({ id, ...owner })
  })
})

/** A control of the sandbox itself: no headers asked for, no faults. */
export const control = <Body>(
  method: "POST" | "PUT",
  path: HttpRouter.PathInput,
  schema: Schema.Codec<Body, object>,
  answer: (call: { readonly id: string; readonly body: Body }) => Effect.Effect<Reply>
): Route => ({
  method,
  path,
  operation: undefined,
  read: Effect.gen(function* () {
    const id = yield* pathId
    const body = yield* readBody(schema)
    return () => answer({ id, body })
  })
})

/** A control without a body. */
export const bare = <Query>(
  method: "GET" | "DELETE",
  path: HttpRouter.PathInput,
  schema: Schema.Codec<Query, { readonly [name: string]: string | undefined }>,
  answer: (query: Query) => Effect.Effect<Reply>
): Route => ({
  method,
  path,
  operation: undefined,
  read: HttpServerRequest.schemaSearchParams(schema).pipe(
    Effect.mapError((error) => invalid(error.message)),
    Effect.map((query) => () => answer(query))
  )
})
