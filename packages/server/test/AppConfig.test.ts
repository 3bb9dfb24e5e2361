/** The configuration: every variable has an effect, every fault is named at once, and no value is ever shown. */
import { assert, describe, it } from "@effect/vitest"
import { feeSchedules } from "@tickettoken/order-domain/FeeSchedule"
import { holdPolicy } from "@tickettoken/order-domain/Hold"
import { TenantId } from "@tickettoken/order-domain/Ids"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { Policies } from "@tickettoken/order-domain/ports/Policies"
import { refundPolicy } from "@tickettoken/order-domain/RefundPolicy"
import { AppConfig, type Configuration, policiesLayer } from "@tickettoken/order-server/AppConfig"
import { digestOf } from "@tickettoken/order-server/auth/ServiceKeys"
import { configurationPage, envExample } from "@tickettoken/order-server/config/ConfigDocs"
import { renderFaults } from "@tickettoken/order-server/config/ConfigFaults"
import { configTable, variables } from "@tickettoken/order-server/config/ConfigTable"
import { ConfigProvider, Duration, Effect, Layer, Option, Redacted } from "effect"
import { readFileSync } from "node:fs"
import { inspect } from "node:util"
import { faultsOf, read } from "./support/configuration.ts"

const hexDigest = (secret: string): string => Buffer.from(digestOf(secret)).toString("hex")

const jwtSecret = "q8Zt0wV5nYc2Lr7Kx4Hs9Bd1Gf6Jm3Pa"
const serviceSecret = "Zk3mT9qLx7Wv2Rb8Nc5Hy1Jd6Pf4Gs0A"

/** A production environment without a fault. */
const production: Readonly<Record<string, string>> = {
  NODE_ENV: "production",
  DATABASE_URL: "postgresql://orders_app:Vb7-tY2_qLx9@db.internal:5432/orders",
  TICKET_SERVICE_URL: "https://tickets.internal",
  PAYMENT_SERVICE_URL: "https://payments.internal",
  EVENT_SERVICE_URL: "https://events.internal",
  JWT_SECRET: jwtSecret,
  SERVICE_KEYS: `payments:${hexDigest(serviceSecret)}:orders:confirm`
}

interface Sample {
  readonly text: string
  /** What the variable changes. */
  readonly pick: (config: Configuration) => unknown
  readonly expected: unknown
}

const revealed = (value: Option.Option<Redacted.Redacted>): string | null =>
  Option.getOrNull(Option.map(value, Redacted.value))

const href = (value: Option.Option<URL>): string | null => Option.getOrNull(Option.map(value, ({ href: text }) => text))

const seconds = Duration.toSeconds

