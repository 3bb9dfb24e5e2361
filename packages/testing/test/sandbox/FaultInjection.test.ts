/** Each fault over real HTTP: what the client sees, and what truly happened according to the journal. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { lieAbout } from "@tickettoken/order-testing/sandbox/FaultInjection"
import type { FaultRule } from "@tickettoken/order-testing/sandbox/Faults"
import type { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { json } from "@tickettoken/order-testing/sandbox/Wire"
import { assertAnswer, assertProblem, get, inSandbox, keyed, post, send } from "./http.ts"
import { order, userId } from "./scene.ts"

const wanted = { orderId: order(1), userId, amount: 23_338, currency: "USD" }

/** Runs a test with these faults on the opening of payment intents. */
const withFault = <A, E>(
  rule: FaultRule,
  test: (payments: Sandbox["Service"]["payments"], url: string) => Effect.Effect<A, E, HttpClient.HttpClient>
) =>
  inSandbox(({ payments }) =>
    payments.faults
      .set({ rules: [rule] })
      .pipe(Effect.andThen(test(payments, `${payments.url}/internal/payment-intents`)))
  )

const created = (payments: Sandbox["Service"]["payments"]) =>
  Effect.map(
    payments.journal.entries,
    (entries) => entries.filter((entry) => entry.fact.kind === "intent.created").length
  )

const hits = (payments: Sandbox["Service"]["payments"]) =>
  Effect.map(payments.faults.report, (report) => report.rules[0]?.hits)

/** Waits until a fault has fired. */
const untilHit = (payments: Sandbox["Service"]["payments"], fault: "hang" | "latencyMs") =>
  Effect.repeat(hits(payments), {
    until: (counts) => (counts?.[fault] ?? 0) > 0,
    schedule: Schedule.spaced("10 millis")
  })

/** A request whose answer nobody reads: only whether one came. */
const knock = (url: string, key: string) =>
  HttpClientRequest.post(url).pipe(
    HttpClientRequest.setHeaders(keyed(key)),
    HttpClientRequest.bodyJsonUnsafe(wanted),
    HttpClient.execute
  )

