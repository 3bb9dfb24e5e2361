/** Work that outlives its request: what a stop does to it. */
import { assert, describe, it } from "@effect/vitest"
import { Detached } from "@tickettoken/order-server/http/Detached"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"

/** A server's piece of work that has begun and whose client has gone, and the scope whose closing stops the server. */
const abandonedWork = <A>(work: Effect.Effect<A>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const detached = Context.get(yield* Layer.buildWithScope(Detached.layer("5 seconds"), scope), Detached)
    const begun = yield* Deferred.make<void>()
    const caller = yield* Effect.forkChild(detached.run(Effect.andThen(Deferred.succeed(begun, undefined), work)))
    yield* Deferred.await(begun)
    yield* Fiber.interrupt(caller)
    return scope
  })

describe("work that outlives its request", () => {
  it.effect("M1 is brought to its end by a stop, and not interrupted", () =>
    Effect.gen(function* () {
      const outcome: Array<string> = []
      const scope = yield* abandonedWork(
        Effect.sleep("3 seconds").pipe(
          Effect.andThen(Effect.sync(() => outcome.push("done"))),
          Effect.onInterrupt(() => Effect.sync(() => outcome.push("interrupted")))
        )
      )
      const stop = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(stop)
      assert.deepStrictEqual(outcome, ["done"])
    })
  )

  it.effect("is interrupted when it takes longer than a stop waits", () =>
    Effect.gen(function* () {
      const outcome: Array<string> = []
      const scope = yield* abandonedWork(
        Effect.onInterrupt(Effect.never, () => Effect.sync(() => outcome.push("interrupted")))
      )
      const stop = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(outcome, [])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(stop)
      assert.deepStrictEqual(outcome, ["interrupted"])
    })
  )
})
