/**
 * Whether the sales figures are what the orders come to (I26): sums and changes that wait to be folded, together, against
 * a recount of every order, from one snapshot. So it holds at any moment, and buckets need not be closed.
 */
import { differences, eventDifference, timeDifference } from "../sql/SalesRollupSql.ts"
import { type Check, sqlCheck } from "./Check.ts"

export const salesChecks: ReadonlyArray<Check> = [
  sqlCheck(
    "I26",
    "figures",
    { cheap: false },
    `${differences}
    select d.tenant_id, null::uuid as order_id, concat_ws(' ', d.grain, d.starts_at, d.currency) as subject,
      ${timeDifference} as detail
    from time_off d
    union all
    select d.tenant_id, null::uuid, concat_ws(' ', 'day', d.day, d.currency, 'event', d.event_id), ${eventDifference}
    from event_off d`
  )
]
