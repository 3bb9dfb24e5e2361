/**
 * Nothing that can not be taken back happens without a yes: `--yes`, or an answer typed at the terminal.
 */
import { Console, Effect } from "effect"
import { Flag, Prompt, TerminalCapabilities } from "effect/cli"
import { CommandFailed } from "./ExitCode.ts"
import { printable } from "./Output.ts"

export const yesFlag = Flag.Boolean("yes").pipe(
  Flag.withAlias("y"),
  Flag.withDescription("Do it without asking"),
  Flag.withDefault(false)
)

export const dryRunFlag = Flag.Boolean("dry-run").pipe(
  Flag.withDescription("Say what would happen; nothing is written"),
  Flag.withDefault(false)
)

/**
 * Asks to type `answer` back. Fails with a usage error when nobody can be asked, and with a failure when the answer is
 * another one: nothing has happened then. Ctrl-C at the question interrupts the command.
 */
export const confirm = Effect.fnUntraced(function* (options: {
  readonly yes: boolean
  readonly what: string
  readonly answer: string
}) {
  if (options.yes) return
  const { canPrompt } = yield* TerminalCapabilities.TerminalCapabilities
  if (!canPrompt) {
    return yield* new CommandFailed({
      code: "usage",
      message: `${options.what}? There is no terminal to ask at: use --yes`
    })
  }
  yield* Console.error(printable(`${options.what}?`))
  const typed = yield* Prompt.run(Prompt.String({ message: `Type ${options.answer} to go on` }))
  if (typed.trim() !== options.answer) {
    return yield* new CommandFailed({ code: "failure", message: "not confirmed: nothing was changed" })
  }
})
