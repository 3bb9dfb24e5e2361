/**
 * What the command's exit code says, and the one place that turns errors into codes and sentences.
 */
import type { OrderError } from "@tickettoken/order-domain/OrderErrors"
import { Runtime, Schema } from "effect"

/** The documented exit codes. They are part of the command's contract. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  denied: 4,
  partial: 5,
  configuration: 78
} as const

export type ExitCodeName = keyof typeof exitCodes

/** Ends the command with a code and one sentence on stderr. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  code: Schema.Literals(["failure", "usage", "notFound", "denied", "partial", "configuration"]),
  message: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = exitCodes[this.code]
  // The sentence has been printed by then; a stack trace would only hide it.
  override readonly [Runtime.errorReported] = false
}

const codesByTag: { readonly [tag: string]: CommandFailed["code"] } = {
  OrderNotFound: "notFound",
  EventNotFound: "notFound",
  RefundNotFound: "notFound",
  Forbidden: "denied",
  QuantityRuleBroken: "usage",
  RefundRequestInvalid: "usage"
} satisfies { readonly [tag in OrderError["_tag"] | (string & {})]?: CommandFailed["code"] }

/** What an error of the core means for the person at the terminal. */
export const toCommandFailed = (error: { readonly _tag: string; readonly message: string }): CommandFailed =>
  error instanceof CommandFailed
    ? error
    : new CommandFailed({ code: codesByTag[error._tag] ?? "failure", message: error.message })
