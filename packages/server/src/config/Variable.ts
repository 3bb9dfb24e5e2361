/**
 * A variable of the environment as data: what the documentation says of it and how it is read, in one value.
 */
import { Option, Result } from "effect"
import type { Kind } from "./ConfigKinds.ts"

/** The parts of the documentation, in its order. */
export const sections = [
  "Server",
  "Database",
  "Other services",
  "Redis",
  "Messages",
  "Access",
  "Rate limits",
  "Telemetry",
  "Money",
  "Holds",
  "Limits",
  "Refunds",
  "Embedded run"
] as const
type Section = (typeof sections)[number]

/** A variable as the documentation shows it. */
export interface VariableInfo {
  readonly name: string
  readonly section: Section
  readonly type: string
  /** As it would be written; `null`: there is none. */
  readonly default: string | null
  /** Never printed, and must not be empty. */
  readonly secret: boolean
  readonly requiredInProduction: boolean
  readonly description: string
}

/** A variable as the server reads it. `undefined`: it is not set. */
export interface Variable<out A> {
  readonly info: VariableInfo
  readonly read: (text: string | undefined) => Result.Result<A, ReadonlyArray<string>>
}

/** What every variable has. */
export interface Definition<A> {
  readonly name: string
  readonly section: Section
  readonly kind: Kind<A>
  readonly description: string
}

const infoOf = <A>({ description, kind, name, section }: Definition<A>): VariableInfo => ({
  name,
  section,
  type: kind.label,
  default: null,
  secret: false,
  requiredInProduction: false,
  description
})

/** A variable with a default, which is read as if somebody had written it. */
export const withDefault = <A>(definition: Definition<A> & { readonly default: string }): Variable<A> => ({
  info: { ...infoOf(definition), default: definition.default },
  read: (text = definition.default) => definition.kind.read(text)
})

/** A variable that may be left out. */
export const optional = <A>(
  definition: Definition<A> & Partial<Pick<VariableInfo, "secret" | "requiredInProduction">>
): Variable<Option.Option<A>> => ({
  info: {
    ...infoOf(definition),
    secret: definition.secret ?? false,
    requiredInProduction: definition.requiredInProduction ?? false
  },
  read: (text) =>
    text === undefined ? Result.succeed(Option.none()) : Result.map(definition.kind.read(text), Option.some)
})
