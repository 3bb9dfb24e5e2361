/**
 * The ports that the operations behind the endpoints stand on, taken from where the server is put together.
 *
 * The router types what a handler needs as needed by every request; handlers take it here, once, instead.
 */
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import { EventCatalog } from "@tickettoken/order-domain/ports/EventCatalog"
import { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import { Identifiers } from "@tickettoken/order-domain/ports/Identifiers"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { OrderLock } from "@tickettoken/order-domain/ports/OrderLock"
import { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import { Payments } from "@tickettoken/order-domain/ports/Payments"
import { Policies } from "@tickettoken/order-domain/ports/Policies"
import { SalesReads } from "@tickettoken/order-domain/ports/SalesReads"
import { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { Context, Effect } from "effect"
import { Detached } from "./Detached.ts"
import { Health } from "./Health.ts"

export type Ports =
  | Alarms
  | BulkJobReads
  | BulkJobs
  | Detached
  | EventCatalog
  | EventClosures
  | Health
  | IdempotencyKeys
  | Identifiers
  | Inbox
  | OrderReads
  | OrderStore
  | Outbox
  | Payments
  | Policies
  | SalesReads
  | Tickets
  | WorkExecutor
  | WorkQueue

const only = Context.pick(
  Alarms,
  BulkJobReads,
  BulkJobs,
  Detached,
  EventCatalog,
  EventClosures,
  Health,
  IdempotencyKeys,
  Identifiers,
  Inbox,
  OrderLock,
  OrderReads,
  OrderStore,
  Outbox,
  Payments,
  Policies,
  SalesReads,
  Tickets,
  WorkExecutor,
  WorkQueue
)

/** Gives a handler's effect the ports. */
export const providePorts = Effect.map(
  Effect.context<Ports>(),
  (context) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.provideContext(effect, only(context))
)
