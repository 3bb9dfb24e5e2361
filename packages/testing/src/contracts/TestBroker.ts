/**
 * The other side of an event bus: what a contract suite must be able to do to it, and can not ask of the port.
 *
 * A bus inside the process does it to itself; one over a broker binds and unbinds a queue, and cuts its connection.
 */
import { Context, type Effect } from "effect"

export class TestBroker extends Context.Service<
  TestBroker,
  {
    /** Sends a text to us, as another service would. */
    readonly send: (body: string) => Effect.Effect<void>
    /** What a queue that is bound to everything has got so far, as text, the oldest first. */
    readonly published: Effect.Effect<ReadonlyArray<string>>
    /** Messages of these types are wanted by nobody from now on; of all others they are wanted. */
    readonly unwanted: (...types: ReadonlyArray<string>) => Effect.Effect<void>
    /** The bus goes away, or comes back. */
    readonly setUp: (isUp: boolean) => Effect.Effect<void>
    /** How many texts that were sent to us nobody has acknowledged yet. */
    readonly pending: Effect.Effect<number>
  }
>()("@tickettoken/order-testing/contracts/TestBroker") {}
