/**
 * Work that outlives the request that asked for it.
 *
 * A client that hangs up interrupts the request's fiber between any two steps (reliability M1). What moves money or stock
 * therefore runs in a fiber of the server's own; the request only waits for it, within its budget. When the server stops, such fibers get
 * time to end; what is left then is a crash point like any other, and rows say what to do next.
 */
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { notReady, RequestBudget } from "@tickettoken/order-domain/RequestBudget"
import { Context, Duration, Effect, Fiber, FiberSet, Layer } from "effect"

/** What a request keeps of its budget to look at the order once more and to answer: a second, or a quarter of little. */
const ANSWER_MILLIS_MAX = 1000
const ANSWER_SHARE_MAX = 0.25

const budgetOfWork = (limit: Duration.Input): Duration.Duration => {
  const millis = Duration.toMillis(limit)
  return Duration.millis(millis - Math.min(ANSWER_MILLIS_MAX, millis * ANSWER_SHARE_MAX))
}

export class Detached extends Context.Service<
  Detached,
  {
    /** Runs the effect to its end, whatever becomes of the caller, and waits for it. */
    readonly run: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /**
     * As `run`, but waits so long at most and then fails with `ServiceUnavailable`: the effect goes on, and its outcome
     * is not known yet (reliability R7). The effect itself is to wait for its work a little shorter, so that it can still
     * say how far that has come.
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
            Effect.timeoutOrElse(run(Effect.provideService(effect, RequestBudget, budgetOfWork(duration))), {
              duration,
              orElse: () => Effect.fail(notReady("it takes longer than a request may wait"))
            })
        })
      })
    )
}
