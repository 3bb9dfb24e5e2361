import * as PgConnection from "@effect/sql-pg/PgConnection"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, type Redacted, Scope } from "effect"
import { makeDatabase } from "./support/postgres.ts"

const query = (url: Redacted.Redacted, statement: string) =>
  PgConnection.make({ url }).pipe(
    Effect.flatMap((connection) => connection.query(statement)),
    Effect.scoped
  )

describe("makeDatabase", () => {
  it.effect("gives every caller an empty database of its own", () =>
    Effect.gen(function* () {
      const first = yield* makeDatabase()
      const second = yield* makeDatabase()
      yield* query(first, "CREATE TABLE only_in_first (id int)")
      const tables = yield* query(second, "SELECT 1 FROM pg_tables WHERE tablename = 'only_in_first'")
      assert.deepStrictEqual(tables.rows, [])
    })
  )

  it.effect("drops the database at the end of the scope, although a client is still connected", () =>
    Effect.gen(function* () {
      const other = yield* makeDatabase()
      const scope = yield* Scope.make()
      const url = yield* Scope.provide(makeDatabase(), scope)
      const client = yield* PgConnection.make({ url })
      const [row] = (yield* client.query("SELECT current_database() AS name")).rows
      yield* Scope.close(scope, Exit.void)
      const { rows } = yield* query(other, "SELECT datname AS name FROM pg_database")
      assert.notDeepInclude(rows, row)
    })
  )
})
