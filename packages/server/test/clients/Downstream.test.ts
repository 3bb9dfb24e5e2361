/** What every call to another service has in common: what is sent, and what is no answer (F27, F30, A38). */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Option } from "effect"
import { FetchHttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import {
  calls,
  clients,
  credential,
  everyCall,
  orderId,
  overUndici,
  refundId,
  secret,
  tenantId
} from "../support/clientCalls.ts"
import { closedPort, httpStub, type Response } from "../support/httpStub.ts"

const services = {
  getEvent: "events",
  availability: "tickets",
  hold: "tickets",
  allocate: "tickets",
  release: "tickets",
  releaseLines: "tickets",
  openIntent: "payments",
  getIntent: "payments",
  cancelIntent: "payments",
  refund: "payments"
} as const satisfies Record<keyof typeof calls, string>

const serviceOf = (name: string): string => Object.entries(services).find(([call]) => call === name)?.[1] ?? ""

describe("what is sent", () => {
  it.effect("names tenant, key, trace and our credential in every POST, and no key in a GET", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ status: 503 })
      for (const [, call] of everyCall) yield* Effect.exit(call).pipe(Effect.provide(overUndici(stub.url)))
      assert.deepStrictEqual(
        stub.received.map(({ headers, method, path }) => [
          method,
          path,
          String(headers["idempotency-key"] ?? "").replace(/^(availability):.*/, "$1")
        ]),
        [
          ["GET", "/internal/events/22222222-2222-4222-8222-222222222221", ""],
          ["POST", "/internal/tickets/availability", "availability"],
          ["POST", "/internal/tickets/reserve", `${orderId}:HOLD:1`],
          ["POST", "/internal/tickets/confirm", `${orderId}:FINALIZE:2`],
          ["POST", "/internal/tickets/release", `${orderId}:RELEASE:3`],
          ["POST", "/internal/tickets/release", `${orderId}:RELEASE:3`],
          ["POST", "/internal/payment-intents", `${orderId}:INTENT:1`],
          ["GET", "/internal/payment-intents/pi_1", ""],
          ["POST", "/internal/payment-intents/pi_1/cancel", `${orderId}:VOID:4`],
          ["POST", "/internal/refunds", `${refundId}:REFUND:1`]
        ]
      )
      for (const { headers } of stub.received) {
        assert.strictEqual(headers["x-tenant-id"], tenantId)
        assert.strictEqual(headers["authorization"], `Service-Key ${credential}`)
        assert.strictEqual(headers["accept"], "application/json")
        assert.match(String(headers["traceparent"]), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)
      }
    })
  )

  it.effect("belongs to the trace of the request that it is for", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ status: 503 })
      const traceId = yield* Effect.gen(function* () {
        yield* Effect.exit(calls.getEvent)
        return (yield* Effect.currentSpan).traceId
      }).pipe(Effect.withSpan("request"), Effect.provide(overUndici(stub.url)))
      assert.strictEqual(String(stub.received[0]?.headers["traceparent"]).split("-")[1], traceId)
    })
  )

  it.effect("has no credential when we have none, and keeps the path of the address", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ status: 503 })
      const url = new URL("behind/a/gateway/", stub.url)
      yield* Effect.exit(calls.getEvent).pipe(Effect.provide(overUndici(url, { serviceKey: Option.none() })))
      const [{ headers, path } = { headers: {}, path: "" }] = stub.received
      assert.isUndefined(headers["authorization"])
      assert.match(path, /^\/behind\/a\/gateway\/internal\/events\//)
    })
  )

  it.effect("asks for stock under a new key each time: an old answer would be a wrong one", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ body: { ticketTypes: [] } })
      yield* Effect.provide(Effect.andThen(calls.availability, calls.availability), overUndici(stub.url))
      assert.strictEqual(new Set(stub.received.map(({ headers }) => headers["idempotency-key"])).size, 2)
    })
  )
})

const json = { "content-type": "application/json" }

