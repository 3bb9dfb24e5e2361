/** The configuration: its defaults, every fault named at once, and no value ever shown. */
import { assert, describe, it } from "@effect/vitest"
import { feeSchedules } from "@tickettoken/order-domain/FeeSchedule"
import { holdPolicy } from "@tickettoken/order-domain/Hold"
import { TenantId } from "@tickettoken/order-domain/Ids"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { Policies } from "@tickettoken/order-domain/ports/Policies"
import { refundPolicy } from "@tickettoken/order-domain/RefundPolicy"
import { AppConfig, policiesLayer } from "@tickettoken/order-server/AppConfig"
import { configurationPage, envExample } from "@tickettoken/order-server/config/ConfigDocs"
import { renderFaults } from "@tickettoken/order-server/config/ConfigFaults"
import { configTable, variables } from "@tickettoken/order-server/config/ConfigTable"
import { ConfigProvider, Effect, Layer, Option } from "effect"
import { readFileSync } from "node:fs"
import { faultsOf, jwtSecret, production, read } from "./support/configuration.ts"

describe("without any variable", () => {
  it.effect("1.1, 2.1, 3.2, 4.2 the policies are those of the domain, under their own names", () =>
    Effect.gen(function* () {
      const { policies } = yield* read({})
      assert.deepStrictEqual(policies.fees, feeSchedules)
      assert.deepStrictEqual(policies.limits, orderLimits)
      assert.deepStrictEqual(policies.hold, holdPolicy)
      assert.deepStrictEqual(policies.refunds, refundPolicy)
      assert.deepStrictEqual([policies.latePayment, policies.declines], ["reacquire", "keep-hold"])
    })
  )

  it.effect("the run is an embedded one: no database, services nor credentials", () =>
    Effect.gen(function* () {
      const { database, downstream, jwt, mode, port, serviceKeys, services } = yield* read({})
      assert.deepStrictEqual([mode, port], ["development", 3004])
      const { eventUrl, paymentUrl, ticketUrl } = services
      const { serviceKey } = downstream
      const given = { url: database.url, serviceKey, keys: jwt.keys, serviceKeys, eventUrl, paymentUrl, ticketUrl }
      assert.deepStrictEqual(
        Object.entries(given).flatMap(([name, value]) => (value._tag === "Some" ? [name] : [])),
        []
      )
    })
  )
})

describe("policies", () => {
  it.effect("1.1 with other numbers have another name, spelt from the numbers", () =>
    Effect.gen(function* () {
      const { policies } = yield* read({ PLATFORM_FEE_PERCENTAGE: "4", REFUND_CUTOFF_HOURS: "12" })
      assert.strictEqual(policies.fees.USD?.version, "config-400-290-30-800")
      assert.strictEqual(policies.refunds.version, "config-12-250-30-50000-AUD.CAD.EUR.GBP.USD")
      const again = yield* read({ PLATFORM_FEE_PERCENTAGE: "4.0", REFUND_CUTOFF_HOURS: "12" })
      assert.deepStrictEqual(again.policies, policies)
    })
  )

  it.effect("1.6 have no row for a currency that is not supported", () =>
    Effect.gen(function* () {
      const { policies } = yield* read({ SUPPORTED_CURRENCIES: "EUR", DEFAULT_CURRENCY: "EUR" })
      assert.deepStrictEqual(Object.keys(policies.fees), ["EUR"])
      assert.isUndefined(policies.limits.value.USD)
      assert.isUndefined(policies.refunds.autoApproveBelow.USD)
    })
  )

  it.effect("reach the domain through its port, the same for every tenant", () =>
    Effect.gen(function* () {
      const tenantId = TenantId.make("11111111-1111-4111-8111-111111111111")
      const policies = yield* Effect.flatMap(Policies, (port) => port.of(tenantId))
      assert.strictEqual(policies.hold.standardMinutes, 20)
    }).pipe(
      Effect.provide(policiesLayer.pipe(Layer.provide(AppConfig.layer))),
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnvRecord({ RESERVATION_DURATION_MINUTES: "20" })
      )
    )
  )
})

describe("a percentage", () => {
  it.effect.each([
    ["2.9", 290],
    ["2.90", 290],
    ["0", 0],
    ["0.01", 1],
    ["100", 10_000],
    // 0.29 * 100 is 28.999999999999996 in floating point.
    ["0.29", 29]
  ] as const)("1.1 %s is exactly that many basis points", ([text, points]) =>
    Effect.gen(function* () {
      const { policies } = yield* read({ PROCESSING_FEE_PERCENTAGE: text })
      assert.strictEqual(Number(policies.fees.USD?.processingRate), points)
    })
  )

  it.effect.each(["2.905", "-1", "100.01", "2,9", "2.9%", " 2.9", "1e1", "NaN", ".5"])("1.1 %s is refused", (text) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* faultsOf({ PROCESSING_FEE_PERCENTAGE: text }), [
        "PROCESSING_FEE_PERCENTAGE must be a percentage from 0 to 100 with at most two decimals, such as 2.9"
      ])
    })
  )
})

