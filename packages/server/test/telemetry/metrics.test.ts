/** What monitoring is told: of orders where they commit, of requests by their route, and never anything of a person. */
import { assert, describe, it, layer } from "@effect/vitest"
import { MetricsAccess } from "@tickettoken/order-server/http/MetricsRoute"
import { operationOf } from "@tickettoken/order-server/http/requestMetrics"
import { counter } from "@tickettoken/order-server/telemetry/Instrument"
import { catalogue } from "@tickettoken/order-server/telemetry/Metrics"
import * as orderMetrics from "@tickettoken/order-server/telemetry/orderMetrics"
import * as workMetrics from "@tickettoken/order-server/telemetry/workMetrics"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { Effect, Layer, Metric, Random, Redacted } from "effect"
import { asService, ask, confirmedOrder, createOrder, person } from "../http/support/buyer.ts"
import { eventually } from "../http/support/eventually.ts"
import { live } from "../http/support/everyStore.ts"
import { memoryStore, serverOver, ServerPort } from "../http/support/testServer.ts"
import { type Sample, samplesOf, scrape, valueOf } from "./support/scrape.ts"

const countedStore = Layer.merge(orderMetrics.layer, workMetrics.layer).pipe(Layer.provideMerge(memoryStore))

/** Everything in memory, counted as in production. */
const countedServer = (access: MetricsAccess, store: typeof countedStore = countedStore) =>
  serverOver(store).pipe(Layer.provide(Layer.succeed(MetricsAccess, access)))

/** What has been added to each series since. */
const since = (before: ReadonlyArray<Sample>) =>
  Effect.map(
    Effect.flatMap(ServerPort, scrape),
    (after) =>
      (name: string, labels: Sample["labels"] = {}) =>
        valueOf(after, name, labels) - valueOf(before, name, labels)
  )

const now = Effect.flatMap(ServerPort, scrape)

layer(countedServer("open"), live)("orders in the metrics", (it) => {
  it.effect("are counted from creation to refund, with the money of rules 1.2 and 4.3", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const before = yield* now
      const order = yield* confirmedOrder(buyer)
      const confirmed = yield* since(before)
      assert.deepStrictEqual(
        [
          confirmed("order_service_orders_created_total", { currency: "USD" }),
          confirmed("order_service_orders_confirmed_total", { currency: "USD" }),
          confirmed("order_service_revenue_total", { currency: "USD" }),
          confirmed("order_service_fees_total", { part: "platform" }),
          confirmed("order_service_fees_total", { part: "processing" }),
          confirmed("order_service_fees_total", { part: "tax" }),
          confirmed("order_service_reservation_duration_seconds_count", { outcome: "confirmed" }),
          confirmed("order_service_processing_duration_seconds_count"),
          confirmed("order_service_operation_duration_seconds_count", { operation: "confirm" })
        ],
        [1, 1, 23_338, 1000, 610, 1728, 1, 1, 1]
      )
      yield* buyer.post(`/api/v1/orders/${order.id}/cancel`, { reason: "changed my mind" })
      // The money goes back behind the answer.
      const cancelled = yield* eventually(since(before), (added) => added("order_service_refunded_total") > 0)
      assert.deepStrictEqual(
        [
          cancelled("order_service_orders_cancelled_total", { cause: "BUYER" }),
          cancelled("order_service_refunds_processed_total", { state: "COMPLETED" }),
          cancelled("order_service_refunded_total", { currency: "USD" }),
          cancelled("order_service_work_asked_total", { kind: "HOLD" }),
          cancelled("order_service_work_asked_total", { kind: "RELEASE" }),
          cancelled("order_service_work_asked_total", { kind: "REFUND" }),
          cancelled("order_service_work_done_total", { kind: "REFUND" })
        ],
        [1, 1, 22_808, 1, 1, 1, 1]
      )
    })
  )

  it.effect("3.5 are counted when their hold runs out", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const before = yield* now
      const { id } = yield* createOrder(buyer)
      const time = yield* TestTime
      yield* time.passMinutes(18)
      const answer = yield* asService("POST", `/internal/v1/orders/${id}/expire`, { reason: "test" })
      assert.strictEqual(answer.status, 200, answer.text)
      const added = yield* since(before)
      assert.deepStrictEqual(
        [
          added("order_service_reservation_expires_total"),
          added("order_service_reservation_duration_seconds_count", { outcome: "expired" }),
          added("order_service_orders_confirmed_total")
        ],
        [1, 1, 0]
      )
    })
  )

  it.effect("2.2 are counted when a quota refuses them, and not as created", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const before = yield* now
      for (let order = 1; order <= 5; order++) yield* createOrder(buyer)
      const sixth = yield* Effect.exit(createOrder(buyer))
      assert.strictEqual(sixth._tag, "Failure")
      const added = yield* since(before)
      assert.strictEqual(added("order_service_orders_created_total"), 5)
      assert.strictEqual(added("order_service_orders_over_quota_total", { quota: "activeForEvent" }), 1)
    })
  )
})

