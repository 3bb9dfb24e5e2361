/**
 * Credentials of the embedded run: a JWT secret and a service key, made once and kept in the data folder, and bearer
 * tokens for the people of the demo.
 *
 * **When to use**
 *
 * Only where the server runs over its own sandbox. A production run has its credentials from the configuration and
 * never comes here; what the configuration names wins over what is made here.
 */
import { TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { Clock, Duration, Effect, Redacted, Result, Schema } from "effect"
import { SignJWT } from "jose"
import { createSecretKey, randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { JWT_SECRET_BYTES_MIN } from "../config/ConfigKinds.ts"
import { describeCause, FolderNotWritable, hasCode } from "../embedded/EmbeddedPostgresError.ts"
import { makeFolder } from "../embedded/makeFolder.ts"
import type { JwtOptions } from "./JwtVerifier.ts"
import { digestOf, type ServiceKey, serviceScopes } from "./ServiceKeys.ts"

/** Who the demo knows (contract, section 4). */
export const demoPeople = {
  tenantId: TenantId.make("11111111-1111-4111-8111-111111111111"),
  buyer: { userId: UserId.make("55555555-5555-4555-8555-555555555551"), role: "user" },
  secondBuyer: { userId: UserId.make("55555555-5555-4555-8555-555555555552"), role: "user" },
  admin: { userId: UserId.make("55555555-5555-4555-8555-555555555559"), role: "admin" }
} as const

type Person = Exclude<keyof typeof demoPeople, "tenantId">

export interface DemoCredentials {
  readonly jwtSecret: Redacted.Redacted
  /** As a service sends it: `<id>.<secret>`. */
  readonly serviceCredential: Redacted.Redacted
  /** The same key as the server knows it, with every scope. */
  readonly serviceKey: ServiceKey
}

/** The credentials can neither be read nor made. */
export class DemoCredentialsUnusable extends Schema.TaggedError<DemoCredentialsUnusable>()("DemoCredentialsUnusable", {
  file: Schema.String,
  why: Schema.String
}) {
  override get message(): string {
    return `The demo credentials in ${this.file} are not usable (${this.why}); delete the file to make new ones.`
  }
}

const FILE = "demo-credentials.json"
const KEY_ID = "demo"
const SECRET_BYTES = 32
const OWNER_ONLY = 0o600

const Secret = Schema.String.check(Schema.isMinLength(JWT_SECRET_BYTES_MIN))
const Stored = Schema.Struct({ jwtSecret: Secret, serviceSecret: Secret })
const StoredJson = Schema.fromJsonString(Stored)
const decodeStored = Schema.decodeUnknownResult(StoredJson)
const encodeStored = Schema.encodeSync(StoredJson)

/** The credentials of this data folder: those of its last start, or new ones on the first. */
export const open = Effect.fn("DemoCredentials.open")(function* (dataFolder: string) {
  const file = path.resolve(dataFolder, FILE)
  const known = yield* Effect.tryPromise({
    try: () => readIfThere(file),
    catch: (cause) => new DemoCredentialsUnusable({ file, why: describeCause(cause) })
  })
  const text = known ?? (yield* Effect.tryPromise({ try: () => make(file), catch: notWritable(path.dirname(file)) }))
  const stored = decodeStored(text)
  if (Result.isFailure(stored)) {
    return yield* new DemoCredentialsUnusable({ file, why: "it does not hold what was written" })
  }
  const { jwtSecret, serviceSecret } = stored.success
  const credentials: DemoCredentials = {
    jwtSecret: Redacted.make(jwtSecret, { label: "demo JWT secret" }),
    serviceCredential: Redacted.make(`${KEY_ID}.${serviceSecret}`, { label: "demo service key" }),
    serviceKey: { keyId: KEY_ID, digest: digestOf(serviceSecret), scopes: new Set(serviceScopes) }
  }
  return credentials
})

const notWritable = (folder: string) => (cause: unknown) =>
  new FolderNotWritable({ folder, detail: describeCause(cause) })

const make = async (file: string): Promise<string> => {
  await makeFolder(path.dirname(file))
  const draft = `${file}.${randomBytes(8).toString("hex")}`
  await fs.writeFile(draft, encodeStored({ jwtSecret: newSecret(), serviceSecret: newSecret() }), {
    mode: OWNER_ONLY,
    flag: "wx",
    flush: true
  })
  // A link appears whole or not at all, and never over another process's file: whoever is first wins for both.
  try {
    await fs.link(draft, file)
  } catch (cause) {
    if (!hasCode(cause, "EEXIST")) throw cause
  } finally {
    await fs.unlink(draft)
  }
  return fs.readFile(file, "utf8")
}

const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    await keepToOwner(file)
    return await fs.readFile(file, "utf8")
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined
    throw cause
  }
}

/** What was copied or unpacked may have become readable for others. Another account's file is that account's business. */
const keepToOwner = async (file: string): Promise<void> => {
  try {
    await fs.chmod(file, OWNER_ONLY)
  } catch (cause) {
    if (!hasCode(cause, "EPERM", "EROFS")) throw cause
  }
}

const newSecret = (): string => randomBytes(SECRET_BYTES).toString("base64url")

/** How long a demo token is good: long enough to try the service out, not to depend on it. */
const TOKEN_LIFETIME = Duration.days(30)

export type DemoTokens = { readonly [Who in Person]: Redacted.Redacted }

/** Bearer tokens for the people of the demo, signed for the server that these options verify tokens for. */
export const makeTokens = Effect.fn("DemoCredentials.makeTokens")(function* (
  secret: Redacted.Redacted,
  { audience, issuer }: JwtOptions
) {
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const key = createSecretKey(Redacted.value(secret), "utf8")
  const tokenOf = (who: Person) => {
    const { role, userId } = demoPeople[who]
    return Effect.promise(() =>
      new SignJWT({ tenantId: demoPeople.tenantId, role })
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(now)
        .setExpirationTime(now + Duration.toSeconds(TOKEN_LIFETIME))
        .sign(key)
    ).pipe(Effect.map((token) => Redacted.make(token, { label: `demo token of ${who}` })))
  }
  const tokens: DemoTokens = yield* Effect.all({
    buyer: tokenOf("buyer"),
    secondBuyer: tokenOf("secondBuyer"),
    admin: tokenOf("admin")
  })
  return tokens
})
