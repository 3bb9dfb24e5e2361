/** Who may call what: people by token, services by key and scope, and what a stranger gets to see. */
import { assert } from "@effect/vitest"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect } from "effect"
import { ask, asService, confirmedOrder, createOrder, newOrder, person } from "./support/buyer.ts"
import { serviceKey } from "./support/credentials.ts"
import { overEveryStore } from "./support/everyStore.ts"
import { type Answer, at, textAt } from "./support/send.ts"

const absent = "99999999-9999-4999-8999-999999999999"

/** A problem without what is different in every answer. */
const anonymous = ({ status, text, json }: Answer) => [status, text.replaceAll(textAt(json, "requestId"), "<id>")]

overEveryStore("what a stranger sees", (it) => {
  it.effect("7.1 another tenant's order, another buyer's and an absent one are answered alike", () =>
    Effect.gen(function* () {
      const owner = yield* person()
      const { id, intent } = yield* confirmedOrder(owner)
      const neighbour = yield* person()
      const foreigner = yield* person({ tenantId: demo.secondTenantId })
      const foreignAdmin = yield* person({ tenantId: demo.secondTenantId, role: "admin" })
      const operations = [
        ["GET", "", undefined],
        ["GET", "/events", undefined],
        ["GET", "/refunds", undefined],
        ["GET", `/refunds/${absent}`, undefined],
        ["POST", "/reserve", {}],
        ["POST", "/cancel", { reason: "mine now" }],
        ["POST", "/refund", { reason: "mine now" }]
      ] as const
      for (const stranger of [neighbour, foreigner, foreignAdmin]) {
        for (const [method, path, body] of operations) {
          const asked = (orderId: string) =>
            stranger.ask({ method, path: `/api/v1/orders/${orderId}${path}`, ...(body === undefined ? {} : { body }) })
          const real = yield* asked(id)
          assert.strictEqual(real.status, 404, `${method} ${path}`)
          const [, text] = anonymous(real)
          assert.deepStrictEqual([404, String(text).replaceAll(id, absent)], anonymous(yield* asked(absent)))
        }
        for (const [path, body] of [
          ["/api/v1/quotes/cancel", {}],
          ["/api/v1/quotes/refund", {}]
        ] as const) {
          assert.strictEqual((yield* stranger.post(path, { orderId: id, ...body })).status, 404)
        }
        assert.strictEqual(at((yield* stranger.get("/api/v1/orders")).json, "pagination", "total"), 0)
      }
      const foreignService = { tenantId: demo.secondTenantId }
      for (const [path, body] of [
        ["confirm", { paymentIntentId: intent }],
        ["expire", { reason: "theirs" }]
      ] as const) {
        assert.strictEqual(
          (yield* asService("POST", `/internal/v1/orders/${id}/${path}`, body, foreignService)).status,
          404
        )
      }
      const bulk = { eventId: demo.eventId, reason: "theirs" }
      const none = yield* asService("POST", "/internal/v1/orders/bulk/cancel", bulk, foreignService)
      assert.strictEqual(at(none.json, "results", "total"), 0)
      assert.strictEqual(at((yield* owner.get(`/api/v1/orders/${id}`)).json, "version"), 5)
    })
  )

  it.effect("7.1 staff see the tenant's orders, and only an admin changes them", () =>
    Effect.gen(function* () {
      const owner = yield* person()
      const { id } = yield* createOrder(owner)
      for (const role of ["support", "finance", "admin"]) {
        const staff = yield* person({ role })
        assert.strictEqual((yield* staff.get(`/api/v1/orders/${id}`)).status, 200, role)
        const mine = yield* staff.get(`/api/v1/orders?userId=${owner.userId}`)
        assert.strictEqual(at(mine.json, "pagination", "total"), 1, role)
        if (role === "admin") continue
        const refused = yield* staff.post(`/api/v1/orders/${id}/cancel`)
        assert.deepStrictEqual([refused.status, at(refused.json, "code")], [403, "FORBIDDEN"])
      }
      const curious = yield* person()
      const refused = yield* curious.get(`/api/v1/orders?userId=${owner.userId}`)
      assert.deepStrictEqual([refused.status, at(refused.json, "code")], [403, "FORBIDDEN"])
      const admin = yield* person({ role: "admin" })
      assert.strictEqual((yield* admin.post(`/api/v1/orders/${id}/cancel`, { reason: "asked by phone" })).status, 200)
    })
  )

  it.effect("7.2 tenant, user and role in headers, queries and bodies mean nothing or are refused", () =>
    Effect.gen(function* () {
      const owner = yield* person()
      const { id } = yield* createOrder(owner)
      const stranger = yield* person()
      const claimed = {
        "x-tenant-id": demo.tenantId,
        "x-user-id": owner.userId,
        "x-role": "admin",
        "x-forwarded-for": "203.0.113.9"
      }
      assert.strictEqual((yield* stranger.ask({ path: `/api/v1/orders/${id}`, headers: claimed })).status, 404)
      for (const field of ["userId", "tenantId", "role", "status", "total", "price", "createdAt", "pricing"]) {
        const { json, status } = yield* stranger.post("/api/v1/orders", { ...newOrder(), [field]: owner.userId })
        assert.deepStrictEqual([status, at(json, "errors", 0, "path")], [400, field])
      }
      assert.strictEqual((yield* stranger.get(`/api/v1/orders/${id}?role=admin`)).status, 404)
      const made = yield* stranger.ask({ method: "POST", path: "/api/v1/orders", body: newOrder(), headers: claimed })
      assert.strictEqual(at(made.json, "userId"), stranger.userId)
      const events = yield* stranger.get(`/api/v1/orders/${textAt(made.json, "id")}/events`)
      assert.strictEqual(at(events.json, "events", 0, "ipAddress"), "127.0.0.1")
    })
  )
})

