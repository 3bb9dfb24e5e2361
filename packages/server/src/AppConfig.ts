/**
 * The configuration of the service: the only reader of the environment.
 *
 * **Details**
 *
 * `config/ConfigTable.ts` lists every variable. All of them are read before anything starts, and everything that is
 * wrong is said at once, one line each. Values are never repeated in a message: secrets are redacted, and a secret may
 * stand in the wrong variable.
 *
 * **Gotchas**
 *
 * A variable that is set and empty is a fault, not a default: it is mostly a secret that was not delivered.
 */
import type { BulkSettingsShape } from "@tickettoken/order-domain/BulkJob"
import type { Currency } from "@tickettoken/order-domain/Currency"
import { type OrderPolicies, Policies } from "@tickettoken/order-domain/ports/Policies"
import { ConfigProvider, Context, Duration, Effect, Layer, type LogLevel, Option, type Redacted, Result } from "effect"
import type { ServiceKey } from "./auth/ServiceKeys.ts"
import type { CircuitSettings } from "./clients/Circuits.ts"
import type { RetrySettings } from "./clients/Downstream.ts"
import type { EventCacheSettings } from "./clients/EventCatalogCached.ts"
import type { KeySource } from "./auth/SigningKeys.ts"
import { type ConfigFault, ConfigInvalid } from "./config/ConfigFaults.ts"
import { policiesOf, policyFaults } from "./config/ConfigPolicies.ts"
import { configTable, type ConfigValues, variables } from "./config/ConfigTable.ts"
import { redisFaults, redisOf } from "./config/redisSettings.ts"
import { missingTokenKeys, tokenKeyFaults, tokenKeysOf } from "./config/tokenKeys.ts"
import { missingInProduction, weakInProduction } from "./config/ProductionRules.ts"
import type { AddressLimitOptions } from "./limits/AddressLimits.ts"
import type { OperationLimits } from "./limits/RateLimits.ts"
import type { TrustedProxies } from "./limits/TrustedProxies.ts"
import type { RabbitAddress } from "./rabbitmq/Session.ts"
import type { RedisAddress } from "./redis/IoRedis.ts"
import type { OrderLockSettings } from "./redis/OrderLockRedis.ts"

/** Everything that the service is told from outside. */
export interface Configuration {
  readonly mode: "development" | "test" | "production"
  readonly port: number
  readonly logLevel: LogLevel.LogLevel
  /** Without a token /metrics is for everybody outside production, and for nobody in production. */
  readonly metrics: { readonly enabled: boolean; readonly token: Option.Option<Redacted.Redacted> }
  /** Where traces and logs go by OTLP; nowhere without an address. */
  readonly collector: {
    readonly url: Option.Option<URL>
    readonly headers: Option.Option<Redacted.Redacted>
    /** Of the traces that begin here, in basis points. */
    readonly traceShare: number
  }
  readonly requestBudget: Duration.Duration
  readonly bodyBytesMax: number
  /** Whose pages may call from a browser. */
  readonly corsOrigins: ReadonlyArray<string>
  readonly bulk: BulkSettingsShape
  readonly shutdown: {
    /** From readiness turning false to the end of listening. */
    readonly delay: Duration.Duration
    /** For what has begun, after that. */
    readonly timeout: Duration.Duration
  }
  /** Without `url` an embedded PostgreSQL is meant; never so in production. */
  readonly database: { readonly url: Option.Option<Redacted.Redacted>; readonly poolMax: number }
  /** Without an address the sandbox is meant; never so in production. */
  readonly services: {
    readonly ticketUrl: Option.Option<URL>
    readonly paymentUrl: Option.Option<URL>
    readonly eventUrl: Option.Option<URL>
  }
  readonly downstream: {
    /** Our own `<id>.<secret>`. */
    readonly serviceKey: Option.Option<Redacted.Redacted>
    readonly attemptTimeout: Duration.Duration
    readonly deadline: Duration.Duration
    readonly retry: RetrySettings
    /** To one service. */
    readonly connectionsMax: number
  }
  readonly circuit: CircuitSettings
  readonly eventCache: EventCacheSettings
  /** Without `keys` a generated secret is meant; never so in production. */
  readonly jwt: {
    readonly keys: Option.Option<KeySource>
    readonly issuer: string
    readonly audience: string
  }
  /** Keys of services that may call us; `None` in an embedded run that makes one for the demo. */
  readonly serviceKeys: Option.Option<ReadonlyArray<ServiceKey>>
  /** Where replicas count rate limits together; `None`: each for itself. */
  readonly redis: Option.Option<RedisAddress>
  /** Of an order, in Redis. */
  readonly lock: OrderLockSettings
  /** Where messages go and come from; without an address they wait, or stay inside an embedded run. */
  readonly rabbit: {
    readonly address: Option.Option<RabbitAddress>
    readonly confirmTimeout: Duration.Duration
    readonly prefetch: number
  }
  /** Requests a minute. */
  readonly rateLimits: { readonly operations: OperationLimits; readonly addresses: AddressLimitOptions }
  readonly trustedProxies: Option.Option<TrustedProxies>
  readonly idempotencyTtl: Duration.Duration
  readonly expiryInterval: Duration.Duration
  /** How long after its end an unpaid order is asked about once more (rule 3.13). */
  readonly paymentLooks: ReadonlyArray<Duration.Duration>
  /** Between two rounds of counting changes into the sales figures. */
  readonly salesInterval: Duration.Duration
  readonly defaultCurrency: Currency
  /** Of every tenant. */
  readonly policies: OrderPolicies
  readonly dataFolder: string
  readonly sandbox: { readonly ticketPort: number; readonly paymentPort: number; readonly eventPort: number }
}

