/**
 * Which seeds a run of the simulation plays: a stretch of fixed ones, or the one that a failure has printed.
 */

/** `SIMULATION_SEED=4711` plays that history alone. */
const given = process.env["SIMULATION_SEED"]

/** `SIMULATION_COUNT=1000` plays so many, from `SIMULATION_FROM` on. */
export const stretch = {
  count: Number(process.env["SIMULATION_COUNT"] ?? 10_000),
  from: Number(process.env["SIMULATION_FROM"] ?? 1)
} as const

/** The seed that was asked for, or a few of the stretch for what is looked at more closely. */
export const seeds: ReadonlyArray<number> =
  given === undefined
    ? Array.from({ length: Math.min(40, stretch.count) }, (_, n) => stretch.from + n)
    : [Number(given)]

/** Whether one history was asked for: then nothing can be said about all of them. */
export const isReplay = given !== undefined
