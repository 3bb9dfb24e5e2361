/**
 * What a client may attach to an order: a small JSON object, stored as it came (rule 2.4).
 *
 * The walk is a loop, so nesting of any depth is refused instead of overflowing the stack, and its length is limited.
 */
import { Schema } from "effect"

/** The largest metadata, in UTF-8 bytes of its JSON without spaces. */
export const METADATA_BYTES_MAX = 16 * 1024

/** The most keys at the top. */
export const METADATA_KEYS_MAX = 20

/** The deepest nesting: the object itself is level 1, an object or array in it level 2. */
export const METADATA_DEPTH_MAX = 5

/** Keys through which a careless reader's code would reach a prototype, refused at every level. */
const refusedKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"])

/** Why a text can not be stored: PostgreSQL has no NUL, and half a surrogate pair is not Unicode. */
const textBreak = (text: string, what: string): string | undefined => {
  if (text.includes("\u0000")) return `metadata has ${what} with a NUL character`
  return text.isWellFormed() ? undefined : `metadata has ${what} with half a surrogate pair`
}

const keyBreak = (key: string): string | undefined =>
  refusedKeys.has(key) ? `metadata has the key ${key}, which is not allowed` : textBreak(key, "a key")

/** What is wrong with one value, apart from the values in it. */
const valueBreak = (value: Schema.Json, depth: number): string | undefined => {
  if (typeof value === "string") return textBreak(value, "a string")
  if (typeof value !== "object" || value === null) return undefined
  if (depth > METADATA_DEPTH_MAX) return `metadata is nested deeper than ${METADATA_DEPTH_MAX} levels`
  return Array.isArray(value)
    ? undefined
    : Object.keys(value)
        .map(keyBreak)
        .find((found) => found !== undefined)
}

const tooLarge = `metadata is larger than ${METADATA_BYTES_MAX} bytes of JSON`

/** The first rule that `metadata` breaks, as a sentence, or `undefined`. */
const firstBreak = (metadata: Schema.JsonObject): string | undefined => {
  const levels: Array<ReadonlyArray<Schema.Json>> = [[metadata]]
  let values = 0
  for (let depth = 1, level = levels.pop(); level !== undefined && level.length > 0; depth++, level = levels.pop()) {
    values += level.length
    // Every value takes a byte at least.
    if (values > METADATA_BYTES_MAX) return tooLarge
    for (const value of level) {
      const found = valueBreak(value, depth)
      if (found !== undefined) return found
    }
    levels.push(level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : [])))
  }
  // At most five levels are left: the text can be made without deep recursion.
  return utf8Bytes(JSON.stringify(metadata)) > METADATA_BYTES_MAX ? tooLarge : undefined
}

/** The length of a text in UTF-8, without a `TextEncoder`, which is not part of the language. */
const utf8Bytes = (text: string): number => {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}

/**
 * A JSON object of at most 16 KB and 20 keys, at most 5 levels deep, without keys that touch prototypes and without NUL.
 * Decoding gives back what came in, value by value and key by key.
 */
export const Metadata = Schema.JsonObject.check(
  Schema.isMaxProperties(METADATA_KEYS_MAX, { message: `metadata has more than ${METADATA_KEYS_MAX} keys` }),
  Schema.makeFilter(firstBreak)
)
export type Metadata = typeof Metadata.Type

/** Nothing attached. */
export const emptyMetadata: Metadata = {}
