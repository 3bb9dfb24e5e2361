/**
 * The `orders` command: its tree, and how a run of it ends.
 */
import { Console, Effect, References } from "effect"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag } from "effect/cli"
import { alarmCommands } from "./commands/alarms.ts"
import { auditCommands } from "./commands/audit.ts"
import { changeCommands } from "./commands/change.ts"
import { eventCommands } from "./commands/events.ts"
import { fsckCommands } from "./commands/fsck.ts"
import { jobCommands } from "./commands/jobs.ts"
import { messageCommands } from "./commands/messages.ts"
import { readCommands } from "./commands/read.ts"
import { reviewCommands } from "./commands/review.ts"
import { salesCommands } from "./commands/sales.ts"
import { searchCommands } from "./commands/search.ts"
import { serverCommands } from "./commands/server.ts"
import { CommandFailed, toCommandFailed } from "./ExitCode.ts"
import { say } from "./Output.ts"

export const VERSION = "0.1.0"

/** The command tree. What the single commands need from the core is given by `Backend`. */
export const app = Command.make("orders").pipe(
  Command.withDescription("Work with orders: look, cancel, refund, expire, cancel events, serve"),
  Command.withSubcommands([
    ...readCommands,
    ...searchCommands,
    ...salesCommands,
    ...changeCommands,
    ...reviewCommands,
    ...eventCommands,
    ...messageCommands,
    ...alarmCommands,
    ...fsckCommands,
    ...auditCommands,
    ...jobCommands,
    ...serverCommands
  ])
)

// No wizard: it asks on stdout, also where nobody is there to answer.
const cliConfig = CliConfig.make({
  builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel]
})

/** One error on one line, with what may have been meant. */
const wrongUsage = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "UnknownSubcommand":
      return `unknown command "${error.subcommand}"${meant(error.suggestions)}`
    case "UnrecognizedOption":
      return `unknown flag ${error.option}${meant(error.suggestions)}`
    case "InvalidValue": {
      const place = error.kind === "flag" ? `--${error.option}` : error.option
      const expected = oneLine(error.expected)
        .replace("Schema validation failed: ", "")
        .replace(/^Expected:? /, "")
      return error.value === ""
        ? `${place} needs a value: ${expected}`
        : `${place} "${error.value}": expected ${expected}`
    }
    default:
      return oneLine(error.message)
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim()

const meant = (suggestions: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? "" : `, did you mean ${suggestions.join(" or ")}?`

// A wrong call is told in two lines on stderr; stdout stays for data.
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Effect.andThen(
          say(event.errors.map(wrongUsage).join("; ")),
          Console.error(`See '${event.commandPath.join(" ")} --help'.`)
        )
      : CliOutput.defaultPresenter.present(event)
}

/** Runs the command line. Fails with `CommandFailed` after telling why on stderr. */
export const runOrders = (argv: ReadonlyArray<string>) =>
  Command.runWith(app, { version: VERSION })(argv).pipe(
    Effect.catch((error) => {
      if (!CliError.isCliError(error)) return tell(toCommandFailed(error))
      const isHelp = error._tag === "ShowHelp" && error.errors.length === 0
      return isHelp ? Effect.void : Effect.fail(new CommandFailed({ code: "usage", message: error.message }))
    }),
    Effect.provideService(CliOutput.Presenter, presenter),
    Effect.provideService(CliConfig.CliConfig, cliConfig),
    Effect.provideService(References.MinimumLogLevel, "Warn")
  )

const tell = (failed: CommandFailed): Effect.Effect<never, CommandFailed> =>
  Effect.andThen(say(failed.message), Effect.fail(failed))
