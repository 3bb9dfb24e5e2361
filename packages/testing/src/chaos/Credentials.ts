/**
 * Who calls in a run: bearer tokens for buyers and admins of any tenant, and the key of the services beside.
 *
 * Signed by hand, because this package knows the service from outside only: a token is what any issuer would make.
 */
import { createHash, createHmac } from "node:crypto"
import type { TenantId, UserId } from "@tickettoken/order-domain/Ids"

/** The secrets of a run. They sign nothing anywhere else: a run listens on loopback and ends with its data. */
const JWT_SECRET = "chaos-run-jwt-secret-0f4e9d81c2b7a653"
const SERVICE_SECRET = "chaos-run-service-secret-6b1d84f09c27"
const KEY_ID = "chaos-services"

/** As a service sends it. */
export const serviceCredential = `${KEY_ID}.${SERVICE_SECRET}`

/** The variables that make a server take these credentials. */
export const credentialVariables = {
  JWT_SECRET,
  SERVICE_KEYS: `${KEY_ID}:${createHash("sha256").update(SERVICE_SECRET).digest("hex")}:orders:confirm,orders:expire,orders:read,orders:bulk-cancel`
} as const

export interface Person {
  readonly tenantId: TenantId
  readonly userId: UserId
  readonly role: "user" | "admin"
}

/** Valid through every run: the end of 2100, in seconds. */
const FAR_FUTURE_SECONDS = 4_133_980_799

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url")

const header = encoded({ alg: "HS256", typ: "JWT" })

/** The bearer token of a person. */
export const tokenOf = ({ role, tenantId, userId }: Person): string => {
  const claims = { sub: userId, tenantId, role, iss: "tickettoken", aud: "order-service", exp: FAR_FUTURE_SECONDS }
  const signed = `${header}.${encoded(claims)}`
  return `${signed}.${createHmac("sha256", JWT_SECRET).update(signed).digest("base64url")}`
}
