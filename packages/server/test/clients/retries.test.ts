/** What is repeated within a call, how often and how soon: one layer, a budget, and the service's own word. */
import { assert, describe, it } from "@effect/vitest"
import { BasisPoints } from "@tickettoken/order-domain/Money"
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Duration, Effect, Fiber, Layer, Random } from "effect"
import { HttpClient, type HttpClientRequest, HttpClientResponse, HttpClientError } from "effect/http"
import { TestClock } from "effect/testing"
import { calls, clients, orderId } from "../support/clientCalls.ts"
import { neverOpens, production } from "../support/clientSettings.ts"

/** What the service does with one attempt. */
type Reply =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: object | string }
  | "cut"
  | "hang"

interface Sent {
  readonly atMillis: number
  readonly key: string | undefined
}

/** A service that answers attempt after attempt as written, the last one for ever; and when each was sent. */
const script = (...replies: ReadonlyArray<Reply>) => {
  const sent: Array<Sent> = []
  const answer = (request: HttpClientRequest.HttpClientRequest) =>
    Effect.gen(function* () {
      const clock = yield* TestClock.testClockWith((one) => Effect.succeed(one.currentTimeMillisUnsafe()))
      sent.push({ atMillis: clock, key: request.headers["idempotency-key"] })
      const reply = replies[Math.min(sent.length, replies.length) - 1] ?? "hang"
      if (reply === "hang") return yield* Effect.never
      if (reply === "cut") {
        return yield* new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
      }
      const { body = "", headers = {}, status } = reply
      const isText = typeof body === "string"
      return HttpClientResponse.fromWeb(
        request,
        new Response(isText ? body : JSON.stringify(body), {
          status,
          headers: { "content-type": isText ? "text/html" : "application/json", ...headers }
        })
      )
    })
  return { sent, layer: Layer.succeed(HttpClient.HttpClient, HttpClient.make(answer)) }
}

const repeating = { retry: production.retry }

/** Makes the call while time passes as it needs it. */
const played = Effect.fnUntraced(function* <A, E>(call: Effect.Effect<A, E>) {
  const fiber = yield* Effect.forkChild(Effect.exit(call))
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("10 millis")
  return yield* Fiber.join(fiber)
})

const url = new URL("http://service")

type Options = Parameters<typeof clients>[1]

const holdWith = (service: ReturnType<typeof script>, options: Options = repeating) =>
  calls.hold.pipe(Effect.provide(Layer.provide(clients(url, options, neverOpens), service.layer)))

const held: Reply = { status: 200, body: { orderId } }
const problem = (status: number, code: string): Reply => ({ status, body: { code, detail: "so it is" } })

/** What is done about each answer: how often it is sent in all, and what the caller is told. */
const table: Record<string, { readonly reply: Reply; readonly attempts: number; readonly told: string }> = {
  "200 as agreed": { reply: held, attempts: 1, told: "done" },
  "200 without its fields": { reply: { status: 200, body: {} }, attempts: 1, told: "ServiceUnavailable" },
  "200 as a page": { reply: { status: 200, body: "<html>" }, attempts: 1, told: "ServiceUnavailable" },
  "a redirect": { reply: { status: 302 }, attempts: 1, told: "ServiceUnavailable" },
  "400 with a code": { reply: problem(400, "VALIDATION_ERROR"), attempts: 1, told: "ServiceUnavailable" },
  "401": { reply: problem(401, "UNAUTHORIZED"), attempts: 1, told: "ServiceUnavailable" },
  "403": { reply: problem(403, "FORBIDDEN"), attempts: 1, told: "ServiceUnavailable" },
  "404 of a router": { reply: problem(404, "ROUTE_NOT_FOUND"), attempts: 1, told: "ServiceUnavailable" },
  "404 of a proxy": { reply: { status: 404, body: "<html>" }, attempts: 1, told: "ServiceUnavailable" },
  "408": { reply: problem(408, "TIMEOUT"), attempts: 4, told: "ServiceUnavailable" },
  "409 sold out": { reply: problem(409, "TICKETS_SOLD_OUT"), attempts: 1, told: "TicketsSoldOut" },
  "409 hold gone": { reply: problem(409, "HOLD_NOT_FOUND"), attempts: 1, told: "HoldLost" },
  "409 our key is at work": { reply: problem(409, "IDEMPOTENCY_IN_PROGRESS"), attempts: 4, told: "ServiceUnavailable" },
  "429": { reply: problem(429, "RATE_LIMIT_EXCEEDED"), attempts: 4, told: "ServiceUnavailable" },
  "500": { reply: problem(500, "INTERNAL_ERROR"), attempts: 4, told: "ServiceUnavailable" },
  "502 of a proxy": { reply: { status: 502, body: "<html>" }, attempts: 4, told: "ServiceUnavailable" },
  "503": { reply: problem(503, "SERVICE_UNAVAILABLE"), attempts: 4, told: "ServiceUnavailable" },
  "a cut connection": { reply: "cut", attempts: 4, told: "ServiceUnavailable" },
  "no answer in 5 s": { reply: "hang", attempts: 1, told: "ServiceUnavailable" }
}

