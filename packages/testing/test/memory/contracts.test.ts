/**
 * The in-memory ports keep the contracts that PostgreSQL and the service clients keep too.
 */
import { Layer } from "effect"
import { orderStoreContract } from "@tickettoken/order-testing/contracts/orderStoreContract"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { workQueueContract } from "@tickettoken/order-testing/contracts/workQueueContract"
import * as StoreLayer from "@tickettoken/order-testing/memory/StoreLayer"

const store = Layer.merge(StoreLayer.layer, TestTime.layerTestClock)

orderStoreContract("in memory", store)
workQueueContract("in memory", store)
