/** Service keys: how they are read from the configuration, and who is let in (A08, A09). */
import { assert, describe, it } from "@effect/vitest"
import { digestOf, isCredential, parseServiceKeys, ServiceKeys } from "@tickettoken/order-server/auth/ServiceKeys"
import { Effect, Redacted, Result } from "effect"

const hex = (secret: string): string => Buffer.from(digestOf(secret)).toString("hex")

const one = "jP0vXw3nQe8RtYu1IoP5aSdFgHjKlZxC"
const two = "Mn4BvCx7ZlKjHg2FdSaPoIuYtReWq9Lk"
const others = "Qa5WsEd8RfTg1YhUj4IkOl7PzXcVbNmA"

const configured = `payments:${hex(one)}:orders:confirm; payments:${hex(two)}:orders:confirm,orders:read;jobs:${hex(others)}:orders:expire;`

const keys = (text: string) => Result.getOrThrow(parseServiceKeys(text))
const problems = (text: string) => Result.getOrThrow(Result.flip(parseServiceKeys(text)))

const verify = (credential: string) =>
  Effect.flatMap(ServiceKeys, (service) => service.verify(Redacted.make(credential))).pipe(
    Effect.provide(ServiceKeys.layer(keys(configured)))
  )

describe("a key that is active", () => {
  it.effect("names its holder and what the holder may do", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>(yield* verify(`payments.${one}`), {
        keyId: "payments",
        scopes: new Set(["orders:confirm"])
      })
      assert.deepStrictEqual<unknown>(yield* verify(`jobs.${others}`), {
        keyId: "jobs",
        scopes: new Set(["orders:expire"])
      })
    })
  )

  it.effect("can be one of two with the same id, each with its own scopes: that is how keys are rotated", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([...(yield* verify(`payments.${two}`)).scopes], ["orders:confirm", "orders:read"])
    })
  )

  it.effect("may hold dots behind the first one", () =>
    Effect.gen(function* () {
      const service = yield* ServiceKeys
      assert.strictEqual((yield* service.verify(Redacted.make("a.b.c.d"))).keyId, "a")
    }).pipe(Effect.provide(ServiceKeys.layer(keys(`a:${hex("b.c.d")}:orders:read`))))
  )
})

const refused: Record<string, string> = {
  nothing: "",
  blanks: "   ",
  "an id alone": "payments",
  "an id and a dot": "payments.",
  "a dot and a secret": `.${one}`,
  "a secret alone": one,
  "another id's secret": `jobs.${one}`,
  "an id that does not exist": `nobody.${one}`,
  "the beginning of a secret": `payments.${one.slice(0, -1)}`,
  "a secret and more": `payments.${one}x`,
  "a secret in other case": `payments.${one.toLowerCase()}`,
  "a secret with a blank": `payments.${one} `,
  "two credentials": `payments.${one}, payments.${one}`,
  "the digest itself": `payments.${hex(one)}`,
  "a bearer token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
  "far too much": `payments.${one.repeat(64)}`
}

describe("A08 everything else", () => {
  it.effect.each(Object.entries(refused))("%s is refused, without saying why", ([, credential]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(Object.entries(yield* Effect.flip(verify(credential))), [["_tag", "InvalidCredential"]])
    })
  )

  it.effect("a key that was taken out is refused from then on", () =>
    Effect.gen(function* () {
      const service = yield* ServiceKeys
      assert.strictEqual(
        (yield* Effect.flip(service.verify(Redacted.make(`payments.${one}`))))._tag,
        "InvalidCredential"
      )
    }).pipe(Effect.provide(ServiceKeys.layer(keys(`payments:${hex(two)}:orders:confirm`))))
  )

  it.effect("a secret that is too long to be one of ours is refused unread", () =>
    Effect.gen(function* () {
      const service = yield* ServiceKeys
      const credential = Redacted.make(`a.${"x".repeat(1023)}`)
      assert.strictEqual((yield* Effect.flip(service.verify(credential)))._tag, "InvalidCredential")
    }).pipe(Effect.provide(ServiceKeys.layer(keys(`a:${hex("x".repeat(1023))}:orders:read`))))
  )

  it.effect("without any key nobody is let in", () =>
    Effect.gen(function* () {
      const service = yield* ServiceKeys
      for (const credential of ["", ".", "a.", "a.b"]) yield* Effect.flip(service.verify(Redacted.make(credential)))
    }).pipe(Effect.provide(ServiceKeys.layer([])))
  )
})

describe("the configured keys", () => {
  it("are read with or without a semicolon at the end", () => {
    assert.deepStrictEqual(
      keys(configured).map(({ keyId }) => keyId),
      ["payments", "payments", "jobs"]
    )
    assert.strictEqual(keys(`a:${hex("x").toUpperCase()}:orders:read`).length, 1)
  })

  it.each([
    ["nothing", "", /^entry 1 must be id:sha256:scopes/],
    ["a plain secret", "payments:topsecret:orders:read", /^entry 1 must hold the SHA-256/],
    ["the digest of an empty secret", `payments:${hex("")}:orders:read`, /^entry 1 holds the digest of an empty/],
    ["an id with a dot", `pay.ments:${hex("x")}:orders:read`, /^entry 1 must be id:sha256:scopes/],
    ["no scope", `payments:${hex("x")}:`, /^entry 1 must name scopes/],
    ["no scope and no colon", `payments:${hex("x")}`, /^entry 1 must be id:sha256:scopes/],
    ["an unknown scope", `payments:${hex("x")}:orders:read,orders:all`, /^entry 1 must name scopes/],
    ["a scope twice", `payments:${hex("x")}:orders:read,orders:read`, /^entry 1 must name scopes/],
    ["a hole", `a:${hex("x")}:orders:read;;b:${hex("y")}:orders:read`, /^entry 2 must be id:sha256:scopes/],
    [
      "a third key of one id",
      ["x", "y", "z"].map((secret) => `a:${hex(secret)}:orders:read`).join(";"),
      /^must hold at most 2 keys of "a"$/
    ],
    [
      "one secret for two",
      `a:${hex("x")}:orders:read;b:${hex("x")}:orders:read`,
      /^must not hold the same secret twice$/
    ],
    [
      "a hundred and one",
      Array.from({ length: 101 }, (_, at) => `a${at}:${hex(`${at}`)}:orders:read`).join(";"),
      /^must hold at most 100 keys$/
    ]
  ])("must not hold %s", (_, text, expected) => {
    const [first = "", ...rest] = problems(text)
    assert.match(first, expected)
    assert.deepStrictEqual(rest, [])
  })

  it("tell every fault at once, and never a digest", () => {
    const found = problems(`a:nonsense:orders:read;b:${hex("x")}:everything;b:${hex("y")}:orders:read`)
    assert.deepStrictEqual(
      found.map((problem) => problem.slice(0, 7)),
      ["entry 1", "entry 2"]
    )
    assert.isFalse(found.join().includes(hex("x")) || found.join().includes("nonsense"))
  })
})

describe("a credential to send", () => {
  it("is an id, a dot and a secret that fits into a header", () => {
    assert.deepStrictEqual(
      ["orders.s3cret", "orders.a.b", "orders", "orders.", ".x", "orders.a b", "orders.a\nb", "Orders.x"].map(
        isCredential
      ),
      [true, true, false, false, false, false, false, false]
    )
  })
})
