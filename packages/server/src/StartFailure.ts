/**
 * Why the service did not start, as one clear line (or one per fault) and an exit code: never a stack trace.
 */
import { Runtime, Schema } from "effect"
import type { HttpServerError } from "effect/http"

/** As in sysexits.h: the configuration is wrong, and starting again will not help. */
export const CONFIGURATION_EXIT_CODE = 78

export class StartFailure extends Schema.TaggedError<StartFailure>()("StartFailure", {
  message: Schema.String,
  exitCode: Schema.Int
}) {
  override readonly [Runtime.errorExitCode] = this.exitCode
  /** It is told on stderr by the one who starts the process. */
  override readonly [Runtime.errorReported] = true
}

/** A reason that has a message for a person. */
export const startFailure = (message: string, exitCode = 1): StartFailure => new StartFailure({ message, exitCode })

/** The port on which the service should listen can not be had. `variable` names what sets it. */
export const portFailure = (port: number, variable: string, { cause }: HttpServerError.ServeError): StartFailure => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  switch (code) {
    case "EADDRINUSE":
      return startFailure(`Port ${port} is in use by another program: set ${variable} to a free one.`)
    case "EACCES":
      return startFailure(`Port ${port} may not be used by this account: set ${variable} to one above 1023.`)
    default:
      return startFailure(`The service can not listen on port ${port}, which ${variable} sets.`)
  }
}