describe("a value that is no good", () => {
  it.effect.each([
    ["NODE_ENV", "prod"],
    ["PORT", "65536"],
    ["PORT", "0x10"],
    ["LOG_LEVEL", "loud"],
    ["ORDER_BODY_LIMIT_BYTES", "1e6"],
    ["ORDER_REQUEST_BUDGET_SECONDS", "0"],
    ["ORDER_FREE_ORDERS", "yes"],
    ["DATABASE_URL", "mysql://orders@localhost/orders"],
    ["DATABASE_URL", "postgres://localhost"],
    ["TICKET_SERVICE_URL", "tickets:3001"],
    ["TICKET_SERVICE_URL", "ftp://tickets"],
    ["PAYMENT_SERVICE_URL", "https://user:word@payments"],
    ["EVENT_SERVICE_URL", "https://events?x=1"],
    ["JWT_SECRET", "your-256-bit-secret"],
    ["JWT_SECRET", `${jwtSecret} `],
    ["JWT_ISSUER", " tickettoken"],
    ["JWT_JWKS_URL", "id.example/keys"],
    ["ORDER_CORS_ORIGINS", "*"],
    ["ORDER_CORS_ORIGINS", "https://shop.example/"],
    ["ORDER_CORS_ORIGINS", "https://shop.example,https://shop.example"],
    ["ORDER_SERVICE_KEY", "no-secret"],
    ["ORDER_SERVICE_KEY", "orders.with space"],
    ["SUPPORTED_CURRENCIES", "USD,CHF"],
    ["SUPPORTED_CURRENCIES", "USD,USD"],
    ["DEFAULT_CURRENCY", "usd"],
    ["MAX_ORDER_VALUE_CENTS", "10000000001"],
    ["RESERVATION_DURATION_MINUTES", "0"],
    ["RESERVATION_DURATION_MINUTES", "1441"],
    ["RESERVATION_GRACE_PERIOD_MINUTES", "-1"],
    ["EXPIRATION_CHECK_INTERVAL_MINUTES", "61"],
    ["METRICS_AGGREGATION_INTERVAL_MINUTES", "0"],
    ["IDEMPOTENCY_TTL_MINUTES", "0.00001"],
    ["ORDER_LATE_PAYMENT_POLICY", "keep"],
    ["MAX_ITEMS_PER_ORDER", "0"]
  ] as const)("%s=%s is named, and not repeated", ([name, text]) =>
    Effect.gen(function* () {
      const [fault = "", ...rest] = yield* faultsOf({ [name]: text })
      assert.match(fault, new RegExp(`^${name} must `))
      assert.deepStrictEqual(rest, [])
      assert.isFalse(fault.includes(`"${text}"`))
    })
  )

  it.effect.each([
    [{ MIN_ORDER_VALUE_CENTS: "200", MAX_ORDER_VALUE_CENTS: "199" }, "MIN_ORDER_VALUE_CENTS"],
    [{ MAX_QUANTITY_PER_ITEM: "21" }, "MAX_QUANTITY_PER_ITEM"],
    [{ ORDER_MAX_QUANTITY_PER_TICKET_TYPE: "101" }, "ORDER_MAX_QUANTITY_PER_TICKET_TYPE"],
    [{ SUPPORTED_CURRENCIES: "EUR" }, "DEFAULT_CURRENCY"],
    [{ ORDER_DOWNSTREAM_ATTEMPT_TIMEOUT_SECONDS: "7.5" }, "ORDER_DOWNSTREAM_ATTEMPT_TIMEOUT_SECONDS"],
    // A step of work takes 8 seconds: a call that outlives it is one whose outcome nobody writes down.
    [{ ORDER_DOWNSTREAM_ATTEMPT_TIMEOUT_SECONDS: "8" }, "ORDER_DOWNSTREAM_ATTEMPT_TIMEOUT_SECONDS"],
    [{ ORDER_DOWNSTREAM_DEADLINE_SECONDS: "8" }, "ORDER_DOWNSTREAM_DEADLINE_SECONDS"],
    [{ ORDER_DOWNSTREAM_DEADLINE_SECONDS: "8.001" }, "ORDER_DOWNSTREAM_DEADLINE_SECONDS"],
    [{ PORT: "3001" }, "ORDER_SANDBOX_TICKET_PORT"]
  ] as const)("%o does not go together", ([env, name]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        (yield* faultsOf(env)).map((fault) => fault.split(" ")[0]),
        [name]
      )
    })
  )
})

