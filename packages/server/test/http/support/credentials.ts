/** Tokens and keys that the test servers take, and the people behind them. */
import type { TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { JwtVerifier } from "@tickettoken/order-server/auth/JwtVerifier"
import {
  digestOf,
  type ServiceKey,
  ServiceKeys,
  type ServiceScope,
  serviceScopes
} from "@tickettoken/order-server/auth/ServiceKeys"
import { SigningKeys } from "@tickettoken/order-server/auth/SigningKeys"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Effect, Layer, Redacted } from "effect"
import { SignJWT } from "jose"
import { createSecretKey } from "node:crypto"

const jwtSecret = "test-secret-of-more-than-thirty-two-bytes"
const issuer = "tickettoken"
const audience = "order-service"

const keyOf = (keyId: string, scopes: ReadonlyArray<ServiceScope>): ServiceKey => ({
  keyId,
  digest: digestOf(`${keyId}-secret-0123456789`),
  scopes: new Set(scopes)
})

const idOf = (scope: ServiceScope): string => scope.replace(":", "-")

const keys = [
  keyOf("payments", serviceScopes),
  keyOf("reader", ["orders:read"]),
  ...serviceScopes.map((scope) => keyOf(idOf(scope), [scope]))
]

export const layer = Layer.merge(
  JwtVerifier.layer({ issuer, audience }).pipe(Layer.provide(SigningKeys.layerSecret(Redacted.make(jwtSecret)))),
  ServiceKeys.layer(keys)
)

/** The same for a process of its own, which lets its few busy people do as much as they like. */
export const environment = {
  RATE_LIMIT_CREATE_PER_MINUTE: "1000000",
  RATE_LIMIT_RESERVE_PER_MINUTE: "1000000",
  RATE_LIMIT_CANCEL_PER_MINUTE: "1000000",
  RATE_LIMIT_REFUND_PER_MINUTE: "1000000",
  JWT_SECRET: jwtSecret,
  SERVICE_KEYS: keys
    .map(({ digest, keyId, scopes }) => `${keyId}:${Buffer.from(digest).toString("hex")}:${[...scopes].join(",")}`)
    .join(";")
}

/** `Authorization` of a service: `payments` may do everything, `reader` may only read. */
export const serviceKey = (keyId: "payments" | "reader"): string => `Service-Key ${keyId}.${keyId}-secret-0123456789`

/** `Authorization` of a service that has this scope and no other one. */
export const scopedKey = (scope: ServiceScope): string => `Service-Key ${idOf(scope)}.${idOf(scope)}-secret-0123456789`

/** `Authorization` with a key that was good once. */
export const revokedKey = "Service-Key payments.payments-secret-of-last-year"

/** `Authorization` of a person. */
export const bearer = (
  userId: UserId,
  {
    expires = "2 days",
    issuer: by = issuer,
    ...claims
  }: {
    readonly role?: string
    readonly tenantId?: TenantId
    readonly customerTier?: string
    readonly expires?: string
    readonly issuer?: string
  } = {}
): Effect.Effect<string> =>
  Effect.promise(async () => {
    const token = await new SignJWT({ tenantId: demo.tenantId, role: "user", ...claims })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setSubject(userId)
      .setIssuer(by)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(createSecretKey(Buffer.from(jwtSecret)))
    return `Bearer ${token}`
  })