/** None of these is an answer, to no call. */
const noAnswers: Record<string, Response> = {
  "a 500": { status: 500, body: { code: "INTERNAL_ERROR" } },
  "a 502 of a proxy": { status: 502, headers: { "content-type": "text/html" }, body: "<html>Bad gateway</html>" },
  "a 429": { status: 429, body: { code: "RATE_LIMIT_EXCEEDED" } },
  "a 401": { status: 401, body: { code: "UNAUTHORIZED" } },
  "a 403": { status: 403, body: { code: "FORBIDDEN" } },
  "a 405": { status: 405, body: { code: "METHOD_NOT_ALLOWED" } },
  "a 408": { status: 408, body: { code: "TIMEOUT" } },
  "a redirect": { status: 302, headers: { location: "/elsewhere" } },
  "a redirect that wants the POST again": { status: 307, headers: { location: "/elsewhere" } },
  "a page": { headers: { "content-type": "text/html" }, body: "<html>It works!</html>" },
  "JSON that says it is text": { headers: { "content-type": "text/plain" }, body: "{}" },
  "JSON that says nothing": { body: "{}" },
  "broken JSON": { headers: json, body: "{" },
  "bytes that are no text": (response) => void response.writeHead(200, json).end(Buffer.from([0x22, 0xff, 0x22])),
  "a bare string": { headers: json, body: `"ok"` },
  "a number that is text": {
    body: { event: { id: 1 }, amount: "NaN", tickets: "Infinity", orderId: 1, ticketTypes: 0 }
  },
  "a 404 of a proxy": { status: 404, headers: { "content-type": "text/html" }, body: "<html>Not found</html>" },
  "a 404 of a router": { status: 404, body: { statusCode: 404, message: "Route GET:/internal not found" } },
  "a 404 of the wrong service": { status: 404, body: { code: "ROUTE_NOT_FOUND", detail: "no such route" } },
  "a 404 without a body": { status: 404 },
  "a 404 with an empty code": { status: 404, body: { code: "" } },
  "a 400 without a code": { status: 400, body: { message: "Bad Request" } },
  "a 409 because the key is at work elsewhere": { status: 409, body: { code: "IDEMPOTENCY_IN_PROGRESS" } },
  "a body that is too long": { headers: json, body: `"${"x".repeat(1_100_000)}"` },
  "a body without an end": (response) => {
    response.writeHead(200, json)
    const more = (): void => void response.write(" ".repeat(65_536), (failed) => void (failed ?? more()))
    more()
  },
  "a body that breaks off": (response) => {
    response.writeHead(200, { ...json, "content-length": "100" })
    response.write(`{"id":`, () => void response.destroy())
  },
  "no body where there must be one": { status: 204 },
  "a connection that is cut": (response) => void response.destroy()
}

/** To the one call whose answer holds nothing that we need. */
const saysYes = ["a bare string", "a number that is text", "no body where there must be one"]

