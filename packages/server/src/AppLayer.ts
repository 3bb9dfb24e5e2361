/**
 * The only composition: PostgreSQL, the other services, the executor of work, the jobs, and the HTTP server over them.
 *
 * What is shared is built once, outside the router: a server builds its routes with a memory of its own, and a service
 * provided inside would exist twice. Everything ends in the reverse order: the server stops listening and finishes its
 * requests, the jobs end, the executor finishes its work, the relay sends what all of them have left, and the pool closes
 * last.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { BulkSettings } from "@tickettoken/order-domain/BulkJob"
import type { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import type { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import type { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import type { Payments } from "@tickettoken/order-domain/ports/Payments"
import type { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import type { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import type { EventBus } from "@tickettoken/order-domain/ports/EventBus"
import { RequestBudget } from "@tickettoken/order-domain/RequestBudget"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { type Duration, Effect, Layer, Option, type Redacted } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { AppConfig, type Configuration, policiesLayer } from "./AppConfig.ts"
import { JwtVerifier } from "./auth/JwtVerifier.ts"
import * as PublishedKeys from "./auth/PublishedKeys.ts"
import { type ServiceKey, ServiceKeys } from "./auth/ServiceKeys.ts"
import { type KeySource, SigningKeys } from "./auth/SigningKeys.ts"
import { Circuits } from "./clients/Circuits.ts"
import * as EventCatalogCached from "./clients/EventCatalogCached.ts"
import * as EventCatalogHttp from "./clients/EventCatalogHttp.ts"
import * as PaymentsHttp from "./clients/PaymentsHttp.ts"
import * as TicketsHttp from "./clients/TicketsHttp.ts"
import * as dependencies from "./http/dependencies.ts"
import { Detached } from "./http/Detached.ts"
import { Health } from "./http/Health.ts"
import * as HttpRoutes from "./http/HttpRoutes.ts"
import { HttpSettings } from "./http/HttpSettings.ts"
import * as requestMetrics from "./http/requestMetrics.ts"
import * as requestTrace from "./http/requestTrace.ts"
import { MetricsAccess } from "./http/MetricsRoute.ts"
import * as nodeServer from "./http/nodeServer.ts"
import * as AlarmFiber from "./jobs/AlarmFiber.ts"
import * as BulkJobFiber from "./jobs/BulkJobFiber.ts"
import * as CompletionFiber from "./jobs/CompletionFiber.ts"
import * as ExpiryFiber from "./jobs/ExpiryFiber.ts"
import * as PaymentLookBackFiber from "./jobs/PaymentLookBackFiber.ts"
import * as PaymentWatchFiber from "./jobs/PaymentWatchFiber.ts"
import * as InvariantFiber from "./jobs/InvariantFiber.ts"
import * as RetentionFiber from "./jobs/RetentionFiber.ts"
import * as SalesFiber from "./jobs/SalesFiber.ts"
import * as Sweeper from "./jobs/Sweeper.ts"
import { limitsLayer } from "./limits/limitsLayer.ts"
import * as InboxConsumer from "./messaging/InboxConsumer.ts"
import * as OutboxRelay from "./messaging/OutboxRelay.ts"
import { OptionalRedis } from "./redis/OptionalRedis.ts"
import * as OrderLockRedis from "./redis/OrderLockRedis.ts"
import * as SecureIdentifiers from "./SecureIdentifiers.ts"
import * as PostgresLayer from "./sql/PostgresLayer.ts"
import * as SqlLayer from "./sql/SqlLayer.ts"
import type { StoreOptions } from "./sql/StoreOptions.ts"
import { portFailure } from "./StartFailure.ts"
import * as busTelemetry from "./telemetry/busTelemetry.ts"
import * as inboxMetrics from "./telemetry/inboxMetrics.ts"
import { database as databaseMetrics } from "./telemetry/Metrics.ts"
import * as orderMetrics from "./telemetry/orderMetrics.ts"
import * as StoreGauges from "./telemetry/StoreGauges.ts"
import * as workMetrics from "./telemetry/workMetrics.ts"

/** What the configuration leaves open outside production, settled: where everything is and who may call. */
export interface Foundation {
  readonly databaseUrl: Redacted.Redacted
  readonly services: { readonly ticketUrl: URL; readonly paymentUrl: URL; readonly eventUrl: URL }
  /** Our own credential towards them. */
  readonly outgoingKey: Option.Option<Redacted.Redacted>
  readonly tokenKeys: KeySource
  readonly serviceKeys: ReadonlyArray<ServiceKey>
  /** Where the server listens: an address, or every one if left out. */
  readonly host?: string
  /** Where messages are sent and come from; `null`: they wait in the outbox. */
  readonly bus: Layer.Layer<EventBus> | null
  /** Between readiness turning false and the end of listening. */
  readonly shutdownDelay: Duration.Duration
}

