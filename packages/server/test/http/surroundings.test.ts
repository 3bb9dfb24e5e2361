/** What is around the endpoints: probes, documentation, the OpenAPI file, headers, and the end of a process. */
import { assert, describe, it, layer } from "@effect/vitest"
import { OrderServiceApi } from "@tickettoken/order-server/contract/Api"
import { Health } from "@tickettoken/order-server/http/Health"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { Effect } from "effect"
import { OpenApi } from "effect/http-api"
import { readFileSync } from "node:fs"
import { ask, person } from "./support/buyer.ts"
import { live } from "./support/everyStore.ts"
import { at, listAt } from "./support/send.ts"
import { memoryServer } from "./support/testServer.ts"

const reviewed: unknown = JSON.parse(readFileSync(new URL("../../openapi.json", import.meta.url), "utf8"))

describe("the contract", () => {
  it("is the one that was reviewed: node scripts/generate-openapi.ts writes it anew", () => {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(OpenApi.fromApi(OrderServiceApi))), reviewed)
  })

  it("names every path, and for each what it asks for and may refuse", () => {
    const paths = at(reviewed, "paths")
    assert.deepStrictEqual(Object.keys(paths ?? {}), [
      "/api/v1/orders",
      "/api/v1/orders/{orderId}",
      "/api/v1/orders/{orderId}/reserve",
      "/api/v1/orders/{orderId}/cancel",
      "/api/v1/orders/{orderId}/refund",
      "/api/v1/orders/{orderId}/events",
      "/api/v1/orders/{orderId}/refunds",
      "/api/v1/orders/{orderId}/refunds/{refundId}",
      "/api/v1/quotes/order",
      "/api/v1/quotes/cancel",
      "/api/v1/quotes/refund",
      "/internal/v1/orders/expiring",
      "/internal/v1/orders/bulk/cancel",
      "/internal/v1/orders/{orderId}/confirm",
      "/internal/v1/orders/{orderId}/expire",
      "/internal/v1/bulk-jobs/{jobId}",
      "/internal/v1/events/replay",
      "/api/v1/admin/orders/search",
      "/api/v1/admin/analytics/summary",
      "/api/v1/admin/analytics/series",
      "/api/v1/admin/analytics/top-events",
      "/api/v1/admin/analytics/live",
      "/api/v1/admin/analytics/holds"
    ])
    const refusals = (path: string, method: string) =>
      Object.keys(at(paths, path, method, "responses") ?? {}).filter((status) => Number(status) >= 300)
    assert.deepStrictEqual(refusals("/api/v1/orders", "post"), [
      "400",
      "401",
      "404",
      "409",
      "413",
      "415",
      "422",
      "429",
      "500",
      "503"
    ])
    assert.deepStrictEqual(refusals("/api/v1/orders/{orderId}", "get"), [
      "400",
      "401",
      "404",
      "413",
      "415",
      "429",
      "500",
      "503"
    ])
    assert.deepInclude(listAt(paths, "/internal/v1/orders/expiring", "get", "parameters"), {
      name: "minutes",
      in: "query",
      schema: { type: "integer", minimum: 0, maximum: 1440, default: 5 },
      required: false
    })
    const retry = at(paths, "/api/v1/orders", "post", "responses", "429", "headers", "retry-after", "schema", "type")
    assert.strictEqual(retry, "integer")
  })
})

layer(memoryServer(), live)("around the endpoints", (it) => {
  it.effect("serves the reviewed OpenAPI file", () =>
    Effect.gen(function* () {
      const { json, status } = yield* ask({ path: "/openapi.json" })
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(json, reviewed)
    })
  )

  it.effect("serves documentation that loads nothing from outside", () =>
    Effect.gen(function* () {
      const { headers, status, text } = yield* ask({ path: "/docs" })
      assert.strictEqual(status, 200)
      assert.match(headers["content-type"] ?? "", /^text\/html/)
      const policy = headers["content-security-policy"] ?? ""
      assert.include(policy, "default-src 'none'")
      assert.include(policy, "connect-src 'self'")
      assert.notMatch(policy, /https?:|\*/)
      // What a browser would fetch by itself: scripts, styles, fonts, frames, images.
      const markup = text.replaceAll(/<script>[^]*?<\/script>/g, "")
      assert.notMatch(markup, /(?:src|href|action)\s*=|@import|url\(/i)
      const loads =
        /url\(\\?["']?https?:|https?:\/\/(?:[a-z-]+\.)*(?:scalar\.com|googleapis\.com|jsdelivr\.net).{0,40}/.exec(text)
      assert.isNull(loads)
      assert.include(text, "/api/v1/orders")
      assert.include(text, '"withDefaultFonts":false')
      assert.strictEqual((yield* ask({ path: "/docs" })).text, text)
    })
  )

  it.effect("puts a request id and careful headers on everything", () =>
    Effect.gen(function* () {
      for (const path of ["/health/liveness", "/docs", "/openapi.json", "/nothing", "/api/v1/orders"]) {
        const { headers } = yield* ask({ path })
        assert.match(headers["x-request-id"] ?? "", /^[0-9a-f-]{36}$/, path)
        assert.strictEqual(headers["x-content-type-options"], "nosniff", path)
        assert.strictEqual(headers["cache-control"], "no-store", path)
        assert.isUndefined(headers["x-powered-by"])
      }
    })
  )

  it.effect("is alive without asking anybody, and ready only with its database", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      assert.deepStrictEqual((yield* ask({ path: "/health/readiness" })).json, { status: "ready" })
      const { json, status } = yield* ask({ path: "/health/detailed" })
      assert.strictEqual(status, 200)
      assert.strictEqual(at(json, "status"), "ok")
      assert.deepInclude(at(json, "dependencies", 0), { name: "database", required: true, status: "up" })
      yield* faults.always(["store.now"], "failBefore")
      // Probes share an answer for a second.
      yield* Effect.sleep("1100 millis")
      const asked = yield* faults.calls("store.now")
      assert.strictEqual((yield* ask({ path: "/health/liveness" })).status, 200)
      assert.strictEqual(yield* faults.calls("store.now"), asked)
      const down = yield* ask({ path: "/health/readiness" })
      assert.deepStrictEqual([down.status, down.json], [503, { status: "not ready", down: ["database"] }])
      assert.strictEqual((yield* ask({ path: "/health/detailed" })).status, 503)
      yield* faults.heal
    })
  )
})

layer(memoryServer(), live)("a process that is about to end", (it) => {
  it.effect("says so to the probes, and still answers what it is asked", () =>
    Effect.gen(function* () {
      const health = yield* Health
      assert.strictEqual((yield* ask({ path: "/health/readiness" })).status, 200)
      yield* health.beginStop
      const readiness = yield* ask({ path: "/health/readiness" })
      assert.deepStrictEqual([readiness.status, readiness.json], [503, { status: "stopping" }])
      assert.strictEqual(at((yield* ask({ path: "/health/detailed" })).json, "status"), "stopping")
      assert.strictEqual((yield* ask({ path: "/health/liveness" })).status, 200)
      const buyer = yield* person()
      assert.strictEqual((yield* buyer.get("/api/v1/orders")).status, 200)
    })
  )
})
