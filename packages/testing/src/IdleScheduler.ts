/**
 * A scheduler that knows when nobody has anything left to do: every fiber has ended, or waits for the clock.
 *
 * A world in memory has no other things to wait for, so this is the moment to move the clock. Counting turns instead
 * means to wait for the longest chain each time; a simulation of thousands of histories can not afford that.
 */
import { Context, Effect, Scheduler } from "effect"

/** How many turns fibers get before the clock is moved for them, where nobody counts what is left to do. */
const TURNS = 60

/** Turns without an end are a loop that waits for nothing. */
const TURNS_MAX = 10_000

/** Lets everybody run until all have ended or wait. */
export class LetRun extends Context.Reference<Effect.Effect<void>>("@tickettoken/order-testing/IdleScheduler/LetRun", {
  defaultValue: () => Effect.repeat(Effect.yieldNow, { times: TURNS })
}) {}

/** Runs an effect, and all that it starts, on a scheduler of its own that knows when nothing is left to do. */
export const knowingIdle = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let pending = 0
    const tasks = new Scheduler.MixedScheduler("sync")
    const scheduler: Scheduler.Scheduler = {
      executionMode: tasks.executionMode,
      shouldYield: (fiber) => tasks.shouldYield(fiber),
      makeDispatcher: () => {
        const dispatcher = tasks.makeDispatcher()
        return {
          scheduleTask: (task, priority) => {
            pending++
            dispatcher.scheduleTask(() => {
              pending--
              task()
            }, priority)
          },
          flush: () => dispatcher.flush()
        }
      }
    }
    const turn = (turns: number): Effect.Effect<void> =>
      Effect.flatMap(Effect.yieldNow, () =>
        pending === 0
          ? Effect.void
          : turns === 0
            ? Effect.die(new Error(`somebody is still busy after ${TURNS_MAX} turns`))
            : turn(turns - 1)
      )
    return effect.pipe(
      Effect.provideService(LetRun, turn(TURNS_MAX)),
      Effect.provideService(Scheduler.Scheduler, scheduler)
    )
  })
