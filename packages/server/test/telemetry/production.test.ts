/** What a service in production tells of itself: one trace through everything, lines for machines, and no secret anywhere. */
import { assert, describe, it, layer } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { promisify } from "node:util"
import { type Answer, at, send, textAt } from "../http/support/send.ts"
import { assertStopped } from "../lifecycle/support/serviceProcess.ts"
import { closedPort, httpStub } from "../support/httpStub.ts"
import { collector, recordsOf, spansOf, textOf } from "./support/collector.ts"
import { secrets, startInProduction, token, world } from "./support/productionService.ts"
import { samplesOf, valueOf } from "./support/scrape.ts"

const slow = { excludeTestServices: true, timeout: "300 seconds" } as const

const order = (metadata: object = {}) => ({
  eventId: demo.eventId,
  items: [{ ...demo.general, quantity: 1 }],
  currency: "USD",
  metadata
})

const traceId = "0af7651916cd43dd8448eb211c80319c"
const callersSpan = "b7ad6b7169203331"

const linesOf = (stdout: string): ReadonlyArray<unknown> =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line))

/** Every line of a shell in the page. */
const documented = [
  ...readFileSync(new URL("../../../../docs/observability.md", import.meta.url), "utf8").matchAll(
    /```sh\n([\s\S]*?)```/g
  )
].flatMap(([, block = ""]) => block.trim().split("\n"))

const execute = promisify(execFile)

/** Runs a line and returns what it prints. */
const shell = (line: string, env: { readonly [name: string]: string }) =>
  Effect.promise(() => execute("sh", ["-c", line], { env: { PATH: "/usr/bin:/bin:/usr/local/bin", ...env } })).pipe(
    Effect.map(({ stdout }) => stdout)
  )

