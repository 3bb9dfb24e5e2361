/** Each variable of the environment changes what the server does. */
import { assert, describe, it } from "@effect/vitest"
import { AppConfig, type Configuration } from "@tickettoken/order-server/AppConfig"
import { digestOf } from "@tickettoken/order-server/auth/ServiceKeys"
import { configTable, variables } from "@tickettoken/order-server/config/ConfigTable"
import { ConfigProvider, Duration, Effect, Option, Redacted } from "effect"
import { faultsOf, hexDigest, jwtSecret, read } from "./support/configuration.ts"

interface Sample {
  readonly text: string
  /** What else must be set for it to count. */
  readonly beside?: { readonly [name: string]: string }
  /** What the variable changes. */
  readonly pick: (config: Configuration) => unknown
  readonly expected: unknown
}

const revealed = (value: Option.Option<Redacted.Redacted>): string | null =>
  Option.getOrNull(Option.map(value, Redacted.value))

const href = (value: Option.Option<URL>): string | null => Option.getOrNull(Option.map(value, ({ href: text }) => text))

const redisOf = (redis: Configuration["redis"]): unknown =>
  Option.getOrNull(
    Option.map(redis, ({ password, ...rest }) => ({
      ...rest,
      ...(password === undefined ? {} : { password: Redacted.value(password) })
    }))
  )

const rabbitOf = ({ address }: Configuration["rabbit"]): unknown =>
  Option.getOrNull(Option.map(address, ({ password, ...rest }) => ({ ...rest, password: Redacted.value(password) })))

const keysOf = (keys: Configuration["jwt"]["keys"]): string | null =>
  Option.getOrNull(
    Option.map(keys, (source) => (source._tag === "Secret" ? Redacted.value(source.secret) : source.url.href))
  )

const seconds = Duration.toSeconds

