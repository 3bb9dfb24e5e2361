/**
 * How the service logs: readable lines at a terminal, one JSON object a line for machines.
 *
 * What is known of a line stands at the top level, so that a log store finds `requestId` without a path to it.
 */
import { Formatter, Layer, Logger, References } from "effect"
import type { Configuration } from "./AppConfig.ts"
import { redact } from "./telemetry/redact.ts"

/** Who we are to a log store and a collector. */
export const SERVICE = "order-service"

/** A line as one flat object. Annotations may name anything but what every line has. */
export const jsonLine: Logger.Logger<unknown, string> = Logger.make((options) => {
  const { annotations, cause, level, message, timestamp } = Logger.formatStructured.log(options)
  const { span } = options.fiber.cache
  return redact(
    Formatter.formatJson({
      ...annotations,
      time: timestamp,
      level: level.toLowerCase(),
      service: SERVICE,
      ...(span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }),
      message,
      ...(cause === undefined ? {} : { cause })
    })
  )
})

/** From the configured level on. */
export const layer = ({ logLevel, mode }: Pick<Configuration, "logLevel" | "mode">) =>
  Layer.merge(
    Logger.layer([mode === "production" ? Logger.withConsoleLog(jsonLine) : Logger.consolePretty()]),
    Layer.succeed(References.MinimumLogLevel, logLevel)
  )
