/**
 * All of the store's ports on PostgreSQL, over one pool. The database must be migrated (Migrations.ts) and its roles
 * safe (RoleCheck.ts).
 */
import type { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import type { AwaitedPayments } from "@tickettoken/order-domain/ports/AwaitedPayments"
import type { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import type { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import type { EndedOrders } from "@tickettoken/order-domain/ports/EndedOrders"
import type { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import type { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import type { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import type { PaymentLooks } from "@tickettoken/order-domain/ports/PaymentLooks"
import type { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import type { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import type { SalesReads } from "@tickettoken/order-domain/ports/SalesReads"
import type { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { Layer } from "effect"
import type { SqlClient } from "effect/sql"
import * as AlarmsSql from "./AlarmsSql.ts"
import * as AwaitedPaymentsSql from "./AwaitedPaymentsSql.ts"
import * as BulkJobReadsSql from "./BulkJobReadsSql.ts"
import * as BulkJobsSql from "./BulkJobsSql.ts"
import * as EndedOrdersSql from "./EndedOrdersSql.ts"
import * as EventClosuresSql from "./EventClosuresSql.ts"
import * as IdempotencySql from "./IdempotencySql.ts"
import * as InboxSql from "./InboxSql.ts"
import * as OrderReadsSql from "./OrderReadsSql.ts"
import * as OrderStoreSql from "./OrderStoreSql.ts"
import * as OutboxSql from "./OutboxSql.ts"
import * as PaymentLooksSql from "./PaymentLooksSql.ts"
import * as SalesReadsSql from "./SalesReadsSql.ts"
import type { StoreOptions } from "./StoreOptions.ts"
import * as WorkQueueSql from "./WorkQueueSql.ts"

export const layer = (
  options: Partial<StoreOptions> = {}
): Layer.Layer<
  | OrderStore
  | OrderReads
  | SalesReads
  | WorkQueue
  | IdempotencyKeys
  | EventClosures
  | AwaitedPayments
  | PaymentLooks
  | EndedOrders
  | Alarms
  | BulkJobs
  | BulkJobReads
  | Outbox
  | Inbox,
  never,
  SqlClient.SqlClient
> =>
  Layer.mergeAll(
    OrderStoreSql.layer(options),
    OrderReadsSql.layer,
    SalesReadsSql.layer,
    WorkQueueSql.layer(options),
    OutboxSql.layer(options),
    InboxSql.layer(options),
    IdempotencySql.layer(options),
    EventClosuresSql.layer,
    AwaitedPaymentsSql.layer,
    PaymentLooksSql.layer,
    EndedOrdersSql.layer,
    AlarmsSql.layer,
    BulkJobsSql.layer(options),
    BulkJobReadsSql.layer
  )
