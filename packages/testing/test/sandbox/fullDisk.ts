/** Adds events to a journal until the disk refuses, twice, and prints how many were taken: run with a small `ulimit -f`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, HashMap } from "effect"
import { EventId } from "@tickettoken/order-domain/Ids"
import { demoCatalogue } from "@tickettoken/order-testing/sandbox/catalogue"
import * as Directory from "@tickettoken/order-testing/sandbox/EventDirectory"
import * as Journal from "@tickettoken/order-testing/sandbox/Journal"
import { at } from "./scene.ts"

const [, , folder] = process.argv

const program = Effect.gen(function* () {
  const journal = yield* Journal.open({ service: "event", engine: Directory.engine, fact: Directory.EventFact, folder })
  const [model] = demoCatalogue(at(0)).events
  if (model === undefined) return
  const add = (number: number) => {
    const event = { ...model, id: EventId.make(`eeeeeeee-0000-4000-8000-00000000000${number}`) }
    return journal.perform((state) => Directory.addEvent(state, { event }))
  }
  for (const number of [1, 2, 3, 4, 5]) yield* Effect.exit(add(number))
  yield* Console.log(HashMap.size((yield* journal.state).events))
})

NodeRuntime.runMain(program.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