/** The pool. */
export const databaseLayer = (config: Configuration, foundation: Foundation) =>
  SqlLayer.layer({ url: foundation.databaseUrl, poolSize: config.database.poolMax })

/** What a test changes about the composition; a run of its own changes nothing. */
export interface Seams {
  readonly store?: Partial<StoreOptions>
  /** Ports that stand between the core and those of the same name. */
  readonly ports?: Layer.Layer<never, never, CorePorts>
}

/** What the core stands on. */
export type CorePorts = OrderStore | WorkQueue | IdempotencyKeys | BulkJobs | Outbox | Tickets | Payments

/** The domain's ports, over a pool. */
const portsLayer = (config: Configuration, foundation: Foundation, seams: Seams = {}) => {
  const { eventUrl, paymentUrl, ticketUrl } = foundation.services
  const { attemptTimeout, connectionsMax, deadline, retry } = config.downstream
  const client = (baseUrl: URL) => ({ baseUrl, serviceKey: foundation.outgoingKey, attemptTimeout, deadline, retry })
  const services = Layer.mergeAll(
    TicketsHttp.layer(client(ticketUrl)),
    PaymentsHttp.layer(client(paymentUrl)),
    EventCatalogCached.layer(config.eventCache).pipe(Layer.provide(EventCatalogHttp.layer(client(eventUrl))))
  ).pipe(
    Layer.provideMerge(Circuits.layer(config.circuit)),
    Layer.provide(NodeHttpClient.layerUndiciOptions({ connections: connectionsMax }))
  )
  const store = PostgresLayer.layer({ idempotencyTimeToLive: config.idempotencyTtl, ...seams.store })
  const ports = Layer.mergeAll(
    Layer.mergeAll(orderMetrics.layer, workMetrics.layer, inboxMetrics.layer).pipe(Layer.provideMerge(store)),
    services,
    policiesLayer.pipe(Layer.provide(Layer.succeed(AppConfig, AppConfig.of(config)))),
    SecureIdentifiers.layer,
    Layer.succeed(RequestBudget, config.requestBudget),
    Layer.succeed(BulkSettings, config.bulk),
    OrderLockRedis.layer(config.lock)
  )
  return (seams.ports ?? Layer.empty).pipe(
    Layer.provideMerge(ports),
    Layer.provideMerge(OptionalRedis.layer(config.redis))
  )
}

/** The domain's ports and the executor: all that a way in needs, be it HTTP or the command line. */
export const coreLayer = (config: Configuration, foundation: Foundation, seams: Seams = {}) =>
  WorkExecutor.layer.pipe(Layer.provideMerge(portsLayer(config, foundation, seams)))

/** The executor of a process that sends messages itself: it ends before the relay, which sends what its last work has left. */
export const executorLayer = (foundation: Pick<Foundation, "bus">) =>
  WorkExecutor.layer.pipe(Layer.provideMerge(attached(foundation, OutboxRelay.layer)))

