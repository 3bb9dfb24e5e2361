/**
 * A thread that plays histories of the simulation for another one: it is sent a stretch of seeds, and answers the
 * outcome of each.
 */
import { Effect, References } from "effect"
import { parentPort } from "node:worker_threads"
import { type Outcome, simulate } from "./scenarioSimulation.ts"

/** What is asked for: so many seeds from the first one on. */
export interface Stretch {
  readonly from: number
  readonly count: number
  readonly actions: number
}

// A fifth of the time would go into traces of calls that nobody reads: a broken history is played again by its seed.
Error.stackTraceLimit = 0

const play = async ({ actions, count, from }: Stretch): Promise<ReadonlyArray<Outcome>> => {
  const outcomes: Array<Outcome> = []
  for (let seed = from; seed < from + count; seed++) {
    outcomes.push(
      await Effect.runPromise(
        simulate(seed, { actions }).pipe(
          Effect.catchDefect((defect) => Effect.succeed(stuck(seed, defect))),
          Effect.provideService(References.MinimumLogLevel, "None")
        )
      )
    )
  }
  return outcomes
}

/** A history that did not come to its end is a broken one. */
const stuck = (seed: number, defect: unknown): Outcome => ({
  seed,
  breaks: [String(defect)],
  states: new Map(),
  faults: 0,
  rounds: 0
})

parentPort?.on("message", (stretch: Stretch) => {
  void play(stretch).then((outcomes) => parentPort?.postMessage(outcomes))
})
