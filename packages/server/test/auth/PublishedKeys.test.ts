/** Keys that an issuer publishes: what is taken, how they rotate, and what an outage of the issuer does (A05, A06). */
import { assert, describe, it } from "@effect/vitest"
import { JwtVerifier } from "@tickettoken/order-server/auth/JwtVerifier"
import * as PublishedKeys from "@tickettoken/order-server/auth/PublishedKeys"
import { SigningKeys } from "@tickettoken/order-server/auth/SigningKeys"
import { Clock, Deferred, Effect, Fiber, Layer, Redacted, References } from "effect"
import { TestClock } from "effect/testing"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose"
import { createHmac } from "node:crypto"
import { httpStub } from "../support/httpStub.ts"

const url = new URL("https://id.example/keys")
const userId = "55555555-5555-4555-8555-555555555551"
const tenantId = "11111111-1111-4111-8111-111111111111"

const algorithms = ["RS256", "ES256", "EdDSA"] as const
type Algorithm = (typeof algorithms)[number]

/** Made once: RSA keys take their time. */
const pairs = {
  old: { alg: "RS256", pair: await generateKeyPair("RS256") },
  next: { alg: "ES256", pair: await generateKeyPair("ES256") },
  third: { alg: "EdDSA", pair: await generateKeyPair("EdDSA") },
  unpublished: { alg: "ES256", pair: await generateKeyPair("ES256") }
} as const
type Name = keyof typeof pairs

const jwk = async (name: Name): Promise<JWK> => ({
  ...(await exportJWK(pairs[name].pair.publicKey)),
  kid: name,
  use: "sig",
  alg: pairs[name].alg
})
const published = {
  old: await jwk("old"),
  next: await jwk("next"),
  third: await jwk("third")
}

const tokenOf = (name: Name, header: { readonly kid?: string | null; readonly alg?: Algorithm } = {}) =>
  Effect.gen(function* () {
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const { alg, pair } = pairs[name]
    const kid = header.kid === undefined ? name : header.kid
    const text = yield* Effect.promise(() =>
      new SignJWT({ tenantId, role: "user" })
        .setProtectedHeader({ alg: header.alg ?? alg, typ: "JWT", ...(kid === null ? {} : { kid }) })
        .setSubject(userId)
        .setIssuer("tickettoken")
        .setAudience("order-service")
        .setExpirationTime(now + 7 * 24 * 3600)
        .sign(pair.privateKey)
    )
    return Redacted.make(text)
  })

/** What the issuer answers, and how often it was asked. */
interface Issuer {
  answer: (() => Response) | Effect.Effect<Response>
  asked: number
}

const setOf =
  (...keys: ReadonlyArray<JWK>) =>
  () =>
    Response.json({ keys })

const issuerWith = (answer: Issuer["answer"]): Issuer => ({ answer, asked: 0 })

const client = (issuer: Issuer) =>
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) =>
      Effect.suspend(() => {
        issuer.asked += 1
        const answer = typeof issuer.answer === "function" ? Effect.sync(issuer.answer) : issuer.answer
        return Effect.map(answer, (response) => HttpClientResponse.fromWeb(request, response))
      })
    )
  )

const verifier = (issuer: Issuer) =>
  JwtVerifier.layer({ issuer: "tickettoken", audience: "order-service" }).pipe(
    Layer.provideMerge(PublishedKeys.layer(url)),
    Layer.provide(client(issuer))
  )

const verify = (token: Redacted.Redacted) => Effect.flatMap(JwtVerifier, (service) => service.verify(token, null))

/** `taken`, or the tag of what came instead. */
const judge = (token: Redacted.Redacted) =>
  verify(token).pipe(Effect.match({ onSuccess: () => "taken", onFailure: ({ _tag }) => _tag }))

const whileIssuing = <A, E>(issuer: Issuer, test: Effect.Effect<A, E, JwtVerifier | SigningKeys>) =>
  Effect.provide(test, verifier(issuer))