describe("F30 no answer", () => {
  it.effect.each(Object.entries(noAnswers))("is %s: an outage for every call, never a no", ([label, given]) =>
    Effect.gen(function* () {
      const stub = yield* httpStub(given)
      for (const [name, call] of everyCall) {
        // Released is released, whatever is said about it.
        if (name.startsWith("release") && saysYes.includes(label)) continue
        const error = yield* Effect.flip(call).pipe(Effect.provide(overUndici(stub.url)))
        assert.strictEqual(error._tag, "ServiceUnavailable", `${name}: ${error.message}`)
        if (error._tag !== "ServiceUnavailable") continue
        assert.strictEqual(error.service, serviceOf(name))
        assert.strictEqual(error.retryAfterSeconds, 2)
        assert.notInclude(error.message, secret)
        assert.isBelow(error.message.length, 300)
      }
      assert.isEmpty(stub.received.filter(({ path }) => path === "/elsewhere"))
    })
  )

  it.effect("is a service that is not there", () =>
    Effect.gen(function* () {
      const url = yield* closedPort
      for (const [, call] of everyCall) {
        const error = yield* Effect.flip(call).pipe(Effect.provide(overUndici(url)))
        assert.match(error.message, /service is not available: it can not be reached \(ECONNREFUSED\)$/)
      }
    })
  )

  it.effect("A38 is a redirect under the client over fetch too: it is not followed", () =>
    Effect.gen(function* () {
      const target = yield* httpStub({ body: {} })
      const stub = yield* httpStub({ status: 307, headers: { location: target.url.href } })
      const error = yield* Effect.flip(calls.openIntent).pipe(
        Effect.provide(Layer.provide(clients(stub.url), FetchHttpClient.layer))
      )
      assert.match(error.message, /redirects \(307\)/)
      assert.isEmpty(target.received)
    })
  )

  it.effect.each([
    ["17", 17],
    ["0", 1],
    ["86400", 300],
    ["soon", 2],
    ["Wed, 21 Oct 2026 07:28:00 GMT", 2]
  ] as const)("tells how long to wait: Retry-After %s is %d s", ([header, expected]) =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ status: 429, headers: { "retry-after": header } })
      const error = yield* Effect.flip(calls.openIntent).pipe(Effect.provide(overUndici(stub.url)))
      assert.strictEqual(error._tag === "ServiceUnavailable" ? error.retryAfterSeconds : 0, expected)
    })
  )

  it.effect("A32 names the place of a bad field, not what stands there", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub({ body: { id: "pi_1", status: "canary-status", amount: "canary-amount" } })
      const error = yield* Effect.flip(calls.openIntent).pipe(Effect.provide(overUndici(stub.url)))
      assert.match(error.message, /its answer is not as agreed, at /)
      assert.notInclude(error.message, "canary")
    })
  )

  it.effect("A32 does not repeat our credential, even if the service does", () =>
    Effect.gen(function* () {
      const detail = `the header was "Service-Key ${credential}"\u001b[31m\nsecond line`
      const stub = yield* httpStub({ status: 422, body: { code: "VALIDATION_ERROR", detail } })
      const error = yield* Effect.flip(calls.openIntent).pipe(Effect.provide(overUndici(stub.url)))
      assert.strictEqual(error.message, `the header was "Service-Key <redacted>" [31m second line`)
    })
  )
})

const hanging: Record<string, Response> = {
  "does not answer": () => undefined,
  "stops in the middle of its answer": (response) => {
    response.writeHead(200, json)
    response.write(`{"id":`)
  }
}

describe("F27 a service that hangs", () => {
  it.effect.each(Object.entries(hanging))(
    "and %s is given up after five seconds, and its socket with it",
    ([, given]) =>
      Effect.gen(function* () {
        const stub = yield* httpStub(given)
        const fiber = yield* Effect.forkChild(Effect.flip(calls.hold).pipe(Effect.provide(overUndici(stub.url))))
        yield* stub.reached
        yield* TestClock.adjust(Duration.millis(4999))
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust(Duration.millis(1))
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error.message, "the tickets service is not available: it did not answer within 5 s")
        yield* stub.dropped
      })
  )

  it.effect("is given up at the deadline of the whole call, if that comes first", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub(() => undefined)
      const options = { deadline: Duration.millis(1500) }
      const fiber = yield* Effect.forkChild(Effect.flip(calls.hold).pipe(Effect.provide(overUndici(stub.url, options))))
      yield* stub.reached
      yield* TestClock.adjust(Duration.millis(1499))
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(Duration.millis(1))
      assert.match((yield* Fiber.join(fiber)).message, /it did not answer within 1.5 s$/)
    })
  )

  it.effect("may be given more time", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub(() => undefined)
      const options = { attemptTimeout: Duration.seconds(20), deadline: Duration.seconds(30) }
      const fiber = yield* Effect.forkChild(Effect.flip(calls.hold).pipe(Effect.provide(overUndici(stub.url, options))))
      yield* stub.reached
      yield* TestClock.adjust(Duration.seconds(19))
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(Duration.seconds(1))
      assert.match((yield* Fiber.join(fiber)).message, /it did not answer within 20 s$/)
    })
  )

  it.effect("is let go of when nobody waits any more", () =>
    Effect.gen(function* () {
      const stub = yield* httpStub(() => undefined)
      const fiber = yield* Effect.forkChild(Effect.exit(calls.hold).pipe(Effect.provide(overUndici(stub.url))))
      yield* stub.reached
      yield* Fiber.interrupt(fiber)
      yield* stub.dropped
    })
  )
})