export class AppConfig extends Context.Service<AppConfig, Configuration>()("@tickettoken/order-server/AppConfig") {
  /** From the ConfigProvider: the environment, unless somebody provides another one. */
  static readonly layer: Layer.Layer<AppConfig, ConfigInvalid> = Layer.effect(
    AppConfig,
    Effect.suspend(() => load("service"))
  )

  /** For what works on the database alone, such as a migration: it is not given the secrets of the service. */
  static readonly layerDatabase: Layer.Layer<AppConfig, ConfigInvalid> = Layer.effect(
    AppConfig,
    Effect.suspend(() => load("database"))
  )
}

/** The domain's policies, as configured. */
export const policiesLayer: Layer.Layer<Policies, never, AppConfig> = Layer.effect(
  Policies,
  Effect.map(AppConfig, ({ policies }) => Policies.of({ of: () => Effect.succeed(policies) }))
)

const OWN_PREFIX = "ORDER_"

/** What has to be there in production. */
type Need = "service" | "database"

const needed = (need: Need) =>
  need === "service" ? configTable : configTable.filter(({ section }) => section === "Database")

const load = Effect.fnUntraced(
  function* (need: Need) {
    const provider = yield* ConfigProvider.ConfigProvider
    const names = yield* namesIn(provider, [])
    const values: Record<string, unknown> = {}
    const faults: Array<ConfigFault> = []
    for (const [key, { info, read }] of Object.entries(variables)) {
      const text = (yield* provider.load([info.name]))?.value
      if (text === "" || (text === undefined && names.has(info.name))) {
        faults.push({ variable: info.name, problem: info.default === null ? "is empty" : EMPTY })
        continue
      }
      const reading: Result.Result<unknown, ReadonlyArray<string>> = read(text)
      if (Result.isSuccess(reading)) values[key] = reading.success
      else faults.push(...reading.failure.map((problem) => ({ variable: info.name, problem })))
    }
    // oxlint-disable-next-line typescript/consistent-type-assertions -- the loop fills each key from its own reader
    const readable = values as Partial<ConfigValues>
    faults.push(...(yield* unknownOwnNames(provider, names)))
    if (readable.nodeEnv === "production") {
      faults.push(...missingInProduction(needed(need), (name) => names.has(name)), ...weakInProduction(readable))
      if (need === "service") faults.push(...missingTokenKeys(readable))
    }
    faults.push(
      ...policyFaults(readable),
      ...serviceFaults(readable),
      ...redisFaults(readable),
      ...tokenKeyFaults(readable)
    )
    const [first, ...rest] = faults
    if (first !== undefined) return yield* new ConfigInvalid({ faults: [first, ...rest] })
    // oxlint-disable-next-line typescript/consistent-type-assertions -- no fault: every variable has been read
    return configurationOf(readable as ConfigValues)
  },
  Effect.catchTag("SourceError", () =>
    Effect.fail(new ConfigInvalid({ faults: [{ variable: "<environment>", problem: "can not be read" }] }))
  )
)

const EMPTY = "is empty: give it a value, or leave it out for the default"

/**
 * Every name that is set, to something or to nothing. A provider hides empty values, and the one of the environment
 * shows names as paths, split at each `_`; the names of what it holds still tell.
 */
const namesIn = (
  provider: ConfigProvider.ConfigProvider,
  path: ConfigProvider.Path
): Effect.Effect<ReadonlySet<string>, ConfigProvider.SourceError> =>
  Effect.gen(function* () {
    const node = yield* provider.load(path)
    const names = new Set<string>()
    if (path.length > 0 && (node === undefined || node.value !== undefined)) names.add(path.join("_"))
    // Of numbers behind a `_` the provider tells the largest only: enough to see that there is one.
    const keys = node?._tag === "Record" ? node.keys : node?._tag === "Array" ? [node.length - 1] : []
    for (const key of keys) {
      for (const name of yield* namesIn(provider, [...path, key])) names.add(name)
    }
    return names
  })

/** What Kubernetes sets for a service named `order...`: addresses that nobody has written. */
const kubernetesName = /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/
const kubernetesAddress = /^(?:tcp|udp|sctp):\/\//

