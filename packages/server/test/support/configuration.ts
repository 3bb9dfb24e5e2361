/** The configuration as tests read it: from a record instead of the environment. */
import { AppConfig } from "@tickettoken/order-server/AppConfig"
import { digestOf } from "@tickettoken/order-server/auth/ServiceKeys"
import { ConfigProvider, Effect } from "effect"

/** As a process would have it: `preserveEmptyStrings` is off, so the reader itself must notice what is empty. */
const providerOf = (env: Readonly<Record<string, string>>) => ConfigProvider.fromEnvRecord(env)

/** The configuration of this environment. */
export const read = (env: Readonly<Record<string, string>>) =>
  Effect.provide(AppConfig, AppConfig.layer).pipe(Effect.provideService(ConfigProvider.ConfigProvider, providerOf(env)))

/** What is wrong with this environment, one "NAME problem" each. */
export const faultsOf = (env: Readonly<Record<string, string>>) =>
  Effect.map(Effect.flip(read(env)), ({ faults }) => faults.map(({ problem, variable }) => `${variable} ${problem}`))

export const hexDigest = (secret: string): string => Buffer.from(digestOf(secret)).toString("hex")

export const jwtSecret = "q8Zt0wV5nYc2Lr7Kx4Hs9Bd1Gf6Jm3Pa"
export const serviceSecret = "Zk3mT9qLx7Wv2Rb8Nc5Hy1Jd6Pf4Gs0A"

/** A production environment without a fault. */
export const production: Readonly<Record<string, string>> = {
  NODE_ENV: "production",
  DATABASE_URL: "postgresql://orders_app:Vb7-tY2_qLx9@db.internal:5432/orders",
  TICKET_SERVICE_URL: "https://tickets.internal",
  PAYMENT_SERVICE_URL: "https://payments.internal",
  EVENT_SERVICE_URL: "https://events.internal",
  JWT_SECRET: jwtSecret,
  SERVICE_KEYS: `payments:${hexDigest(serviceSecret)}:orders:confirm`
}
