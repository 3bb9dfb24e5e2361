/**
 * The `orders` command: its tree, and how a run of it ends.
 */
import { Console, Effect } from "effect"
import { CliError, CliOutput, Command } from "effect/cli"
import { eventCommands } from "./commands/events.ts"
import { orderCommands } from "./commands/orders.ts"
import { serverCommands } from "./commands/server.ts"
import { CommandFailed, toCommandFailed } from "./ExitCode.ts"

export const VERSION = "0.1.0"

/** The command tree. What the single commands need from the core is provided by `Backend`. */
export const app = Command.make("orders").pipe(
  Command.withDescription("Work with orders: look, cancel, refund, expire, cancel events, serve"),
  Command.withSubcommands([...orderCommands, ...eventCommands, ...serverCommands])
)

// A wrong call is told in one line on stderr; stdout stays for data.
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
          [
            ...event.errors.map((error) => `orders: ${error.message}`),
            `See '${event.commandPath.join(" ")} --help'.`
          ].join("\n")
        )
      : CliOutput.defaultPresenter.present(event)
}

/** Runs the command line and fails with `CommandFailed` after telling why on stderr. */
export const runOrders = (argv: ReadonlyArray<string>) =>
  Command.runWith(app, { version: VERSION })(argv).pipe(
    Effect.catch((error) => {
      if (CliError.isCliError(error)) {
        const usage = new CommandFailed({ code: "usage", message: error.message })
        return error._tag === "ShowHelp" && error.errors.length === 0 ? Effect.void : Effect.fail(usage)
      }
      const failed = toCommandFailed(error)
      return Effect.andThen(Console.error(`orders: ${failed.message}`), Effect.fail(failed))
    }),
    Effect.provideService(CliOutput.Presenter, presenter)
  )
