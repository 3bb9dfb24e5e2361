/**
 * The ports that a database stands behind, all over one {@link MemoryWorld}.
 */
import { Layer } from "effect"
import * as AlarmsMemory from "./AlarmsMemory.ts"
import * as AwaitedPaymentsMemory from "./AwaitedPaymentsMemory.ts"
import * as BulkJobsMemory from "./BulkJobsMemory.ts"
import * as EndedOrdersMemory from "./EndedOrdersMemory.ts"
import * as EventClosuresMemory from "./EventClosuresMemory.ts"
import * as IdempotencyKeysMemory from "./IdempotencyKeysMemory.ts"
import * as InboxMemory from "./InboxMemory.ts"
import { MemoryWorld } from "./MemoryWorld.ts"
import * as OrderReadsMemory from "./OrderReadsMemory.ts"
import * as OrderStoreMemory from "./OrderStoreMemory.ts"
import * as OutboxMemory from "./OutboxMemory.ts"
import * as PaymentLooksMemory from "./PaymentLooksMemory.ts"
import * as SalesReadsMemory from "./SalesReadsMemory.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import * as WorkQueueMemory from "./WorkQueueMemory.ts"

export const layer = Layer.mergeAll(
  OrderStoreMemory.layer,
  OrderReadsMemory.layer,
  SalesReadsMemory.layer,
  WorkQueueMemory.layer,
  IdempotencyKeysMemory.layer,
  EventClosuresMemory.layer,
  AwaitedPaymentsMemory.layer,
  PaymentLooksMemory.layer,
  EndedOrdersMemory.layer,
  AlarmsMemory.layer,
  BulkJobsMemory.layer,
  OutboxMemory.layer,
  InboxMemory.layer
).pipe(Layer.provideMerge(Layer.merge(MemoryWorld.layer, ScriptedFaults.layer)))
