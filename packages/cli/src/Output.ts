/**
 * What the command prints: data on stdout, as a table for people, as JSON for programs or as CSV for sheets; everything
 * else on stderr.
 */
import { Console, Effect } from "effect"
import { CliOutput, Flag } from "effect/cli"

const formats = ["table", "json", "ndjson", "csv"] as const

/** `-o table|json|ndjson|csv`. The JSON is the stable contract: fields are only ever added. */
export const outputFlag = Flag.Literals("output", formats).pipe(
  Flag.withAlias("o"),
  Flag.withDescription("How to print the result"),
  Flag.withDefault("table")
)

export type OutputFormat = (typeof formats)[number]

/** A value in both shapes. */
export interface Printable {
  /** That of a list begins with its entries: they are the lines of `ndjson`. */
  readonly json: object
  readonly header: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  /** Said on stderr beside the table, for instance that there is more. */
  readonly note?: string | undefined
}

const COLUMN_GAP = "  "

/** Control characters and marks that turn the direction of text: a name or a reason must not drive the terminal. */
const unprintable = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu

/** The text without what a terminal would obey. */
export const printable = (text: string): string => text.replaceAll(unprintable, "?")

/** Lays out a table: columns as wide as their widest cell, no trailing blanks. */
export const renderTable = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const lines = [header, ...rows.map((row) => row.map(printable))]
  const widths = header.map((_, column) => Math.max(...lines.map((line) => CliOutput.displayWidth(line[column] ?? ""))))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - CliOutput.displayWidth(cell))))
        .join(COLUMN_GAP)
        .trimEnd()
    )
    .join("\n")
}

/** What a sheet would take for a formula, and run. */
const formula = /^(?:[=+@\t\r]|-(?!\d|$))/

const csvCell = (text: string): string => {
  const inert = formula.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert
}

/** The table as RFC 4180 has it, with its header. */
export const renderCsv = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [header.map((name) => name.toLowerCase().replaceAll(" ", "_")), ...rows]
    .map((row) => row.map(csvCell).join(","))
    .join("\r\n")

/** One line for each entry of a list; anything else is one line. */
export const renderLines = (json: object): string => {
  const values: ReadonlyArray<unknown> = Object.values(json)
  const first = values[0]
  const entries: ReadonlyArray<unknown> = Array.isArray(first) ? first : [json]
  return entries.map((entry) => JSON.stringify(entry)).join("\n")
}

/** Two columns, for one thing with many fields. */
export const fields = (pairs: ReadonlyArray<readonly [string, string]>): Pick<Printable, "header" | "rows"> => ({
  header: ["FIELD", "VALUE"],
  rows: pairs
})

/** Says something that is not the result, on stderr. */
export const say = (text: string): Effect.Effect<void> =>
  Console.error(
    text
      .split("\n")
      .map((line) => `orders: ${printable(line)}`)
      .join("\n")
  )

/** Prints a result on stdout. */
export const print = Effect.fnUntraced(function* (format: OutputFormat, value: Printable) {
  if (format === "json") return yield* Console.log(JSON.stringify(value.json, null, 2))
  if (format === "csv") return yield* Console.log(renderCsv(value.header, value.rows))
  if (format === "ndjson") {
    const lines = renderLines(value.json)
    return lines === "" ? undefined : yield* Console.log(lines)
  }
  if (value.rows.length > 0) yield* Console.log(renderTable(value.header, value.rows))
  if (value.note !== undefined) yield* say(value.note)
})