const CARDINALITY_MAX = 500
const FUZZED_REQUESTS = 600
const segments = ["api", "v1", "orders", "refunds", "internal", "health", "metrics", "docs", "..", "%00", "admin", "x"]
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND", "TRACE"]

const pick = <A>(values: readonly [A, ...ReadonlyArray<A>] | ReadonlyArray<A>, fallback: A): Effect.Effect<A> =>
  Effect.map(Random.nextIntBetween(0, values.length), (at) => values[at] ?? fallback)

const fuzzed = Effect.gen(function* () {
  const length = yield* Random.nextIntBetween(1, 6)
  const parts = yield* Effect.forEach(Array.from({ length }), () =>
    Effect.gen(function* () {
      const own = yield* Random.nextBoolean
      return own ? yield* pick(segments, "x") : `canary${yield* Random.nextIntBetween(0, 1_000_000)}`
    })
  )
  return { method: yield* pick(methods, "GET"), path: `/${parts.join("/")}?token=canary` }
})

layer(countedServer("open"), live)("the series of /metrics", (it) => {
  it.effect("A33 are at most 500 whatever is asked for, and hold nothing that a request has brought", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      yield* confirmedOrder(buyer)
      for (let sent = 0; sent < FUZZED_REQUESTS; sent++) {
        const { method, path } = yield* fuzzed
        yield* buyer.ask({ method, path, headers: { "x-request-id": "canary", "user-agent": "canary" } })
      }
      const { text } = yield* ask({ path: "/metrics" })
      const samples = samplesOf(text)
      assert.isAtMost(samples.length, CARDINALITY_MAX)
      assert.notInclude(text, "canary")
      assert.notInclude(text, buyer.userId)
      assert.isAbove(valueOf(samples, "order_service_http_requests_total", { route: "none", method: "other" }), 0)
      const created = { route: "/api/v1/orders", method: "POST", status: "2xx" }
      assert.isAbove(valueOf(samples, "order_service_http_requests_total", created), 0)
    }).pipe(Random.withSeed("series"))
  )

  it.effect("are all in the catalogue, with its labels and nothing else", () =>
    Effect.gen(function* () {
      const samples = yield* now
      const known = new Map(catalogue.map((info) => [info.name, info]))
      for (const { labels, name } of samples) {
        const info = known.get(name) ?? known.get(name.replace(/_(?:bucket|sum|count)$/, ""))
        assert.isDefined(info, name)
        const given = Object.keys(labels).filter((label) => label !== "le")
        assert.sameMembers(given, Object.keys(info?.labels ?? {}), name)
      }
    })
  )

  it.effect("A15 tell of bodies that were too long", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const before = yield* now
      assert.strictEqual((yield* buyer.post("/api/v1/orders", Buffer.alloc(70_000, "x"))).status, 413)
      const added = yield* since(before)
      assert.strictEqual(added("order_service_http_refusals_total", { status: "413" }), 1)
      assert.strictEqual(added("order_service_http_requests_total", { route: "/api/v1/orders", status: "4xx" }), 1)
    })
  )

  it.effect("tell of the process", () =>
    Effect.gen(function* () {
      const samples = yield* now
      assert.isAbove(valueOf(samples, "order_service_process_resident_memory_bytes"), 10_000_000)
      assert.isAbove(valueOf(samples, "order_service_process_cpu_seconds_total"), 0)
      assert.isAtLeast(valueOf(samples, "order_service_event_loop_delay_seconds", { quantile: "0.99" }), 0)
      assert.isAbove(valueOf(samples, "order_service_process_start_time_seconds"), 1_700_000_000)
    })
  )

  it.effect("come in the text format of Prometheus, each metric with its kind and meaning", () =>
    Effect.gen(function* () {
      const { headers, status, text } = yield* ask({ path: "/metrics" })
      assert.strictEqual(status, 200)
      assert.strictEqual(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
      assert.include(
        text,
        "# HELP order_service_orders_created_total Orders created\n# TYPE order_service_orders_created_total counter\n"
      )
      assert.include(text, "# TYPE order_service_operation_duration_seconds histogram\n")
    })
  )
})

