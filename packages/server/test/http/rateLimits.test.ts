/** Rate limits over HTTP: what is counted, in which order, what an answer says, and whose address counts. */
import { assert, describe, it, layer } from "@effect/vitest"
import { parse, TrustedProxies } from "@tickettoken/order-server/limits/TrustedProxies"
import { JwtVerifier } from "@tickettoken/order-server/auth/JwtVerifier"
import { TenantId } from "@tickettoken/order-domain/Ids"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect, Layer, Result } from "effect"
import { readFileSync } from "node:fs"
import { ask, createOrder, newOrder, person } from "./support/buyer.ts"
import { live } from "./support/everyStore.ts"
import { at, textAt } from "./support/send.ts"
import * as credentials from "./support/credentials.ts"
import { memoryServer, type ServerOptions } from "./support/testServer.ts"

const absent = "99999999-9999-4999-8999-999999999999"

const limits = { create: 4, reserve: 5, cancel: 5, refund: 3 }

/** What the headers say is left, of which limit. */
const left = (headers: { readonly [name: string]: string | undefined }): string | undefined =>
  /^"(\w+)";r=\d+/.exec(headers["ratelimit"] ?? "")?.[0]

layer(memoryServer({ rateLimits: limits }), live)("a person who asks too often", (it) => {
  it.effect("7.4 is told how much is left, then to wait, with a problem that says how long", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const seen: Array<unknown> = []
      for (let request = 0; request < 4; request++) {
        const { headers, status } = yield* buyer.post("/api/v1/orders", newOrder(1))
        assert.strictEqual(headers["ratelimit-policy"], '"create";q=4;w=60')
        assert.match(headers["ratelimit"] ?? "", /^"create";r=\d;t=([1-9]|[1-5]\d|6[01])$/)
        seen.push([status, left(headers)])
      }
      assert.deepStrictEqual(seen, [
        [201, '"create";r=3'],
        [201, '"create";r=2'],
        [201, '"create";r=1'],
        [201, '"create";r=0']
      ])
      const refused = yield* buyer.post("/api/v1/orders", newOrder(1))
      assert.strictEqual(refused.status, 429)
      assert.strictEqual(refused.headers["content-type"], "application/problem+json")
      assert.strictEqual(textAt(refused.json, "code"), "RATE_LIMIT_EXCEEDED")
      assert.strictEqual(refused.headers["ratelimit-policy"], '"create";q=4;w=60')
      assert.strictEqual(left(refused.headers), '"create";r=0')
      const seconds = Number(refused.headers["retry-after"])
      assert.isTrue(Number.isInteger(seconds) && seconds >= 1 && seconds <= 61, `${seconds}`)
      assert.strictEqual(at(refused.json, "retryAfterSeconds"), seconds)
      const other = yield* person()
      assert.strictEqual((yield* other.post("/api/v1/orders", newOrder(1))).status, 201)
    })
  )

  it.effect("7.4 has a limit for each thing: reserve 5, cancel 5, refund 3, and none for reading", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const counts: Record<string, number> = {}
      for (const operation of ["reserve", "cancel", "refund"] as const) {
        const body = operation === "refund" ? { reason: "no" } : undefined
        for (let request = 0; request < 8; request++) {
          const { status } = yield* buyer.post(`/api/v1/orders/${absent}/${operation}`, body)
          if (status !== 429) counts[operation] = (counts[operation] ?? 0) + 1
        }
      }
      assert.deepStrictEqual(counts, { reserve: 5, cancel: 5, refund: 3 })
      for (let request = 0; request < 20; request++) {
        const { headers, status } = yield* buyer.get(`/api/v1/orders/${absent}`)
        assert.deepStrictEqual([status, headers["ratelimit"]], [404, undefined])
      }
    })
  )

  it.effect("8 credentials win over the limit, and the limit over the shape and over a replay", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const key = { "idempotency-key": "limited" }
      yield* createOrder(buyer, newOrder(1), "limited")
      // Every request counts: a replay, and one whose body nobody could read.
      const replay = yield* buyer.post("/api/v1/orders", newOrder(1), key)
      assert.deepStrictEqual([replay.status, left(replay.headers)], [201, '"create";r=2'])
      assert.strictEqual(replay.headers["idempotent-replayed"], "true")
      const bad = yield* buyer.post("/api/v1/orders", "{", key)
      assert.deepStrictEqual([bad.status, left(bad.headers)], [400, '"create";r=1'])
      yield* buyer.post("/api/v1/orders", newOrder(1), key)
      for (const body of ["{", newOrder(1), newOrder(0)]) {
        assert.strictEqual((yield* buyer.post("/api/v1/orders", body, key)).status, 429)
      }
      const stranger = yield* ask({ method: "POST", path: "/api/v1/orders", body: "{" })
      assert.deepStrictEqual([stranger.status, stranger.headers["ratelimit"]], [401, undefined])
    })
  )

  it.effect("7.4 is one person in one tenant: another tenant's user of the same id has a limit of its own", () =>
    Effect.gen(function* () {
      const one = yield* person()
      const tenantId = TenantId.make(yield* randomUuid)
      for (let request = 0; request < 5; request++) yield* one.post("/api/v1/orders", newOrder(0))
      assert.strictEqual((yield* one.post("/api/v1/orders", newOrder(0))).status, 429)
      const namesake = yield* person({ userId: one.userId, tenantId })
      assert.strictEqual((yield* namesake.post("/api/v1/orders", newOrder(0))).status, 400)
    })
  )
})