describe("a fault", () => {
  it.live("before the effect answers 500 and does nothing", () =>
    withFault({ failBefore: { times: 1 } }, (payments, url) =>
      Effect.gen(function* () {
        assertProblem(yield* post(url, "i", wanted), 500, "INJECTED_FAULT")
        assert.strictEqual(yield* created(payments), 0)
        assertAnswer(yield* post(url, "i", wanted), 200, {})
        assert.deepStrictEqual(yield* hits(payments), { failBefore: 1 })
      })
    )
  )

  it.live("after the effect cuts the connection, and the same key finds what was done", () =>
    withFault({ failAfter: { times: 1 } }, (payments, url) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(post(url, "i", wanted))).reason._tag, "TransportError")
        assert.strictEqual(yield* created(payments), 1)
        assertAnswer(yield* post(url, "i", wanted), 200, { status: "requires_payment" })
        assert.strictEqual(yield* created(payments), 1)
        assert.deepStrictEqual(yield* hits(payments), { failAfter: 1 })
      })
    )
  )

  it.live("after the effect can answer 500 instead", () =>
    withFault({ failAfter: { how: "status" } }, (payments, url) =>
      Effect.gen(function* () {
        assertProblem(yield* post(url, "i", wanted), 500, "INJECTED_FAULT")
        assert.strictEqual(yield* created(payments), 1)
      })
    )
  )

  it.live("that hangs answers nothing while the client waits, and does nothing", () =>
    withFault({ hang: 1 }, (payments, url) =>
      Effect.gen(function* () {
        const waiting = yield* Effect.forkChild(knock(url, "i"))
        yield* untilHit(payments, "hang")
        yield* Effect.sleep("100 millis")
        assert.isUndefined(waiting.pollUnsafe())
        yield* Fiber.interrupt(waiting)
        assert.strictEqual(yield* created(payments), 0)
        assert.deepStrictEqual(yield* hits(payments), { hang: 1 })
      })
    )
  )

  it.live("that hangs after the effect has done it, and gives up in the end", () =>
    withFault({ hang: { when: "after", forMs: 50 } }, (payments, url) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(knock(url, "i")))._tag, "HttpClientError")
        assert.strictEqual(yield* created(payments), 1)
      })
    )
  )

  it.live("of latency does its effect although the client has gone", () =>
    withFault({ latencyMs: 1000 }, (payments, url) =>
      Effect.gen(function* () {
        const waiting = yield* Effect.forkChild(knock(url, "i"))
        yield* untilHit(payments, "latencyMs")
        yield* Fiber.interrupt(waiting)
        yield* Effect.repeat(created(payments), {
          until: (count) => count > 0,
          schedule: Schedule.spaced("20 millis")
        })
        assert.strictEqual(yield* created(payments), 1)
      })
    )
  )

  it.live("that duplicates runs the request twice, which a key makes one", () =>
    withFault({ duplicate: 1 }, (payments, url) =>
      Effect.gen(function* () {
        assertAnswer(yield* post(url, "i", wanted), 200, { status: "requires_payment" })
        assert.strictEqual(yield* created(payments), 1)
        assert.deepStrictEqual(yield* hits(payments), { duplicate: 1 })
      })
    )
  )

  it.live("that lies answers wrongly about a right effect", () =>
    withFault({ lie: { about: "amount", times: 1 } }, (payments, url) =>
      Effect.gen(function* () {
        assertAnswer(yield* post(url, "i", wanted), 200, { amount: 23_339 })
        assertAnswer(yield* post(url, "i", wanted), 200, { amount: 23_338 })
        yield* payments.faults.set({ rules: [{ lie: { about: "currency" } }] })
        assertAnswer(yield* post(url, "i", wanted), 200, { currency: "CAD", amount: 23_338 })
        yield* payments.faults.set({ rules: [{ lie: { about: "missing" } }] })
        assert.deepStrictEqual((yield* post(url, "i", wanted)).body, {})
        yield* payments.faults.set({ rules: [{ lie: { about: "html" } }] })
        const page = yield* knock(url, "i")
        assert.strictEqual(page.headers["content-type"], "text/html")
        assert.include(yield* page.text, "<html>")
        yield* payments.faults.set({ rules: [{ lie: { about: "huge" } }] })
        assert.isAbove((yield* (yield* knock(url, "i")).text).length, 16_000_000)
        assert.strictEqual(yield* created(payments), 1)
      })
    )
  )

  it("that lies about its place sends the client elsewhere", () => {
    const lie = lieAbout("redirect", json(200, { amount: 1 }))
    assert.deepInclude(lie, { status: 302, headers: { location: "http://127.0.0.1:1/elsewhere" } })
  })

  it.live("that lies about prices reaches into the answer", () =>
    inSandbox(({ tickets }) =>
      Effect.gen(function* () {
        yield* tickets.faults.set({ rules: [{ operation: "tickets.availability", lie: 1 }] })
        const request = { eventId: demo.eventId, ticketTypeIds: [demo.general.ticketTypeId] }
        assertAnswer(yield* post(`${tickets.url}/internal/tickets/availability`, "a", request), 200, {
          ticketTypes: [{ available: 10_000, pricings: [{ price: 10_001 }] }]
        })
      })
    )
  )
})

describe("the fault controls", () => {
  it.live("set, show with counters, and clear a plan over HTTP", () =>
    inSandbox(({ events: { url } }) =>
      Effect.gen(function* () {
        const faults = `${url}/sandbox/faults`
        const rule = { path: "/internal/events/*", failBefore: 1 }
        assertAnswer(yield* send("PUT", faults, { seed: 3, rules: [rule] }), 200, {
          seed: 3,
          rules: [{ rule, calls: 0 }]
        })
        assertProblem(yield* get(`${url}/internal/events/${demo.eventId}`), 500, "INJECTED_FAULT")
        assertAnswer(yield* get(faults), 200, { seed: 3, rules: [{ rule, calls: 1, hits: { failBefore: 1 } }] })
        assertAnswer(yield* send("DELETE", faults), 200, { rules: [] })
        assertAnswer(yield* get(`${url}/internal/events/${demo.eventId}`), 200, {})
      })
    )
  )

  it.live("are never faulty themselves", () =>
    inSandbox(({ events: { url } }) =>
      Effect.gen(function* () {
        yield* send("PUT", `${url}/sandbox/faults`, { rules: [{ failBefore: 1, hang: 1, failAfter: 1 }] })
        assertAnswer(yield* get(`${url}/health`), 200, { status: "ok" })
        assertAnswer(yield* get(`${url}/sandbox/journal`), 200, { service: "event" })
        assertAnswer(yield* send("DELETE", `${url}/sandbox/faults`), 200, { rules: [] })
      })
    )
  )

  it.live("refuse a plan that means nothing", () =>
    inSandbox(({ events: { url } }) =>
      Effect.gen(function* () {
        const faults = `${url}/sandbox/faults`
        for (const rule of [
          { failBefore: 1.1 },
          { failAfter: { how: "maybe" } },
          { hang: { times: 0 } },
          { lie: "yes" }
        ]) {
          assertProblem(yield* send("PUT", faults, { rules: [rule] }), 400, "VALIDATION_ERROR")
        }
      })
    )
  )
})
