/**
 * A process of its own that starts the embedded server, for tests that kill it.
 *
 * Arguments: the data folder, and `once` to close again instead of holding on. It prints one JSON line: what started,
 * or why nothing did; and a last one when it has been asked to stop and the server still answers.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as EmbeddedPostgres from "@tickettoken/order-server/embedded/EmbeddedPostgres"
import { Effect, Redacted, References } from "effect"

const [dataFolder = "", mode] = process.argv.slice(2)

const print = (line: unknown) => Effect.sync(() => void process.stdout.write(`${JSON.stringify(line)}\n`))

const main = Effect.gen(function* () {
  const { url, pid } = yield* EmbeddedPostgres.start({ dataFolder })
  yield* print({ serverPid: pid, url: Redacted.value(url) })
  if (mode === "once") return
  yield* Effect.addFinalizer(() =>
    PgConnection.make({ url }).pipe(
      Effect.flatMap((connection) => connection.query("SELECT 1")),
      Effect.scoped,
      Effect.andThen(print({ answersAtTheEnd: true })),
      Effect.orDie
    )
  )
  return yield* Effect.never
}).pipe(
  Effect.scoped,
  Effect.catchTag("EmbeddedPostgresError", (error) => print({ refused: error.reason._tag, message: error.message })),
  // The log would go between the lines.
  Effect.provideService(References.MinimumLogLevel, "None")
)

NodeRuntime.runMain(main)
