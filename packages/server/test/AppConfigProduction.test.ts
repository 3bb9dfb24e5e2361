/** What production asks of its configuration, and that no form of it shows a secret (A32, A34). */
import { assert, describe, it } from "@effect/vitest"
import { AppConfig } from "@tickettoken/order-server/AppConfig"
import { configTable } from "@tickettoken/order-server/config/ConfigTable"
import { ConfigProvider, Effect, Option } from "effect"
import { inspect } from "node:util"
import { faultsOf, hexDigest, jwtSecret, production, read, serviceSecret } from "./support/configuration.ts"

/** Credentials and origins that production does not start with. */
const knownToAll = [
  ["JWT_SECRET", "your-256-bit-secret-your-256-bit-secret"],
  ["JWT_SECRET", "a-string-secret-at-least-256-bits-long"],
  ["JWT_SECRET", "CHANGEME-0123456789-0123456789-abcdef"],
  ["JWT_SECRET", "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"],
  ["DATABASE_URL", "postgresql://user:pass@host:5432/tickettoken_orders"],
  ["DATABASE_URL", "postgresql://orders@host:5432/orders"],
  ["DATABASE_URL", "postgresql://orders:@host:5432/orders"],
  ["DATABASE_URL", "postgresql://orders:%50ostgres@host:5432/orders"],
  ["ORDER_SERVICE_KEY", "orders.short"],
  ["ORDER_SERVICE_KEY", "orders.changeme-changeme-changeme-changeme"],
  ["ORDER_METRICS_TOKEN", "changeme-changeme-changeme"],
  ["REDIS_URL", "redis://cache:6379"],
  ["REDIS_URL", "rediss://orders:%67uest@cache"],
  ["REDIS_PASSWORD", "changeme"],
  ["RABBITMQ_URL", "amqp://broker"],
  ["RABBITMQ_URL", "amqp://guest:7Kx4Hs9Bd1Gf6Jm3Pa@broker"],
  ["RABBITMQ_URL", "amqps://orders@broker"],
  ["RABBITMQ_URL", "amqps://orders:%67uest@broker:5671/shop"],
  ["ORDER_CORS_ORIGINS", "*"],
  ["ORDER_CORS_ORIGINS", "https://shop.example,*"],
  ["ORDER_CORS_ORIGINS", "https://*.shop.example"],
  ["ORDER_CORS_ORIGINS", "http://shop.example"],
  ["ORDER_CORS_ORIGINS", "null"],
  ["SERVICE_KEYS", `payments:${hexDigest("changeme")}:orders:confirm`],
  ["SERVICE_KEYS", `payments:${hexDigest("your-256-bit-secret")}:orders:confirm`]
] as const

describe("production", () => {
  it.effect("starts with credentials and addresses of its own", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* read(production)).mode, "production")
    })
  )

  it.effect("A34 names everything that is missing at once", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* faultsOf({ NODE_ENV: "production", PORT: "x", ORDER_X: "1" }), [
        "PORT must be a port from 0 to 65535",
        "ORDER_X is not known: see docs/configuration.md",
        "DATABASE_URL must be set in production",
        "TICKET_SERVICE_URL must be set in production",
        "PAYMENT_SERVICE_URL must be set in production",
        "EVENT_SERVICE_URL must be set in production",
        "SERVICE_KEYS must be set in production",
        "JWT_SECRET must be set in production, or JWT_JWKS_URL"
      ])
    })
  )

  it.effect("asks a migration for the database's address and for no secret of the service", () =>
    Effect.gen(function* () {
      const onDatabase = (env: { readonly [name: string]: string }) =>
        Effect.provide(AppConfig, AppConfig.layerDatabase).pipe(
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(env))
        )
      const { DATABASE_URL = "" } = production
      assert.strictEqual((yield* onDatabase({ NODE_ENV: "production", DATABASE_URL })).mode, "production")
      const { faults } = yield* Effect.flip(onDatabase({ NODE_ENV: "production" }))
      assert.deepStrictEqual(faults, [{ variable: "DATABASE_URL", problem: "must be set in production" }])
    })
  )

  it.effect.each(knownToAll)("A34 refuses a %s that everybody knows", ([name, text]) =>
    Effect.gen(function* () {
      const beside = name === "REDIS_PASSWORD" ? { REDIS_HOST: "cache" } : {}
      const faults = yield* faultsOf({ ...production, ...beside, [name]: text })
      assert.deepStrictEqual(
        faults.map((fault) => fault.split(" ")[0]),
        [name]
      )
      assert.isFalse(faults.join().includes(text))
    })
  )
  it("A34 has such a sample of every secret", () => {
    const tried = new Set<string>(knownToAll.map(([name]) => name))
    // Headers of a collector are whatever its owner has made them.
    const untried = configTable.filter(({ name, secret }) => secret && !tried.has(name)).map(({ name }) => name)
    assert.deepStrictEqual(untried, ["OTEL_EXPORTER_OTLP_HEADERS"])
  })

  it.effect("A34 takes tokens by a secret or by published keys, which come over https", () =>
    Effect.gen(function* () {
      const { JWT_SECRET: _, ...others } = production
      const keys = "https://id.internal/keys"
      const { jwt } = yield* read({ ...others, JWT_JWKS_URL: keys })
      assert.deepStrictEqual(Option.getOrNull(jwt.keys), { _tag: "Published", url: new URL(keys) })
      yield* read({ ...others, JWT_JWKS_URL: "http://127.0.0.1:8080/keys" })
      assert.deepStrictEqual(yield* faultsOf({ ...others, JWT_JWKS_URL: "http://id.internal/keys" }), [
        "JWT_JWKS_URL must be an https URL in production"
      ])
      assert.deepStrictEqual(yield* faultsOf({ JWT_JWKS_URL: keys, JWT_SECRET: jwtSecret }), [
        "JWT_JWKS_URL must not be set beside JWT_SECRET"
      ])
    })
  )

  it.effect("A34 refuses a Redis without a password", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* faultsOf({ ...production, REDIS_HOST: "cache" }), [
        "REDIS_PASSWORD must be set in production when REDIS_HOST is"
      ])
      const { redis } = yield* read({ ...production, REDIS_URL: "redis://:7Kx4Hs9Bd1Gf6Jm3Pa@cache" })
      assert.isTrue(Option.isSome(redis))
    })
  )

  it.effect("refuses an empty digest in every mode", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* faultsOf({ SERVICE_KEYS: `a:${hexDigest("")}:orders:read` }), [
        "SERVICE_KEYS entry 1 holds the digest of an empty secret"
      ])
    })
  )
})

describe("secrets", () => {
  it.effect("A32 are in no printed form of the configuration", () =>
    Effect.gen(function* () {
      const config = yield* read({ ...production, ORDER_SERVICE_KEY: `orders.${serviceSecret}` })
      const printed = [inspect(config, { depth: 10 }), JSON.stringify(config), String(config.jwt.keys)].join()
      for (const secret of [jwtSecret, serviceSecret, "Vb7-tY2_qLx9"]) assert.isFalse(printed.includes(secret))
    })
  )
})
