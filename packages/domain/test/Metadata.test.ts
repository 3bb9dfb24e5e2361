/** Metadata from friendly and hostile clients. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { METADATA_BYTES_MAX, Metadata } from "@tickettoken/order-domain/Metadata"

const decode = Schema.decodeUnknownResult(Metadata)

const refusal = (value: unknown): string =>
  Result.match(decode(value), { onFailure: (error) => error.message, onSuccess: () => "accepted" })

/** `levels` objects in one another; the first one counts. */
const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`

/** A JSON object of exactly so many bytes. */
const ofBytes = (bytes: number): unknown => ({ a: "x".repeat(bytes - 8) })

describe("metadata", () => {
  it("2.4 is stored verbatim", () => {
    const value = {
      gift: true,
      note: "für Zoë 🎫",
      tags: ["a", 1, null, { deep: [1.5, -0.1] }],
      toString: "own",
      "": 0
    }
    const decoded = Result.getOrThrow(decode(value))
    assert.deepStrictEqual(decoded, value)
    assert.strictEqual(JSON.stringify(decoded), JSON.stringify(value))
    assert.strictEqual(
      JSON.stringify(Schema.encodeUnknownSync(Schema.toCodecJson(Metadata))(value)),
      JSON.stringify(value)
    )
  })

  it("2.4 is an object, and only JSON", () => {
    for (const value of [null, "text", 1, true, [], [{}], undefined]) assert.notStrictEqual(refusal(value), "accepted")
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, 1n, () => 1, new Date(0), new Map()]) {
      assert.notStrictEqual(refusal({ value }), "accepted")
    }
  })

  it("2.4 takes 16 KB of UTF-8 and not a byte more", () => {
    assert.strictEqual(new TextEncoder().encode(JSON.stringify(ofBytes(METADATA_BYTES_MAX))).length, 16_384)
    assert.strictEqual(refusal(ofBytes(METADATA_BYTES_MAX)), "accepted")
    assert.include(refusal(ofBytes(METADATA_BYTES_MAX + 1)), "larger than 16384 bytes")
    // Four bytes each in UTF-8, two code units in JavaScript.
    const tickets = (count: number) => ({ a: "🎫".repeat(count) })
    assert.strictEqual(refusal(tickets(4_094)), "accepted")
    assert.include(refusal(tickets(4_095)), "larger than 16384 bytes")
    assert.include(refusal({ a: Array.from({ length: 20_000 }, () => 0) }), "larger than 16384 bytes")
  })

  it("2.4 takes 20 keys at the top", () => {
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`key${at}`, at]))
    assert.strictEqual(refusal(keys(20)), "accepted")
    assert.include(refusal(keys(21)), "more than 20 keys")
    assert.strictEqual(refusal({ inner: keys(21) }), "accepted")
  })

  it("2.4 takes five levels, of objects and of arrays", () => {
    assert.strictEqual(refusal(JSON.parse(nested(5))), "accepted")
    assert.include(refusal(JSON.parse(nested(6))), "deeper than 5 levels")
    assert.strictEqual(refusal({ a: [[[["x"]]]] }), "accepted")
    assert.include(refusal({ a: [[[[[]]]]] }), "deeper than 5 levels")
  })

  it("2.4 refuses 200 000 levels without running out of stack", () => {
    assert.include(refusal(JSON.parse(nested(200_000))), "deeper than 5 levels")
    const arrays: unknown = JSON.parse(`{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`)
    assert.include(refusal(arrays), "deeper than 5 levels")
    const codec = Schema.decodeUnknownResult(Schema.toCodecJson(Schema.Struct({ metadata: Metadata })))
    assert.isTrue(Result.isFailure(codec({ metadata: arrays })))
  })

  it("2.4 refuses keys that reach prototypes, at every level, and leaves Object alone", () => {
    for (const key of ["__proto__", "constructor", "prototype"]) {
      for (const text of [`{"${key}":{"polluted":1}}`, `{"a":[{"b":{"${key}":1}}]}`]) {
        assert.include(refusal(JSON.parse(text)), `the key ${key}`, text)
      }
    }
    assert.isUndefined(Reflect.get({}, "polluted"))
  })

  it("2.4 refuses NUL and half a surrogate pair in every string and key", () => {
    for (const bad of ["\u0000", "a\u0000b", "\ud800", "\udc00x"]) {
      for (const value of [{ a: bad }, { [bad]: 1 }, { a: [{ b: bad }] }, { a: { [bad]: null } }]) {
        assert.match(refusal(value), /NUL character|half a surrogate pair/)
      }
    }
  })

  it("2.4 is an object with at most 20 properties in the published schema", () => {
    const { schema } = Schema.toJsonSchemaDocument(Metadata)
    assert.include(JSON.stringify(schema), '"type":"object"')
    assert.include(JSON.stringify(schema), '"maxProperties":20')
  })

  it.prop(
    "2.4 any small JSON object comes back as it was",
    [Schema.Record(Schema.Literals(["a", "b", "c"]), Schema.Union([Schema.String, Schema.Int, Schema.Null]))],
    ([value]) => {
      const fine = Object.values(value).every(
        (child) => typeof child !== "string" || (child.isWellFormed() && !child.includes("\u0000"))
      )
      const decoded = decode(value)
      assert.strictEqual(Result.isSuccess(decoded), fine)
      if (Result.isSuccess(decoded)) assert.deepStrictEqual(decoded.success, value)
    }
  )
})
