/**
 * Bearer tokens of people: who is calling, for which tenant, in which role (rule 7.2).
 *
 * **Details**
 *
 * HS256 with one shared secret. Algorithm, issuer, audience and the times are checked by jose; the schemas below check
 * the rest, because jose alone would take an audience list, an `iat` in the future and a header that points to a key
 * elsewhere (reliability M14, A05). Every refusal is the same `InvalidCredential`.
 */
import type { Caller } from "@tickettoken/order-domain/Actor"
import { TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { Context, Data, DateTime, Effect, Layer, Redacted, Schema } from "effect"
import { errors, jwtVerify } from "jose"
import { createSecretKey } from "node:crypto"
import { JWT_SECRET_BYTES_MIN } from "../config/ConfigKinds.ts"
import { InvalidCredential } from "./InvalidCredential.ts"

export interface JwtOptions {
  /** At least 32 bytes. */
  readonly secret: Redacted.Redacted
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
const Header = Schema.Struct({
  alg: Schema.Literal("HS256"),
  typ: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^jwt$/i))),
  kid: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[\w-]{1,128}$/)))
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

// An unknown header parameter is refused; an unknown claim is nobody's business.
const decodeHeader = Schema.decodeUnknownEffect(Header, { onExcessProperty: "error" })
const decodeClaims = Schema.decodeUnknownEffect(Claims)

/** Who a token stands for. */
export class JwtVerifier extends Context.Service<
  JwtVerifier,
  {
    /** The caller behind this token. `ip` is where the request came from, for the audit history. */
    readonly verify: (token: Redacted.Redacted, ip: string | null) => Effect.Effect<Caller, InvalidCredential>
  }
>()("@tickettoken/order-server/auth/JwtVerifier") {
  static readonly layer = (options: JwtOptions): Layer.Layer<JwtVerifier> => Layer.effect(JwtVerifier, make(options))
}

// jose would take a secret of one byte (reliability M14). The configuration refuses it first; this is for everybody else.
const make = (options: JwtOptions) =>
  Buffer.byteLength(Redacted.value(options.secret)) < JWT_SECRET_BYTES_MIN
    ? Effect.die(new Error(`a JWT secret has at least ${JWT_SECRET_BYTES_MIN} bytes`))
    : Effect.succeed(JwtVerifier.of({ verify: verifyWith(options) }))

const verifyWith = ({ audience, issuer, secret }: JwtOptions) => {
  const key = createSecretKey(Redacted.value(secret), "utf8")
  const checkSignature = (token: string, now: DateTime.Utc) =>
    Effect.tryPromise({
      try: () =>
        jwtVerify(token, key, {
          algorithms: ["HS256"],
          issuer,
          audience,
          requiredClaims: ["exp", "sub"],
          clockTolerance: LEEWAY_SECONDS,
          currentDate: DateTime.toDateUtc(now)
        }),
      catch: (cause) => new Refused({ code: cause instanceof errors.JOSEError ? cause.code : "UNEXPECTED" })
    })
  return Effect.fn("JwtVerifier.verify")(
    function* (token: Redacted.Redacted, ip: string | null) {
      const text = Redacted.value(token)
      if (text === "" || text.length > TOKEN_CHARS_MAX) return yield* new Refused({ code: "SIZE" })
      const now = yield* DateTime.now
      const { payload, protectedHeader } = yield* checkSignature(text, now)
      yield* decodeHeader(protectedHeader)
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
      Effect.logDebug("a bearer token was refused", error._tag === "Refused" ? error.code : "SHAPE")
    ),
    Effect.mapError(() => new InvalidCredential())
  )
}

/** Why a token was refused, for the log alone. */
class Refused extends Data.TaggedError("Refused")<{ readonly code: string }> {}
