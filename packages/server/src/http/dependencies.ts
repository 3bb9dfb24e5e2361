/**
 * What the running service depends on, as the probes see it.
 */
import { EventBus } from "@tickettoken/order-domain/ports/EventBus"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { Effect, Option } from "effect"
import { HttpClient } from "effect/http"
import { SqlClient } from "effect/sql"
import { SigningKeys } from "../auth/SigningKeys.ts"
import { Circuits } from "../clients/Circuits.ts"
import * as Migrations from "../sql/Migrations.ts"
import { OptionalRedis } from "../redis/OptionalRedis.ts"
import type { Dependency } from "./Health.ts"

interface ServiceAddresses {
  readonly ticketUrl: URL
  readonly paymentUrl: URL
  readonly eventUrl: URL
}

/** The same, and the broker: without it messages wait. */
export const withBroker = (others: ReadonlyArray<Dependency>) =>
  Effect.map(EventBus, ({ status }): ReadonlyArray<Dependency> => {
    const check = Effect.flatMap(status, ({ consuming, publishing }) => {
      const why = publishing ?? consuming
      return why === null ? Effect.void : Effect.fail(why)
    })
    return [...others, { name: "rabbitmq", required: false, check }]
  })

const AWAY = "can not be reached"

/** The database is needed for everything; without the others orders are still shown, cancelled and expired. */
export const list = ({ eventUrl, paymentUrl, ticketUrl }: ServiceAddresses) =>
  Effect.gen(function* () {
    const store = yield* OrderStore
    const sql = yield* SqlClient.SqlClient
    const redis = yield* OptionalRedis
    const { check: tokenKeys } = yield* SigningKeys
    const client = yield* HttpClient.HttpClient
    const circuits = yield* Circuits
    const migrations = Migrations.pending.pipe(
      Effect.provideService(SqlClient.SqlClient, sql),
      Effect.mapError(() => "can not be looked up"),
      Effect.flatMap((names) => (names.length === 0 ? Effect.void : Effect.fail(`pending: ${names.join(", ")}`)))
    )
    // Any answer at all shows that somebody is there: what it says about itself is its own business.
    const reachable = (url: URL) =>
      client.get(new URL("/health", url)).pipe(
        Effect.asVoid,
        Effect.mapError(() => AWAY),
        Effect.scoped
      )
    const service = (name: "tickets" | "payments" | "events", url: URL): Dependency => ({
      name,
      required: false,
      check: reachable(url),
      circuits: Effect.map(circuits.states, (all) => all.filter(({ circuit }) => circuit.startsWith(`${name}:`)))
    })
    const dependencies: ReadonlyArray<Dependency> = [
      { name: "database", required: true, check: Effect.mapError(Effect.asVoid(store.now), ({ why }) => why) },
      { name: "migrations", required: true, check: migrations },
      service("tickets", ticketUrl),
      service("payments", paymentUrl),
      service("events", eventUrl),
      ...(tokenKeys === null ? [] : [{ name: "token keys", required: false, check: tokenKeys }]),
      ...Option.match(redis, {
        onNone: () => [],
        onSome: ({ send }) => [{ name: "redis", required: false, check: Effect.mapError(send("PING"), () => AWAY) }]
      })
    ]
    return dependencies
  })
