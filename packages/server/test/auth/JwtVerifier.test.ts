/** Bearer tokens: what is taken, and that everything else is refused in the same way (A05, A07). */
import { assert, describe, it } from "@effect/vitest"
import { JwtVerifier } from "@tickettoken/order-server/auth/JwtVerifier"
import { SigningKeys } from "@tickettoken/order-server/auth/SigningKeys"
import { Cause, Effect, Exit, Layer, Logger, Redacted, References } from "effect"
import { TestClock } from "effect/testing"
import { createHmac, generateKeyPairSync, sign } from "node:crypto"

const secret = "test-secret-of-thirty-two-bytes!"
const now = 1_795_000_000
const tenantId = "11111111-1111-4111-8111-111111111111"
const userId = "55555555-5555-4555-8555-555555555551"

type Json = Readonly<Record<string, unknown>>

const claims: Json = {
  sub: userId,
  tenantId,
  role: "user",
  iss: "tickettoken",
  aud: "order-service",
  exp: now + 60,
  iat: now
}
const header: Json = { alg: "HS256", typ: "JWT" }

const encode = (part: Json): string => Buffer.from(JSON.stringify(part)).toString("base64url")

/** A token made by hand, so that nothing refuses to make a bad one. */
const token = (payload: Json = claims, head: Json = header, key = secret, hash = "sha256"): string => {
  const text = `${encode(head)}.${encode(payload)}`
  return `${text}.${createHmac(hash, key).update(text).digest("base64url")}`
}

const without = (name: string): Json => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))

const verifierWith = (text: string) =>
  JwtVerifier.layer({ issuer: "tickettoken", audience: "order-service" }).pipe(
    Layer.provide(SigningKeys.layerSecret(Redacted.make(text)))
  )

const verify = (text: string) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(now * 1000)
    const verifier = yield* JwtVerifier
    return yield* verifier.verify(Redacted.make(text), "192.0.2.7")
  }).pipe(Effect.provide(verifierWith(secret)))

const taken: Record<string, string> = {
  "a plain one": token(),
  "one without a type": token(claims, { alg: "HS256" }),
  "one with the name of a key": token(claims, { ...header, kid: "2026-11" }),
  "one that expired within the leeway": token({ ...claims, exp: now - 59 }),
  "one from a clock that is ahead within the leeway": token({ ...claims, iat: now + 60, nbf: now + 60 }),
  "one with claims that nobody asked for": token({ ...claims, jti: "x", email: "a@example.com", scope: ["y"] }),
  "one without an instant of issue": token(without("iat"))
}

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 })

