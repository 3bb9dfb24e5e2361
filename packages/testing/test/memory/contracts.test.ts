/**
 * The in-memory ports keep the contracts that PostgreSQL and the service clients keep too.
 */
import { Effect, Layer } from "effect"
import { alarmsContract } from "@tickettoken/order-testing/contracts/alarmsContract"
import { awaitedPaymentsContract } from "@tickettoken/order-testing/contracts/awaitedPaymentsContract"
import { bulkJobsContract } from "@tickettoken/order-testing/contracts/bulkJobsContract"
import { endedOrdersContract } from "@tickettoken/order-testing/contracts/endedOrdersContract"
import { eventCatalogContract } from "@tickettoken/order-testing/contracts/eventCatalogContract"
import { eventClosuresContract } from "@tickettoken/order-testing/contracts/eventClosuresContract"
import { idempotencyKeysContract } from "@tickettoken/order-testing/contracts/idempotencyKeysContract"
import { identifiersContract } from "@tickettoken/order-testing/contracts/identifiersContract"
import { inboxContract } from "@tickettoken/order-testing/contracts/inboxContract"
import { orderReadsContract } from "@tickettoken/order-testing/contracts/orderReadsContract"
import { orderSearchContract } from "@tickettoken/order-testing/contracts/orderSearchContract"
import { orderStoreContract } from "@tickettoken/order-testing/contracts/orderStoreContract"
import { outboxContract } from "@tickettoken/order-testing/contracts/outboxContract"
import { paymentsContract } from "@tickettoken/order-testing/contracts/paymentsContract"
import { paymentLooksContract } from "@tickettoken/order-testing/contracts/paymentLooksContract"
import { policiesContract } from "@tickettoken/order-testing/contracts/policiesContract"
import { salesReadsContract } from "@tickettoken/order-testing/contracts/salesReadsContract"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { ticketsContract } from "@tickettoken/order-testing/contracts/ticketsContract"
import { workQueueContract } from "@tickettoken/order-testing/contracts/workQueueContract"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import * as MemoryLayer from "@tickettoken/order-testing/memory/MemoryLayer"

const ports = Layer.merge(ControlsMemory.layer.pipe(Layer.provideMerge(MemoryLayer.layer)), TestTime.layerTestClock)

orderStoreContract("in memory", ports)
workQueueContract("in memory", ports)
idempotencyKeysContract("in memory", ports)
eventClosuresContract("in memory", ports)
orderReadsContract("in memory", ports)
orderSearchContract("in memory", ports)
salesReadsContract("in memory", ports, { settle: Effect.void })
endedOrdersContract("in memory", ports)
awaitedPaymentsContract("in memory", ports)
paymentLooksContract("in memory", ports)
alarmsContract("in memory", ports)
bulkJobsContract("in memory", ports)
ticketsContract("in memory", ports)
paymentsContract("in memory", ports)
eventCatalogContract("in memory", ports)
identifiersContract("in memory", ports)
policiesContract("in memory", ports)
outboxContract("in memory", ports)
inboxContract("in memory", ports)
