/**
 * Work that outlives the request that asked for it.
 *
 * A client that hangs up interrupts the request's fiber between any two steps (reliability M1). What moves money or stock
 * therefore runs in a fiber of the server's own; the request only waits for it, within its budget. When the server stops, such fibers get
 * time to end; what is left then is a crash point like any other, and rows say what to do next.
 */
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { notReady } from "@tickettoken/order-domain/RequestBudget"
import { Context, type Duration, Effect, Fiber, FiberSet, Layer } from "effect"

export class Detached extends Context.Service<
  Detached,
  {
    /** Runs the effect to its end, whatever becomes of the caller, and waits for it. */
    readonly run: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /**
     * As `run`, but waits so long at most and then fails with `ServiceUnavailable`: the effect goes on, and its outcome
     * is not known yet (reliability R7).
     */
    readonly runFor: <A, E, R>(
      limit: Duration.Input,
      effect: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | ServiceUnavailable, R>
  }
>()("@tickettoken/order-server/http/Detached") {
  /** `drainWithin`: how long a stop waits for what is still running. */
  static readonly layer = (drainWithin: Duration.Input): Layer.Layer<Detached> =>
    Layer.effect(
      Detached,
      Effect.gen(function* () {
        const running = yield* FiberSet.make()
        // Registered behind the set's own finalizer, so that it comes first: a stop waits before it interrupts.
        yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(FiberSet.awaitEmpty(running), drainWithin)))
        const run = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
          const fiber = yield* FiberSet.run(running, effect)
          return yield* Fiber.join(fiber)
        })
        return Detached.of({
          run,
          runFor: (duration, effect) =>
            // What is given up here is the wait: the fiber belongs to the set.
            Effect.timeoutOrElse(run(effect), {
              duration,
              orElse: () => Effect.fail(notReady("it takes longer than a request may wait"))
            })
        })
      })
    )
}
