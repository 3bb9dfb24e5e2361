/**
 * Values that a JSON schema of our document allows, ordinary ones and those at its edges; and values that it may not.
 */
import { isObject, type JsonObject, listOf, numberOf, objectOf, textOf } from "./json.ts"
import type { Random } from "./random.ts"

export interface Source {
  readonly random: Random
  /** The schema behind a `$ref`. */
  readonly resolve: (ref: string) => unknown
  /** Something that a property of this name could be about, from what has been heard so far; `undefined` if nothing. */
  readonly known: (name: string) => unknown
}

const hex = (random: Random, count: number): string =>
  Array.from({ length: count }, () => random.below(16).toString(16)).join("")

const uuid = (random: Random): string =>
  `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-8${hex(random, 3)}-${hex(random, 12)}`

const words = ["rain", "café", "🎫", "'; drop table orders; --", "<b>", "${x}", "%00", "../..", "a\nb", "\u202e", "0"]

/** Samples for the patterns of the document. A pattern without one stops the run: it is to be added here. */
const samples: ReadonlyArray<readonly [pattern: RegExp, sample: (random: Random) => string]> = [
  [/0-9a-fA-F\]\{8\}-/, uuid],
  [/^\\S$/, (random) => random.pick(words)],
  [/\\d\{4\}-|\[0-9\]\{4\}-/, (random) => `2026-11-${String(1 + random.below(28)).padStart(2, "0")}`],
  [/^\^\[\\w/, (random) => hex(random, 8)]
]

const stringOf = (schema: JsonObject, { random }: Source): string => {
  const { format, pattern } = schema
  if (format === "uuid") return uuid(random)
  if (format === "date-time") return new Date(Date.UTC(2026, random.below(12), 1 + random.below(28))).toISOString()
  if (typeof pattern === "string") {
    const found = samples.find(([known]) => known.test(pattern))
    if (found === undefined) throw new Error(`no sample for the pattern ${pattern}: add one to values.ts`)
    return found[1](random)
  }
  const shortest = numberOf(schema["minLength"], 0)
  const longest = Math.min(numberOf(schema["maxLength"], 40), 600)
  const text = random.chance(0.1) ? "x".repeat(random.pick([shortest, longest])) : random.pick(words)
  return text.length < shortest ? "x".repeat(shortest) : text.slice(0, longest)
}

const integerOf = (schema: JsonObject, { random }: Source): number => {
  const lowest = numberOf(schema["minimum"], 0)
  const highest = numberOf(schema["maximum"], 1_000_000)
  if (random.chance(0.6)) return Math.min(highest, lowest + random.below(4))
  return random.chance(0.5) ? random.pick([lowest, highest]) : lowest + random.below(highest - lowest + 1)
}

const anyJson = (random: Random): unknown =>
  random.pick<unknown>([null, true, 0, -1.5, "text", [], [1, [2]], {}, { a: { b: [null] } }, random.pick(words)])

const objectWith = (schema: JsonObject, source: Source): unknown => {
  const { random } = source
  const required = listOf(schema["required"])
  const made: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(objectOf(schema["properties"]))) {
    if (required.includes(name) || random.chance(0.3)) made[name] = valueOf(property, source, name)
  }
  // Open objects hold anything, up to their limit.
  if (schema["properties"] === undefined && schema["additionalProperties"] !== false) {
    for (let at = random.below(4); at > 0; at--) made[`key${at}`] = anyJson(random)
  }
  const pair = source.known("line")
  return "ticketTypeId" in made && isObject(pair) && random.chance(0.9) ? { ...made, ...pair } : made
}

/** A value that the schema allows, as far as the schema says so. */
export const valueOf = (schema: unknown, source: Source, name = ""): unknown => {
  const { random } = source
  if (!isObject(schema)) return anyJson(random)
  if (typeof schema["$ref"] === "string") return valueOf(source.resolve(schema["$ref"]), source, name)
  const heard = source.known(name)
  if (heard !== undefined && random.chance(0.85)) return heard
  if (Array.isArray(schema["enum"])) return random.pick(listOf(schema["enum"]))
  const choices = listOf(schema["anyOf"] ?? schema["oneOf"])
  if (choices.length > 0) return valueOf(random.pick(choices), source, name)
  switch (textOf(schema["type"])) {
    case "null":
      return null
    case "boolean":
      return random.chance(0.5)
    case "integer":
    case "number":
      return integerOf(schema, source)
    case "string":
      return stringOf(schema, source)
    case "array": {
      const shortest = numberOf(schema["minItems"], 0)
      const longest = Math.min(numberOf(schema["maxItems"], 3), 60)
      const more = random.chance(0.2) ? random.below(Math.min(3, longest - shortest + 1)) : 0
      const length = random.chance(0.03) ? longest : shortest + more
      return Array.from({ length }, () => valueOf(schema["items"], source, name))
    }
    case "object":
      return objectWith(schema, source)
    default:
      return anyJson(random)
  }
}

/** What nobody should send anywhere, each as JSON text: some of it can not be made by a program in its right mind. */
const nasty = [
  "null",
  "true",
  "-1",
  "0",
  "1.5",
  "1e3",
  "1e999",
  "9007199254740993",
  "100000000000000000000",
  '""',
  '"   "',
  '"2"',
  '"NaN"',
  '"\\u0000"',
  '"\\ud800"',
  `"${"x".repeat(700)}"`,
  '"00000000-0000-0000-0000-000000000000"',
  '"99999999-9999-4999-8999-99999999999A"',
  "[]",
  "[[]]",
  "{}",
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}'
]

/** Names that nobody has declared. */
const strangers = ["price", "total", "status", "userId", "tenantId", "role", "createdAt", "__proto__", "toString", ""]

const MARK = "@@nasty@@"

/** JSON text of the value with one thing in it made wrong, or taken away, or added. */
export const spoilt = (value: unknown, random: Random): string => {
  const text = JSON.stringify(change(value, random))
  return text.replace(`"${MARK}"`, () => random.pick(nasty))
}

const change = (value: unknown, random: Random): unknown => {
  if (Array.isArray(value) && value.length > 0 && random.chance(0.7)) {
    const at = random.below(value.length)
    return listOf(value).map((each, index) => (index === at ? change(each, random) : each))
  }
  if (!isObject(value) || random.chance(0.1)) return MARK
  const names = Object.keys(value)
  const dice = random.next()
  if (dice < 0.25 || names.length === 0) return { ...value, [random.pick(strangers) || "x"]: MARK }
  const name = random.pick(names)
  if (dice < 0.4) return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))
  return { ...value, [name]: change(value[name], random) }
}