describe("a token that is signed with a published key", () => {
  it.effect("is taken, for each type of key", () =>
    whileIssuing(
      issuerWith(setOf(published.old, published.next, published.third)),
      Effect.gen(function* () {
        for (const name of ["old", "next", "third"] as const) {
          assert.strictEqual((yield* verify(yield* tokenOf(name))).actor.id, userId, name)
        }
      })
    )
  )

  const good = published.next
  const sets: Record<string, readonly [set: () => Response, expected: string]> = {
    "a key for encryption": [setOf({ ...good, use: "enc" }), "InvalidCredential"],
    "a key for another algorithm": [setOf({ ...good, alg: "ES384" }), "InvalidCredential"],
    "two keys of one name": [setOf(good, { ...published.third, kid: "next", alg: "ES256" }, good), "InvalidCredential"],
    "a broken key beside it": [setOf({ kty: "RSA", kid: "x" }, good), "taken"],
    "a key of no known type beside it": [setOf({ kty: "oct", kid: "next", k: "AAAA" }, good), "taken"],
    "a secret only": [setOf({ kty: "oct", kid: "next", k: "AAAA" }), "KeysUnavailable"],
    "no key": [setOf(), "KeysUnavailable"],
    "more keys than anybody has": [setOf(...Array.from({ length: 101 }, () => good)), "KeysUnavailable"],
    "something else": [() => Response.json({ keys: "none" }), "KeysUnavailable"],
    HTML: [() => new Response("<html>"), "KeysUnavailable"],
    "far too much": [() => new Response(`{"keys":[${" ".repeat(70_000)}]}`), "KeysUnavailable"],
    "an error": [() => new Response("", { status: 500 }), "KeysUnavailable"],
    "a redirect": [
      () => new Response("", { status: 302, headers: { location: "https://x.example" } }),
      "KeysUnavailable"
    ]
  }

  it.effect.each(Object.entries(sets))("and the issuer publishes %s", ([, [set, expected]]) =>
    whileIssuing(
      issuerWith(set),
      Effect.gen(function* () {
        assert.strictEqual(yield* judge(yield* tokenOf("next")), expected)
      })
    )
  )
})