const signedByRsa = (): string => {
  const text = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(claims)}`
  return `${text}.${sign("sha256", Buffer.from(text), pair.privateKey).toString("base64url")}`
}

/** The public key of an RSA issuer as the secret of an HMAC: the classic mix-up. */
const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString()

const refused: Record<string, string> = {
  "no token": "",
  "no token but blanks": "   ",
  "something else": "not.a.token",
  "two tokens": `${token()} ${token()}`,
  "two tokens in one header": `${token()}, ${token()}`,
  "a token without a signature": token().replace(/[^.]+$/, ""),
  "alg none": `${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.`,
  "alg none, signed": token(claims, { alg: "none", typ: "JWT" }),
  RS256: signedByRsa(),
  "HS256 with a public key": token(claims, header, publicKey),
  HS384: token(claims, { alg: "HS384", typ: "JWT" }, secret, "sha384"),
  HS512: token(claims, { alg: "HS512", typ: "JWT" }, secret, "sha512"),
  "alg in lower case": token(claims, { alg: "hs256", typ: "JWT" }),
  "another key": token(claims, header, "another-secret-of-thirty-two-byte"),
  "an empty key": token(claims, header, ""),
  "a changed claim": token().replace(/\.[^.]+\./, `.${encode({ ...claims, role: "admin" })}.`),
  "no exp": token(without("exp")),
  "an exp that has passed": token({ ...claims, exp: now - 60 }),
  "an exp as text": token({ ...claims, exp: String(now + 60) }),
  "an nbf ahead": token({ ...claims, nbf: now + 61 }),
  "an iat ahead": token({ ...claims, iat: now + 61 }),
  "an iat as text": token({ ...claims, iat: "now" }),
  "another aud": token({ ...claims, aud: "payment-service" }),
  "no aud": token(without("aud")),
  "a list of aud": token({ ...claims, aud: ["order-service", "payment-service"] }),
  "another iss": token({ ...claims, iss: "somebody" }),
  "no iss": token(without("iss")),
  "a list of iss": token({ ...claims, iss: ["tickettoken"] }),
  "another typ": token(claims, { ...header, typ: "at+jwt" }),
  "a typ that is no text": token(claims, { ...header, typ: 1 }),
  "a jku": token(claims, { ...header, jku: "http://127.0.0.1:1/keys" }),
  "an x5u": token(claims, { ...header, x5u: "http://127.0.0.1:1/chain" }),
  "a jwk": token(claims, { ...header, jwk: { kty: "oct", k: "AA" } }),
  "a kid that is a path": token(claims, { ...header, kid: "../../etc/passwd" }),
  "a kid that is a query": token(claims, { ...header, kid: "x' or '1'='1" }),
  "a crit": token(claims, { ...header, crit: ["exp"] }),
  "an unencoded payload": token(claims, { ...header, b64: false, crit: ["b64"] }),
  "more than 4 KB": token({ ...claims, padding: "x".repeat(4096) }),
  "no sub": token(without("sub")),
  "a sub that is no id": token({ ...claims, sub: "admin" }),
  "a sub in capitals": token({ ...claims, sub: "AAAAAAAA-5555-4555-8555-555555555551" }),
  "no tenant": token(without("tenantId")),
  "a tenant that is no id": token({ ...claims, tenantId: "*" }),
  "no role": token(without("role")),
  "a role that does not exist": token({ ...claims, role: "root" }),
  "a role of our own jobs": token({ ...claims, role: "system" }),
  "a list of roles": token({ ...claims, role: ["admin"] }),
  "a role as an object": token({ ...claims, role: { admin: true } }),
  "a tier that does not exist": token({ ...claims, customerTier: "gold" }),
  "an email that is no text": token({ ...claims, email: 7 }),
  "claims that are a list": `${encode(header)}.${Buffer.from("[]").toString("base64url")}.x`
}

describe("a token that is good", () => {
  it.effect("is a caller: tenant, role and subject come from it, the address from the request", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>(yield* verify(token()), {
        tenantId,
        actor: { kind: "user", id: userId, ip: "192.0.2.7" },
        vip: false
      })
    })
  )

  it.effect.each(["user", "support", "finance", "admin"])("can be a %s's", (role) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* verify(token({ ...claims, role }))).actor.kind, role)
    })
  )

  it.effect("3.2 makes a VIP of who it says is one", () =>
    Effect.gen(function* () {
      assert.isTrue((yield* verify(token({ ...claims, customerTier: "vip" }))).vip)
      assert.isFalse((yield* verify(token({ ...claims, customerTier: "standard" }))).vip)
    })
  )

  it.effect.each(Object.entries(taken))("%s is taken", ([, text]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* verify(text)).actor.id, userId)
    })
  )

  it.effect("is good until its leeway has passed, by the clock of the server", () =>
    Effect.gen(function* () {
      const verifier = yield* JwtVerifier
      const good = Redacted.make(token())
      yield* TestClock.setTime((now + 60 + 59) * 1000)
      yield* verifier.verify(good, null)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Effect.flip(verifier.verify(good, null)))._tag, "InvalidCredential")
    }).pipe(Effect.provide(verifierWith(secret)))
  )
})

describe("A05 everything else", () => {
  it.effect.each(Object.entries(refused))("%s is refused, without saying why", ([, text]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(Object.entries(yield* Effect.flip(verify(text))), [["_tag", "InvalidCredential"]])
    })
  )

  it.effect("A32 leaves no token, claim or secret in the log", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ cause, message }) => void lines.push(JSON.stringify([message, Cause.pretty(cause)])))
    return Effect.gen(function* () {
      for (const text of Object.values(refused)) yield* Effect.exit(verify(text))
      assert.strictEqual(lines.length, Object.keys(refused).length)
      const log = lines.join("\n")
      for (const canary of [secret, userId, tenantId, "eyJ", "etc/passwd"]) assert.isFalse(log.includes(canary), log)
    }).pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(References.MinimumLogLevel, "All"))
  })
})

describe("a secret", () => {
  it.effect.each(["", "x".repeat(31)])("that is too short (%j) verifies nothing", (short) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Effect.provide(JwtVerifier, verifierWith(short)))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
    })
  )
})
