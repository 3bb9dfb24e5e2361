/** What is taken out of a line before it leaves, and which traces are kept. */
import { assert, describe, it } from "@effect/vitest"
import { sampling } from "@tickettoken/order-server/telemetry/Export"
import { redact } from "@tickettoken/order-server/telemetry/redact"
import { Effect, Tracer } from "effect"

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"

describe("a line", () => {
  it.each([
    [`{"message":"got ${jwt} today"}`, `{"message":"got <redacted> today"}`],
    [`{"message":"authorization: Bearer abc.def"}`, `{"message":"authorization: Bearer <redacted>"}`],
    [`{"message":"Service-Key payments.s3cret, refused"}`, `{"message":"Service-Key <redacted>, refused"}`],
    [`{"clientSecret":"pi_1","id":"x"}`, `{"clientSecret":"<redacted>","id":"x"}`],
    [`{"x-auth-token": "a\\"b","id":"x"}`, `{"x-auth-token": "<redacted>","id":"x"}`],
    [`{"message":"{\\"password\\":\\"abc\\"}"}`, `{"message":"{\\"password\\":\\"<redacted>\\"}"}`],
    [`{"key":"api_token","value":{"stringValue":"abc"}}`, `{"key":"api_token","value":{"stringValue":"<redacted>"}}`],
    [`{"message":"pi_123_secret_456"}`, `{"message":"<redacted>"}`],
    [`{"message":"postgres://orders:hunter2@db:5432/x"}`, `{"message":"postgres://orders:<redacted>@db:5432/x"}`]
  ])("A32 loses what looks like a credential and stays JSON: %s", (line, clean) => {
    assert.strictEqual(redact(line), clean)
    assert.doesNotThrow(() => void JSON.parse(redact(line)))
  })

  it.each([
    `{"message":"GET /api/v1/orders 200","requestId":"a-b","millis":3,"cause":"Error: no\\n  at x (file:///a/b.js:1:2)"}`,
    `{"url.full":"http://127.0.0.1:3001/internal/tickets/reserve"}`,
    `{"message":"the token is not valid"}`
  ])("is left alone otherwise: %s", (line) => {
    assert.strictEqual(redact(line), line)
  })
})

describe("traces that begin here", () => {
  it.effect("are kept in the share that is asked for, and those of others as they say", () =>
    Effect.gen(function* () {
      const kept = (share: number, parent?: Tracer.AnySpan) =>
        Effect.forEach(Array.from({ length: 100 }), () =>
          Effect.map(Effect.makeSpan("x", parent === undefined ? { root: true } : { parent }), ({ sampled }) => sampled)
        ).pipe(
          Effect.provideService(Tracer.Tracer, sampling(Tracer.nativeTracer, share)),
          Effect.map((flags) => flags.filter((sampled) => sampled).length)
        )
      const ids = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }
      assert.deepStrictEqual(
        [
          yield* kept(0),
          yield* kept(2500),
          yield* kept(10_000),
          yield* kept(0, Tracer.externalSpan({ ...ids, sampled: true })),
          yield* kept(10_000, Tracer.externalSpan({ ...ids, sampled: false }))
        ],
        [0, 25, 100, 100, 0]
      )
    })
  )
})
