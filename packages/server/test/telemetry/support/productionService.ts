/** The service as it is deployed: a process of its own in production mode, on a real database, with a sandbox around it. */
import { digestOf } from "@tickettoken/order-server/auth/ServiceKeys"
import * as Migrations from "@tickettoken/order-server/sql/Migrations"
import * as SqlLayer from "@tickettoken/order-server/sql/SqlLayer"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { Effect, Layer, Redacted } from "effect"
import { SignJWT } from "jose"
import { createSecretKey } from "node:crypto"
import { start } from "../../lifecycle/support/serviceProcess.ts"
import { makeDatabase } from "../../support/postgres.ts"
import { sandboxPorts } from "../../support/sandboxPorts.ts"

/** Everything that must stay where it is; each is a text that nothing else holds. */
export const secrets = {
  jwt: "canary-jwt-5Yc2Lr7Kx4Hs9Bd1Gf6Jm3Pa0wV8n",
  serviceKey: "canary-incoming-0wV5nYc2Lr7Kx4Hs9Bd1Gf6J",
  outgoingKey: "canary-outgoing-7Kx4Hs9Bd1Gf6Jm3Pa5nYc2L",
  metricsToken: "canary-metrics-4Hs9Bd1Gf6Jm3Pa",
  collectorToken: "canary-collector-2Lr7Kx4Hs9"
} as const

/** A buyer's token. */
export const token = Effect.promise(() =>
  new SignJWT({ tenantId: demo.tenantId, role: "user" })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(demo.buyerId)
    .setIssuer("tickettoken")
    .setAudience("order-service")
    .setIssuedAt()
    .setExpirationTime("1 hour")
    .sign(createSecretKey(Buffer.from(secrets.jwt)))
)

const migrated = Effect.gen(function* () {
  const url = yield* makeDatabase()
  const database = SqlLayer.layer({ url, poolSize: 1 })
  yield* Migrations.migrate.pipe(Effect.provide(database), Effect.scoped, Effect.orDie)
  return Redacted.value(url)
})

type Variables = { readonly [name: string]: string }

/** Where things are, and every secret in its variable. */
const productionVariables = Effect.gen(function* () {
  const { events, payments, tickets } = yield* Sandbox
  const digest = Buffer.from(digestOf(secrets.serviceKey)).toString("hex")
  const variables: Variables = {
    NODE_ENV: "production",
    DATABASE_URL: yield* migrated,
    TICKET_SERVICE_URL: tickets.url,
    PAYMENT_SERVICE_URL: payments.url,
    EVENT_SERVICE_URL: events.url,
    JWT_SECRET: secrets.jwt,
    SERVICE_KEYS: `payments:${digest}:orders:confirm,orders:read`,
    ORDER_SERVICE_KEY: `orders.${secrets.outgoingKey}`,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${secrets.collectorToken}`,
    ORDER_SHUTDOWN_DELAY_SECONDS: "0",
    ORDER_SHUTDOWN_TIMEOUT_SECONDS: "30",
    ORDER_REQUEST_BUDGET_SECONDS: "60"
  }
  return variables
})

/** A running one. */
export const startInProduction = Effect.fnUntraced(function* (own: Variables = {}) {
  const variables = { ...(yield* productionVariables), ...own }
  const service = yield* start("service", variables)
  const port = yield* Effect.map(service.printed(/listening on port (\d+)/), ([, text]) => Number(text))
  return { port, service, variables }
})

export const world = sandboxPorts.pipe(Layer.orDie)
