/**
 * How we call another service: the one place for address, headers, time limits, the size of answers and what a bad
 * answer means.
 *
 * **Details**
 *
 * An answer is a 2xx whose JSON decodes, or a refusal: a 4xx that the service itself has given, in JSON with a `code`.
 * Everything else is `ServiceUnavailable` and leaves the outcome unknown: no answer, 5xx, 429, a redirect (never
 * followed), HTML, too many bytes, a missing field, our credential or key not being taken, and a 404 of some router or
 * proxy. What we send carries the caller's key, so that repeating it is safe; nothing is repeated here.
 *
 * **Gotchas**
 *
 * Messages name fields and statuses, never values: an answer may hold a client secret.
 */
import type { TenantId } from "@tickettoken/order-domain/Ids"
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { RETRY_AFTER_SECONDS } from "@tickettoken/order-domain/RequestBudget"
import { Clock, Data, Duration, Effect, Exit, Option, Redacted, Schema, SchemaIssue, Stream } from "effect"
import {
  FetchHttpClient,
  HttpClient,
  type HttpClientError,
  HttpClientRequest,
  type HttpClientResponse
} from "effect/http"
import { downstream as metrics } from "../telemetry/Metrics.ts"

type Service = Exclude<ServiceUnavailable["service"], "orders" | "database">

export interface DownstreamOptions {
  readonly baseUrl: URL
  /** Our own `<id>.<secret>`. Without one the service is called without a credential. */
  readonly serviceKey?: Option.Option<Redacted.Redacted> | undefined
  /** For one attempt, its whole answer included. */
  readonly attemptTimeout?: Duration.Duration | undefined
  /** For the whole call. */
  readonly deadline?: Duration.Duration | undefined
}

/** A request. Path segments are encoded here: ids of other services may hold anything. */
export type Call =
  | { readonly method: "GET"; readonly path: ReadonlyArray<string>; readonly tenantId: TenantId }
  | {
      readonly method: "POST"
      readonly path: ReadonlyArray<string>
      readonly tenantId: TenantId
      /** The same key has one effect, however often it is sent. */
      readonly key: string
      readonly body: object
    }

/** `body` is JSON that nobody has decoded yet. */
export type Answer = Data.TaggedEnum<{
  Accepted: { readonly body: unknown }
  /** The service understood, and says no for good. */
  Refused: { readonly status: number; readonly code: string; readonly why: string; readonly body: unknown }
}>
export const Answer = Data.taggedEnum<Answer>()
export type Refused = Data.TaggedEnum.Value<Answer, "Refused">

export interface Downstream {
  readonly send: (call: Call) => Effect.Effect<Answer, ServiceUnavailable>
  /** What was accepted, decoded; any refusal is one that this call can not have. */
  readonly accepted: <A>(schema: Schema.Codec<A, unknown>) => (answer: Answer) => Effect.Effect<A, ServiceUnavailable>
  /** The service does not do what was agreed. The words end the sentence "the tickets service is not available:". */
  readonly unavailable: (why: string, retryAfterSeconds?: number) => ServiceUnavailable
  readonly unexpected: (refused: Refused) => ServiceUnavailable
}

const ATTEMPT_TIMEOUT = Duration.seconds(5)
const DEADLINE = Duration.seconds(8)

/** Availability of fifty types with many pricings has a tenth of this. */
const ANSWER_BYTES_MAX = 1_048_576

/** A service that asks for a longer pause is asked again after this one. */
const RETRY_AFTER_SECONDS_MAX = 300

const WHY_CHARS_MAX = 200

/** Said of the request itself. The other 4xx are about credentials, routes, sizes or load: an outage to us. */
const refusalStatuses = new Set([400, 402, 404, 409, 410, 422])

/**
 * Said about the call and not about what it asks for: there is no such route, or the key is at work elsewhere. A key
 * that was used for something else is a refusal.
 */
const isNoAnswer = (code: string): boolean =>
  code === "ROUTE_NOT_FOUND" || (code.startsWith("IDEMPOTENCY") && code !== KEY_USED)

