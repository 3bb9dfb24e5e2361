/**
 * Makes the secrets that compose.yaml asks for, new ones each time, and prints them as the `.env` that `docker compose`
 * reads. With them come bearer tokens for the people of the demo, good for 30 days.
 */
import { createHash, randomBytes } from "node:crypto"
import { makeTokens } from "@tickettoken/order-server/auth/DemoCredentials"
import { Console, Effect, Redacted } from "effect"

const secret = (): string => randomBytes(32).toString("base64url")

const digest = (text: string): string => createHash("sha256").update(text).digest("hex")

/** What stands in a `.env` for the whole world of compose.yaml. */
export const composeSecrets = Effect.gen(function* () {
  const jwtSecret = secret()
  const paymentKey = secret()
  const tokens = yield* makeTokens(Redacted.make(jwtSecret), { issuer: "tickettoken", audience: "order-service" })
  return {
    POSTGRES_PASSWORD: secret(),
    OWNER_PASSWORD: secret(),
    SERVICE_PASSWORD: secret(),
    REDIS_PASSWORD: secret(),
    RABBITMQ_PASSWORD: secret(),
    GRAFANA_PASSWORD: secret(),
    JWT_SECRET: jwtSecret,
    SERVICE_KEYS: `payments:${digest(paymentKey)}:orders:confirm,orders:read`,
    ORDER_SERVICE_KEY: `orders.${secret()}`,
    SANDBOX_SERVICE_KEY: `payments.${paymentKey}`,
    ORDER_METRICS_TOKEN: secret(),
    BUYER_TOKEN: Redacted.value(tokens.buyer),
    ADMIN_TOKEN: Redacted.value(tokens.admin)
  }
})

if (import.meta.main) {
  const lines = Effect.map(composeSecrets, (secrets) =>
    Object.entries(secrets)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n")
  )
  await Effect.runPromise(Effect.flatMap(lines, Console.log))
}
