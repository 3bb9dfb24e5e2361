/**
 * A series of numbers as one line of bars.
 */

const BARS = "▁▂▃▄▅▆▇█"

/** The widest line: what is longer is drawn as sums of neighbours. */
const BARS_MAX = 60

const sumOf = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, number) => sum + number, 0)

const merged = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  const size = Math.max(1, Math.ceil(values.length / BARS_MAX))
  return Array.from({ length: Math.ceil(values.length / size) }, (_, at) =>
    sumOf(values.slice(at * size, (at + 1) * size))
  )
}

/** A bar for each value, from 0 to the largest one. What is below 0 is drawn as 0. */
export const sparkline = (values: ReadonlyArray<number>): string => {
  const bars = merged(values)
  const most = Math.max(0, ...bars)
  const heightOf = (value: number): number =>
    most === 0 ? 0 : Math.ceil((Math.max(0, value) / most) * (BARS.length - 1))
  return bars.map((value) => BARS.charAt(heightOf(value))).join("")
}
