/** /metrics as a scraper reads it. */
import { Effect } from "effect"
import { send } from "../../http/support/send.ts"

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g

/** Every series of the text; a line that is none fails the test. */
export const samplesOf = (text: string): ReadonlyArray<Sample> =>
  text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name = "", labels = "", value] = LINE.exec(line) ?? []
      if (name === "") throw new Error(`not a series: ${line}`)
      const pairs = [...labels.matchAll(LABEL)].map(([, label = "", held = ""]) => [label, held] as const)
      return { name, labels: Object.fromEntries(pairs), value: Number(value) }
    })

/** What the series holds, 0 while it is not there. */
export const valueOf = (samples: ReadonlyArray<Sample>, name: string, labels: Sample["labels"] = {}): number =>
  samples
    .filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, held]) => sample.labels[key] === held)
    )
    .reduce((sum, { value }) => sum + value, 0)

/** Scrapes a server that lets everybody. */
export const scrape = (port: number): Effect.Effect<ReadonlyArray<Sample>> =>
  Effect.map(send({ port, path: "/metrics" }), ({ text }) => samplesOf(text))