describe("A05 a token that is not", () => {
  const head = (header: object) => Buffer.from(JSON.stringify(header)).toString("base64url")
  const body = Buffer.from(JSON.stringify({ sub: userId })).toString("base64url")
  const hmac = (header: object, key: string) => {
    const text = `${head(header)}.${body}`
    return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`
  }
  const forged: Record<string, string> = {
    "HS256 with the published key as its secret": hmac({ alg: "HS256", kid: "old" }, JSON.stringify(published.old)),
    "alg none": `${head({ alg: "none", kid: "old" })}.${body}.`,
    "a key address of its own": `${head({ alg: "RS256", kid: "old", jku: "https://evil.example" })}.${body}.x`,
    "a key of its own": `${head({ alg: "RS256", kid: "old", jwk: published.next })}.${body}.x`,
    "a kid that is a path": `${head({ alg: "RS256", kid: "../old" })}.${body}.x`,
    RS512: `${head({ alg: "RS512", kid: "old" })}.${body}.x`
  }

  it.effect.each(Object.entries(forged))("is refused and asks nobody for a key: %s", ([, text]) => {
    const issuer = issuerWith(setOf(published.old))
    return whileIssuing(
      issuer,
      Effect.gen(function* () {
        assert.strictEqual(yield* judge(yield* tokenOf("old")), "taken")
        yield* TestClock.adjust("31 seconds")
        assert.strictEqual(yield* judge(Redacted.make(text)), "InvalidCredential")
        assert.strictEqual(issuer.asked, 1)
      })
    )
  })

  it.effect("is refused if it names no key, another key than signed it, or a key of another type", () =>
    whileIssuing(
      issuerWith(setOf(published.old, published.next)),
      Effect.gen(function* () {
        assert.strictEqual(yield* judge(yield* tokenOf("next", { kid: null })), "InvalidCredential")
        assert.strictEqual(yield* judge(yield* tokenOf("unpublished", { kid: "next" })), "InvalidCredential")
        assert.strictEqual(yield* judge(yield* tokenOf("next", { kid: "old" })), "InvalidCredential")
      })
    )
  )
})

describe("A06 rotation", () => {
  it.effect("takes a new key at once, and the old one until it leaves the set", () => {
    const issuer = issuerWith(setOf(published.old))
    return whileIssuing(
      issuer,
      Effect.gen(function* () {
        const old = yield* tokenOf("old")
        const next = yield* tokenOf("next")
        assert.strictEqual(yield* judge(old), "taken")
        yield* TestClock.adjust("31 seconds")
        issuer.answer = setOf(published.old, published.next)
        assert.deepStrictEqual([yield* judge(next), yield* judge(old)], ["taken", "taken"])
        assert.strictEqual(issuer.asked, 2)
        issuer.answer = setOf(published.next)
        assert.strictEqual(yield* judge(old), "taken")
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual([yield* judge(next), yield* judge(old)], ["taken", "InvalidCredential"])
      })
    )
  })

  it.effect("reads once in 30 seconds, however many unknown keys are named at once", () => {
    const issuer = issuerWith(setOf(published.old))
    return whileIssuing(
      issuer,
      Effect.gen(function* () {
        const good = yield* tokenOf("old")
        assert.strictEqual(yield* judge(good), "taken")
        for (const round of [1, 2, 3]) {
          yield* TestClock.adjust("31 seconds")
          const flood = yield* Effect.forEach(
            Array.from({ length: 200 }, (_, at) => at),
            (at) => Effect.flatMap(tokenOf("unpublished", { kid: `k${round}-${at}` }), judge),
            { concurrency: 50 }
          )
          assert.deepStrictEqual([...new Set(flood)], ["InvalidCredential"])
          assert.strictEqual(yield* judge(good), "taken")
          assert.strictEqual(issuer.asked, 1 + round)
        }
      })
    )
  })

  it.effect("is not broken off by a caller that hangs up", () => {
    const issuer = issuerWith(setOf(published.old))
    return whileIssuing(
      issuer,
      Effect.gen(function* () {
        assert.strictEqual(yield* judge(yield* tokenOf("old")), "taken")
        yield* TestClock.adjust("31 seconds")
        const next = yield* tokenOf("next")
        const asked = yield* Deferred.make<void>()
        const gate = yield* Deferred.make<void>()
        const slow = Effect.sync(setOf(published.old, published.next))
        issuer.answer = Deferred.succeed(asked, undefined).pipe(
          Effect.andThen(Deferred.await(gate)),
          Effect.andThen(slow)
        )
        const first = yield* Effect.forkChild(judge(next))
        yield* Deferred.await(asked)
        const second = yield* Effect.forkChild(judge(next))
        yield* Fiber.interrupt(first)
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual(yield* Fiber.join(second), "taken")
        assert.strictEqual(issuer.asked, 2)
      })
    )
  })
})

describe("an issuer that is away", () => {
  it.effect("keeps nobody out whose key is known, for a day, and lets in nobody who can not be judged", () => {
    const issuer = issuerWith(setOf(published.old))
    return whileIssuing(
      issuer,
      Effect.gen(function* () {
        const { check } = yield* SigningKeys
        const old = yield* tokenOf("old")
        assert.strictEqual(yield* judge(old), "taken")
        yield* check ?? Effect.die("keys come from elsewhere")
        issuer.answer = () => new Response("", { status: 503 })
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual([yield* judge(old), yield* judge(yield* tokenOf("next"))], ["taken", "KeysUnavailable"])
        assert.strictEqual(yield* Effect.flip(check ?? Effect.void), "it answered 503")
        yield* TestClock.adjust("24 hours")
        assert.strictEqual(yield* judge(old), "KeysUnavailable")
        issuer.answer = setOf(published.old, published.next)
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual([yield* judge(old), yield* judge(yield* tokenOf("next"))], ["taken", "taken"])
        yield* check ?? Effect.void
      })
    )
  })

  it.effect("from the start on is asked every 30 seconds, and not by every request", () => {
    const issuer = issuerWith(() => new Response("", { status: 404 }))
    return whileIssuing(
      issuer,
      Effect.gen(function* () {
        const old = yield* tokenOf("old")
        for (let request = 0; request < 20; request++) assert.strictEqual(yield* judge(old), "KeysUnavailable")
        assert.strictEqual(issuer.asked, 1)
        issuer.answer = setOf(published.old)
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* judge(old), "taken")
      })
    )
  })
})

describe("over a real connection", () => {
  it.live("keys are read, and a redirect to other keys is not followed", () =>
    Effect.gen(function* () {
      const good = yield* httpStub({ body: { keys: [published.old] } })
      const lured = yield* httpStub({ status: 302, headers: { location: good.url.href } })
      const judged = (from: URL) =>
        Effect.gen(function* () {
          return yield* judge(yield* tokenOf("old"))
        }).pipe(
          Effect.provide(
            JwtVerifier.layer({ issuer: "tickettoken", audience: "order-service" }).pipe(
              Layer.provide(PublishedKeys.layer(from)),
              Layer.provide(FetchHttpClient.layer)
            )
          )
        )
      assert.strictEqual(yield* judged(good.url), "taken")
      assert.strictEqual(yield* judged(lured.url), "KeysUnavailable")
      assert.strictEqual(good.received.length, 1)
    }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"))
  )
})
