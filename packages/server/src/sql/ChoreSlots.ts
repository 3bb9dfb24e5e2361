/**
 * Chores that one replica does for all: of those that come to a slot, one takes it.
 */
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { clockRow } from "./clockRow.ts"
import { orUnavailable } from "./sqlFailures.ts"
import { asJobs, withinTime } from "./TenantTransaction.ts"

/** Slots are forgotten when nobody can come to them any more, as SQL. */
const SLOT_KEPT = `interval '1 day'`

/**
 * Whether this process is the one to do the chore: true for the first that asks for this name and slot, false for every
 * other one, on whichever replica, for ever after. `name` and `slot` are texts of 1 to 64 characters; `slotOf` makes
 * slots of time. Whoever was told true and dies leaves the slot undone: only for chores that come again.
 */
export const onceFor = Effect.fn("ChoreSlots.onceFor")(function* (
  name: string,
  slot: string
): Effect.fn.Return<boolean, ServiceUnavailable, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const taken = yield* asJobs(
    sql`with old as (
        delete from chore_slots where name = ${name} and taken_at < statement_timestamp() - ${sql.literal(SLOT_KEPT)}
      )
      insert into chore_slots (name, slot) values (${name}, ${slot}) on conflict (name, slot) do nothing returning 1`
  ).pipe(orUnavailable)
  return taken.length > 0
})

/** The slot of this length in which the database's clock now is: replicas with other clocks agree on it. */
export const slotOf = Effect.fn("ChoreSlots.slotOf")(function* (
  length: Duration.Duration
): Effect.fn.Return<string, ServiceUnavailable, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ slot: string }>`
    select floor(extract(epoch from clock_timestamp()) / ${Duration.toSeconds(length)}::double precision)::text as slot`.pipe(
    withinTime,
    orUnavailable
  )
  return (yield* clockRow(rows)).slot
})
