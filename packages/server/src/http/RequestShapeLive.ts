/**
 * Refuses requests by their shape alone: repeated headers, bodies that are not JSON, fields that do not fit.
 *
 * It runs behind the check of credentials and before the schemas, which see a body that is known to be well-formed. The
 * framework would answer all of this with empty or plain-text responses.
 */
import { Effect, Layer, SchemaIssue, type Types } from "effect"
import { HttpMethod, type HttpServerError, HttpServerRequest } from "effect/http"
import { HttpApiError } from "effect/http-api"
import {
  BodyTooLargeProblem,
  type FieldIssue,
  UnsupportedMediaTypeProblem,
  type ValidationProblem
} from "../contract/Problems.ts"
import { RequestShape } from "../contract/RequestShape.ts"
import { CurrentRequest, type RequestFacts } from "./CurrentRequest.ts"
import { isNestedDeeperThan } from "./jsonDepth.ts"
import { notValid } from "./toProblem.ts"

/** Headers of which two would leave it to chance which one counts. */
const SINGLE_HEADERS = ["idempotency-key", "if-match", "x-tenant-id", "content-type"] as const

/** Deeper than any body of the contract; deeper ones would only exhaust the stack of whoever walks them. */
const NESTING_MAX = 32

/** The faults that a client is told at once: more of them help nobody. */
const ISSUES_MAX = 50

const utf8 = new TextDecoder("utf-8", { fatal: true })

export const layer = Layer.succeed(
  RequestShape,
  RequestShape.of((httpEffect, { endpoint }) =>
    Effect.gen(function* () {
      const facts = yield* CurrentRequest
      const request = yield* HttpServerRequest.HttpServerRequest
      const repeated = SINGLE_HEADERS.filter((name) => facts.repeatedHeaders.has(name))
      if (repeated.length > 0) {
        const issues = repeated.map((name) => ({ path: `headers.${name}`, message: "must not be sent twice" }))
        return yield* notValid(issues, facts.requestId)
      }
      if (endpoint.payload.size > 0 && HttpMethod.hasBody(request.method)) yield* checkBody(request, facts)
      return yield* Effect.catch(
        httpEffect,
        (error): Effect.Effect<never, Types.unhandled | ValidationProblem> =>
          HttpApiError.HttpApiSchemaError.is(error) && isOfTheRequest(error)
            ? Effect.fail(notValid(issuesOf(error), facts.requestId))
            : Effect.fail(error)
      )
    })
  )
)

// An answer of ours that does not fit its schema is a bug: it goes on as the failure that it is.
const isOfTheRequest = ({ kind }: HttpApiError.HttpApiSchemaError): boolean =>
  kind !== "Body" && kind !== "ResponseHeaders"

const checkBody = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest, facts: RequestFacts) {
  const { requestId } = facts
  const encoding = request.headers["content-encoding"]
  const contentType = request.headers["content-type"]
  if (!isJson(contentType) || (encoding !== undefined && encoding.toLowerCase() !== "identity")) {
    const detail = "bodies are application/json in UTF-8, not compressed"
    return yield* new UnsupportedMediaTypeProblem({ detail, requestId })
  }
  const bytes = yield* request.arrayBuffer.pipe(
    Effect.catch((error) =>
      Effect.fail(
        isTooLarge(error)
          ? new BodyTooLargeProblem({ detail: "the body is longer than this service reads", requestId })
          : notValid([{ path: "body", message: "could not be read" }], requestId)
      )
    )
  )
  if (bytes.byteLength === 0) return
  const fault = faultOf(new Uint8Array(bytes))
  if (fault !== undefined) return yield* notValid([{ path: "body", message: fault }], requestId)
})

const isTooLarge = ({ reason }: HttpServerError.HttpServerError): boolean =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"

/** No content type is taken for JSON, as the contract has nothing else. */
const isJson = (contentType: string | undefined): boolean =>
  contentType === undefined || /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(contentType)

const faultOf = (bytes: Uint8Array): string | undefined => {
  try {
    const text = utf8.decode(bytes)
    if (isNestedDeeperThan(text, NESTING_MAX)) return `is nested deeper than ${NESTING_MAX} levels`
    JSON.parse(text)
    return undefined
  } catch (cause) {
    return cause instanceof TypeError ? "is not UTF-8" : "is not JSON"
  }
}

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** Where each part of a request is, as its issues call it. Fields of the body stand alone. */
const places: { readonly [Kind in HttpApiError.HttpApiSchemaError["kind"]]: string } = {
  Params: "path",
  Headers: "headers",
  Query: "query",
  Payload: "",
  Body: "",
  ResponseHeaders: ""
}

const issuesOf = (error: HttpApiError.HttpApiSchemaError): ReadonlyArray<FieldIssue> =>
  formatIssues(error.cause.issue)
    .issues.slice(0, ISSUES_MAX)
    .map(({ message, path = [] }) => ({ path: pathOf(places[error.kind], path), message }))

/** `items[0].quantity`, `query.limit`, and `body` for what is wrong with the body as a whole. */
const pathOf = (place: string, path: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>): string => {
  const text = path
    .map((segment) => (typeof segment === "object" ? segment.key : segment))
    .reduce<string>(
      (sum, key) => (typeof key === "number" ? `${sum}[${key}]` : sum === "" ? String(key) : `${sum}.${String(key)}`),
      place
    )
  return text === "" ? "body" : text
}