layer(world, slow)("a trace", (it) => {
  it.effect("is one from the caller through HTTP, SQL and every service to the log", () =>
    Effect.gen(function* () {
      const stub = yield* collector
      const { port, service } = yield* startInProduction({ OTEL_EXPORTER_OTLP_ENDPOINT: stub.url.href })
      const authorization = `Bearer ${yield* token}`
      const answer = yield* send({
        port,
        method: "POST",
        path: "/api/v1/orders",
        headers: { authorization, traceparent: `00-${traceId}-${callersSpan}-01` },
        body: order()
      })
      assert.strictEqual(answer.status, 201, answer.text)
      assert.match(answer.headers["traceparent"] ?? "", new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
      yield* service.send("SIGTERM")
      const { code, stderr, stdout } = yield* service.outcome
      assert.deepStrictEqual([code, stderr], [0, ""])

      const spans = spansOf(stub).filter((span) => span.traceId === traceId)
      const ids = new Set([callersSpan, ...spans.map(({ spanId }) => spanId)])
      for (const { name, parentSpanId } of spans) assert.isTrue(ids.has(parentSpanId ?? ""), `${name} hangs nowhere`)
      const [server, ...others] = spans.filter(({ attributes }) => attributes["http.route"] !== undefined)
      assert.deepStrictEqual(others, [])
      assert.strictEqual(server?.parentSpanId, callersSpan)
      assert.strictEqual(server?.attributes["http.route"], "/api/v1/orders")
      assert.strictEqual(answer.headers["traceparent"]?.split("-")[2], server?.spanId)
      assert.isAbove(
        spans.filter(({ attributes }) => String(attributes["db.query.text"]).includes("orders_admit")).length,
        0
      )
      const called = new Set(spans.map(({ attributes }) => attributes["url.path"]))
      assert.isTrue(called.has(`/internal/events/${demo.eventId}`))
      assert.isTrue(called.has("/internal/tickets/reserve"))
      assert.isTrue(called.has("/internal/payment-intents"))

      const orderId = textAt(answer.json, "id")
      const line = linesOf(stdout).find((logged) => at(logged, "message") === "POST /api/v1/orders 201")
      assert.deepStrictEqual(
        ["level", "service", "traceId", "tenantId", "userId"].map((key) => at(line, key)),
        ["info", "order-service", traceId, demo.tenantId, demo.buyerId]
      )
      assert.match(String(at(line, "time")), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
      const record = recordsOf(stub).find(({ message }) => message === "POST /api/v1/orders 201")
      assert.strictEqual(record?.traceId, traceId)
      assert.strictEqual(record?.attributes["tenantId"], demo.tenantId)
      assert.include(
        stub.received.map(({ headers }) => headers["authorization"]),
        `Bearer ${secrets.collectorToken}`
      )
      assert.isString(orderId)
    }).pipe(Effect.scoped)
  )

  it.effect("is not made of probes and scrapes, nor sent where the share is nothing", () =>
    Effect.gen(function* () {
      const stub = yield* collector
      const { port, service } = yield* startInProduction({
        OTEL_EXPORTER_OTLP_ENDPOINT: stub.url.href,
        ORDER_TRACE_PERCENTAGE: "0"
      })
      yield* send({ port, path: "/health/readiness" })
      yield* send({ port, path: "/metrics", headers: { traceparent: `00-${traceId}-${callersSpan}-00` } })
      yield* send({ port, path: "/api/v1/orders" })
      yield* service.send("SIGTERM")
      assert.strictEqual((yield* service.outcome).code, 0)
      assert.deepStrictEqual(spansOf(stub), [])
      assert.isAbove(recordsOf(stub).length, 0)
    }).pipe(Effect.scoped)
  )

  it.effect("goes nowhere when the collector is away or hangs, and neither requests nor the end wait for it", () =>
    Effect.gen(function* () {
      const authorization = `Bearer ${yield* token}`
      const hanging = yield* httpStub(() => undefined)
      for (const url of [yield* closedPort, hanging.url]) {
        const { port, service } = yield* startInProduction({
          OTEL_EXPORTER_OTLP_ENDPOINT: url.href,
          ORDER_SHUTDOWN_TIMEOUT_SECONDS: "5"
        })
        for (let sent = 0; sent < 20; sent++) {
          const { status } = yield* send({ port, path: "/api/v1/orders", headers: { authorization } })
          assert.strictEqual(status, 200)
        }
        if (url === hanging.url) yield* hanging.reached
        assert.strictEqual((yield* send({ port, path: "/api/v1/orders", headers: { authorization } })).status, 200)
        yield* service.send("SIGTERM")
        assertStopped(yield* service.outcome)
      }
    }).pipe(Effect.scoped)
  )
})

layer(world, slow)("secrets", (it) => {
  it.effect("A32 are in no log, no metric, no trace and no problem, whatever is done with them", () =>
    Effect.gen(function* () {
      const stub = yield* collector
      const { port, service, variables } = yield* startInProduction({
        OTEL_EXPORTER_OTLP_ENDPOINT: stub.url.href,
        ORDER_METRICS_TOKEN: secrets.metricsToken,
        LOG_LEVEL: "trace"
      })
      const bearer = yield* token
      const authorization = `Bearer ${bearer}`
      const metadata = { note: "canary-metadata-6Jm3Pa", deep: [{ note: "canary-metadata-6Jm3Pa" }] }
      const post = (path: string, body: object | string, headers: { readonly [name: string]: string } = {}) =>
        send({ port, method: "POST", path, body, headers: { authorization, ...headers } })

      const created = yield* post("/api/v1/orders", order(metadata), { "idempotency-key": "canary-key-1" })
      assert.strictEqual(created.status, 201, created.text)
      const id = textAt(created.json, "id")
      const clientSecret = textAt(created.json, "clientSecret")
      const shown = yield* send({ port, path: `/api/v1/orders/${id}`, headers: { authorization } })
      assert.include(shown.text, "canary-metadata-6Jm3Pa")
      const serviceKey = `Service-Key payments.${secrets.serviceKey}`
      const asService = { authorization: serviceKey, "x-tenant-id": demo.tenantId }
      const bad = bearer.slice(0, -3)
      const answers: ReadonlyArray<Answer> = [
        yield* post(`/internal/v1/orders/${id}/confirm`, { paymentIntentId: "canary-intent" }, asService),
        yield* post(`/internal/v1/orders/${id}/expire`, { reason: "canary-reason" }, asService),
        yield* post(`/internal/v1/orders/${id}/confirm`, {}, { ...asService, authorization: `${serviceKey}x` }),
        yield* post("/api/v1/orders", { ...order(metadata), unknown: clientSecret }),
        yield* post("/api/v1/orders", `{"metadata": {"note": "canary-metadata-6Jm3Pa"`),
        yield* post("/api/v1/orders", order({ note: "x".repeat(20_000), secret: "canary-metadata-6Jm3Pa" })),
        yield* post("/api/v1/orders", order(metadata), { authorization: `Bearer ${bad}` }),
        yield* post("/api/v1/orders", order(metadata), { "idempotency-key": "canary-key-1", traceparent: bearer }),
        yield* send({
          port,
          path: `/api/v1/orders?token=${bearer}&status=${clientSecret}`,
          headers: { authorization }
        }),
        yield* send({ port, path: "/metrics", headers: { authorization: `Bearer ${bad}` } })
      ]
      const refused = answers.filter(({ status }) => status >= 400)
      assert.isAtLeast(refused.length, 8)
      const metrics = yield* send({
        port,
        path: "/metrics",
        headers: { authorization: `Bearer ${secrets.metricsToken}` }
      })
      assert.strictEqual(metrics.status, 200)
      assert.isAbove(valueOf(samplesOf(metrics.text), "order_service_database_units_total", { outcome: "done" }), 0)
      yield* service.send("SIGTERM")
      const { code, stderr, stdout } = yield* service.outcome
      assert.strictEqual(code, 0)
      const sent = yield* textOf(stub)
      assert.isAbove(spansOf(stub).length, 20)
      assert.isAbove(linesOf(stdout).length, 8)

      const told = { stdout, stderr, metrics: metrics.text, sent, problems: refused.map(({ text }) => text).join("\n") }
      const { password } = new URL(variables["DATABASE_URL"] ?? "")
      assert.isAtLeast(password.length, 8)
      for (const secret of [...Object.values(secrets), password, bearer, bad, clientSecret, "canary-metadata"]) {
        for (const [where, text] of Object.entries(told)) assert.notInclude(text, secret, where)
      }
    }).pipe(Effect.scoped)
  )
})

layer(world, slow)("/metrics in production", (it) => {
  it.effect("A33 is not there without a token, which the log says, and is there with one", () =>
    Effect.gen(function* () {
      const closed = yield* startInProduction()
      assert.strictEqual((yield* send({ port: closed.port, path: "/metrics" })).status, 404)
      yield* closed.service.send("SIGTERM")
      assert.include((yield* closed.service.outcome).stdout, "ORDER_METRICS_TOKEN is not set")
    }).pipe(Effect.scoped)
  )

  it.effect("is read with the command of docs/observability.md", () =>
    Effect.gen(function* () {
      const { port } = yield* startInProduction({ ORDER_METRICS_TOKEN: secrets.metricsToken })
      const [command, ...others] = documented.filter((line) => line.startsWith("curl "))
      assert.deepStrictEqual(others, [])
      const printed = yield* shell(command?.replace("localhost:3004", `127.0.0.1:${port}`) ?? "", {
        ORDER_METRICS_TOKEN: secrets.metricsToken
      })
      assert.match(printed, /^order_service_orders_created_total/m)
    }).pipe(Effect.scoped)
  )

  it("has no other command in docs/observability.md than this and promtool's, which test/observability.test.ts runs", () => {
    const others = documented.filter((line) => !/^(?:curl|promtool) /.test(line))
    assert.deepStrictEqual(others, [])
  })
})

describe("a secret in the wrong place", () => {
  it("is found by the search above", () => {
    assert.throws(() => assert.notInclude(`{"message":"${secrets.jwt}"}`, secrets.jwt))
  })
})
