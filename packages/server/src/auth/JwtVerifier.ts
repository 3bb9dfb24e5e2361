/**
 * Bearer tokens of people: who is calling, for which tenant, in which role (rule 7.2).
 *
 * **Details**
 *
 * What a header may hold is checked before a key is looked for: the algorithm, which the kind of key decides and never
 * the token, and that nothing in it points to a key elsewhere. Signature, issuer, audience and the times are checked by
 * jose; the schemas check the rest, because jose alone would take an audience list and an `iat` in the future
 * (reliability M14, A05). Every refusal is the same `InvalidCredential`. Clocks may be 60 seconds apart.
 *
 * Nothing is remembered of a token: to verify one costs less than a fifth of a millisecond of a processor, and a
 * memory of good tokens would have to be emptied whenever a key leaves.
 */
import type { Caller } from "@tickettoken/order-domain/Actor"
import { TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { Context, Data, DateTime, Effect, Layer, Redacted, Schema } from "effect"
import { decodeProtectedHeader, errors, jwtVerify } from "jose"
import { InvalidCredential } from "./InvalidCredential.ts"
import { type Algorithm, type KeysUnavailable, SigningKeys, type SigningKeysShape } from "./SigningKeys.ts"

/** For whom a token must be made, and by whom. */
export interface JwtOptions {
  readonly issuer: string
  readonly audience: string
}

/** How far the clocks of issuer and server may be apart. */
const LEEWAY_SECONDS = 60

/** Larger than any token that we issue; longer ones are refused before anything is computed. */
const TOKEN_CHARS_MAX = 4096

const EMAIL_CHARS_MAX = 320

/** The parts that a signed-in person can play. */
const jwtRoles = ["user", "support", "finance", "admin"] as const

/**
 * What a header may hold. Anything else is refused, above all what tells a verifier where to find a key: `jku`, `jwk`,
 * `x5u`, `x5c`, and a `kid` that is a path or a query.
 */
const headerWith = (algorithms: ReadonlyArray<Algorithm>) =>
  Schema.Struct({
    alg: Schema.Literals(algorithms),
    typ: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^jwt$/i))),
    kid: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[\w.:=-]{1,128}$/)))
  })

const Claims = Schema.Struct({
  sub: UserId,
  tenantId: TenantId,
  role: Schema.Literals(jwtRoles),
  /** One audience: a token for several services could be replayed by any of them. */
  aud: Schema.String,
  exp: Schema.Finite,
  iat: Schema.optionalKey(Schema.Finite),
  customerTier: Schema.optionalKey(Schema.Literals(["standard", "vip"])),
  email: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(EMAIL_CHARS_MAX)))
})

// An unknown claim is nobody's business; an unknown header parameter is refused.
const decodeClaims = Schema.decodeUnknownEffect(Claims)

/** Who a token stands for. */
export class JwtVerifier extends Context.Service<
  JwtVerifier,
  {
    /** The caller behind this token. `ip` is where the request came from, for the audit history. */
    readonly verify: (
      token: Redacted.Redacted,
      ip: string | null
    ) => Effect.Effect<Caller, InvalidCredential | KeysUnavailable>
  }
>()("@tickettoken/order-server/auth/JwtVerifier") {
  static readonly layer = (options: JwtOptions): Layer.Layer<JwtVerifier, never, SigningKeys> =>
    Layer.effect(
      JwtVerifier,
      Effect.map(SigningKeys, (keys) => JwtVerifier.of({ verify: verifyWith(options, keys) }))
    )
}

const verifyWith = (options: JwtOptions, keys: SigningKeysShape) => {
  const decodeHeader = Schema.decodeUnknownEffect(headerWith(keys.algorithms), { onExcessProperty: "error" })
  const headerOf = Effect.fnUntraced(function* (token: string) {
    const header = yield* Effect.try({
      try: (): unknown => decodeProtectedHeader(token),
      catch: () => new Refused({ code: "NO_HEADER" })
    })
    return yield* decodeHeader(header)
  })
  return Effect.fn("JwtVerifier.verify")(
    function* (token: Redacted.Redacted, ip: string | null) {
      const text = Redacted.value(token)
      if (text === "" || text.length > TOKEN_CHARS_MAX) return yield* new Refused({ code: "SIZE" })
      const key = yield* keys.keyFor(yield* headerOf(text))
      const now = yield* DateTime.now
      const payload = yield* Effect.tryPromise({
        try: () => checkSignature(text, key, { ...options, algorithms: [...keys.algorithms], now }),
        catch: (cause) => new Refused({ code: cause instanceof errors.JOSEError ? cause.code : "UNEXPECTED" })
      })
      const claims = yield* decodeClaims(payload)
      if (claims.iat !== undefined && claims.iat > DateTime.toEpochMillis(now) / 1000 + LEEWAY_SECONDS) {
        return yield* new Refused({ code: "ISSUED_IN_THE_FUTURE" })
      }
      const caller: Caller = {
        tenantId: claims.tenantId,
        actor: { kind: claims.role, id: claims.sub, ip },
        vip: claims.customerTier === "vip"
      }
      return caller
    },
    // Operators get the kind of refusal, never the token nor a claim of it.
    Effect.tapError((error) =>
      Effect.logDebug("a bearer token was not taken", "code" in error ? error.code : error._tag)
    ),
    Effect.mapError((error) => (error._tag === "KeysUnavailable" ? error : new InvalidCredential()))
  )
}

interface Checks extends JwtOptions {
  readonly algorithms: Array<Algorithm>
  readonly now: DateTime.Utc
}

const checkSignature = async (
  token: string,
  key: Parameters<typeof jwtVerify>[1],
  { algorithms, audience, issuer, now }: Checks
) => {
  const { payload } = await jwtVerify(token, key, {
    algorithms,
    issuer,
    audience,
    requiredClaims: ["exp", "sub"],
    clockTolerance: LEEWAY_SECONDS,
    currentDate: DateTime.toDateUtc(now)
  })
  return payload
}

/** Why a token was refused, for the log alone. */
class Refused extends Data.TaggedError("Refused")<{ readonly code: string }> {}