/** The code for a key that came back with another request. */
export const KEY_USED = "IDEMPOTENCY_MISMATCH"

const RefusalBody = Schema.Struct({
  code: Schema.NonEmptyString,
  detail: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String)
})
const decodeRefusal = Schema.decodeUnknownOption(RefusalBody)

/** A client of one service. */
export const make = Effect.fnUntraced(function* (service: Service, options: DownstreamOptions) {
  const client = yield* HttpClient.HttpClient
  const attemptTimeout = options.attemptTimeout ?? ATTEMPT_TIMEOUT
  const deadline = options.deadline ?? DEADLINE
  const credential = Option.map(options.serviceKey ?? Option.none(), Redacted.value)

  const unavailable = (why: string, retryAfterSeconds = RETRY_AFTER_SECONDS) =>
    new ServiceUnavailable({ service, why, retryAfterSeconds })
  const unexpected = ({ code, status }: Refused) => unavailable(`it answered ${status} ${code}`)
  const tooSlow = (limit: Duration.Duration) => ({
    duration: limit,
    orElse: () => Effect.fail(unavailable(`it did not answer within ${Duration.toSeconds(limit)} s`))
  })

  const requestOf = (call: Call) => {
    const url = `${options.baseUrl.href.replace(/\/$/, "")}/${call.path.map(encodeURIComponent).join("/")}`
    const request = (call.method === "GET" ? HttpClientRequest.get(url) : HttpClientRequest.post(url)).pipe(
      HttpClientRequest.acceptJson,
      HttpClientRequest.setHeader("x-tenant-id", call.tenantId),
      Option.isNone(credential)
        ? (bare) => bare
        : HttpClientRequest.setHeader("authorization", `Service-Key ${credential.value}`)
    )
    return call.method === "GET"
      ? request
      : request.pipe(
          HttpClientRequest.setHeader("idempotency-key", call.key),
          HttpClientRequest.bodyJsonUnsafe(call.body)
        )
  }

  const attempt = Effect.fnUntraced(function* (call: Call) {
    const response = yield* client.execute(requestOf(call))
    const { status } = response
    if (status === 401 || status === 403) return yield* unavailable(`it does not take our credential (${status})`)
    const isSuccess = status >= 200 && status <= 299
    if (!isSuccess && !refusalStatuses.has(status)) {
      return yield* unavailable(describeStatus(status), retryAfter(response))
    }
    const body = yield* readJson(response)
    return isSuccess ? Answer.Accepted({ body }) : yield* refused(status, body)
  })

  const refused = Effect.fnUntraced(function* (status: number, body: unknown) {
    const said = decodeRefusal(body)
    if (Option.isNone(said)) return yield* unavailable(`it answered ${status} without a code`)
    const { code, detail, message } = said.value
    const words = detail ?? message ?? code
    const why = printable(Option.isNone(credential) ? words : words.replaceAll(credential.value, "<redacted>"))
    const answer = Answer.Refused({ status, code: printable(code), why, body })
    return isNoAnswer(code) ? yield* unexpected(answer) : answer
  })

  const send = (call: Call): Effect.Effect<Answer, ServiceUnavailable> =>
    attempt(call).pipe(
      Effect.catchTags({
        HttpClientError: (error) => Effect.fail(unavailable(describeFailure(error))),
        BadAnswer: ({ why }) => Effect.fail(unavailable(why))
      }),
      Effect.timeoutOrElse(tooSlow(attemptTimeout)),
      Effect.timeoutOrElse(tooSlow(deadline)),
      // The client over fetch would follow redirects by itself, credential and all.
      Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
      measured(service)
    )

  const accepted =
    <A>(schema: Schema.Codec<A, unknown>) =>
    (answer: Answer): Effect.Effect<A, ServiceUnavailable> =>
      answer._tag === "Refused"
        ? Effect.fail(unexpected(answer))
        : Schema.decodeUnknownEffect(schema)(answer.body).pipe(
            Effect.mapError(({ issue }) => unavailable(`its answer is not as agreed, at ${placesOf(issue)}`))
          )

  const downstream: Downstream = { send, accepted, unavailable, unexpected }
  return downstream
})

