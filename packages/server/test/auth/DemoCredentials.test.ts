/** The credentials of the embedded run: made once, kept for their owner alone, and good at the server's own doors. */
import { assert, describe, it } from "@effect/vitest"
import { DemoCredentialsUnusable, demoPeople, makeTokens, open } from "@tickettoken/order-server/auth/DemoCredentials"
import { JwtVerifier } from "@tickettoken/order-server/auth/JwtVerifier"
import { SigningKeys } from "@tickettoken/order-server/auth/SigningKeys"
import { ServiceKeys, serviceScopes } from "@tickettoken/order-server/auth/ServiceKeys"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "demo-credentials-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

const file = "demo-credentials.json"
const mode = (path: string) => Effect.promise(async () => ((await stat(path)).mode & 0o777).toString(8))

describe("the demo credentials", () => {
  it.effect("are made on the first start and the same on every later one", () =>
    Effect.gen(function* () {
      const data = join(yield* folder, "not", "there", "yet")
      const first = yield* open(data)
      const second = yield* open(data)
      assert.strictEqual(Redacted.value(second.jwtSecret), Redacted.value(first.jwtSecret))
      assert.strictEqual(Redacted.value(second.serviceCredential), Redacted.value(first.serviceCredential))
      assert.strictEqual(Buffer.from(Redacted.value(first.jwtSecret), "base64url").length, 32)
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(data)), [file])
    })
  )

  it.effect("are different in another folder", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* open(yield* folder), yield* open(yield* folder)]
      assert.notStrictEqual(Redacted.value(one.jwtSecret), Redacted.value(other.jwtSecret))
    })
  )

  it.effect("are one pair, however many start at once", () =>
    Effect.gen(function* () {
      const data = yield* folder
      // Each starts some turns of the loop after the one before it, so that early ones read while late ones write.
      const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      const all = yield* Effect.all(
        Array.from({ length: 64 }, (_, at) => Effect.andThen(Effect.repeat(turn, { times: at }), open(data))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(all.map(({ jwtSecret }) => Redacted.value(jwtSecret))).size, 1)
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(data)), [file])
    })
  )

  it.effect("are for their owner's eyes only, and become so again", () =>
    Effect.gen(function* () {
      const data = yield* folder
      yield* open(data)
      assert.strictEqual(yield* mode(join(data, file)), "600")
      yield* Effect.promise(() => chmod(join(data, file), 0o644))
      yield* open(data)
      assert.strictEqual(yield* mode(join(data, file)), "600")
    })
  )

  it.effect.each(["", "{}", `{"jwtSecret":"short","serviceSecret":"short"}`])(
    "that were spoilt (%j) are an error that names the file, not its content",
    (content) =>
      Effect.gen(function* () {
        const data = yield* folder
        yield* Effect.promise(() => writeFile(join(data, file), content))
        const error = yield* Effect.flip(open(data))
        assert.instanceOf(error, DemoCredentialsUnusable)
        assert.include(error.message, join(data, file))
        assert.notInclude(error.message, "short")
      })
  )

  it.effect("A32 print as nothing", () =>
    Effect.gen(function* () {
      const credentials = yield* open(yield* folder)
      const printed = inspect(credentials, { depth: 5 }) + JSON.stringify(credentials)
      assert.notInclude(printed, Redacted.value(credentials.jwtSecret))
      assert.notInclude(printed, Redacted.value(credentials.serviceCredential).slice(5))
    })
  )

  it.effect("hold a service key that opens every internal door", () =>
    Effect.gen(function* () {
      const { serviceCredential, serviceKey } = yield* open(yield* folder)
      const caller = yield* Effect.flatMap(ServiceKeys, (keys) => keys.verify(serviceCredential)).pipe(
        Effect.provide(ServiceKeys.layer([serviceKey]))
      )
      assert.deepStrictEqual([caller.keyId, [...caller.scopes]], ["demo", [...serviceScopes]])
    })
  )
})

describe("the demo tokens", () => {
  const issuer = "tickettoken"
  const audience = "order-service"

  it.effect("are taken for the people of the demo, for 30 days", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 22))
      const { jwtSecret: secret } = yield* open(yield* folder)
      const tokens = yield* makeTokens(secret, { issuer, audience })
      const verifier = yield* Effect.provide(
        JwtVerifier,
        JwtVerifier.layer({ issuer, audience }).pipe(Layer.provide(SigningKeys.layerSecret(secret)))
      )
      const { admin, buyer, secondBuyer, tenantId } = demoPeople
      for (const [token, person] of [
        [tokens.buyer, buyer],
        [tokens.secondBuyer, secondBuyer],
        [tokens.admin, admin]
      ] as const) {
        const caller = yield* verifier.verify(token, null)
        assert.deepStrictEqual(caller, {
          tenantId,
          actor: { kind: person.role, id: person.userId, ip: null },
          vip: false
        })
      }
      yield* TestClock.adjust("30 days")
      yield* verifier.verify(tokens.admin, null)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.flip(verifier.verify(tokens.admin, null)))._tag, "InvalidCredential")
    })
  )

  it("are of the ids that the contract names", () => {
    assert.deepStrictEqual(
      [demoPeople.tenantId, demoPeople.buyer.userId, demoPeople.secondBuyer.userId, demoPeople.admin.userId],
      [
        "11111111-1111-4111-8111-111111111111",
        "55555555-5555-4555-8555-555555555551",
        "55555555-5555-4555-8555-555555555552",
        "55555555-5555-4555-8555-555555555559"
      ]
    )
  })
})