/** By the key of the variable: one that has no sample does not compile. */
const samples: { readonly [Key in keyof typeof variables]: Sample } = {
  nodeEnv: { text: "test", pick: ({ mode }) => mode, expected: "test" },
  port: { text: "0", pick: ({ port }) => port, expected: 0 },
  logLevel: { text: "DEBUG", pick: ({ logLevel }) => logLevel, expected: "Debug" },
  requestBudget: { text: "2.5", pick: ({ requestBudget }) => seconds(requestBudget), expected: 2.5 },
  bodyBytesMax: { text: "2048", pick: ({ bodyBytesMax }) => bodyBytesMax, expected: 2048 },
  shutdownDelay: { text: "0", pick: ({ shutdown }) => seconds(shutdown.delay), expected: 0 },
  shutdownTimeout: { text: "30", pick: ({ shutdown }) => seconds(shutdown.timeout), expected: 30 },
  databaseUrl: {
    text: "postgres://orders@localhost/orders",
    pick: ({ database }) => revealed(database.url),
    expected: "postgres://orders@localhost/orders"
  },
  databasePoolMax: { text: "3", pick: ({ database }) => database.poolMax, expected: 3 },
  ticketServiceUrl: {
    text: "http://t:3001/api",
    pick: ({ services }) => href(services.ticketUrl),
    expected: "http://t:3001/api"
  },
  paymentServiceUrl: {
    text: "http://p:3002",
    pick: ({ services }) => href(services.paymentUrl),
    expected: "http://p:3002/"
  },
  eventServiceUrl: {
    text: "https://e",
    pick: ({ services }) => href(services.eventUrl),
    expected: "https://e/"
  },
  serviceKey: {
    text: "orders.abc.def",
    pick: ({ downstream }) => revealed(downstream.serviceKey),
    expected: "orders.abc.def"
  },
  downstreamAttemptTimeout: {
    text: "0.25",
    pick: ({ downstream }) => seconds(downstream.attemptTimeout),
    expected: 0.25
  },
  downstreamDeadline: { text: "6", pick: ({ downstream }) => seconds(downstream.deadline), expected: 6 },
  jwtSecret: { text: jwtSecret, pick: ({ jwt }) => revealed(jwt.secret), expected: jwtSecret },
  jwtIssuer: { text: "https://id.example", pick: ({ jwt }) => jwt.issuer, expected: "https://id.example" },
  jwtAudience: { text: "orders", pick: ({ jwt }) => jwt.audience, expected: "orders" },
  serviceKeys: {
    text: `payments:${hexDigest("s1")}:orders:confirm,orders:read`,
    pick: ({ serviceKeys }) => Option.getOrNull(serviceKeys),
    expected: [
      { keyId: "payments", digest: Buffer.from(digestOf("s1")), scopes: new Set(["orders:confirm", "orders:read"]) }
    ]
  },
  idempotencyTtl: { text: "0.5", pick: ({ idempotencyTtl }) => seconds(idempotencyTtl), expected: 30 },
  dataFolder: { text: "/srv/orders data", pick: ({ dataFolder }) => dataFolder, expected: "/srv/orders data" },
  sandboxTicketPort: { text: "4001", pick: ({ sandbox }) => sandbox.ticketPort, expected: 4001 },
  sandboxPaymentPort: { text: "4002", pick: ({ sandbox }) => sandbox.paymentPort, expected: 4002 },
  sandboxEventPort: { text: "4005", pick: ({ sandbox }) => sandbox.eventPort, expected: 4005 },
  defaultCurrency: { text: "EUR", pick: ({ defaultCurrency }) => defaultCurrency, expected: "EUR" },
  supportedCurrencies: {
    text: "USD, EUR",
    pick: ({ policies }) =>
      [policies.fees, policies.limits.value, policies.refunds.autoApproveBelow].map((rows) => Object.keys(rows)),
    expected: [
      ["USD", "EUR"],
      ["USD", "EUR"],
      ["USD", "EUR"]
    ]
  },
  platformFee: { text: "4.25", pick: ({ policies }) => policies.fees.GBP?.platformRate, expected: 425 },
  processingFee: { text: "2.95", pick: ({ policies }) => policies.fees.USD?.processingRate, expected: 295 },
  processingFeeFixed: { text: "35", pick: ({ policies }) => policies.fees.USD?.processingFixed, expected: 35 },
  taxRate: { text: "0", pick: ({ policies }) => policies.fees.USD?.taxRate, expected: 0 },
  holdLength: { text: "0.1", pick: ({ policies }) => policies.hold.standardMinutes, expected: 0.1 },
  vipHoldLength: { text: "45", pick: ({ policies }) => policies.hold.vipMinutes, expected: 45 },
  grace: { text: "0.05", pick: ({ policies }) => policies.hold.graceMinutes, expected: 0.05 },
  expiryInterval: {
    text: "0.0167",
    pick: ({ expiryInterval, policies }) => [seconds(expiryInterval), policies.hold.intervalSeconds],
    expected: [1, 1]
  },
  latePayment: { text: "refund", pick: ({ policies }) => policies.latePayment, expected: "refund" },
  declines: { text: "cancel", pick: ({ policies }) => policies.declines, expected: "cancel" },
  totalMin: { text: "500", pick: ({ policies }) => policies.limits.value.EUR?.totalMin, expected: 500 },
  totalMax: { text: "20000000", pick: ({ policies }) => policies.limits.value.EUR?.totalMax, expected: 20_000_000 },
  freeOrders: { text: "false", pick: ({ policies }) => policies.limits.freeOrdersAllowed, expected: false },
  linesMax: { text: "7", pick: ({ policies }) => policies.limits.linesMax, expected: 7 },
  quantityPerLineMax: { text: "4", pick: ({ policies }) => policies.limits.quantityPerLineMax, expected: 4 },
  quantityPerTypeMax: { text: "15", pick: ({ policies }) => policies.limits.quantityPerTypeMax, expected: 15 },
  quantityPerOrderMax: { text: "40", pick: ({ policies }) => policies.limits.quantityPerOrderMax, expected: 40 },
  ordersPerUserPerDayMax: { text: "3", pick: ({ policies }) => policies.limits.ordersPerUserPerDayMax, expected: 3 },
  ordersPerUserPerEventMax: {
    text: "2",
    pick: ({ policies }) => policies.limits.ordersActivePerUserPerEventMax,
    expected: 2
  },
  refundCutoffHours: { text: "48", pick: ({ policies }) => policies.refunds.cutoffHours, expected: 48 },
  refundRetention: { text: "3.75", pick: ({ policies }) => policies.refunds.retentionRate, expected: 375 },
  refundRetentionFixed: { text: "0", pick: ({ policies }) => policies.refunds.retentionFixed, expected: 0 },
  refundAutoApproveBelow: {
    text: "1000",
    pick: ({ policies }) => policies.refunds.autoApproveBelow.AUD,
    expected: 1000
  }
}