const unknownOwnNames = Effect.fnUntraced(function* (
  provider: ConfigProvider.ConfigProvider,
  names: ReadonlySet<string>
) {
  const known = new Set(configTable.map(({ name }) => name))
  const faults: Array<ConfigFault> = []
  for (const name of [...names].sort()) {
    if (!name.startsWith(OWN_PREFIX) || known.has(name) || kubernetesName.test(name)) continue
    const value = (yield* provider.load([name]))?.value ?? ""
    if (!kubernetesAddress.test(value)) {
      faults.push({ variable: name, problem: "is not known: see docs/configuration.md" })
    }
  }
  return faults
})

/** Settings of the run that do not go together. What could not be read is not looked at. */
const serviceFaults = (values: Partial<ConfigValues>): ReadonlyArray<ConfigFault> => {
  const faults: Array<ConfigFault> = []
  const { downstreamAttemptTimeout: attempt, downstreamDeadline: deadline } = values
  if (attempt !== undefined && deadline !== undefined && attempt.pipe(Duration.isGreaterThan(deadline))) {
    const problem = "must not be more than ORDER_DOWNSTREAM_DEADLINE_SECONDS"
    faults.push({ variable: "ORDER_DOWNSTREAM_ATTEMPT_TIMEOUT_SECONDS", problem })
  }
  if (values.nodeEnv === "production") return faults
  const takenBy = new Map<number, string>()
  const ports = [
    ["PORT", values.port],
    ["ORDER_SANDBOX_TICKET_PORT", values.sandboxTicketPort],
    ["ORDER_SANDBOX_PAYMENT_PORT", values.sandboxPaymentPort],
    ["ORDER_SANDBOX_EVENT_PORT", values.sandboxEventPort]
  ] as const
  for (const [variable, port] of ports) {
    if (port === undefined || port === 0) continue
    const other = takenBy.get(port)
    if (other !== undefined) faults.push({ variable, problem: `must not be the port of ${other}` })
    takenBy.set(port, variable)
  }
  return faults
}

const configurationOf = (values: ConfigValues): Configuration => ({
  mode: values.nodeEnv,
  port: values.port,
  logLevel: values.logLevel,
  metrics: { enabled: values.metricsEnabled, token: values.metricsToken },
  collector: { url: values.otlpEndpoint, headers: values.otlpHeaders, traceShare: values.traceShare },
  requestBudget: values.requestBudget,
  bodyBytesMax: values.bodyBytesMax,
  corsOrigins: Option.getOrElse(values.corsOrigins, () => []),
  bulk: { callsPerSecond: values.bulkCallsPerSecond, attemptsMax: values.bulkAttemptsMax },
  shutdown: { delay: values.shutdownDelay, timeout: values.shutdownTimeout },
  database: { url: values.databaseUrl, poolMax: values.databasePoolMax },
  services: {
    ticketUrl: values.ticketServiceUrl,
    paymentUrl: values.paymentServiceUrl,
    eventUrl: values.eventServiceUrl
  },
  downstream: {
    serviceKey: values.serviceKey,
    attemptTimeout: values.downstreamAttemptTimeout,
    deadline: values.downstreamDeadline,
    retry: {
      max: values.downstreamRetriesMax,
      delay: Duration.millis(values.downstreamRetryDelayMillis),
      share: values.downstreamRetryShare
    },
    connectionsMax: values.downstreamConnectionsMax
  },
  eventCache: { fresh: values.eventFresh, stale: values.eventStale },
  circuit: {
    failureShare: values.circuitFailureShare,
    calls: values.circuitCalls,
    openFor: values.circuitOpen
  },
  jwt: { keys: tokenKeysOf(values), issuer: values.jwtIssuer, audience: values.jwtAudience },
  serviceKeys: values.serviceKeys,
  redis: redisOf(values),
  lock: { timeToLive: values.lockTtl, tries: values.lockTries, delay: Duration.millis(values.lockDelayMillis) },
  rabbit: { address: values.rabbitUrl, confirmTimeout: values.confirmTimeout, prefetch: values.prefetch },
  rateLimits: {
    operations: {
      create: values.createLimit,
      reserve: values.reserveLimit,
      cancel: values.cancelLimit,
      refund: values.refundLimit
    },
    addresses: { requests: values.addressLimit, badCredentials: values.badCredentialsLimit }
  },
  trustedProxies: values.trustedProxies,
  idempotencyTtl: values.idempotencyTtl,
  expiryInterval: values.expiryInterval,
  paymentLooks: values.paymentLooks,
  salesInterval: values.salesInterval,
  defaultCurrency: values.defaultCurrency,
  policies: policiesOf(values),
  dataFolder: values.dataFolder,
  sandbox: {
    ticketPort: values.sandboxTicketPort,
    paymentPort: values.sandboxPaymentPort,
    eventPort: values.sandboxEventPort
  }
})