const token = "q8Zt0wV5nYc2Lr7Kx4Hs9Bd1"

layer(countedServer(Redacted.make(token)), live)("/metrics with a token", (it) => {
  it.effect.each([
    [undefined, 401],
    ["Bearer wrong", 401],
    [`Basic ${token}`, 401],
    [token, 401],
    [`Bearer ${token}x`, 401],
    [`Bearer ${token}`, 200],
    [`bearer ${token}`, 200]
  ] as const)("A33 answers %s with %s", ([authorization, expected]) =>
    Effect.gen(function* () {
      const { status, text } = yield* ask({
        path: "/metrics",
        headers: authorization === undefined ? {} : { authorization }
      })
      assert.strictEqual(status, expected)
      assert.strictEqual(text.includes("order_service_"), expected === 200)
      assert.notInclude(text, token)
    })
  )
})

layer(countedServer("off"), live)("/metrics switched off", (it) => {
  it.effect("A33 is a route that does not exist", () =>
    Effect.map(ask({ path: "/metrics" }), ({ status }) => assert.strictEqual(status, 404))
  )
})

describe("a metric", () => {
  it.effect("counts what is not in a label's list, and what an open label holds too much of, as other", () =>
    Effect.gen(function* () {
      const kind: ReadonlyArray<string> = ["a"]
      const closed = counter("order_service_test_closed_total", "For this test", { kind })
      const open = counter("order_service_test_open_total", "For this test", { route: null, kind: ["a", "b"] })
      yield* closed.record(1, { kind: "a" })
      yield* closed.record(2, { kind: "a canary" })
      for (let route = 0; route < 1000; route++) yield* open.record(1, { route: `/${route}`, kind: "b" })
      const series = (yield* Metric.snapshot).filter(({ id }) => id.startsWith("order_service_test_"))
      const labels = series.map(({ attributes }) => Object.values(attributes ?? {}).join(" "))
      assert.isAtMost(series.length, 130)
      assert.include(labels, "other")
      assert.include(labels, "other b")
      assert.notInclude(labels.join(), "canary")
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it("has a name of its own that says what it counts in", () => {
    const names = catalogue.map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
    for (const { kind, means, name } of catalogue) {
      assert.match(name, /^order_service_[a-z_]+$/)
      assert.strictEqual(name.endsWith("_total"), kind === "counter", name)
      if (kind === "histogram") assert.match(name, /_seconds$/)
      assert.match(means, /^[A-Z0-9].+[^.]$/)
    }
  })

  it.each([
    ["POST", "/api/v1/orders", "create"],
    ["GET", "/api/v1/orders/:orderId", "read"],
    ["POST", "/api/v1/orders/:orderId/cancel", "cancel"],
    ["POST", "/api/v1/quotes/cancel", "quote"],
    ["POST", "/internal/v1/orders/bulk/cancel", "bulk_cancel"],
    ["POST", "/internal/v1/orders/:orderId/confirm", "confirm"],
    ["GET", "/health/liveness", undefined],
    ["POST", "none", undefined]
  ] as const)("names the operation of %s %s: %s", (method, route, operation) => {
    assert.strictEqual(operationOf(method, route), operation)
  })
})
