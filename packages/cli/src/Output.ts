/**
 * What the command prints: data on stdout, as a table for people or as JSON for programs; everything else on stderr.
 */
import { Console, Effect } from "effect"
import { CliOutput, Flag } from "effect/cli"

/** `-o table|json`. The JSON is the stable contract: fields are only ever added. */
export const outputFlag = Flag.Literals("output", ["table", "json"]).pipe(
  Flag.withAlias("o"),
  Flag.withDescription("How to print the result"),
  Flag.withDefault("table")
)

export type OutputFormat = "table" | "json"

/** A value in both shapes. */
export interface Printable {
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
  if (value.rows.length > 0) yield* Console.log(renderTable(value.header, value.rows))
  if (value.note !== undefined) yield* say(value.note)
})
