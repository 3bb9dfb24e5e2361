/** The bus over RabbitMQ, by the contract that the one inside the process keeps too. */
import { describe } from "@effect/vitest"
import { eventBusContract } from "@tickettoken/order-testing/contracts/eventBusContract"
import { hasRabbit, layerContract } from "../support/rabbitmq.ts"

describe.skipIf(!hasRabbit)("over RabbitMQ", () => {
  eventBusContract("RabbitMQ", layerContract, { live: true })
})
