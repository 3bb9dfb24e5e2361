/**
 * The keys that bearer tokens are signed with: one shared secret, or the public keys that an issuer publishes.
 */
import { Context, Data, Effect, Layer, Redacted, Schema } from "effect"
import type { CryptoKey } from "jose"
import { createSecretKey, type KeyObject } from "node:crypto"
import { JWT_SECRET_BYTES_MIN } from "../config/ConfigKinds.ts"

/** HS256 for a shared secret; for published keys one algorithm for each type of key: RSA, EC on P-256, and Ed25519. */
export const secretAlgorithms = ["HS256"] as const
export const publicAlgorithms = ["RS256", "ES256", "EdDSA"] as const
export type Algorithm = (typeof secretAlgorithms)[number] | (typeof publicAlgorithms)[number]

/** Which key a token says that it is signed with. */
export interface KeyHint {
  readonly alg: Algorithm
  readonly kid?: string
}

/** There is no such key: the token is not one of our issuer's. */
export class UnknownKey extends Data.TaggedError("UnknownKey")<{ readonly code: string }> {}

/** The issuer's keys can not be read now, so nobody can say whether the token is good. It is neither taken nor refused. */
export class KeysUnavailable extends Schema.TaggedError<KeysUnavailable>()("KeysUnavailable", {}) {
  override get message(): string {
    return "the keys of the issuer of tokens can not be read"
  }
}

/** Where the keys come from. */
export type KeySource =
  | { readonly _tag: "Secret"; readonly secret: Redacted.Redacted }
  | { readonly _tag: "Published"; readonly url: URL }

export interface SigningKeysShape {
  /** Everything else is refused before a key is looked for. */
  readonly algorithms: ReadonlyArray<Algorithm>
  readonly keyFor: (hint: KeyHint) => Effect.Effect<CryptoKey | KeyObject, UnknownKey | KeysUnavailable>
  /** Whether the keys are at hand, where they come from elsewhere: fails with a few words for an operator. */
  readonly check: Effect.Effect<void, string> | null
}

export class SigningKeys extends Context.Service<SigningKeys, SigningKeysShape>()(
  "@tickettoken/order-server/auth/SigningKeys"
) {
  /** One secret, shared with the issuer, of at least 32 bytes. */
  static readonly layerSecret = (secret: Redacted.Redacted): Layer.Layer<SigningKeys> =>
    Layer.effect(SigningKeys, fromSecret(secret))
}

// jose would take a secret of one byte (reliability M14). The configuration refuses it first; this is for everybody else.
const fromSecret = (secret: Redacted.Redacted) => {
  const text = Redacted.value(secret)
  if (Buffer.byteLength(text) < JWT_SECRET_BYTES_MIN) {
    return Effect.die(new Error(`a JWT secret has at least ${JWT_SECRET_BYTES_MIN} bytes`))
  }
  const key = Effect.succeed(createSecretKey(text, "utf8"))
  return Effect.succeed(SigningKeys.of({ algorithms: secretAlgorithms, keyFor: () => key, check: null }))
}
