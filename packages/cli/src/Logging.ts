/**
 * What the core has to say while a command runs: one line on stderr, in the voice of the command.
 *
 * Causes are told by their words: where they come from is for whoever asks with `--log-level debug`.
 */
import { Cause, Logger, LogLevel, Predicate, References } from "effect"
import { printable } from "./Output.ts"

const wordsOf = (part: unknown): string => {
  if (typeof part === "string") return part
  if (part instanceof Error) return part.message
  if (Cause.isCause(part)) return causeWords(part)
  return Predicate.hasProperty(part, "message") ? String(part.message) : JSON.stringify(part)
}

const causeWords = (cause: Cause.Cause<unknown>): string =>
  Cause.prettyErrors(cause)
    .map(({ message }) => message)
    .join("; ")

const line = Logger.make(({ cause, fiber, logLevel, message }) => {
  const parts = (Array.isArray(message) ? message : [message]).map(wordsOf)
  const words = [...parts, ...(cause.reasons.length === 0 ? [] : [causeWords(cause)])].join(": ")
  const head = printable(`orders: ${logLevel.toLowerCase()}: ${words.replaceAll(/\s*\n\s*/g, " ")}`)
  const wantsAll = LogLevel.isGreaterThanOrEqualTo("Debug", fiber.getRef(References.MinimumLogLevel))
  return wantsAll && cause.reasons.length > 0 ? `${head}\n${Cause.pretty(cause)}` : head
})

/** The command's only logger. */
export const layer = Logger.layer([Logger.withConsoleError(line)])
