/**
 * The store with its version check switched off: whoever writes last wins, on whatever he has read. For twins of races.
 *
 * The triggers that know the table of transitions are switched off too: they are the database's own second guard.
 */
import type { Decision } from "@tickettoken/order-domain/Decision"
import { type Commit, OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { workId } from "@tickettoken/order-domain/Work"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"

/** The same decision as if it had been taken on this version. */
const onVersion = (decision: Decision, version: number): Decision => {
  const { before, event, order, work } = decision
  const next = version + 1
  return {
    before: before === null ? null : { ...before, version },
    order: { ...order, version: next },
    event: { ...event, version: next },
    work: work.map((item) => ({ ...item, id: workId(item.orderId, next, item.work) }))
  }
}

export const layer = Layer.effect(
  OrderStore,
  Effect.gen(function* () {
    const store = yield* OrderStore
    const sql = yield* SqlClient.SqlClient
    yield* Effect.orDie(
      Effect.all([
        sql`alter table orders disable trigger orders_guard_update`,
        // Sums stand on one payment in each place.
        sql`alter table orders disable trigger orders_note_sales_moved`,
        sql`alter table order_refunds drop constraint if exists order_refunds_position_key`,
        sql`alter table payments drop constraint if exists payments_pkey`,
        sql`alter table payments drop constraint if exists payments_position_key`
      ])
    )
    const commit = (given: Commit): ReturnType<typeof store.commit> =>
      Effect.catchTag(store.commit(given), "VersionConflict", (conflict) =>
        conflict.actual === null
          ? Effect.fail(conflict)
          : commit({ ...given, decision: onVersion(given.decision, conflict.actual) })
      )
    return OrderStore.of({ ...store, commit })
  })
)
