/**
 * What the schemas alone can not say in the OpenAPI file: `Retry-After` and what is left of a limit, bodies that may be left out, and numbers in
 * queries, which travel as digits but are integers.
 */
import { LIMIT_EXTENSION } from "./RateLimit.ts"

type Json = { [key: string]: unknown }

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const retryAfter = {
  "retry-after": {
    description: "Whole seconds to wait before the same request is sent again",
    schema: { type: "integer", minimum: 1 }
  }
}

/** The problems that carry a time to wait. */
const waiting =
  /"#\/components\/schemas\/(?:IdempotencyInProgress|OrderLimitExceeded|RateLimitExceeded|ServiceUnavailable)/

const addRetryAfter = (response: Json): Json =>
  waiting.test(JSON.stringify(response))
    ? { ...response, headers: { ...(isObject(response["headers"]) ? response["headers"] : {}), ...retryAfter } }
    : response

/** By name: what the pattern of digits means. */
const queryNumbers: { readonly [name: string]: Json } = {
  limit: { type: "integer", minimum: 1, maximum: 100 },
  offset: { type: "integer", minimum: 0, maximum: 10_000, default: 0 },
  minutes: { type: "integer", minimum: 0, maximum: 1440, default: 5 }
}

/** Where a number of that name has other ends. */
const otherNumbers: { readonly [path: string]: { readonly [name: string]: Json } } = {
  "/api/v1/admin/analytics/holds": { limit: { type: "integer", minimum: 0, maximum: 100 } }
}

const numberQuery =
  (path: string) =>
  (parameter: unknown): unknown => {
    if (!isObject(parameter) || parameter["in"] !== "query" || typeof parameter["name"] !== "string") return parameter
    const { name } = parameter
    const common = Object.hasOwn(queryNumbers, name) ? queryNumbers[name] : undefined
    const schema = otherNumbers[path]?.[name] ?? common
    return schema === undefined ? parameter : { ...parameter, schema }
  }

/** A body that may also be `null` stands for one that may be left out. */
const optionalBody = (body: Json): Json =>
  JSON.stringify(body).includes('{"type":"null"}') ? { ...body, required: false } : body

const limitHeaders = {
  "ratelimit-policy": {
    description: "The limit and its window in seconds: q requests in any w seconds",
    schema: { type: "string", examples: ['"create";q=10;w=60'] }
  },
  ratelimit: {
    description: "r requests are left; in t seconds there will be more",
    schema: { type: "string", examples: ['"create";r=7;t=41'] }
  }
}

/** Answers behind the limit say how much of it is left; a 401 comes before anybody has counted. */
const addLimitHeaders = (status: string, response: Json): Json =>
  status === "401"
    ? response
    : { ...response, headers: { ...(isObject(response["headers"]) ? response["headers"] : {}), ...limitHeaders } }

const refineResponse = (operation: Json, status: string, response: Json): Json =>
  LIMIT_EXTENSION in operation ? addLimitHeaders(status, addRetryAfter(response)) : addRetryAfter(response)

const refineOperation = (path: string, operation: Json): Json => ({
  ...operation,
  ...(Array.isArray(operation["parameters"]) ? { parameters: operation["parameters"].map(numberQuery(path)) } : {}),
  ...(isObject(operation["requestBody"]) ? { requestBody: optionalBody(operation["requestBody"]) } : {}),
  ...(isObject(operation["responses"])
    ? {
        responses: Object.fromEntries(
          Object.entries(operation["responses"]).map(([status, response]) => [
            status,
            isObject(response) ? refineResponse(operation, status, response) : response
          ])
        )
      }
    : {})
})

/** Completes the generated document. */
export const refineOpenApi = (document: Json): Json => {
  // The name of a problem on the wire and in code is the same one.
  const parsed: unknown = JSON.parse(JSON.stringify(document).replaceAll("ProblemEncoded", "Problem"))
  if (!isObject(parsed)) return document
  for (const [path, methods] of Object.entries(isObject(parsed["paths"]) ? parsed["paths"] : {})) {
    for (const [method, operation] of Object.entries(isObject(methods) ? methods : {})) {
      if (isObject(methods) && isObject(operation)) methods[method] = refineOperation(path, operation)
    }
  }
  return parsed
}