describe("N1 an attempt", () => {
  it.effect.each(Object.entries(table))("that brings %s is repeated as the table says, with its key", ([, row]) =>
    Effect.gen(function* () {
      const service = script(row.reply)
      const exit = yield* played(holdWith(service))
      assert.lengthOf(service.sent, row.attempts)
      assert.deepStrictEqual([...new Set(service.sent.map(({ key }) => key))], [`${orderId}:HOLD:1`])
      const told = exit._tag === "Success" ? "done" : yield* Effect.flip(exit).pipe(Effect.map(({ _tag }) => _tag))
      assert.strictEqual(told, row.told)
    })
  )

  it.effect.each(["cut", problem(500, "INTERNAL_ERROR"), problem(429, "RATE_LIMIT_EXCEEDED")] as const)(
    "that fails once is unnoticed by the caller (%#)",
    (reply) =>
      Effect.gen(function* () {
        const service = script(reply, held)
        assert.strictEqual((yield* played(holdWith(service)))._tag, "Success")
        assert.lengthOf(service.sent, 2)
      })
  )

  it.effect("that took its whole time is repeated where the deadline leaves as much again", () =>
    Effect.gen(function* () {
      const attemptTimeout = Duration.seconds(2)
      const service = script("hang")
      yield* played(holdWith(service, { ...repeating, attemptTimeout }))
      assert.lengthOf(service.sent, 3)
      assert.isAtMost(service.sent[2]?.atMillis ?? Infinity, 5000)
    })
  )

  it.effect("is the only one if none is to follow", () =>
    Effect.gen(function* () {
      const service = script("cut")
      yield* played(holdWith(service, { retry: { ...production.retry, max: 0 } }))
      assert.lengthOf(service.sent, 1)
    })
  )
})

/** Chance at its end: all of each pause, or none of it. */
const chance = (value: number) =>
  Effect.provideService(Random.Random, { nextIntUnsafe: () => value, nextDoubleUnsafe: () => value })

const pausesOf = ({ sent }: ReturnType<typeof script>) =>
  sent.slice(1).map(({ atMillis }, at) => atMillis - (sent[at]?.atMillis ?? 0))

const failure = Effect.fnUntraced(function* <A, E>(call: Effect.Effect<A, E | ServiceUnavailable>) {
  return yield* Effect.flip(yield* played(call))
})

describe("N6 the pause before a repetition", () => {
  it.effect("is at most 100, 200 and 400 ms, and any part of that by chance", () =>
    Effect.gen(function* () {
      const longest = script("cut")
      yield* played(holdWith(longest)).pipe(chance(1))
      assert.deepStrictEqual(pausesOf(longest), [100, 200, 400])
      const shortest = script("cut")
      yield* played(holdWith(shortest)).pipe(chance(0))
      assert.deepStrictEqual(pausesOf(shortest), [0, 0, 0])
      const between = script("cut")
      yield* played(holdWith(between)).pipe(chance(0.5))
      assert.deepStrictEqual(pausesOf(between), [50, 100, 200])
    })
  )

  it.effect("begins with what is configured", () =>
    Effect.gen(function* () {
      const service = script("cut")
      yield* played(holdWith(service, { retry: { ...production.retry, delay: Duration.millis(30) } })).pipe(chance(1))
      assert.deepStrictEqual(pausesOf(service), [30, 60, 120])
    })
  )

  it.effect.each([429, 503])("is at least what a %d asks for", (status) =>
    Effect.gen(function* () {
      const service = script({ status, headers: { "retry-after": "1" } }, held)
      assert.strictEqual((yield* played(holdWith(service)))._tag, "Success")
      assert.deepStrictEqual(pausesOf(service), [1000])
    })
  )

  it.effect("is not begun when it can not end in time: the caller is told how long to wait", () =>
    Effect.gen(function* () {
      const service = script({ status: 503, headers: { "retry-after": "7" } })
      const error = yield* failure(holdWith(service))
      assert.lengthOf(service.sent, 1)
      assert.strictEqual(error._tag === "ServiceUnavailable" ? error.retryAfterSeconds : 0, 7)
    })
  )
})

const CALLS = 100
const SAVED_UP = 10

/** That many calls of one client, which all fail; how many attempts they were. */
const attemptsOf = Effect.fnUntraced(function* (percent: number) {
  const service = script("cut")
  const share = BasisPoints.make(percent * 100)
  const context = yield* Layer.build(
    Layer.provide(clients(url, { retry: { ...production.retry, share } }, neverOpens), service.layer)
  )
  const call = Effect.provideContext(calls.hold, context)
  for (let number = 0; number < CALLS; number++) yield* played(call)
  return service.sent.length
})

describe("F29 an outage", () => {
  it.effect.each([0, 10, 25])(
    "is answered with %d repetitions for a hundred calls, and ten that were saved up",
    (percent) =>
      Effect.gen(function* () {
        const most = CALLS + SAVED_UP + (CALLS * percent) / 100
        const attempts = yield* attemptsOf(percent)
        assert.isAtMost(attempts, most)
        // The first call finds the savings full.
        assert.isAtLeast(attempts, most - 1)
      })
  )

  it.effect("of one service costs the others nothing", () =>
    Effect.gen(function* () {
      const service = script("cut")
      const context = yield* Layer.build(Layer.provide(clients(url, repeating, neverOpens), service.layer))
      for (let number = 0; number < CALLS; number++) yield* played(Effect.provideContext(calls.hold, context))
      const before = service.sent.length
      yield* played(Effect.provideContext(calls.getEvent, context))
      assert.strictEqual(service.sent.length - before, 4)
    })
  )
})
