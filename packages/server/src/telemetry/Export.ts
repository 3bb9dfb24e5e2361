/**
 * Traces and logs to a collector, by OTLP over HTTP in JSON; nothing at all unless one is named.
 *
 * **Details**
 *
 * Effect's own exporter and not the SDK of OpenTelemetry: spans, parents and propagation are Effect's already
 * (docs/adr/0001). Requests push to a list in memory; a fiber of its own sends it every few seconds. A collector that
 * is away, slow or says no costs requests nothing: an attempt has a time limit, and after four the exporter drops what
 * it has and is silent for a minute. Metrics are not pushed: they are scraped.
 *
 * **Gotchas**
 *
 * The exporter would wait as long as the collector asks it to, holding on to everything meanwhile; so an answer that is
 * no success is told to it as a failed transport.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Duration, Effect, Layer, Option, Redacted, Tracer } from "effect"
import { HttpBody, HttpClient, HttpClientError } from "effect/http"
import { OtlpLogger, OtlpSerialization, OtlpTracer } from "effect/observability"
import { randomUUID } from "node:crypto"
import type { Configuration } from "../AppConfig.ts"
import { otlpHeadersOf } from "../config/otlpHeaders.ts"
import * as Logging from "../Logging.ts"
import { redact } from "./redact.ts"

const ATTEMPT_TIMEOUT = Duration.seconds(3)
const EXPORT_INTERVAL = Duration.seconds(2)

/** For what is left when the process ends. A collector that hangs must not hold up the end. */
const FLUSH_TIMEOUT = Duration.millis(500)

/** OTLP in JSON writes what is no number as text. */
const jsonOf = (data: object): HttpBody.HttpBody =>
  HttpBody.text(
    redact(
      JSON.stringify(data, (_, value: unknown) =>
        typeof value === "number" && !Number.isFinite(value) ? String(value) : value
      )
    ),
    "application/json"
  )

const serialization = Layer.succeed(OtlpSerialization.OtlpSerialization, {
  traces: jsonOf,
  logs: jsonOf,
  metrics: jsonOf
})

const client = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.transform((answered, request) => {
      const failed = (description: string) =>
        Effect.fail(
          new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, description }) })
        )
      return answered.pipe(
        Effect.flatMap((response) =>
          response.status >= 200 && response.status <= 299
            ? Effect.succeed(response)
            : failed(`the collector answered ${response.status}`)
        ),
        Effect.timeoutOrElse({
          duration: ATTEMPT_TIMEOUT,
          orElse: () => failed("the collector did not answer in time")
        })
      )
    })
  )
).pipe(Layer.provide(NodeHttpClient.layerUndici))

const WHOLE_BASIS_POINTS = 10_000

/**
 * Keeps that share of the traces that begin here, evenly. What belongs to a trace of somebody else's is kept if they
 * keep it.
 */
export const sampling = (inner: Tracer.Tracer, shareBasisPoints: number): Tracer.Tracer => {
  let collected = 0
  const isKept = () => {
    collected += shareBasisPoints
    if (collected < WHOLE_BASIS_POINTS) return false
    collected -= WHOLE_BASIS_POINTS
    return true
  }
  return Tracer.make({
    span: (options) =>
      inner.span(Option.isNone(options.parent) && options.sampled ? { ...options, sampled: isKept() } : options)
  })
}

const sampler = (shareBasisPoints: number) =>
  Layer.effect(
    Tracer.Tracer,
    Effect.map(Tracer.Tracer, (tracer) => sampling(tracer, shareBasisPoints))
  )

/** The logs of the configuration; traces and logs to a collector as well, if there is one. */
export const layer = (config: Pick<Configuration, "collector" | "logLevel" | "mode">) => {
  const { headers, traceShare, url } = config.collector
  const local = Logging.layer(config)
  if (Option.isNone(url)) return local
  const base = url.value.href.replace(/\/$/, "")
  const options = {
    headers: otlpHeadersOf(Option.match(headers, { onNone: () => "", onSome: Redacted.value })) ?? {},
    exportInterval: EXPORT_INTERVAL,
    shutdownTimeout: FLUSH_TIMEOUT,
    resource: {
      serviceName: Logging.SERVICE,
      attributes: { "deployment.environment.name": config.mode, "service.instance.id": randomUUID() }
    }
  }
  const tracer = sampler(traceShare).pipe(Layer.provide(OtlpTracer.layer({ ...options, url: `${base}/v1/traces` })))
  const logger = OtlpLogger.layer({ ...options, url: `${base}/v1/logs`, excludeLogSpans: true })
  return Layer.merge(tracer, logger).pipe(Layer.provide(Layer.merge(serialization, client)), Layer.provideMerge(local))
}