overEveryStore("credentials", (it) => {
  it.effect("7.2, 7.3: every endpoint wants its own kind, and an empty one is none", () =>
    Effect.gen(function* () {
      const { authorization } = yield* person()
      const publicPaths = ["/api/v1/orders", `/api/v1/orders/${absent}`, `/api/v1/orders/${absent}/events`]
      const bad = [
        undefined,
        "",
        "Bearer",
        "Bearer ",
        "Bearer  x",
        "Basic dXNlcjpwYXNz",
        authorization.replace("Bearer ", ""),
        `${authorization}x`,
        serviceKey("payments"),
        "Bearer undefined"
      ]
      for (const path of publicPaths) {
        for (const value of bad) {
          const answer = yield* ask({ path, headers: value === undefined ? {} : { authorization: value } })
          assert.deepStrictEqual([answer.status, at(answer.json, "code")], [401, "UNAUTHORIZED"], `${path} ${value}`)
          assert.strictEqual(answer.headers["www-authenticate"], "Bearer")
        }
        const twice = yield* ask({ path, headers: { authorization: [authorization, authorization] } })
        assert.strictEqual(twice.status, 401)
      }
      const tenant = { "x-tenant-id": demo.tenantId }
      const badKeys = [
        undefined,
        "",
        "Service-Key",
        "Service-Key ",
        "Service-Key .",
        "Service-Key payments.",
        "Service-Key payments",
        serviceKey("payments").slice(0, -1),
        serviceKey("payments").replace("payments.", "reader."),
        authorization
      ]
      for (const value of badKeys) {
        const answer = yield* ask({
          path: "/internal/v1/orders/expiring",
          headers: { ...tenant, ...(value === undefined ? {} : { authorization: value }) }
        })
        assert.deepStrictEqual([answer.status, at(answer.json, "code")], [401, "UNAUTHORIZED"], String(value))
        assert.strictEqual(answer.headers["www-authenticate"], "Service-Key")
      }
      const lower = { ...tenant, authorization: serviceKey("payments").replace("Service-Key", "service-key") }
      assert.strictEqual((yield* ask({ path: "/internal/v1/orders/expiring", headers: lower })).status, 200)
    })
  )

  it.effect("7.3 a service states its tenant, and its key has the scope of the endpoint", () =>
    Effect.gen(function* () {
      const reader = { key: "reader" } as const
      assert.strictEqual((yield* asService("GET", "/internal/v1/orders/expiring", undefined, reader)).status, 200)
      for (const [path, body] of [
        [`/internal/v1/orders/${absent}/confirm`, { paymentIntentId: "pi_1" }],
        [`/internal/v1/orders/${absent}/expire`, { reason: "x" }],
        ["/internal/v1/orders/bulk/cancel", { eventId: demo.eventId, reason: "x" }],
        ["/internal/v1/events/replay", { what: "published" }]
      ] as const) {
        const answer = yield* asService("POST", path, body, reader)
        assert.deepStrictEqual([answer.status, at(answer.json, "code")], [403, "FORBIDDEN"], path)
      }
      const authorization = serviceKey("payments")
      for (const tenantId of [undefined, "", "nonsense", [demo.tenantId, demo.secondTenantId]]) {
        const headers = { authorization, ...(tenantId === undefined ? {} : { "x-tenant-id": tenantId }) }
        const answer = yield* ask({ path: "/internal/v1/orders/expiring", headers })
        assert.deepStrictEqual([answer.status, at(answer.json, "errors", 0, "path")], [400, "headers.x-tenant-id"])
      }
    })
  )
})
