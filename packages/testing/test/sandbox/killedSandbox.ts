/** A sandbox in a process of its own, for a test that kills it: prints the ticket service's url and waits. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Layer } from "effect"
import { layer, Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"

const [, , journalFolder = ""] = process.argv

Layer.launch(
  Layer.effectDiscard(Effect.flatMap(Sandbox, ({ tickets }) => Console.log(tickets.url))).pipe(
    Layer.provide(layer({ ticketPort: 0, paymentPort: 0, eventPort: 0, journalFolder }))
  )
).pipe(NodeRuntime.runMain)
