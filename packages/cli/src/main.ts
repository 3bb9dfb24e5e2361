/**
 * A run of the command as a process: its services, its exit code, and what is printed when it breaks.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer, Runtime } from "effect"
import { runOrders } from "./App.ts"
import { Backend } from "./Backend.ts"
import { exitCodes } from "./ExitCode.ts"
import * as Logging from "./Logging.ts"

// What nobody has foreseen is the only thing that shows where it comes from.
const tellBug = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Cause.hasDies(cause) ? Console.error(`orders: this should not happen\n${Cause.pretty(cause)}`) : Effect.void

/** One run of the command line, whatever its services are. */
export const program = (argv: ReadonlyArray<string>) =>
  runOrders(argv).pipe(Effect.tapCause(tellBug), Effect.provide(Logging.layer))

/** What the process says to its parent in the end. */
export const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
    ? onExit(exitCodes.interrupted)
    : Runtime.defaultTeardown(exit, onExit)

/** Runs the command line as this process. */
export const start = (argv: ReadonlyArray<string>): void =>
  program(argv).pipe(
    Effect.provide(Layer.merge(Backend.layer, NodeServices.layer)),
    NodeRuntime.runMain({ teardown, disableErrorReporting: true })
  )
