/** The sandbox on free ports for one test, and plain HTTP against it. */
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { Sandbox, type SandboxOptions, layer } from "@tickettoken/order-testing/sandbox/Sandbox"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"

export const anyPorts = { ticketPort: 0, paymentPort: 0, eventPort: 0 } as const

/** Runs a test against a sandbox of its own. */
export const inSandbox = <A, E>(
  test: (sandbox: Sandbox["Service"]) => Effect.Effect<A, E, HttpClient.HttpClient>,
  options: SandboxOptions = {}
) => Effect.flatMap(Sandbox, test).pipe(Effect.provide([layer({ ...anyPorts, ...options }), FetchHttpClient.layer]))

export interface Answer {
  readonly status: number
  readonly type: string | undefined
  /** Compared in part with `assert.containSubset`, or read with `read`. */
  readonly body: unknown
}

const answer = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Answer> =>
  Effect.map(Effect.orDie(response.json), (body) => ({
    status: response.status,
    type: response.headers["content-type"],
    body
  }))

/** The body, by its schema. */
export const read = <A, I>(schema: Schema.Codec<A, I>, { body }: Answer): A => Schema.decodeUnknownSync(schema)(body)

/** Asserts on the members that are named, and leaves the others alone. */
export const assertAnswer = (given: Answer, status: number, members: object): void => {
  assert.containSubset(given, { status, body: members })
}

/** A refusal: the status, the code, and the shape of every problem. */
export const assertProblem = (given: Answer, status: number, code: string, members: object = {}): void => {
  assert.strictEqual(given.type, "application/problem+json")
  const { detail, title, type } = read(Problem, given)
  assert.isNotEmpty(detail)
  assert.isNotEmpty(title)
  assert.strictEqual(type, `/problems/${code.toLowerCase().replaceAll("_", "-")}`)
  assertAnswer(given, status, { status, code, ...members })
}

const Problem = Schema.Struct({ type: Schema.String, title: Schema.String, detail: Schema.String })

type Headers = { readonly [name: string]: string }

export const get = (url: string, headers: Headers = {}) =>
  HttpClientRequest.get(url).pipe(HttpClientRequest.setHeaders(headers), HttpClient.execute, Effect.flatMap(answer))

export const send = (method: "POST" | "PUT" | "DELETE", url: string, body?: unknown, headers: Headers = {}) => {
  const request = HttpClientRequest.make(method)(url).pipe(HttpClientRequest.setHeaders(headers))
  return (body === undefined ? request : HttpClientRequest.bodyJsonUnsafe(request, body)).pipe(
    HttpClient.execute,
    Effect.flatMap(answer)
  )
}

/** The headers of a call of the contract. */
export const keyed = (key: string, tenantId: string = demo.tenantId): Headers => ({
  "idempotency-key": key,
  "x-tenant-id": tenantId
})

/** A POST of the contract. */
export const post = (url: string, key: string, body: unknown, tenantId?: string) =>
  send("POST", url, body, keyed(key, tenantId))