describe("an unknown variable", () => {
  it.effect("of our own prefix is a fault: it is a spelling mistake", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* faultsOf({ ORDER_DATABASE_POOL_MXA: "3", ORDER_FREE: "", ORDER_7: "x" }), [
        "ORDER_7 is not known: see docs/configuration.md",
        "ORDER_DATABASE_POOL_MXA is not known: see docs/configuration.md",
        "ORDER_FREE is not known: see docs/configuration.md"
      ])
      assert.deepStrictEqual(yield* faultsOf({ ORDER_7: "x" }), ["ORDER_7 is not known: see docs/configuration.md"])
      assert.deepStrictEqual(yield* faultsOf({ ORDER_PORT: "3004" }), [
        "ORDER_PORT is not known: see docs/configuration.md"
      ])
    })
  )

  it.effect("of anybody else's is none of our business, nor is what Kubernetes sets for a service of this name", () =>
    Effect.gen(function* () {
      const config = yield* read({
        HOME: "/root",
        ORDERS: "x",
        ORDER_PORT: "tcp://10.0.0.8:3004",
        ORDER_PORT_3004_TCP: "tcp://10.0.0.8:3004",
        ORDER_SERVICE_HOST: "10.0.0.8",
        ORDER_SERVICE_SERVICE_HOST: "10.0.0.7",
        ORDER_SERVICE_SERVICE_PORT: "3004",
        ORDER_SERVICE_SERVICE_PORT_HTTP: "3004",
        ORDER_SERVICE_PORT: "tcp://10.0.0.7:3004",
        ORDER_SERVICE_PORT_3004_TCP: "tcp://10.0.0.7:3004",
        ORDER_SERVICE_PORT_3004_TCP_PROTO: "tcp",
        ORDER_SERVICE_PORT_3004_TCP_PORT: "3004",
        ORDER_SERVICE_PORT_3004_TCP_ADDR: "10.0.0.7"
      })
      assert.strictEqual(config.port, 3004)
    })
  )
})

describe("RabbitMQ", () => {
  it.effect("is named by a URL with a host, a virtual host at most and nothing else", () =>
    Effect.gen(function* () {
      for (const text of [
        "broker",
        "http://broker",
        "amqp://",
        "amqp://b/a/c",
        "amqp://b?heartbeat=0",
        "amqp://b/%zz"
      ]) {
        assert.deepStrictEqual(
          yield* faultsOf({ RABBITMQ_URL: text }),
          ["RABBITMQ_URL must be a URL such as amqp://user:password@host:5672/vhost, with a host"],
          text
        )
      }
      const { rabbit } = yield* read({ ...production, RABBITMQ_URL: "amqp://orders:7Kx4Hs9Bd1Gf6Jm3Pa@broker" })
      assert.isTrue(Option.isSome(rabbit.address))
      assert.notInclude(JSON.stringify(rabbit), "7Kx4Hs9Bd1Gf6Jm3Pa")
    })
  )
})

describe("Redis", () => {
  it.effect("is named in one way, by a URL or by its parts", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* faultsOf({ REDIS_URL: "redis://cache", REDIS_HOST: "cache" }), [
        "REDIS_HOST must not be set beside REDIS_URL"
      ])
      assert.deepStrictEqual(yield* faultsOf({ REDIS_PASSWORD: "x" }), [
        "REDIS_PASSWORD is of no use without REDIS_HOST"
      ])
      for (const text of [
        "cache",
        "http://cache",
        "redis://",
        "redis://cache/x",
        "redis://cache?x=1",
        "redis://:%zz@c"
      ]) {
        assert.deepStrictEqual(
          yield* faultsOf({ REDIS_URL: text }),
          ["REDIS_URL must be a URL such as redis://:password@host:6379/0, with a host"],
          text
        )
      }
    })
  )
})

describe("faults", () => {
  it("are one line each, whatever the name of a variable brings along", () => {
    assert.strictEqual(
      renderFaults([
        { variable: "PORT", problem: "must be a port" },
        { variable: "ORDER_\u001b[31m\nX", problem: "is not known" }
      ]),
      "The configuration has 2 faults:\n  PORT must be a port\n  ORDER_??31m?X is not known"
    )
  })

  it.effect("are the message of the error", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ PORT: "x" }))
      assert.strictEqual(error.message, "The configuration has a fault:\n  PORT must be a port from 0 to 65535")
    })
  )
})

describe("the documentation", () => {
  const stored = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")

  it("is what the table says: node scripts/generate-config-docs.ts writes it", () => {
    assert.strictEqual(stored("docs/configuration.md"), configurationPage())
    assert.strictEqual(stored(".env.example"), envExample())
  })

  it("names each variable once", () => {
    const names = configTable.map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
    assert.strictEqual(names.length, Object.keys(variables).length)
  })
})
