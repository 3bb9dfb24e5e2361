/**
 * Every variable of the environment that this release reads: its name, what it may hold, its default and what it does.
 *
 * The names of the original service come first. Names of our own begin with `ORDER_`, so that a misspelt one is noticed.
 * docs/configuration.md and .env.example are written from this table.
 */
import { downstreamVariables } from "./DownstreamVariables.ts"
import { lockVariables } from "./LockVariables.ts"
import { messageVariables } from "./MessageVariables.ts"
import { policyVariables } from "./PolicyVariables.ts"
import { rateLimitVariables } from "./RateLimitVariables.ts"
import { serviceVariables } from "./ServiceVariables.ts"
import { sections, type Variable, type VariableInfo } from "./Variable.ts"

/** By the name under which the server knows each one. */
export const variables = {
  ...serviceVariables,
  ...downstreamVariables,
  ...messageVariables,
  ...rateLimitVariables,
  ...lockVariables,
  ...policyVariables
}

type VariableKey = keyof typeof variables

/** Every variable with its value. */
export type ConfigValues = {
  readonly [Key in VariableKey]: (typeof variables)[Key] extends Variable<infer A> ? A : never
}

/** Every variable, section by section. */
export const configTable: ReadonlyArray<VariableInfo> = sections.flatMap((section) =>
  Object.values(variables).flatMap(({ info }) => (info.section === section ? [info] : []))
)
