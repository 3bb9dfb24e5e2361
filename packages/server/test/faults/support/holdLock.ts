/**
 * A process of its own that takes the lock of an order's row in a unit of work and goes on only when it is told to.
 *
 * Arguments: the URL of the database, tenant and order. It prints `locked`, waits for a line, tries to write, and prints
 * what came of it.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { TenantId } from "@tickettoken/order-domain/Ids"
import * as SqlLayer from "@tickettoken/order-server/sql/SqlLayer"
import { orUnavailable } from "@tickettoken/order-server/sql/sqlFailures"
import { inTenant, UnitLimits, unitLimits } from "@tickettoken/order-server/sql/TenantTransaction"
import { Duration, Effect, Exit, Redacted, References } from "effect"
import { SqlClient } from "effect/sql"
import { once } from "node:events"

const [url = "", tenant = "", order = ""] = process.argv.slice(2)

const print = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))

const unit = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`select 1 from orders where id = ${order} for update`
  yield* print("locked")
  yield* Effect.promise(() => once(process.stdin, "data"))
  yield* sql`select 1 from orders where id = ${order} for update`
})

const main = Effect.gen(function* () {
  const exit = yield* Effect.exit(orUnavailable(inTenant(TenantId.make(tenant), unit)))
  yield* print(Exit.isSuccess(exit) ? "written" : String(exit.cause))
}).pipe(
  // Frozen, it has no sense of time.
  Effect.provideService(UnitLimits, { ...unitLimits, wait: Duration.minutes(5) }),
  Effect.provide(SqlLayer.layer({ url: Redacted.make(url), poolSize: 1, applicationName: "frozen" })),
  Effect.provideService(References.MinimumLogLevel, "None"),
  Effect.andThen(Effect.sync(() => process.exit(0)))
)

NodeRuntime.runMain(main)
