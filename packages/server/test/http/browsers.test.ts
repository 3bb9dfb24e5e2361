/** What browsers are told: headers that keep them careful, and whose pages may call. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ask, newOrder, person } from "./support/buyer.ts"
import { live } from "./support/everyStore.ts"
import { memoryServer } from "./support/testServer.ts"

const careful = {
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "strict-transport-security": "max-age=31536000"
}

const preflight = (origin: string) =>
  ask({
    method: "OPTIONS",
    path: "/api/v1/orders",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,x-evil"
    }
  })

layer(memoryServer(), live)("every answer", (it) => {
  it.effect("A30 keeps browsers careful, whatever it is, and names no software", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      const answers = [
        yield* buyer.get("/api/v1/orders"),
        yield* buyer.post("/api/v1/orders", "{"),
        yield* ask({ path: "/api/v1/orders" }),
        yield* ask({ path: "/nothing" }),
        yield* ask({ path: "/health/liveness" }),
        yield* ask({ path: "/openapi.json" })
      ]
      for (const { headers } of answers) {
        assert.deepInclude(headers, careful)
        assert.doesNotHaveAnyKeys(headers, ["server", "x-powered-by", "access-control-allow-origin"])
      }
    })
  )

  it.effect("A30 a page of ours may say itself what it needs", () =>
    Effect.gen(function* () {
      const { headers } = yield* ask({ path: "/docs" })
      assert.match(headers["content-security-policy"] ?? "", /script-src/)
      assert.strictEqual(headers["x-frame-options"], "DENY")
    })
  )

  it.effect("no page of another origin may call where none is listed", () =>
    Effect.gen(function* () {
      const { headers, status } = yield* preflight("https://shop.example")
      assert.strictEqual(status, 404)
      assert.doesNotHaveAnyKeys(headers, ["access-control-allow-origin", "access-control-allow-headers"])
    })
  )
})

const corsOrigins = ["https://shop.example", "https://admin.example:8443"]

layer(memoryServer({ corsOrigins }), live)("pages of other origins", (it) => {
  it.effect("may call if their origin is listed, to the letter", () =>
    Effect.gen(function* () {
      for (const origin of corsOrigins) {
        const { headers, status, text } = yield* preflight(origin)
        assert.deepStrictEqual([status, text], [204, ""])
        assert.strictEqual(headers["access-control-allow-origin"], origin)
        assert.strictEqual(headers["access-control-allow-methods"], "GET, POST")
        assert.match(headers["vary"] ?? "", /Origin/)
        assert.notInclude(headers["access-control-allow-headers"] ?? "", "evil")
        assert.isUndefined(headers["access-control-allow-credentials"])
      }
      const buyer = yield* person()
      const origin = corsOrigins[0] ?? ""
      const path = "/api/v1/orders"
      const made = yield* buyer.ask({ method: "POST", path, body: newOrder(), headers: { origin } })
      assert.deepStrictEqual([made.status, made.headers["access-control-allow-origin"]], [201, origin])
      assert.match(made.headers["access-control-expose-headers"] ?? "", /etag.*ratelimit.*retry-after/)
      // A refusal is for the page as well: it has to read why.
      for (const refused of [
        yield* ask({ path, headers: { origin } }),
        yield* ask({ path: "/no", headers: { origin } })
      ]) {
        assert.strictEqual(refused.headers["access-control-allow-origin"], origin)
      }
    })
  )

  it.effect("hear nothing of who may if theirs is not", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      for (const origin of [
        "https://evil.example",
        "https://shop.example.evil.example",
        "https://shop.example:443",
        "http://shop.example",
        "https://SHOP.example",
        "null",
        "*"
      ]) {
        for (const { headers } of [
          yield* preflight(origin),
          yield* buyer.ask({ path: "/api/v1/orders", headers: { origin } })
        ]) {
          assert.isUndefined(headers["access-control-allow-origin"], origin)
          assert.isFalse(JSON.stringify(headers).includes("shop.example"), origin)
        }
      }
    })
  )
})
