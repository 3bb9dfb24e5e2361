/**
 * What the command's exit code says, and the one place that turns errors into codes and sentences.
 */
import { Predicate, Runtime, Schema } from "effect"

/** The documented exit codes. They are part of the command's contract. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  denied: 4,
  partial: 5,
  configuration: 78,
  interrupted: 130
} as const

const FailureCode = Schema.Literals(["failure", "usage", "notFound", "denied", "partial", "configuration"])
type FailureCode = typeof FailureCode.Type

/** Ends the command with a code and a few words on stderr, one line for each thing that is wrong. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  code: FailureCode,
  message: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = exitCodes[this.code]
  // The words have been printed by then; a stack trace would only hide them.
  override readonly [Runtime.errorReported] = false
}

const codesByTag: { readonly [tag: string]: FailureCode } = {
  OrderNotFound: "notFound",
  EventNotFound: "notFound",
  RefundNotFound: "notFound",
  BulkJobNotFound: "notFound",
  ConfirmationRequired: "usage",
  Forbidden: "denied",
  QuantityRuleBroken: "usage",
  RefundRequestInvalid: "usage",
  SalesRangeInvalid: "usage"
}

/** What an error of the core means for the person at the terminal. */
export const toCommandFailed = (error: { readonly _tag: string; readonly message: string }): CommandFailed =>
  error instanceof CommandFailed
    ? error
    : new CommandFailed({ code: codesByTag[error._tag] ?? "failure", message: error.message })

/** PostgreSQL's names for "you may not": a privilege or role that is missing, a login that is not taken. */
const deniedStates: ReadonlySet<string> = new Set(["42501", "28000", "28P01"])

const CAUSE_DEPTH_MAX = 5

/**
 * Whether the database has said no to this operator: a login that it does not take, or a privilege that the login lacks.
 * PostgreSQL's own error is the innermost of the causes.
 */
export const deniedByDatabase = (failure: unknown, depth = 0): CommandFailed | undefined => {
  if (depth > CAUSE_DEPTH_MAX) return undefined
  const code = textIn(failure, "code")
  if (code !== undefined && deniedStates.has(code)) {
    const said = textIn(failure, "message") ?? "permission denied"
    return new CommandFailed({ code: "denied", message: `the database does not allow it: ${said}` })
  }
  for (const inner of ["reason", "cause"]) {
    const found = Predicate.hasProperty(failure, inner) ? deniedByDatabase(failure[inner], depth + 1) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

const textIn = (value: unknown, field: string): string | undefined =>
  Predicate.hasProperty(value, field) && typeof value[field] === "string" ? value[field] : undefined
