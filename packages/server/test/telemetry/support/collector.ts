/** A collector on loopback, and what came to it. */
import { Effect } from "effect"
import { at, listAt } from "../../http/support/send.ts"
import { type HttpStub, httpStub } from "../../support/httpStub.ts"

export const collector = httpStub({ body: {} })

export interface ExportedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly attributes: Readonly<Record<string, unknown>>
}

const attributesOf = (owner: unknown): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    listAt(owner, "attributes").map((pair) => [String(at(pair, "key")), Object.values(at(pair, "value") ?? {})[0]])
  )

const exported = ({ received }: HttpStub, path: string, ...keys: readonly [string, string, string]) =>
  received
    .filter((request) => request.path === path)
    .flatMap(({ body }) => listAt(body, keys[0]))
    .flatMap((resource) => listAt(resource, keys[1]))
    .flatMap((scope) => listAt(scope, keys[2]))

/** Every span that has come. */
export const spansOf = (stub: HttpStub): ReadonlyArray<ExportedSpan> =>
  exported(stub, "/v1/traces", "resourceSpans", "scopeSpans", "spans").map((span) => ({
    name: String(at(span, "name")),
    traceId: String(at(span, "traceId")),
    spanId: String(at(span, "spanId")),
    parentSpanId: at(span, "parentSpanId") === undefined ? undefined : String(at(span, "parentSpanId")),
    attributes: attributesOf(span)
  }))

/** Every log record that has come: its text, its trace and what is known of it. */
export const recordsOf = (stub: HttpStub) =>
  exported(stub, "/v1/logs", "resourceLogs", "scopeLogs", "logRecords").map((record) => ({
    message: at(record, "body", "stringValue"),
    traceId: at(record, "traceId"),
    attributes: attributesOf(record)
  }))

/** All that has come, as text. */
export const textOf = ({ received }: HttpStub): Effect.Effect<string> =>
  Effect.sync(() => JSON.stringify(received.map(({ body }) => body)))
