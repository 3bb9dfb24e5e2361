/**
 * The commands about the service itself: serve, migrate.
 */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { Backend, type MigrationStatus } from "../Backend.ts"
import { outputFlag, type Printable, print } from "../Output.ts"

const serve = Command.make(
  "serve",
  {},
  Effect.fn(function* () {
    const backend = yield* Backend
    yield* backend.serve
  })
).pipe(
  Command.withDescription(
    "Run the service; outside production with its own database and sandbox where no others are named"
  )
)

const migrate = Command.make(
  "migrate",
  {
    output: outputFlag,
    status: Flag.Boolean("status").pipe(
      Flag.withDescription("List the migrations and run none"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function* ({ output, status }) {
    const backend = yield* Backend
    if (status) return yield* print(output, statusTable(yield* backend.migrationStatus))
    yield* print(output, ranTable(yield* backend.migrate))
  })
).pipe(
  Command.withDescription("Bring the database to the schema of this version"),
  Command.withExamples([{ command: "orders migrate --status", description: "What has run and what is pending" }])
)

const statusTable = (all: ReadonlyArray<MigrationStatus>): Printable => ({
  json: { migrations: all.map(({ name, ranAt }) => ({ name, ranAt: ranAt?.toISOString() ?? null })) },
  header: ["MIGRATION", "RAN"],
  rows: all.map(({ name, ranAt }) => [name, ranAt?.toISOString() ?? "pending"])
})

const ranTable = (names: ReadonlyArray<string>): Printable => ({
  json: { ran: names },
  header: ["MIGRATION"],
  rows: names.map((name) => [name]),
  note: names.length === 0 ? "nothing is pending" : undefined
})

export const serverCommands = [serve, migrate] as const
