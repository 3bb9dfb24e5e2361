/** The ports of the store, over PostgreSQL, by the contracts that their in-memory twins keep. */
import { alarmsContract } from "@tickettoken/order-testing/contracts/alarmsContract"
import { awaitedPaymentsContract } from "@tickettoken/order-testing/contracts/awaitedPaymentsContract"
import { bulkJobsContract } from "@tickettoken/order-testing/contracts/bulkJobsContract"
import { endedOrdersContract } from "@tickettoken/order-testing/contracts/endedOrdersContract"
import { eventClosuresContract } from "@tickettoken/order-testing/contracts/eventClosuresContract"
import { idempotencyKeysContract } from "@tickettoken/order-testing/contracts/idempotencyKeysContract"
import { inboxContract } from "@tickettoken/order-testing/contracts/inboxContract"
import { orderReadsContract } from "@tickettoken/order-testing/contracts/orderReadsContract"
import { orderSearchContract } from "@tickettoken/order-testing/contracts/orderSearchContract"
import { orderStoreContract } from "@tickettoken/order-testing/contracts/orderStoreContract"
import { outboxContract } from "@tickettoken/order-testing/contracts/outboxContract"
import { paymentLooksContract } from "@tickettoken/order-testing/contracts/paymentLooksContract"
import { salesReadsContract } from "@tickettoken/order-testing/contracts/salesReadsContract"
import { workQueueContract } from "@tickettoken/order-testing/contracts/workQueueContract"
import { foldAllSales } from "@tickettoken/order-server/sql/SalesRollupSql"
import { layerStore } from "./database.ts"

const name = "PostgreSQL"
const options = { live: true }

orderStoreContract(name, layerStore, options)
workQueueContract(name, layerStore, options)
idempotencyKeysContract(name, layerStore, options)
eventClosuresContract(name, layerStore, options)
orderReadsContract(name, layerStore, options)
orderSearchContract(name, layerStore, options)
salesReadsContract(name, layerStore, { ...options, settle: foldAllSales })
endedOrdersContract(name, layerStore, options)
awaitedPaymentsContract(name, layerStore, options)
paymentLooksContract(name, layerStore, options)
alarmsContract(name, layerStore, options)
bulkJobsContract(name, layerStore, options)
outboxContract(name, layerStore, options)
inboxContract(name, layerStore, options)
