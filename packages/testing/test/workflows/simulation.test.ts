/**
 * Random histories of the whole core, every port in memory, ports failing at random: once they heal and everything that
 * is due has been done, no invariant is broken.
 *
 * A failure names its seed: `SIMULATION_SEED=<seed>` plays that history again.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { calm, type Outcome, simulate } from "@tickettoken/order-testing/scenarioSimulation"
import { isReplay, seeds } from "../support/seeds.ts"

const TIMEOUT_MILLIS = 600_000

/** Plays a seed; a defect or a world that does not come to rest names it too. */
const played = (seed: number, plan: Parameters<typeof simulate>[1] = {}) =>
  simulate(seed, plan).pipe(
    Effect.catchDefect((defect) => Effect.die(new Error(`SIMULATION_SEED=${seed}: ${String(defect)}`)))
  )

const isSound = ({ breaks, seed }: Outcome): void =>
  assert.strictEqual(breaks.join("\n"), "", `SIMULATION_SEED=${seed}`)

/** How often each state was an order's last one, over all histories. */
const total = (outcomes: ReadonlyArray<Outcome>, state: string): number =>
  outcomes.reduce((sum, { states }) => sum + (states.get(state) ?? 0), 0)

describe("the simulated service", () => {
  it.effect(
    "keeps every invariant while calls fail, are not answered or hang, and clients hang up",
    () =>
      Effect.gen(function* () {
        const outcomes = yield* Effect.forEach(seeds, (seed) => played(seed))
        for (const outcome of outcomes) isSound(outcome)
        if (isReplay) return
        // A history without faults, or one that leads nowhere, has shown nothing.
        assert.isAbove(outcomes.reduce((sum, { faults }) => sum + faults, 0) / outcomes.length, 10)
        for (const state of ["CONFIRMED", "CANCELLED", "EXPIRED", "REFUNDED"]) {
          assert.isAbove(total(outcomes, state), outcomes.length / 10, state)
        }
      }),
    TIMEOUT_MILLIS
  )

  it.effect(
    "keeps every invariant in fair weather",
    () =>
      Effect.gen(function* () {
        for (const seed of seeds.slice(0, 40)) {
          const outcome = yield* played(seed, { weather: calm, actions: 100 })
          isSound(outcome)
          assert.strictEqual(outcome.faults, 0)
        }
      }),
    TIMEOUT_MILLIS
  )

  it.effect("plays the same history again for the same seed", () =>
    Effect.gen(function* () {
      const [first = 1] = seeds
      const summary = ({ faults, rounds, states }: Outcome) => [
        faults,
        rounds,
        [...states].map(([state, count]) => `${state} ${count}`).join()
      ]
      assert.deepStrictEqual(summary(yield* played(first)), summary(yield* played(first)))
    })
  )
})
