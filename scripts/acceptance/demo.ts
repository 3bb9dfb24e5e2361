/**
 * What the acceptance run knows of the demo: ids, bodies and tokens of its own buyers.
 */
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { createHmac, randomUUID } from "node:crypto"

/** Given to the server, so that tokens for any number of buyers can be made here. */
export const jwtSecret = "acceptance-run-secret-of-forty-characters"

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

/** A bearer token of the demo tenant. */
const bearer = (secret: string, userId: string, role = "user"): string => {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    sub: userId,
    tenantId: demo.tenantId,
    role,
    iss: "tickettoken",
    aud: "order-service",
    iat: now,
    exp: now + 3600
  }
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`
  return `Bearer ${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`
}

interface Buyer {
  readonly id: string
  readonly token: string
}

/** A buyer nobody has seen before, for a server that verifies tokens with this secret. */
export const newBuyerOf = (secret: string): Buyer => {
  const id = randomUUID()
  return { id, token: bearer(secret, id) }
}

/** The same for the server of the acceptance run. */
export const newBuyer = (): Buyer => newBuyerOf(jwtSecret)

const order = (ticketTypeId: string, ticketPricingId: string, quantity: number) => ({
  eventId: "22222222-2222-4222-8222-222222222221",
  items: [{ ticketTypeId, ticketPricingId, quantity }],
  currency: "USD",
  metadata: {}
})

export const general = (quantity: number) =>
  order("33333333-3333-4333-8333-333333333331", "44444444-4444-4444-8444-444444444441", quantity)

export const lastSeat = order("33333333-3333-4333-8333-333333333333", "44444444-4444-4444-8444-444444444443", 1)
