/** The bus inside the process, by the contract that one over a broker has to keep too. */
import * as EventBusMemory from "@tickettoken/order-server/messaging/EventBusMemory"
import { messageJson } from "@tickettoken/order-domain/OrderMessage"
import { eventBusContract } from "@tickettoken/order-testing/contracts/eventBusContract"
import { TestBroker } from "@tickettoken/order-testing/contracts/TestBroker"
import { Effect, Layer } from "effect"

const broker = Layer.effect(
  TestBroker,
  Effect.map(EventBusMemory.BusControls, ({ bindRecent, pending, recent, send, setUp }) =>
    TestBroker.of({
      send,
      setUp,
      pending,
      published: Effect.map(recent, (messages) => messages.map(messageJson)),
      unwanted: (...types) => bindRecent((type) => !types.includes(type))
    })
  )
)

eventBusContract("inside the process", broker.pipe(Layer.provideMerge(EventBusMemory.layer)), { live: true })
