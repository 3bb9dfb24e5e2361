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
  readonly json: unknown
  readonly header: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  /** Printed in place of an empty table. */
  readonly empty?: string
}

const COLUMN_GAP = "  "

/** Lays out a table: columns as wide as their widest cell, no trailing blanks. */
export const renderTable = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = header.map((title, column) =>
    Math.max(CliOutput.displayWidth(title), ...rows.map((row) => CliOutput.displayWidth(row[column] ?? "")))
  )
  const line = (cells: ReadonlyArray<string>) =>
    cells
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - CliOutput.displayWidth(cell))))
      .join(COLUMN_GAP)
      .trimEnd()
  return [header, ...rows].map(line).join("\n")
}

/** Two columns, for one thing with many fields. */
export const fields = (pairs: ReadonlyArray<readonly [string, string]>): Pick<Printable, "header" | "rows"> => ({
  header: ["field", "value"],
  rows: pairs
})

/** Prints a result on stdout. */
export const print = Effect.fnUntraced(function* (format: OutputFormat, value: Printable) {
  if (format === "json") return yield* Console.log(JSON.stringify(value.json, null, 2))
  if (value.rows.length === 0 && value.empty !== undefined) return yield* Console.error(value.empty)
  yield* Console.log(renderTable(value.header, value.rows))
})
