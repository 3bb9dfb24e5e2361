/**
 * Deletes what has had its time: expired keys with their stored answers, work that is done, messages that are sent or
 * have had their effect, alarms that are over.
 *
 * **Details**
 *
 * The ages are those of the migrations, whose policies refuse to delete anything younger. Work that has FAILED, and a
 * message that could not be sent, wait for an operator and stay. That a key never makes a second order or refund does
 * not depend on these rows: orders and refunds hold their keys in unique indexes, for ever.
 *
 * **Gotchas**
 *
 * A stored answer may hold the secret of a payment intent, so keys are not kept for the sake of history.
 */
import { Effect, Exit } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { KEY_KEPT, WORK_KEPT } from "./migrations/0004_row_security.ts"
import { ALARM_KEPT } from "./migrations/0005_alarms.ts"
import { DEAD_KEPT, MESSAGE_KEPT } from "./migrations/0007_inbox.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { asJobs } from "./TenantTransaction.ts"

/** Held while rows are deleted: replicas take turns instead of waiting for each other's rows. */
const LOCK = 7_221_002

/** One statement for each kind of rows, oldest first, each over an index of its own. */
const statements = (sql: SqlClient.SqlClient, limit: number): ReadonlyArray<Statement.Statement<object>> => {
  const keyKept = sql.literal(KEY_KEPT)
  const workKept = sql.literal(WORK_KEPT)
  return [
    sql`delete from idempotency where (tenant_id, principal, operation, key) in (
      select tenant_id, principal, operation, key from idempotency
      where expires_at <= statement_timestamp() - ${keyKept} order by expires_at limit ${limit}) returning 1`,
    sql`delete from order_work where id in (
      select id from order_work
      where state = 'DONE' and done_at <= statement_timestamp() - ${workKept} order by done_at limit ${limit}) returning 1`,
    sql`delete from outbox where (tenant_id, order_id, version) in (
      select tenant_id, order_id, version from outbox
      where state = 'SENT' and sent_at <= statement_timestamp() - ${workKept} order by sent_at limit ${limit}) returning 1`,
    sql`delete from alarms where id in (
      select id from alarms
      where cleared_at <= statement_timestamp() - ${sql.literal(ALARM_KEPT)} order by cleared_at limit ${limit}) returning 1`,
    sql`delete from inbox where (tenant_id, source, message_id) in (
      select tenant_id, source, message_id from inbox where state = 'DONE'
        and settled_at <= statement_timestamp() - ${sql.literal(MESSAGE_KEPT)} order by settled_at limit ${limit}) returning 1`,
    sql`delete from inbox where (tenant_id, source, message_id) in (
      select tenant_id, source, message_id from inbox where state = 'DEAD'
        and settled_at <= statement_timestamp() - ${sql.literal(DEAD_KEPT)} order by settled_at limit ${limit}) returning 1`
  ]
}

const deleted = Effect.fnUntraced(function* (statement: Statement.Statement<object>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* asJobs(
    Effect.gen(function* () {
      const [turn] = yield* sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(${LOCK}) as mine`
      return turn?.mine === true ? yield* statement : []
    })
  )
  return rows.length
})

/**
 * Deletes up to `limit` rows of each kind, and answers how many it were of the kind with most: less than `limit` when
 * nothing is left. A kind that can not be deleted does not keep the others; its failure is answered after them.
 */
export const purge = Effect.fn("RetentionSql.purge")(function* (limit: number) {
  const sql = yield* SqlClient.SqlClient
  const exits = yield* Effect.forEach(statements(sql, limit), (statement) => Effect.exit(deleted(statement)))
  return Math.max(...(yield* Exit.asVoidAll(exits).pipe(Effect.andThen(Effect.all(exits)))))
}, orUnavailable)
