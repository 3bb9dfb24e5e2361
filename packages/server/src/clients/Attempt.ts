/**
 * One attempt of a call: a request, and what its answer is worth.
 *
 * **Details**
 *
 * An answer is a 2xx whose JSON can be read, or a refusal: a 4xx that the service itself has given, in JSON with a
 * `code`. Everything else is {@link NoAnswer} and leaves the outcome unknown: no connection, 5xx, 429, a redirect (never
 * followed), HTML, too many bytes, our credential or key not being taken, and a 404 of some router or proxy.
 *
 * **Gotchas**
 *
 * Messages name statuses, never values: an answer may hold a client secret.
 */
import type { TenantId } from "@tickettoken/order-domain/Ids"
import { Data, Duration, Effect, Option, Redacted, Schema } from "effect"
import {
  FetchHttpClient,
  HttpClient,
  type HttpClientError,
  HttpClientRequest,
  type HttpClientResponse
} from "effect/http"
import { printable } from "./printable.ts"
import { type Failure, readingOf } from "./Reaction.ts"
import { jsonIn, readBytes } from "./readBytes.ts"

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

/** The outcome is not known. `why` ends the sentence "the tickets service is not available:". */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{
  readonly failure: Failure
  readonly why: string
  /** How long the service asks to be left alone, if it says so. */
  readonly retryAfter?: Duration.Duration | undefined
}> {}

export interface AttemptOptions {
  readonly baseUrl: URL
  /** Our own `<id>.<secret>`. Without one the service is called without a credential. */
  readonly serviceKey: Option.Option<Redacted.Redacted>
  /** For the whole answer. */
  readonly limit: Duration.Duration
}

/** Availability of fifty types with many pricings has a tenth of this. */
const ANSWER_BYTES_MAX = 1_048_576

/** A service that asks for a longer pause is asked again after this one. */
export const RETRY_AFTER_MAX = Duration.minutes(5)

/**
 * Said about the call and not about what it asks for: there is no such route, or the key is at work elsewhere. A key
 * that was used for something else is a refusal.
 */
const failureIn = (code: string): Failure | undefined => {
  if (code === "ROUTE_NOT_FOUND") return "wrong"
  return code.startsWith("IDEMPOTENCY") && code !== KEY_USED ? "busy" : undefined
}

/** The code for a key that came back with another request. */
export const KEY_USED = "IDEMPOTENCY_MISMATCH"

export const describeRefusal = ({ code, status }: Refused): string => `it answered ${status} ${code}`

const RefusalBody = Schema.Struct({
  code: Schema.NonEmptyString,
  detail: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String)
})
const decodeRefusal = Schema.decodeUnknownOption(RefusalBody)

/** Sends requests of one service. */
export const make = Effect.fnUntraced(function* ({ baseUrl, limit, serviceKey }: AttemptOptions) {
  const client = yield* HttpClient.HttpClient
  const credential = Option.map(serviceKey, Redacted.value)

  const requestOf = (call: Call) => {
    const url = `${baseUrl.href.replace(/\/$/, "")}/${call.path.map(encodeURIComponent).join("/")}`
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

  const ask = Effect.fnUntraced(function* (call: Call) {
    const response = yield* client.execute(requestOf(call))
    const { status } = response
    const reading = readingOf(status)
    if (reading !== "accepted" && reading !== "refused") {
      return yield* new NoAnswer({
        failure: reading,
        why: describeStatus(status),
        retryAfter: retryAfterOf(response)
      })
    }
    const body = yield* readJson(response)
    return reading === "accepted" ? Answer.Accepted({ body }) : yield* refused(status, body)
  })

  const refused = Effect.fnUntraced(function* (status: number, body: unknown) {
    const said = decodeRefusal(body)
    if (Option.isNone(said)) return yield* wrong(`it answered ${status} without a code`)
    const { code, detail, message } = said.value
    const words = detail ?? message ?? code
    const why = printable(Option.isNone(credential) ? words : words.replaceAll(credential.value, "<redacted>"))
    const answer = Answer.Refused({ status, code: printable(code), why, body })
    const failure = failureIn(code)
    return failure === undefined ? answer : yield* new NoAnswer({ failure, why: describeRefusal(answer) })
  })

  return (call: Call): Effect.Effect<Answer, NoAnswer> =>
    ask(call).pipe(
      Effect.catchTag("HttpClientError", (error) => Effect.fail(brokenOff(error))),
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () =>
          Effect.fail(
            new NoAnswer({ failure: "timeout", why: `it did not answer within ${Duration.toSeconds(limit)} s` })
          )
      }),
      // The client over fetch would follow redirects by itself, credential and all.
      Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" })
    )
})

const wrong = (why: string): NoAnswer => new NoAnswer({ failure: "wrong", why })

const describeStatus = (status: number): string => {
  if (status === 401 || status === 403) return `it does not take our credential (${status})`
  return status >= 300 && status <= 399
    ? `it redirects (${status}), and redirects are not followed`
    : `it answered ${status}`
}

/** The pause that the service asks for, if it names one in seconds. */
const retryAfterOf = ({ headers }: HttpClientResponse.HttpClientResponse): Duration.Duration | undefined => {
  const text = headers["retry-after"] ?? ""
  return /^\d{1,9}$/.test(text) ? Duration.min(Duration.seconds(Math.max(Number(text), 1)), RETRY_AFTER_MAX) : undefined
}

const isJson = (contentType: string): boolean => /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType)

/** The JSON in the body, `undefined` where there is no body at all. */
const readJson = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse) {
  const bytes = yield* readBytes(response, ANSWER_BYTES_MAX).pipe(
    Effect.catchTag("AnswerTooLong", ({ bytesMax }) =>
      Effect.fail(wrong(`its answer is longer than ${bytesMax} bytes`))
    )
  )
  if (bytes.length === 0) return undefined
  if (!isJson(response.headers["content-type"] ?? "")) {
    return yield* wrong(`it answered ${response.status} with something else than JSON`)
  }
  return yield* Effect.mapError(jsonIn(bytes), () => wrong(`it answered ${response.status} with broken JSON`))
})

const brokenOff = ({ reason }: HttpClientError.HttpClientError): NoAnswer => {
  switch (reason._tag) {
    case "TransportError":
      return new NoAnswer({ failure: "transport", why: `it can not be reached${systemCode(reason.cause)}` })
    case "DecodeError":
      return new NoAnswer({ failure: "transport", why: `it broke off its answer${systemCode(reason.cause)}` })
    default:
      return wrong(`the call failed (${reason._tag})`)
  }
}

/** The system's word for the failure, such as ECONNREFUSED: the message beside it may hold more than we want to say. */
const systemCode = (cause: unknown): string => {
  if (!(cause instanceof Error)) return ""
  const code = "code" in cause ? cause.code : undefined
  return typeof code === "string" && /^\w{1,40}$/.test(code) ? ` (${code})` : systemCode(cause.cause)
}
