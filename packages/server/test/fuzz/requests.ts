/** A request to an endpoint of the document: as it says, or with something about it that it does not allow. */
import { allows, type Endpoint, type Parameter, resolve } from "./document.ts"
import { textOf } from "./json.ts"
import type { Random } from "./random.ts"
import { type Source, spoilt, valueOf } from "./values.ts"

export interface Made {
  readonly method: string
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  readonly body: string | undefined
  /** Whether the document allows it. */
  readonly valid: boolean
}

/** A text in a path, a query or a header as the document reads it: digits are a number where one is asked for. */
const isAllowed = ({ schema }: Parameter, text: string): boolean => {
  const isNumber = /^(?:0|-?[1-9]\d*)$/.test(text)
  return allows(schema, text) || (isNumber && allows(schema, Number(text)))
}

const strange = [
  "",
  " ",
  "0",
  "-1",
  "1e3",
  "1.5",
  "null",
  "undefined",
  "%00",
  "x".repeat(300),
  "2026-13-45",
  "ä",
  "*",
  "[]"
]

interface Chosen {
  readonly parameter: Parameter
  readonly text: string
}

const choose = (endpoint: Endpoint, source: Source, spoil: boolean): ReadonlyArray<Chosen> => {
  const { random } = source
  return endpoint.parameters.flatMap((parameter) => {
    const strangeOne = spoil && random.chance(0.4)
    if (!parameter.required && !strangeOne && random.chance(0.6)) return []
    const value = strangeOne ? random.pick(strange) : valueOf(parameter.schema, source, parameter.name)
    const text = typeof value === "string" ? value : JSON.stringify(value)
    return [{ parameter, text: parameter.place === "header" ? text.replaceAll(/[^\x20-\x7e]/g, "?") : text }]
  })
}

/** The router knows no longer parts of a path: what has one is no endpoint of the document, and hostile.test.ts sends it. */
const SEGMENT_CHARS_MAX = 40

/** No path is made of nothing or of dots: those would be another path. */
const segment = (text: string): string => (/^\.{0,2}$/.test(text) ? "x" : text.slice(0, SEGMENT_CHARS_MAX))

const bodies = [
  "",
  "{",
  "[]",
  "nonsense",
  '{"a":1}x',
  "\u0000",
  `{"a":${"[".repeat(40)}${"]".repeat(40)}}`,
  "x".repeat(70_000)
]

/** A body that is none, or is called something else. */
const brokenBody = (endpoint: Endpoint, body: string, random: Random) =>
  random.chance(0.3)
    ? { body, type: random.pick(["text/plain", "application/xml", "application/json; charset=latin1"]), valid: false }
    : madeBody(endpoint, random.pick(bodies))

const madeBody = ({ body }: Endpoint, text: string) => ({
  body: text,
  type: "application/json",
  valid:
    text === "" ? body?.required === false : isJson(text) && body !== undefined && allows(body.schema, JSON.parse(text))
})

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const bodyOf = (endpoint: Endpoint, source: Source, spoil: boolean) => {
  const { random } = source
  if (endpoint.body === undefined) return undefined
  if (!endpoint.body.required && random.chance(0.3)) return undefined
  const value = valueOf(endpoint.body.schema, source)
  if (spoil && random.chance(0.2)) return brokenBody(endpoint, JSON.stringify(value), random)
  return madeBody(endpoint, spoil ? spoilt(value, random) : JSON.stringify(value))
}

/** One request. `spoil` makes something of it wrong, mostly. */
export const requestTo = (endpoint: Endpoint, known: Source["known"], random: Random, spoil: boolean): Made => {
  const source: Source = { random, resolve, known }
  const chosen = choose(endpoint, source, spoil)
  const of = (place: Parameter["place"]) => chosen.filter(({ parameter }) => parameter.place === place)
  const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(segment(textOf(of("path").find(({ parameter }) => parameter.name === name)?.text)))
  )
  const query = of("query").map(({ parameter, text }) => `${parameter.name}=${encodeURIComponent(text)}`)
  const twice = spoil && query.length > 0 && random.chance(0.1)
  const takesQuery = endpoint.parameters.some(({ place }) => place === "query")
  const unknown = spoil && takesQuery && random.chance(0.05)
  const all = [...query, ...(twice ? query.slice(0, 1) : []), ...(unknown ? ["tenantId=x"] : [])]
  const body = bodyOf(endpoint, source, spoil)
  return {
    method: endpoint.method,
    path: all.length === 0 ? path : `${path}?${all.join("&")}`,
    headers: {
      ...Object.fromEntries(of("header").map(({ parameter, text }) => [parameter.name, text])),
      ...(body === undefined ? {} : { "content-type": body.type })
    },
    body: body?.body,
    valid:
      !twice && !unknown && (body?.valid ?? true) && chosen.every(({ parameter, text }) => isAllowed(parameter, text))
  }
}
