/**
 * Random histories of the whole core, every port in memory, ports failing at random: once they heal and everything that
 * is due has been done, no invariant is broken.
 *
 * A failure names its seed: `SIMULATION_SEED=<seed>` plays that history again.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { calm, type Outcome, simulate } from "@tickettoken/order-testing/scenarioSimulation"
import { simulateMany } from "@tickettoken/order-testing/simulateMany"
import { isReplay, seeds, stretch } from "../support/seeds.ts"

const TIMEOUT_MILLIS = 900_000

/** Of one history: short ones, of which ten thousand fit into a run. `pnpm chaos --simulate` plays longer ones. */
const ACTIONS = 30

/** Plays a seed; a defect or a world that does not come to rest names it too. */
const played = (seed: number, plan: Parameters<typeof simulate>[1] = {}) =>
  simulate(seed, plan).pipe(
    Effect.catchDefect((defect) => Effect.die(new Error(`SIMULATION_SEED=${seed}: ${String(defect)}`)))
  )

const isSound = ({ breaks, seed }: Outcome): void =>
  assert.strictEqual(breaks.join("\n"), "", `SIMULATION_SEED=${seed}`)

describe("the simulated service", () => {
  it.effect(
    "keeps every invariant in ten thousand histories while calls fail, are not answered or hang, and clients hang up",
    () =>
      Effect.gen(function* () {
        if (isReplay) {
          for (const seed of seeds) isSound(yield* played(seed, { actions: ACTIONS }))
          return
        }
        const { broken, faults, histories, states } = yield* simulateMany({ ...stretch, actions: ACTIONS })
        assert.strictEqual(histories, stretch.count)
        assert.deepStrictEqual(
          broken.map(({ breaks, seed }) => `SIMULATION_SEED=${seed} ${breaks.join("; ")}`),
          []
        )
        // Histories without faults, or that lead nowhere, have shown nothing.
        assert.isAbove(faults / histories, 10)
        for (const state of ["CONFIRMED", "CANCELLED", "EXPIRED", "REFUNDED"]) {
          assert.isAbove(states.get(state) ?? 0, histories / 20, state)
        }
      }),
    TIMEOUT_MILLIS
  )

  it.effect(
    "keeps every invariant in fair weather",
    () =>
      Effect.gen(function* () {
        for (const seed of seeds) {
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

  it.effect("is the same history in another thread", () =>
    Effect.gen(function* () {
      const [first = 1] = seeds
      const here = yield* played(first, { actions: ACTIONS })
      const there = yield* simulateMany({ from: first, count: 1, actions: ACTIONS, threads: 1 })
      assert.deepStrictEqual([there.faults, [...there.states]], [here.faults, [...here.states]])
    })
  )
})
