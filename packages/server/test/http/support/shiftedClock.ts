/** A clock that runs with the wall and can be set ahead: for servers on real sockets whose time must pass. */
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { Clock, Effect, Layer } from "effect"

/** Timers stay true; only what time it is moves. */
export const layer = Layer.unwrap(
  Effect.sync(() => {
    const wall = Clock.Clock.defaultValue()
    let aheadMillis = 0
    const millis = () => wall.currentTimeMillisUnsafe() + aheadMillis
    const nanos = () => wall.currentTimeNanosUnsafe() + BigInt(aheadMillis) * 1_000_000n
    const shifted: Clock.Clock = {
      monotonicTimeNanosUnsafe: () => wall.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: wall.monotonicTimeNanos,
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      sleep: (duration) => wall.sleep(duration)
    }
    return Layer.mergeAll(
      Layer.succeed(Clock.Clock, shifted),
      Layer.succeed(
        TestTime,
        TestTime.of({
          passMinutes: (minutes) =>
            Effect.sync(() => {
              aheadMillis += minutes * 60_000
            })
        })
      )
    )
  })
)