/** The running service: serves as long as its scope lives. Needs the pool. */
export const appLayer = (config: Configuration, given: Foundation, seams: Seams = {}) => {
  const foundation: Foundation = {
    ...given,
    bus: given.bus === null ? null : busTelemetry.layer.pipe(Layer.provide(given.bus))
  }
  const { bodyBytesMax, corsOrigins, defaultCurrency } = config
  const { audience, issuer } = config.jwt
  const server = HttpRouter.serve(HttpRoutes.layer, { disableListenLog: true, disableLogger: true }).pipe(
    Layer.provideMerge(listener(config, foundation)),
    Layer.provide([
      limitsLayer(config),
      JwtVerifier.layer({ issuer, audience }),
      ServiceKeys.layer(foundation.serviceKeys),
      Detached.layer(config.shutdown.timeout)
    ])
  )
  const jobs = Layer.mergeAll(
    InboxConsumer.layerDue,
    ExpiryFiber.layer(config.expiryInterval),
    Sweeper.layer,
    BulkJobFiber.layer,
    CompletionFiber.layer,
    PaymentWatchFiber.layer,
    PaymentLookBackFiber.layer(config.paymentLooks),
    RetentionFiber.layer,
    SalesFiber.layer(config.salesInterval),
    InvariantFiber.layer,
    AlarmFiber.layer,
    StoreGauges.layer(foundation.bus !== null),
    Circuits.layerGauges
  )
  return stopSlowly(foundation.shutdownDelay).pipe(
    Layer.provideMerge(Layer.mergeAll(server, jobs, attached(foundation, InboxConsumer.layer))),
    Layer.provideMerge(executorLayer(foundation)),
    Layer.provideMerge(health(config, foundation)),
    Layer.provide(signingKeys(foundation.tokenKeys)),
    Layer.provideMerge(portsLayer(config, foundation, seams)),
    Layer.provide([
      Layer.succeed(HttpSettings, { bodyBytesMax, corsOrigins, defaultCurrency }),
      requestTrace.layer,
      Layer.effect(MetricsAccess, metricsAccess(config)),
      Layer.effectDiscard(databaseMetrics.poolMax.record(config.database.poolMax, {})),
      NodeHttpClient.layerUndici
    ])
  )
}

const signingKeys = (source: KeySource) =>
  source._tag === "Secret"
    ? SigningKeys.layerSecret(source.secret)
    : PublishedKeys.layer(source.url).pipe(Layer.provide(NodeHttpClient.layerUndici))

const metricsAccess = Effect.fnUntraced(function* ({ metrics: { enabled, token }, mode }: Configuration) {
  if (!enabled) return "off"
  if (Option.isSome(token)) return token.value
  if (mode !== "production") return "open"
  yield* Effect.logWarning("/metrics is not served: ORDER_METRICS_TOKEN is not set")
  return "off"
})

/** What is run with a bus, where there is one. Everything shares the one bus. */
const attached = <E, R>(
  { bus }: Pick<Foundation, "bus">,
  layer: Layer.Layer<never, E, R>
): Layer.Layer<never, E, Exclude<R, EventBus>> => (bus === null ? Layer.empty : Layer.provide(layer, bus))

const health = ({ rabbit }: Configuration, { bus, services }: Foundation) =>
  bus === null || Option.isNone(rabbit.address)
    ? Health.layer(dependencies.list(services))
    : Health.layer(Effect.flatMap(dependencies.list(services), dependencies.withBroker)).pipe(Layer.provide(bus))

const listener = ({ port, shutdown }: Configuration, { host }: Foundation) =>
  Layer.merge(
    Layer.effect(
      HttpServer.HttpServer,
      Effect.gen(function* () {
        const run = Effect.runForkWith(yield* Effect.context())
        const server = () => nodeServer.make((status) => void run(requestMetrics.refused(status)))
        return yield* NodeHttpServer.make(server, { port, host, gracefulShutdownTimeout: shutdown.timeout }).pipe(
          Effect.mapError((error) => portFailure(port, "PORT", error))
        )
      })
    ),
    NodeHttpServer.layerHttpServices
  )

// Built last, so it ends first: load balancers get time to notice before connections are refused.
const stopSlowly = (delay: Duration.Duration) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const health = yield* Health
      yield* Effect.addFinalizer(() => Effect.andThen(health.beginStop, Effect.sleep(delay)))
    })
  )

/** Where the server listens. */
export const listeningPort = Effect.map(HttpServer.HttpServer, ({ address }) =>
  address._tag === "UnixPathAddress" ? 0 : address.port
)