/** A server that believes its peer in whose name it asks. */
const behindProxy = (options: ServerOptions) =>
  memoryServer(options).pipe(Layer.provide(Layer.succeed(TrustedProxies, Result.getOrThrow(parse("127.0.0.1")))))

/** How many tokens have been looked at. */
let looks = 0

const countingCredentials = Layer.effect(
  JwtVerifier,
  Effect.map(JwtVerifier, ({ verify }) =>
    JwtVerifier.of({
      verify: (token, ip) =>
        Effect.suspend(() => {
          looks += 1
          return verify(token, ip)
        })
    })
  )
).pipe(Layer.provideMerge(credentials.layer))

const guarded = behindProxy({ addressLimits: { badCredentials: 20 }, credentials: countingCredentials })

layer(guarded, live)("an address that tries credentials", (it) => {
  it.effect("A10 is turned away before they are looked at, and others are not", () =>
    Effect.gen(function* () {
      const path = `/api/v1/orders/${absent}`
      const attack = { "x-forwarded-for": "203.0.113.66" }
      const answers = yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, number) => number),
        (number) => ask({ path, headers: { ...attack, authorization: `Bearer a.${number}.b` } }),
        { concurrency: 20 }
      )
      const looked = answers.filter(({ status }) => status === 401).length
      assert.isAtLeast(looked, 20)
      assert.isAtMost(looked, 40, "20, and those that were under way together")
      assert.strictEqual(answers.filter(({ status }) => status === 429).length, 1000 - looked)
      assert.strictEqual(looks, looked)
      const last = answers.at(-1)
      assert.match(last?.headers["retry-after"] ?? "", /^[1-9]\d*$/)
      assert.strictEqual(textAt(last?.json, "code"), "RATE_LIMIT_EXCEEDED")
      const buyer = yield* person()
      // A good token from that address is not looked at either; from any other it is.
      assert.strictEqual((yield* buyer.ask({ path, headers: attack })).status, 429)
      const internal = { method: "GET", path: "/internal/v1/orders/expiring", headers: attack }
      assert.strictEqual((yield* ask(internal)).status, 429)
      assert.strictEqual((yield* buyer.ask({ path, headers: { "x-forwarded-for": "203.0.113.67" } })).status, 404)
      assert.strictEqual((yield* ask({ path: "/health/liveness", headers: attack })).status, 200)
    })
  )
})

layer(memoryServer({ addressLimits: { requests: 10 } }), live)("an address that floods", (it) => {
  it.effect("7.4 A27 is turned away, whatever it says in X-Forwarded-For", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const statuses: Array<number> = []
      for (let request = 0; request < 15; request++) {
        const headers = { "x-forwarded-for": `203.0.113.${request}` }
        statuses.push((yield* buyer.ask({ path: `/api/v1/orders/${absent}`, headers })).status)
      }
      assert.deepStrictEqual(statuses, [...Array<number>(10).fill(404), ...Array<number>(5).fill(429)])
      assert.strictEqual((yield* ask({ path: "/nothing" })).status, 404)
    })
  )
})

layer(behindProxy({ addressLimits: { requests: 10 } }), live)("behind a trusted proxy", (it) => {
  it.effect("7.4 A27 each client has the limit, and what a client wrote itself is not believed", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const send = (forwarded: string | ReadonlyArray<string>) =>
        Effect.map(
          buyer.ask({ path: `/api/v1/orders/${absent}`, headers: { "x-forwarded-for": forwarded } }),
          ({ status }) => status
        )
      for (let request = 0; request < 10; request++)
        assert.strictEqual(yield* send(`10.9.9.${request}, 203.0.113.1`), 404)
      assert.strictEqual(yield* send("10.9.9.99, 203.0.113.1"), 429)
      assert.strictEqual(yield* send(["10.9.9.99", "203.0.113.1"]), 429)
      assert.strictEqual(yield* send("203.0.113.1, 203.0.113.2"), 404)
    })
  )
})

describe("the contract", () => {
  const document: unknown = JSON.parse(readFileSync(new URL("../../openapi.json", import.meta.url), "utf8"))
  const responses = (path: string, method: string) => at(document, "paths", path, method, "responses")

  it("7.4 declares limits, their headers and the 429 for what is limited", () => {
    const limited = {
      create: "",
      reserve: "/{orderId}/reserve",
      cancel: "/{orderId}/cancel",
      refund: "/{orderId}/refund"
    }
    for (const [operation, path] of Object.entries(limited)) {
      const whole = `/api/v1/orders${path}`
      assert.strictEqual(at(document, "paths", whole, "post", "x-rate-limit"), operation)
      for (const [status, response] of Object.entries(responses(whole, "post") ?? {})) {
        const names = Object.keys(at(response, "headers") ?? {}).filter((name) => name.startsWith("ratelimit"))
        assert.deepStrictEqual(names, status === "401" ? [] : ["ratelimit-policy", "ratelimit"], `${whole} ${status}`)
      }
      assert.include(JSON.stringify(at(responses(whole, "post"), "429")), "RateLimitExceededProblem")
    }
    // The address is asked about everywhere: an endpoint without that would be the way around it.
    for (const path of Object.keys(at(document, "paths") ?? {})) {
      for (const method of Object.keys(at(document, "paths", path) ?? {})) {
        const refusal = JSON.stringify(at(responses(path, method), "429"))
        assert.include(refusal, "RateLimitExceededProblem", `${method} ${path}`)
        assert.include(refusal, "retry-after", `${method} ${path}`)
      }
    }
  })
})
