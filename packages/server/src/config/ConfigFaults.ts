/**
 * What is wrong with the configuration: everything at once, one line each, and never a value.
 */
import { Schema } from "effect"

/** The problem completes the sentence that the variable's name begins. */
export const ConfigFault = Schema.Struct({ variable: Schema.String, problem: Schema.String })
export type ConfigFault = typeof ConfigFault.Type

/** The service must not start like this. */
export class ConfigInvalid extends Schema.TaggedError<ConfigInvalid>()("ConfigInvalid", {
  faults: Schema.NonEmptyArray(ConfigFault)
}) {
  override get message(): string {
    return renderFaults(this.faults)
  }
}

const NAME_CHARS_MAX = 80

/** Names of unknown variables come from outside: they must not bring line breaks or colours to a terminal. */
const printable = (name: string): string => name.replaceAll(/[^\w<>]/g, "?").slice(0, NAME_CHARS_MAX)

/** The faults for a person at a terminal. */
export const renderFaults = (faults: ReadonlyArray<ConfigFault>): string =>
  [
    faults.length === 1 ? "The configuration has a fault:" : `The configuration has ${faults.length} faults:`,
    ...faults.map(({ problem, variable }) => `  ${printable(variable)} ${problem}`)
  ].join("\n")
