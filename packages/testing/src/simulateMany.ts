/**
 * Thousands of histories on all cores: each thread plays a stretch of seeds at a time, so that a slow one holds up no
 * other.
 */
import { Effect } from "effect"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import type { Outcome } from "./scenarioSimulation.ts"
import type { Stretch } from "./simulationWorker.ts"

/** What came of all of them. */
export interface Summary {
  readonly histories: number
  /** Of broken histories: their seed, and what broke. */
  readonly broken: ReadonlyArray<Pick<Outcome, "seed" | "breaks">>
  /** How many calls did not go as they should, in all. */
  readonly faults: number
  /** How often each state was an order's last one. */
  readonly states: ReadonlyMap<string, number>
}

export interface ManyOptions {
  readonly from: number
  readonly count: number
  /** Actions of one history. */
  readonly actions: number
  /** Threads; as many as there are cores by default. */
  readonly threads?: number
  /** Told after each stretch. */
  readonly onProgress?: (done: number) => Effect.Effect<void>
}

/** Histories that a thread plays before it asks for more. */
const STRETCH = 50

const added = (before: Summary, outcomes: ReadonlyArray<Outcome>): Summary => {
  const states = new Map(before.states)
  for (const outcome of outcomes) {
    for (const [state, count] of outcome.states) states.set(state, (states.get(state) ?? 0) + count)
  }
  return {
    histories: before.histories + outcomes.length,
    broken: [...before.broken, ...outcomes.filter(({ breaks }) => breaks.length > 0)],
    faults: outcomes.reduce((sum, { faults }) => sum + faults, before.faults),
    states
  }
}

const startThread = Effect.acquireRelease(
  Effect.sync(() => new Worker(new URL(import.meta.resolve("@tickettoken/order-testing/simulationWorker")))),
  (worker) => Effect.promise(() => worker.terminate())
)

/** One stretch in a thread; a thread that dies is a defect. */
const playIn = (worker: Worker, stretch: Stretch) =>
  Effect.callback<ReadonlyArray<Outcome>>((resume) => {
    const leave = () => {
      worker.off("message", told)
      worker.off("error", failed)
    }
    const told = (outcomes: ReadonlyArray<Outcome>) => {
      leave()
      resume(Effect.succeed(outcomes))
    }
    const failed = (error: Error) => {
      leave()
      resume(Effect.die(error))
    }
    worker.on("message", told)
    worker.on("error", failed)
    worker.postMessage(stretch)
    return Effect.sync(leave)
  })

/** Plays the histories of so many seeds. */
export const simulateMany = Effect.fn("simulateMany")(function* (options: ManyOptions) {
  const { actions, count, from, onProgress, threads = availableParallelism() } = options
  let next = from
  let summary: Summary = { histories: 0, broken: [], faults: 0, states: new Map() }
  const thread = Effect.gen(function* () {
    const worker = yield* startThread
    while (next < from + count) {
      const stretch: Stretch = { from: next, count: Math.min(STRETCH, from + count - next), actions }
      next += stretch.count
      const outcomes = yield* playIn(worker, stretch)
      summary = added(summary, outcomes)
      yield* onProgress?.(summary.histories) ?? Effect.void
    }
  })
  yield* Effect.all(
    Array.from({ length: threads }, () => Effect.scoped(thread)),
    { concurrency: "unbounded", discard: true }
  )
  return summary
})
