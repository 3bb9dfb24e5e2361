/** Databases for tests, on the PostgreSQL server of this run (postgresSetup.ts). */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Effect, Redacted } from "effect"
import { randomUUID } from "node:crypto"
import { inject } from "vitest"
import type {} from "./postgresSetup.ts"

/** Makes an empty database of its own for the caller and drops it, clients or not, when the scope closes. */
export const makeDatabase = Effect.fn("makeDatabase")(function* () {
  const adminUrl = inject("postgresAdminUrl")
  const name = `test_${randomUUID().replaceAll("-", "")}`
  yield* Effect.acquireRelease(run(adminUrl, `CREATE DATABASE ${name}`), () =>
    run(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`)
  )
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return Redacted.make(url.href)
})

/** A test can not go on without its database: a failure is a defect. */
const run = (url: string, statement: string) =>
  PgConnection.make({ url: Redacted.make(url) }).pipe(
    Effect.flatMap((connection) => connection.query(statement)),
    Effect.scoped,
    Effect.orDie
  )
