/**
 * The in-memory ports keep the contracts that PostgreSQL and the service clients keep too.
 */
import { Layer } from "effect"
import { endedOrdersContract } from "@tickettoken/order-testing/contracts/endedOrdersContract"
import { eventClosuresContract } from "@tickettoken/order-testing/contracts/eventClosuresContract"
import { idempotencyKeysContract } from "@tickettoken/order-testing/contracts/idempotencyKeysContract"
import { identifiersContract } from "@tickettoken/order-testing/contracts/identifiersContract"
import { orderReadsContract } from "@tickettoken/order-testing/contracts/orderReadsContract"
import { orderStoreContract } from "@tickettoken/order-testing/contracts/orderStoreContract"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { workQueueContract } from "@tickettoken/order-testing/contracts/workQueueContract"
import * as IdentifiersMemory from "@tickettoken/order-testing/memory/IdentifiersMemory"
import * as StoreLayer from "@tickettoken/order-testing/memory/StoreLayer"

const store = Layer.merge(StoreLayer.layer, TestTime.layerTestClock)

orderStoreContract("in memory", store)
workQueueContract("in memory", store)
idempotencyKeysContract("in memory", store)
eventClosuresContract("in memory", store)
orderReadsContract("in memory", store)
endedOrdersContract("in memory", store)
identifiersContract("in memory", IdentifiersMemory.layer)
