/**
 * How the service logs: readable lines at a terminal, one JSON object a line for machines.
 *
 * What is known of a line stands at the top level, so that a log store finds `requestId` without a path to it.
 */
import { Formatter, Layer, Logger, References } from "effect"
import type { Configuration } from "./AppConfig.ts"

const SERVICE = "order-service"

/** A line as one flat object. Annotations may name anything but what every line has. */
export const jsonLine: Logger.Logger<unknown, string> = Logger.map(
  Logger.formatStructured,
  ({ annotations, cause, level, message, timestamp }) =>
    Formatter.formatJson({
      ...annotations,
      time: timestamp,
      level: level.toLowerCase(),
      service: SERVICE,
      message,
      ...(cause === undefined ? {} : { cause })
    })
)

/** From the configured level on. */
export const layer = ({ logLevel, mode }: Pick<Configuration, "logLevel" | "mode">) =>
  Layer.merge(
    Logger.layer([mode === "production" ? Logger.withConsoleLog(jsonLine) : Logger.consolePretty()]),
    Layer.succeed(References.MinimumLogLevel, logLevel)
  )
