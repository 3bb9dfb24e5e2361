/**
 * How a contract suite lets time pass: the one thing that it can not ask of a port.
 *
 * A store in memory moves its test clock; a database moves every instant that it has stored into the past. So a suite
 * never compares an instant from before with one from after: it loads the order again.
 */
import { Context, type Effect, Layer } from "effect"
import { TestClock } from "effect/testing"

export class TestTime extends Context.Service<
  TestTime,
  { readonly passMinutes: (minutes: number) => Effect.Effect<void> }
>()("@tickettoken/order-testing/contracts/TestTime") {
  /** For everything that reads Effect's clock. */
  static readonly layerTestClock = Layer.succeed(TestTime, {
    passMinutes: (minutes) => TestClock.adjust(`${minutes} minutes`)
  })
}

/** How a suite is run: `live` for ports that need real time, sockets or a database. */
export interface ContractOptions {
  readonly live?: boolean
}

/** The options of `layer` for a suite. */
export const suiteOptions = ({ live = false }: ContractOptions) => ({
  excludeTestServices: live,
  timeout: "60 seconds" as const
})
