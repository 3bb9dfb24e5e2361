/** What the API answers while the keys of the issuer of tokens can not be read. */
import { assert, layer } from "@effect/vitest"
import { JwtVerifier } from "@tickettoken/order-server/auth/JwtVerifier"
import { ServiceKeys } from "@tickettoken/order-server/auth/ServiceKeys"
import { KeysUnavailable, secretAlgorithms, SigningKeys } from "@tickettoken/order-server/auth/SigningKeys"
import { Effect, Layer } from "effect"
import { ask, person } from "./support/buyer.ts"
import { live } from "./support/everyStore.ts"
import { at } from "./support/send.ts"
import { memoryServer } from "./support/testServer.ts"

const nobodyKnows = Layer.succeed(
  SigningKeys,
  SigningKeys.of({ algorithms: secretAlgorithms, keyFor: () => Effect.fail(new KeysUnavailable()), check: null })
)

const credentials = Layer.merge(
  JwtVerifier.layer({ issuer: "tickettoken", audience: "order-service" }).pipe(Layer.provide(nobodyKnows)),
  ServiceKeys.layer([])
)

layer(memoryServer({ credentials, addressLimits: { badCredentials: 2 } }), live)("keys that can not be read", (it) => {
  it.effect("A06 are an outage: 503 with a time to wait, never 401, and nobody's bad credential", () =>
    Effect.gen(function* () {
      const buyer = yield* person()
      for (const path of ["/api/v1/orders", "/api/v1/orders", "/api/v1/orders"]) {
        const { headers, json, status } = yield* buyer.get(path)
        assert.deepStrictEqual([status, at(json, "code")], [503, "SERVICE_UNAVAILABLE"])
        assert.strictEqual(headers["retry-after"], "30")
        assert.strictEqual(at(json, "retryAfterSeconds"), 30)
      }
      // What is no token at all is judged without a key.
      assert.strictEqual((yield* ask({ path: "/api/v1/orders", headers: { authorization: "Bearer x" } })).status, 401)
    })
  )
})
