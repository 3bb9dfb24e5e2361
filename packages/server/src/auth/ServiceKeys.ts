/**
 * Keys of other services: who may call the internal endpoints, and which of them.
 *
 * **Details**
 *
 * A service sends `<id>.<secret>`. We know only the SHA-256 of the secret. The secret is 256 random bits, so a plain
 * digest is enough: there is nothing to guess. Two keys of one id may be active at once, for rotation.
 *
 * **Gotchas**
 *
 * A missing header decodes to an empty credential, and an empty text has a digest too: both are refused, here and when
 * the keys are read (reliability M3).
 */
import { Context, Effect, Layer, Redacted, Result } from "effect"
import { createHash, timingSafeEqual } from "node:crypto"
import { InvalidCredential } from "./InvalidCredential.ts"

export const serviceScopes = [
  "orders:confirm",
  "orders:expire",
  "orders:read",
  "orders:bulk-cancel",
  "events:replay"
] as const
export type ServiceScope = (typeof serviceScopes)[number]

/** One active key: the digest of a secret, and what its holder may do. */
export interface ServiceKey {
  readonly keyId: string
  readonly digest: Uint8Array
  readonly scopes: ReadonlySet<ServiceScope>
}

/** A service that has shown a good key. The id is the actor of everything it does. */
export interface ServiceCaller {
  readonly keyId: string
  readonly scopes: ReadonlySet<ServiceScope>
}

const KEYS_MAX = 100
const KEYS_PER_ID_MAX = 2
const CREDENTIAL_CHARS_MAX = 1024
const DIGEST_HEX = /^[0-9a-f]{64}$/i

/** Has no dot, so that it ends where the secret begins. */
const KEY_ID = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/

/** The digest under which a secret is kept. */
export const digestOf = (secret: string): Uint8Array => createHash("sha256").update(secret, "utf8").digest()

const isScope = (text: string): text is ServiceScope => serviceScopes.some((scope) => scope === text)

const emptyDigest = digestOf("")

/** Whether two digests are the same, in a time that does not depend on where they differ. */
export const sameDigest = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && timingSafeEqual(one, other)

/**
 * Reads `id:sha256-of-secret-in-hex:scope,scope;...`. Fails with everything that is wrong, naming entries by their place
 * and never by their digest.
 */
export const parseServiceKeys = (text: string): Result.Result<ReadonlyArray<ServiceKey>, ReadonlyArray<string>> => {
  const entries = text.trim().replace(/;$/, "").split(";")
  if (entries.length > KEYS_MAX) return Result.fail([`must hold at most ${KEYS_MAX} keys`])
  const keys: Array<ServiceKey> = []
  const problems: Array<string> = []
  for (const [at, entry] of entries.entries()) {
    const key = parseEntry(entry.trim())
    if (Result.isFailure(key)) problems.push(`entry ${at + 1} ${key.failure}`)
    else keys.push(key.success)
  }
  problems.push(...conflicts(keys))
  return problems.length === 0 ? Result.succeed(keys) : Result.fail(problems)
}

const parseEntry = (entry: string): Result.Result<ServiceKey, string> => {
  // A scope holds a colon of its own: only the first two separate.
  const [, keyId = "", hex = "", scopeList = ""] = /^([^:]*):([^:]*):(.*)$/.exec(entry) ?? []
  if (!KEY_ID.test(keyId)) return Result.fail("must be id:sha256:scopes, with an id of a-z, 0-9, _ and -")
  if (!DIGEST_HEX.test(hex)) return Result.fail("must hold the SHA-256 of the secret as 64 hexadecimal digits")
  const digest = Buffer.from(hex, "hex")
  if (sameDigest(digest, emptyDigest)) return Result.fail("holds the digest of an empty secret")
  const scopes = scopeList.split(",").map((scope) => scope.trim())
  const known = scopes.filter(isScope)
  return known.length === scopes.length && new Set(scopes).size === scopes.length
    ? Result.succeed({ keyId, digest, scopes: new Set(known) })
    : Result.fail(`must name scopes, each once, of ${serviceScopes.join(", ")}`)
}

/** What is wrong between keys that are fine alone. */
const conflicts = (keys: ReadonlyArray<ServiceKey>): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const ids = Map.groupBy(keys, ({ keyId }) => keyId)
  for (const [keyId, ofId] of ids) {
    if (ofId.length > KEYS_PER_ID_MAX) problems.push(`must hold at most ${KEYS_PER_ID_MAX} keys of "${keyId}"`)
  }
  const secrets = Map.groupBy(keys, ({ digest }) => Buffer.from(digest).toString("hex"))
  if (secrets.size < keys.length) problems.push("must not hold the same secret twice")
  return problems
}

/** The keys that are active. */
export class ServiceKeys extends Context.Service<
  ServiceKeys,
  {
    /** Who sent this credential, the part of the header behind `Service-Key`. */
    readonly verify: (credential: Redacted.Redacted) => Effect.Effect<ServiceCaller, InvalidCredential>
  }
>()("@tickettoken/order-server/auth/ServiceKeys") {
  static readonly layer = (keys: ReadonlyArray<ServiceKey>): Layer.Layer<ServiceKeys> =>
    Layer.succeed(ServiceKeys, ServiceKeys.of({ verify: verifyWith(keys) }))
}

const verifyWith = (keys: ReadonlyArray<ServiceKey>) =>
  Effect.fn("ServiceKeys.verify")(function* (credential: Redacted.Redacted) {
    const text = Redacted.value(credential)
    const [, keyId = "", secret = ""] = /^([^.]+)\.(.+)$/.exec(text) ?? []
    if (secret === "" || text.length > CREDENTIAL_CHARS_MAX) return yield* new InvalidCredential()
    const digest = digestOf(secret)
    let caller: ServiceCaller | undefined
    // Every key is compared, whatever came before: the time says nothing about which one was close.
    for (const key of keys) {
      const isSame = sameDigest(digest, key.digest)
      if (isSame && key.keyId === keyId) caller = { keyId, scopes: key.scopes }
    }
    return caller ?? (yield* new InvalidCredential())
  })

/** Whether this text can be sent as a credential: an id, a dot and a secret. */
export const isCredential = (text: string): boolean => {
  const [, keyId = "", secret = ""] = /^([^.]+)\.(.+)$/.exec(text) ?? []
  return text.length <= CREDENTIAL_CHARS_MAX && KEY_ID.test(keyId) && /^[\x21-\x7e]+$/.test(secret)
}
