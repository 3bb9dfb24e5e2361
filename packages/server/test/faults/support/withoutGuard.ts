/** The function that admits new orders, with guards cut out of its text: for twins of races. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Replaces parts of the function's text; fails if a part is not there. */
export const withoutGuard = Effect.fnUntraced(function* (
  cuts: ReadonlyArray<readonly [guard: string, instead: string]>
) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ text: string }>`select pg_get_functiondef('orders_admit'::regproc) as text`
  let text = row?.text ?? ""
  for (const [guard, instead] of cuts) {
    assert.include(text, guard)
    text = text.replaceAll(guard, instead)
  }
  yield* sql.unsafe(text).unprepared
})

/** The lock that makes the creations of one user wait for each other. */
export const userLock = ["user_id = p_user for update", "user_id = p_user"] as const