/** By the key of the variable: one that has no sample does not compile. */
const samples: { readonly [Key in keyof typeof variables]: Sample } = {
  nodeEnv: { text: "test", pick: ({ mode }) => mode, expected: "test" },
  port: { text: "0", pick: ({ port }) => port, expected: 0 },
  logLevel: { text: "DEBUG", pick: ({ logLevel }) => logLevel, expected: "Debug" },
  metricsEnabled: { text: "false", pick: ({ metrics }) => metrics.enabled, expected: false },
  metricsToken: {
    text: "q8Zt0wV5nYc2Lr7Kx4Hs9Bd1",
    pick: ({ metrics }) => revealed(metrics.token),
    expected: "q8Zt0wV5nYc2Lr7Kx4Hs9Bd1"
  },
  otlpEndpoint: {
    text: "http://collector:4318",
    pick: ({ collector }) => href(collector.url),
    expected: "http://collector:4318/"
  },
  otlpHeaders: {
    text: "authorization=Basic%20abc",
    pick: ({ collector }) => revealed(collector.headers),
    expected: "authorization=Basic%20abc"
  },
  traceShare: { text: "12.5", pick: ({ collector }) => collector.traceShare, expected: 1250 },
  requestBudget: { text: "2.5", pick: ({ requestBudget }) => seconds(requestBudget), expected: 2.5 },
  bodyBytesMax: { text: "2048", pick: ({ bodyBytesMax }) => bodyBytesMax, expected: 2048 },
  corsOrigins: {
    text: "https://shop.example, https://admin.example:8443",
    pick: ({ corsOrigins }) => corsOrigins,
    expected: ["https://shop.example", "https://admin.example:8443"]
  },
  bulkCallsPerSecond: { text: "7", pick: ({ bulk }) => bulk.callsPerSecond, expected: 7 },
  bulkAttemptsMax: { text: "2", pick: ({ bulk }) => bulk.attemptsMax, expected: 2 },
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
  downstreamRetriesMax: { text: "0", pick: ({ downstream }) => downstream.retry.max, expected: 0 },
  downstreamRetryDelayMillis: {
    text: "250",
    pick: ({ downstream }) => seconds(downstream.retry.delay),
    expected: 0.25
  },
  downstreamRetryShare: { text: "2.5", pick: ({ downstream }) => downstream.retry.share, expected: 250 },
  downstreamConnectionsMax: { text: "16", pick: ({ downstream }) => downstream.connectionsMax, expected: 16 },
  eventFresh: { text: "0", pick: ({ eventCache }) => seconds(eventCache.fresh), expected: 0 },
  eventStale: { text: "60", pick: ({ eventCache }) => seconds(eventCache.stale), expected: 60 },
  lockTtl: { text: "5", pick: ({ lock }) => seconds(lock.timeToLive), expected: 5 },
  lockTries: { text: "1", pick: ({ lock }) => lock.tries, expected: 1 },
  lockDelayMillis: { text: "20", pick: ({ lock }) => seconds(lock.delay), expected: 0.02 },
  circuitFailureShare: { text: "75", pick: ({ circuit }) => circuit.failureShare, expected: 7500 },
  circuitCalls: { text: "20", pick: ({ circuit }) => circuit.calls, expected: 20 },
  circuitOpen: { text: "12.5", pick: ({ circuit }) => seconds(circuit.openFor), expected: 12.5 },
  jwtSecret: { text: jwtSecret, pick: ({ jwt }) => keysOf(jwt.keys), expected: jwtSecret },
  jwksUrl: {
    text: "https://id.example/keys",
    pick: ({ jwt }) => keysOf(jwt.keys),
    expected: "https://id.example/keys"
  },
  jwtIssuer: { text: "https://id.example", pick: ({ jwt }) => jwt.issuer, expected: "https://id.example" },
  jwtAudience: { text: "orders", pick: ({ jwt }) => jwt.audience, expected: "orders" },
  serviceKeys: {
    text: `payments:${hexDigest("s1")}:orders:confirm,orders:read`,
    pick: ({ serviceKeys }) => Option.getOrNull(serviceKeys),
    expected: [
      { keyId: "payments", digest: Buffer.from(digestOf("s1")), scopes: new Set(["orders:confirm", "orders:read"]) }
    ]
  },
  redisUrl: {
    text: "rediss://orders:s%40cret@[::1]:6380/2",
    pick: ({ redis }) => redisOf(redis),
    expected: { host: "::1", port: 6380, database: 2, tls: true, username: "orders", password: "s@cret" }
  },
  rabbitUrl: {
    text: "amqps://shop:s%40cret@[::1]/a%2Fb",
    pick: ({ rabbit }) => rabbitOf(rabbit),
    expected: { host: "::1", port: 5671, tls: true, virtualHost: "a/b", username: "shop", password: "s@cret" }
  },
  confirmTimeout: { text: "0.5", pick: ({ rabbit }) => seconds(rabbit.confirmTimeout), expected: 0.5 },
  prefetch: { text: "3", pick: ({ rabbit }) => rabbit.prefetch, expected: 3 },
  redisHost: { text: "cache", pick: ({ redis }) => redisOf(redis), expected: { host: "cache", port: 6379 } },
  redisPort: {
    text: "7000",
    beside: { REDIS_HOST: "cache" },
    pick: ({ redis }) => redisOf(redis),
    expected: { host: "cache", port: 7000 }
  },
  redisPassword: {
    text: "pa ss",
    beside: { REDIS_HOST: "cache" },
    pick: ({ redis }) => redisOf(redis),
    expected: { host: "cache", port: 6379, password: "pa ss" }
  },
  createLimit: { text: "20", pick: ({ rateLimits }) => rateLimits.operations.create, expected: 20 },
  reserveLimit: { text: "6", pick: ({ rateLimits }) => rateLimits.operations.reserve, expected: 6 },
  cancelLimit: { text: "7", pick: ({ rateLimits }) => rateLimits.operations.cancel, expected: 7 },
  refundLimit: { text: "8", pick: ({ rateLimits }) => rateLimits.operations.refund, expected: 8 },
  addressLimit: { text: "600", pick: ({ rateLimits }) => rateLimits.addresses.requests, expected: 600 },
  badCredentialsLimit: { text: "9", pick: ({ rateLimits }) => rateLimits.addresses.badCredentials, expected: 9 },
  trustedProxies: {
    text: "10.0.0.0/8, ::1",
    pick: ({ trustedProxies }) =>
      ["10.1.2.3", "11.0.0.1", "::1", "::2"].map(
        (address) => Option.isSome(trustedProxies) && trustedProxies.value.includes(address)
      ),
    expected: [true, false, true, false]
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
  salesInterval: { text: "0.5", pick: ({ salesInterval }) => seconds(salesInterval), expected: 30 },
  expiryInterval: {
    text: "0.0167",
    pick: ({ expiryInterval, policies }) => [seconds(expiryInterval), policies.hold.intervalSeconds],
    expected: [1, 1]
  },
  paymentLooks: {
    text: "0.25,10",
    pick: ({ paymentLooks }) => paymentLooks.map(seconds),
    expected: [15, 600]
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
  },
  bulkUnconfirmedCentsMax: {
    text: "5",
    pick: ({ policies }) => policies.bulkCancel.unconfirmedCentsMax.GBP,
    expected: 5
  }
}

const rows = Object.entries(samples).map(([key, sample]) => ({
  ...sample,
  // oxlint-disable-next-line typescript/consistent-type-assertions -- the keys of samples are those of variables
  name: variables[key as keyof typeof variables].info.name
}))

describe("a variable", () => {
  it.effect.each(rows)("$name changes what the server does", ({ beside = {}, expected, name, pick, text }) =>
    Effect.gen(function* () {
      const before = pick(yield* read(beside))
      const after = pick(yield* read({ ...beside, [name]: text }))
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