const outcomeOf = (exit: Exit.Exit<Answer, ServiceUnavailable>): "accepted" | "refused" | "unavailable" => {
  if (Exit.isFailure(exit)) return "unavailable"
  return exit.value._tag === "Accepted" ? "accepted" : "refused"
}

/** Counts and times a call, whatever becomes of it. */
const measured =
  (service: Service) =>
  (call: Effect.Effect<Answer, ServiceUnavailable>): Effect.Effect<Answer, ServiceUnavailable> =>
    Effect.gen(function* () {
      const startedAt = yield* Clock.currentTimeMillis
      return yield* Effect.onExit(call, (exit) =>
        Effect.gen(function* () {
          const millis = (yield* Clock.currentTimeMillis) - startedAt
          yield* metrics.calls.record(1, { service, outcome: outcomeOf(exit) })
          yield* metrics.seconds.record(millis / 1000, { service })
        })
      )
    })

/** The answer can not be read. */
class BadAnswer extends Data.TaggedError("BadAnswer")<{ readonly why: string }> {}

const describeStatus = (status: number): string =>
  status >= 300 && status <= 399 ? `it redirects (${status}), and redirects are not followed` : `it answered ${status}`

/** The pause that the service asks for, if it names one in seconds. */
const retryAfter = ({ headers }: HttpClientResponse.HttpClientResponse): number | undefined => {
  const text = headers["retry-after"] ?? ""
  return /^\d{1,9}$/.test(text) ? Math.min(Math.max(Number(text), 1), RETRY_AFTER_SECONDS_MAX) : undefined
}

const isJson = (contentType: string): boolean => /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType)

/** The JSON in the body, `undefined` where there is no body at all. */
const readJson = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse) {
  const bytes = yield* readBytes(response)
  if (bytes.length === 0) return undefined
  if (!isJson(response.headers["content-type"] ?? "")) {
    return yield* new BadAnswer({ why: `it answered ${response.status} with something else than JSON` })
  }
  return yield* Effect.try({
    try: (): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
    catch: () => new BadAnswer({ why: `it answered ${response.status} with broken JSON` })
  })
})

const readBytes = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse) {
  const chunks: Array<Uint8Array> = []
  let length = 0
  yield* Stream.runForEach(response.stream, (chunk) => {
    length += chunk.length
    if (length > ANSWER_BYTES_MAX) {
      return Effect.fail(new BadAnswer({ why: `its answer is longer than ${ANSWER_BYTES_MAX} bytes` }))
    }
    chunks.push(chunk)
    return Effect.void
  })
  return Buffer.concat(chunks)
})

const describeFailure = ({ reason }: HttpClientError.HttpClientError): string => {
  switch (reason._tag) {
    case "TransportError":
      return `it can not be reached${systemCode(reason.cause)}`
    case "DecodeError":
      return `it broke off its answer${systemCode(reason.cause)}`
    default:
      return `the call failed (${reason._tag})`
  }
}

/** The system's word for the failure, such as ECONNREFUSED: the message beside it may hold more than we want to say. */
const systemCode = (cause: unknown): string => {
  if (!(cause instanceof Error)) return ""
  const code = "code" in cause ? cause.code : undefined
  return typeof code === "string" && /^\w{1,40}$/.test(code) ? ` (${code})` : systemCode(cause.cause)
}

const placesFormatter = SchemaIssue.makeFormatterStandardSchemaV1()

/** Where an answer is wrong, without what stands there. */
const placesOf = (issue: SchemaIssue.Issue): string => {
  const places = placesFormatter(issue).issues.map(({ path = [] }) => path.map(String).join("."))
  return printable([...new Set(places.map((place) => (place === "" ? "the top" : place)))].join(", "))
}

/** One short line of plain characters. */
const printable = (text: string): string =>
  text
    .replaceAll(/[^\x20-\x7e]+/g, " ")
    .trim()
    .slice(0, WHY_CHARS_MAX)
