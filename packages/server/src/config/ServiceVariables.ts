/**
 * The variables that say how the service runs: where it listens, what it talks to, and which credentials it takes.
 */
import { bulkSettings } from "@tickettoken/order-domain/BulkJob"
import { Redacted, Result } from "effect"
import { isCredential, parseServiceKeys, type ServiceKey } from "../auth/ServiceKeys.ts"
import * as Kind from "./ConfigKinds.ts"
import { optional, withDefault } from "./Variable.ts"

const serviceKeys: Kind.Kind<ReadonlyArray<ServiceKey>> = {
  label: "id:sha256-of-secret:scope,scope;...",
  read: parseServiceKeys
}

const outgoingKey: Kind.Kind<Redacted.Redacted> = {
  label: "id.secret",
  read: (text) =>
    isCredential(text)
      ? Result.succeed(Redacted.make(text, { label: "ORDER_SERVICE_KEY" }))
      : Result.fail(["must be an id, a dot and a secret of printable characters without spaces"])
}

const requiredInProduction = true
const secret = true

/** By the name under which the server knows each one. */
export const serviceVariables = {
  nodeEnv: withDefault({
    name: "NODE_ENV",
    section: "Server",
    kind: Kind.oneOf("development", "test", "production"),
    default: "development",
    description: "`production` asks for every credential and address below and refuses samples."
  }),
  port: withDefault({
    name: "PORT",
    section: "Server",
    kind: Kind.port,
    default: "3004",
    description: "Where the service listens."
  }),
  logLevel: withDefault({
    name: "LOG_LEVEL",
    section: "Server",
    kind: Kind.logLevel,
    default: "info",
    description: "The least important message that is logged."
  }),
  metricsEnabled: withDefault({
    name: "ENABLE_METRICS",
    section: "Telemetry",
    kind: Kind.flag,
    default: "true",
    description: "Whether `/metrics` is served. In production it needs `ORDER_METRICS_TOKEN` as well."
  }),
  metricsToken: optional({
    name: "ORDER_METRICS_TOKEN",
    section: "Telemetry",
    kind: Kind.scrapeToken,
    secret,
    description:
      "Whoever reads `/metrics` sends it as `Authorization: Bearer <token>`. Without it `/metrics` is open outside production and not there in production."
  }),
  otlpEndpoint: optional({
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    section: "Telemetry",
    kind: Kind.serviceUrl,
    description:
      "A collector that takes OTLP over HTTP in JSON: traces go to `/v1/traces` behind it, logs to `/v1/logs`. Without it nothing is sent."
  }),
  otlpHeaders: optional({
    name: "OTEL_EXPORTER_OTLP_HEADERS",
    section: "Telemetry",
    kind: Kind.otlpHeaders,
    secret,
    description: "Headers for the collector, such as its credential."
  }),
  traceShare: withDefault({
    name: "ORDER_TRACE_PERCENTAGE",
    section: "Telemetry",
    kind: Kind.percentage,
    default: "100",
    description:
      "How many of the traces that begin here are sent. One that a caller has begun is sent if the caller says so."
  }),
  requestBudget: withDefault({
    name: "ORDER_REQUEST_BUDGET_SECONDS",
    section: "Server",
    kind: Kind.seconds(0.1, 120),
    default: "8",
    description: "How long a request waits for its work before it answers 503 with Retry-After; the work goes on."
  }),
  bodyBytesMax: withDefault({
    name: "ORDER_BODY_LIMIT_BYTES",
    section: "Server",
    kind: Kind.whole("bytes", 1024, 10_485_760),
    default: "65536",
    description: "The longest request body that is read."
  }),
  corsOrigins: optional({
    name: "ORDER_CORS_ORIGINS",
    section: "Access",
    kind: Kind.origins,
    description: "Origins whose pages may call from a browser, each named in full. Without it no page may."
  }),
  bulkCallsPerSecond: withDefault({
    name: "ORDER_BULK_CALLS_PER_SECOND",
    section: "Server",
    kind: Kind.whole("calls", 1, 10_000),
    default: String(bulkSettings.callsPerSecond),
    description: "Calls to other services that one bulk job makes in a second at most."
  }),
  bulkAttemptsMax: withDefault({
    name: "ORDER_BULK_ATTEMPTS_MAX",
    section: "Server",
    kind: Kind.whole("tries", 1, 100),
    default: String(bulkSettings.attemptsMax),
    description: "How often a bulk job tries an order that fails for a reason that may pass."
  }),
  salesInterval: withDefault({
    name: "METRICS_AGGREGATION_INTERVAL_MINUTES",
    section: "Server",
    kind: Kind.minutes(1, 60 * 60),
    default: "5",
    description: "How often changes of orders are counted into the sales figures."
  }),
  shutdownDelay: withDefault({
    name: "ORDER_SHUTDOWN_DELAY_SECONDS",
    section: "Server",
    kind: Kind.seconds(0, 120),
    default: "5",
    description: "From readiness turning false to the end of listening, so that load balancers notice first."
  }),
  shutdownTimeout: withDefault({
    name: "ORDER_SHUTDOWN_TIMEOUT_SECONDS",
    section: "Server",
    kind: Kind.seconds(0.1, 600),
    default: "18",
    description: "How long requests and work that have begun may take to end after that."
  }),
  databaseUrl: optional({
    name: "DATABASE_URL",
    section: "Database",
    kind: Kind.databaseUrl,
    secret,
    requiredInProduction,
    description: "Without it, outside production, a PostgreSQL of its own is started in the data folder."
  }),
  databasePoolMax: withDefault({
    name: "ORDER_DATABASE_POOL_MAX",
    section: "Database",
    kind: Kind.whole("connections", 1, 500),
    default: "10",
    description: "Connections of one replica."
  }),
  ticketServiceUrl: optional({
    name: "TICKET_SERVICE_URL",
    section: "Other services",
    kind: Kind.serviceUrl,
    requiredInProduction,
    description: "The ticket service. Without it, outside production, the sandbox stands in."
  }),
  paymentServiceUrl: optional({
    name: "PAYMENT_SERVICE_URL",
    section: "Other services",
    kind: Kind.serviceUrl,
    requiredInProduction,
    description: "The payment service. Without it, outside production, the sandbox stands in."
  }),
  eventServiceUrl: optional({
    name: "EVENT_SERVICE_URL",
    section: "Other services",
    kind: Kind.serviceUrl,
    requiredInProduction,
    description: "The event service. Without it, outside production, the sandbox stands in."
  }),
  serviceKey: optional({
    name: "ORDER_SERVICE_KEY",
    section: "Other services",
    kind: outgoingKey,
    secret,
    description: "Our own credential, sent as `Authorization: Service-Key <id>.<secret>` with every call."
  }),
  jwtSecret: optional({
    name: "JWT_SECRET",
    section: "Access",
    kind: Kind.jwtSecret,
    secret,
    description:
      "Verifies bearer tokens (HS256). Production needs this or `JWT_JWKS_URL`; the embedded run makes one if there is neither."
  }),
  jwksUrl: optional({
    name: "JWT_JWKS_URL",
    section: "Access",
    kind: Kind.serviceUrl,
    description:
      "Where the issuer of bearer tokens publishes its keys (RS256, ES256, EdDSA), in place of `JWT_SECRET`. https in production. Read every 5 minutes, and for a key that is not known at most every 30 seconds."
  }),
  jwtIssuer: withDefault({
    name: "JWT_ISSUER",
    section: "Access",
    kind: Kind.plainText,
    default: "tickettoken",
    description: "The `iss` that a token must have."
  }),
  jwtAudience: withDefault({
    name: "JWT_AUDIENCE",
    section: "Access",
    kind: Kind.plainText,
    default: "order-service",
    description: "The `aud` that a token must have."
  }),
  serviceKeys: optional({
    name: "SERVICE_KEYS",
    section: "Access",
    kind: serviceKeys,
    secret,
    requiredInProduction,
    description:
      "Keys of services that may call us, two active ones an id at most. Scopes: `orders:confirm`, `orders:expire`, `orders:read`, `orders:bulk-cancel`, `events:replay`."
  }),
  idempotencyTtl: withDefault({
    name: "IDEMPOTENCY_TTL_MINUTES",
    section: "Access",
    kind: Kind.minutes(1, 7 * 24 * 60 * 60),
    default: "30",
    description: "How long the answer to an idempotency key is replayed."
  }),
  dataFolder: withDefault({
    name: "ORDER_DATA_FOLDER",
    section: "Embedded run",
    kind: Kind.folder,
    default: ".data",
    description: "Where the embedded PostgreSQL, the sandbox and the demo credentials keep their files."
  }),
  sandboxTicketPort: withDefault({
    name: "ORDER_SANDBOX_TICKET_PORT",
    section: "Embedded run",
    kind: Kind.port,
    default: "3001",
    description: "Where the ticket sandbox listens, on loopback."
  }),
  sandboxPaymentPort: withDefault({
    name: "ORDER_SANDBOX_PAYMENT_PORT",
    section: "Embedded run",
    kind: Kind.port,
    default: "3002",
    description: "Where the payment sandbox listens, on loopback."
  }),
  sandboxEventPort: withDefault({
    name: "ORDER_SANDBOX_EVENT_PORT",
    section: "Embedded run",
    kind: Kind.port,
    default: "3005",
    description: "Where the event sandbox listens, on loopback."
  })
}