const rows = Object.entries(samples).map(([key, sample]) => ({
  ...sample,
  // oxlint-disable-next-line typescript/consistent-type-assertions -- the keys of samples are those of variables
  name: variables[key as keyof typeof variables].info.name
}))

describe("a variable", () => {
  it.effect.each(rows)("$name changes what the server does", ({ expected, name, pick, text }) =>
    Effect.gen(function* () {
      const before = pick(yield* read({}))
      const after = pick(yield* read({ [name]: text }))
      assert.deepStrictEqual(after, expected)
      assert.notDeepEqual(after, before)
    })
  )

  it.effect("is a fault when it is set and empty, whatever it is", () =>
    Effect.gen(function* () {
      for (const { name } of configTable) {
        assert.deepStrictEqual(
          (yield* faultsOf({ [name]: "" })).map((fault) => fault.replace(/ is empty.*/, " is empty")),
          [`${name} is empty`]
        )
      }
    })
  )

  it.effect("is read from a provider of any kind", () =>
    Effect.gen(function* () {
      const provider = ConfigProvider.fromUnknown({ PORT: 4321, JWT_SECRET: "" }, { preserveEmptyStrings: true })
      const fault = yield* Effect.flip(
        Effect.provide(AppConfig, AppConfig.layer).pipe(Effect.provideService(ConfigProvider.ConfigProvider, provider))
      )
      assert.deepStrictEqual(fault.faults, [{ variable: "JWT_SECRET", problem: "is empty" }])
    })
  )
})

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
      const given = { url: database.url, serviceKey, secret: jwt.secret, serviceKeys, eventUrl, paymentUrl, ticketUrl }
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
    [{ ORDER_DOWNSTREAM_ATTEMPT_TIMEOUT_SECONDS: "9" }, "ORDER_DOWNSTREAM_ATTEMPT_TIMEOUT_SECONDS"],
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
    })
  )

  it.effect("of anybody else's is none of our business, nor is what Kubernetes sets for a service of this name", () =>
    Effect.gen(function* () {
      const config = yield* read({
        HOME: "/root",
        ORDERS: "x",
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
        "JWT_SECRET must be set in production",
        "SERVICE_KEYS must be set in production"
      ])
    })
  )

  it.effect.each([
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
    ["SERVICE_KEYS", `payments:${hexDigest("changeme")}:orders:confirm`],
    ["SERVICE_KEYS", `payments:${hexDigest("your-256-bit-secret")}:orders:confirm`]
  ] as const)("A34 refuses a %s that everybody knows", ([name, text]) =>
    Effect.gen(function* () {
      const faults = yield* faultsOf({ ...production, [name]: text })
      assert.deepStrictEqual(
        faults.map((fault) => fault.split(" ")[0]),
        [name]
      )
      assert.isFalse(faults.join().includes(text))
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
      const printed = [inspect(config, { depth: 10 }), JSON.stringify(config), String(config.jwt.secret)].join()
      for (const secret of [jwtSecret, serviceSecret, "Vb7-tY2_qLx9"]) assert.isFalse(printed.includes(secret))
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
