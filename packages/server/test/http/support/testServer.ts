/**
 * The whole HTTP layer on a real socket, over any layer of the ports. What has truly happened behind it stays visible:
 * the store, the services in memory, and the faults that a test may script for them.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { BulkSettings, bulkSettings, type BulkSettingsShape } from "@tickettoken/order-domain/BulkJob"
import type { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import type { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import type { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import type { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import type { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import type { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import type { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import type { OrderPolicies } from "@tickettoken/order-domain/ports/Policies"
import type { EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import type { Payments } from "@tickettoken/order-domain/ports/Payments"
import type { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import type { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { RequestBudget } from "@tickettoken/order-domain/RequestBudget"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import type { JwtVerifier } from "@tickettoken/order-server/auth/JwtVerifier"
import type { ServiceKeys } from "@tickettoken/order-server/auth/ServiceKeys"
import { Detached } from "@tickettoken/order-server/http/Detached"
import { Health } from "@tickettoken/order-server/http/Health"
import { HttpSettings } from "@tickettoken/order-server/http/HttpSettings"
import * as HttpRoutes from "@tickettoken/order-server/http/HttpRoutes"
import { type AddressLimitOptions, AddressLimits } from "@tickettoken/order-server/limits/AddressLimits"
import { type OperationLimits, RateLimits } from "@tickettoken/order-server/limits/RateLimits"
import type { SharedStore } from "@tickettoken/order-server/limits/SharedStore"
import type { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import * as EventCatalogMemory from "@tickettoken/order-testing/memory/EventCatalogMemory"
import * as IdentifiersMemory from "@tickettoken/order-testing/memory/IdentifiersMemory"
import * as MemoryServices from "@tickettoken/order-testing/memory/MemoryServices"
import * as PaymentsMemory from "@tickettoken/order-testing/memory/PaymentsMemory"
import * as PoliciesMemory from "@tickettoken/order-testing/memory/PoliciesMemory"
import type { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import * as StoreLayer from "@tickettoken/order-testing/memory/StoreLayer"
import * as TicketsMemory from "@tickettoken/order-testing/memory/TicketsMemory"
import { type Catalogue, demoCatalogue } from "@tickettoken/order-testing/sandbox/catalogue"
import { Context, type DateTime, Duration, Effect, Layer, References } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import * as credentials from "./credentials.ts"
import * as shiftedClock from "./shiftedClock.ts"

/** Where the server listens. */
export class ServerPort extends Context.Service<ServerPort, number>()("test/http/ServerPort") {}

/** The ports that a database stands behind, with time that a test can let pass in it. */
export type StorePorts =
  | BulkJobReads
  | BulkJobs
  | OrderStore
  | OrderReads
  | WorkQueue
  | IdempotencyKeys
  | EventClosures
  | Alarms
  | Inbox
  | Outbox
  | TestTime
  | ScriptedFaults

export interface ServerOptions {
  readonly policies?: Partial<OrderPolicies>
  /** What the services in memory sell, in place of the demo. */
  readonly catalogue?: (firstStart: DateTime.Utc) => Catalogue
  /** Long unless a test is about it: busy cores keep nobody from his answer. */
  readonly requestBudget?: Duration.Duration
  readonly bodyBytesMax?: number
  readonly corsOrigins?: ReadonlyArray<string>
  readonly bulk?: Partial<BulkSettingsShape>
  /** Who is let in, in place of the tests' own people and services. */
  readonly credentials?: Layer.Layer<JwtVerifier | ServiceKeys>
  /** None unless a test is about them. */
  readonly rateLimits?: Partial<OperationLimits>
  readonly addressLimits?: Partial<AddressLimitOptions>
  /** Where this server counts together with others. */
  readonly sharedLimits?: SharedStore
}

const NO_LIMIT = 1_000_000
const unlimited: OperationLimits = { create: NO_LIMIT, reserve: NO_LIMIT, cancel: NO_LIMIT, refund: NO_LIMIT }

const health = Health.layer(
  Effect.map(OrderStore, (store) => [
    {
      name: "database",
      required: true,
      check: store.now.pipe(
        Effect.asVoid,
        Effect.mapError(({ why }) => why)
      )
    },
    { name: "tickets", required: false, check: Effect.void }
  ])
)

const port = Layer.effect(
  ServerPort,
  Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
    address._tag === "UnixPathAddress" ? Effect.die(new Error("not a TCP port")) : Effect.succeed(address.port)
  )
)

/** The other services in memory, and how a test acts on them. */
const memoryServices = ({ catalogue = demoCatalogue }: ServerOptions) =>
  Layer.mergeAll(TicketsMemory.layer, PaymentsMemory.layer, EventCatalogMemory.layer, ControlsMemory.layer).pipe(
    Layer.provideMerge(MemoryServices.layerWith(catalogue))
  )

/** A server over this store, with the other services in memory. */
export const serverOver = <A, E, R>(store: Layer.Layer<StorePorts | A, E, R>, options: ServerOptions = {}) =>
  serverWith(memoryServices(options), store, options)

/** A server over this store and these services. */
export const serverWith = <S, E2, R2, A, E, R>(
  services: Layer.Layer<Tickets | Payments | EventCatalog | S, E2, R2>,
  store: Layer.Layer<StorePorts | A, E, R>,
  options: ServerOptions = {}
) => {
  const ports = Layer.mergeAll(
    services,
    IdentifiersMemory.layer,
    PoliciesMemory.layerWith(options.policies ?? {}),
    Layer.succeed(RequestBudget, options.requestBudget ?? Duration.minutes(1)),
    Layer.succeed(BulkSettings, { ...bulkSettings, ...options.bulk }),
    Layer.succeed(HttpSettings, {
      bodyBytesMax: options.bodyBytesMax ?? 65_536,
      corsOrigins: options.corsOrigins ?? [],
      defaultCurrency: "USD"
    })
  ).pipe(Layer.provideMerge(store))
  return HttpRouter.serve(HttpRoutes.layer, { disableListenLog: true, disableLogger: true }).pipe(
    Layer.provideMerge(port),
    Layer.provide(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" })),
    Layer.provide([
      options.credentials ?? credentials.layer,
      Detached.layer("1 second"),
      RateLimits.layer({ ...unlimited, ...options.rateLimits }, options.sharedLimits),
      AddressLimits.layer({ requests: NO_LIMIT, badCredentials: NO_LIMIT, ...options.addressLimits })
    ]),
    Layer.provideMerge(health),
    Layer.provideMerge(WorkExecutor.layer),
    Layer.provideMerge(ports),
    Layer.provideMerge(quiet)
  )
}

// What a request logs is read where it is the subject of a test.
const quiet = Layer.succeed(References.MinimumLogLevel, "None")

/** The store in memory, on a clock that can be set ahead. */
export const memoryStore = StoreLayer.layer.pipe(Layer.provideMerge(shiftedClock.layer))

/** Everything in memory. */
export const memoryServer = (options: ServerOptions = {}) => serverOver(memoryStore, options)
