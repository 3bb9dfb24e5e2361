/**
 * Makes sure that the database is there, has the schema of this build and keeps tenants apart, before anything is served.
 *
 * Outside production it is migrated on the way. In production that is a step of its own, with an account of its own: a
 * replica that starts only looks.
 */
import { Effect } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { Configuration } from "./AppConfig.ts"
import * as Migrations from "./sql/Migrations.ts"
import * as RoleCheck from "./sql/RoleCheck.ts"
import { startFailure } from "./StartFailure.ts"

export const prepareDatabase = Effect.fn("prepareDatabase")(function* ({ mode }: Pick<Configuration, "mode">) {
  const sql = yield* SqlClient.SqlClient
  yield* Effect.mapError(sql`select 1`, unreachable)
  if (mode === "production") yield* requireMigrated
  else yield* Effect.mapError(Migrations.migrate, ({ message }) => startFailure(sentence(message)))
  yield* Effect.mapError(RoleCheck.check(), ({ message }) => startFailure(sentence(message)))
})

const requireMigrated = Migrations.pending.pipe(
  Effect.mapError(({ message }) => startFailure(sentence(message))),
  Effect.flatMap((names) =>
    names.length === 0
      ? Effect.void
      : Effect.fail(startFailure(`The database lacks the migrations ${names.join(", ")}: run them first.`))
  )
)

// The driver's message may quote the URL, and with it the password: only its kind and the system's word are told.
const unreachable = ({ reason }: SqlError.SqlError) =>
  startFailure(`The database that DATABASE_URL names can not be used: ${reason._tag}${systemWord(reason.cause)}.`)

const systemWord = (cause: unknown): string => {
  if (typeof cause !== "object" || cause === null) return ""
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : ""
  if (/^\w{1,40}$/.test(code)) return ` (${code})`
  return "cause" in cause ? systemWord(cause.cause) : ""
}

/** One line that ends as a sentence does. */
const sentence = (message: string): string => {
  const line = message.replaceAll(/\s+/g, " ").trim()
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}${line.endsWith(".") ? "" : "."}`
}
