/**
 * A trace as W3C writes it (`traceparent`): what leaves with a message or an answer, and what comes with one.
 */
import { Option, type Tracer } from "effect"
import { Headers, HttpTraceContext } from "effect/http"

const TRACE_ID_CHARS = 32

/** The text that names a span to others. */
export const traceparentOf = ({ sampled, spanId, traceId }: Tracer.AnySpan): string =>
  `00-${traceId.padStart(TRACE_ID_CHARS, "0")}-${spanId}-${sampled ? "01" : "00"}`

/** The span that a text names, if it names one. */
export const spanOf = (traceparent: string | null | undefined): Option.Option<Tracer.ExternalSpan> =>
  typeof traceparent === "string" ? HttpTraceContext.w3c(Headers.fromInput({ traceparent })) : Option.none()
