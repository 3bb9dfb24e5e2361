/**
 * A metric as data: its name, its kind, its labels with all that they can hold, and what it means; and how a value gets
 * into it.
 *
 * **Details**
 *
 * A label holds one of a list that is known beforehand, and anything else is counted as `other`. A label whose values
 * only the router knows is open: it is bounded by {@link SERIES_MAX}, and what comes after that is `other` as well. So
 * no request can make a series, whatever it holds, and nothing about a person is ever in one.
 */
import { Effect, Metric } from "effect"

export type MetricKind = "counter" | "gauge" | "histogram"

/** The values of each label; `null` for one that is open. */
export type LabelSets = Readonly<Record<string, ReadonlyArray<string> | null>>

/** A metric as the documentation, the rules and the panels know it. */
export interface MetricInfo {
  readonly name: string
  readonly kind: MetricKind
  readonly labels: LabelSets
  readonly means: string
}

/** What a caller says of a value: one of the list where there is one. */
type LabelsOf<Sets extends LabelSets> = {
  readonly [Label in keyof Sets]: Sets[Label] extends ReadonlyArray<infer Value extends string> ? Value : string
}

export interface Instrument<Sets extends LabelSets = LabelSets> {
  readonly info: MetricInfo
  /** Adds to a counter, sets a gauge, observes in a histogram. */
  readonly record: (value: number, labels: LabelsOf<Sets>) => Effect.Effect<void>
  /** The same for a gauge that goes up and down. */
  readonly move: (by: number, labels: LabelsOf<Sets>) => Effect.Effect<void>
  /** Makes it known before it has happened: so that the first one is an increase and not a beginning. */
  readonly begin: Effect.Effect<void>
}

/** For open labels. More series of one metric than this are nobody's to read. */
const SERIES_MAX = 120

/** A metric with at most so many series shows all of them from the start. */
const INITIAL_SERIES_MAX = 8

const OTHER = "other"

type Attributes = Readonly<Record<string, string>>
type Series = Metric.Metric<number, unknown>

/** In seconds: from what a database does at once to what a request may take at most. */
const DURATION_BOUNDARIES = [0.01, 0.05, 0.25, 1, 5]

const makeSeries = ({ kind, means: description, name }: MetricInfo, attributes: Attributes): Series => {
  switch (kind) {
    case "counter":
      return Metric.counter(name, { description, attributes, incremental: true })
    case "gauge":
      return Metric.gauge(name, { description, attributes })
    case "histogram":
      return Metric.histogram(name, { description, attributes, boundaries: boundariesOf(name) })
  }
}

/** Minutes, for how long people take. */
const LONG_BOUNDARIES = [60, 300, 600, 900, 1800]

const boundariesOf = (name: string): ReadonlyArray<number> =>
  name.includes("_reservation_") ? LONG_BOUNDARIES : DURATION_BOUNDARIES

const instrument = <const Sets extends LabelSets>(
  kind: MetricKind,
  name: string,
  means: string,
  labels: Sets
): Instrument<Sets> => {
  const info: MetricInfo = { name, kind, labels, means }
  const known = new Map<string, Series>()
  const sets = Object.entries<ReadonlyArray<string> | null>(labels)
  const allowed = (label: string, values: ReadonlyArray<string> | null, given: Attributes): string => {
    const value = given[label] ?? OTHER
    return values === null || values.includes(value) ? value : OTHER
  }
  const seriesOf = (given: Attributes): Series => {
    const attributes = Object.fromEntries(sets.map(([label, values]) => [label, allowed(label, values, given)]))
    const key = Object.values(attributes).join("\n")
    const found = known.get(key)
    if (found !== undefined) return found
    const open = sets.map(([label, values]) => [label, values === null ? OTHER : attributes[label]] as const)
    const full = known.size >= SERIES_MAX && open.some(([label, value]) => attributes[label] !== value)
    if (full) return seriesOf(Object.fromEntries(open.map(([label, value]) => [label, value ?? OTHER])))
    const series = makeSeries(info, attributes)
    known.set(key, series)
    return series
  }
  return {
    info,
    record: (value, given) => Metric.update(seriesOf(given), value),
    move: (by, given) => Metric.modify(seriesOf(given), by),
    begin: Effect.suspend(() =>
      Effect.forEach(initialLabels(labels), (given) => Metric.value(seriesOf(given)), { discard: true })
    )
  }
}

/** Every combination of the labels, or none if there are too many or one is open. */
const initialLabels = (labels: LabelSets): ReadonlyArray<Attributes> => {
  let all: ReadonlyArray<Attributes> = [{}]
  for (const [label, values] of Object.entries(labels)) {
    all = (values ?? []).flatMap((value) => all.map((given) => ({ ...given, [label]: value })))
  }
  return all.length <= INITIAL_SERIES_MAX ? all : []
}

export const counter = <const Sets extends LabelSets>(name: string, means: string, labels: Sets) =>
  instrument("counter", name, means, labels)

export const gauge = <const Sets extends LabelSets>(name: string, means: string, labels: Sets) =>
  instrument("gauge", name, means, labels)

/** Of seconds. */
export const durations = <const Sets extends LabelSets>(name: string, means: string, labels: Sets) =>
  instrument("histogram", name, means, labels)
