/**
 * What is true of orders together: quotas, tenants and cancelled events (I16, I18, I21).
 */
import { activeStatuses, causesOfRefusal } from "@tickettoken/order-domain/Order"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { quoted } from "../sql/migrations/quoted.ts"
import { type Check, own, type Scope, sqlCheck } from "./Check.ts"
import { Effect } from "effect"

const cheap = { cheap: true }
const slow = { cheap: false }

/** Rows that hang on an order, with the column that names it. */
const children = [
  "order_items",
  "payments",
  "order_refunds",
  "order_events",
  "order_work",
  "outbox",
  "idempotency",
  "bulk_items"
]

/** How long cancelling an event may take. */
const BULK_TIME = `interval '15 minutes'`

/** A job that cancels the closed event `c`, in this state. */
const bulkJob = (state: string): string => `exists (select 1 from bulk_jobs j
  where j.tenant_id = c.tenant_id and j.event_id = c.event_id and j.state = '${state}')`

/** One statement for each table: all of them at once would be the longest of all. */
const strays = children.map((table) =>
  sqlCheck(
    "I18",
    "tenant",
    slow,
    `select c.tenant_id, c.order_id, '${table}'::text as subject,
        format('%s rows of ${table} have no order in their tenant', count(*)) as detail
      from ${table} c left join orders o on o.tenant_id = c.tenant_id and o.id = c.order_id
      where ${own("c")} and c.order_id is not null and o.id is null group by c.tenant_id, c.order_id`
  )
)

export const quotaChecks: ReadonlyArray<Check> = [
  sqlCheck(
    "I16",
    "counter",
    slow,
    `
    select tenant_id, null::uuid as order_id, format('user %s, event %s', user_id, event_id) as subject,
      format('the counter says %s of at most %s, there are %s', coalesce(q.n, 0), coalesce(q.cap, 0), coalesce(o.n, 0))
        as detail
    from quota_event q full join (
      select tenant_id, user_id, event_id, count(*) as n from orders o
      where ${own("o")} and o.status in ${quoted(activeStatuses)} group by tenant_id, user_id, event_id
    ) o using (tenant_id, user_id, event_id)
    where ($1::uuid is null or tenant_id = $1) and (coalesce(q.n, 0) <> coalesce(o.n, 0) or q.n > q.cap)`
  ),

  // Only users with as many orders can have too many in a day.
  sqlCheck(
    "I16",
    "day",
    slow,
    `
    with counted as (
      select tenant_id, user_id, id, created_at from orders o
      where ${own("o")} and (cancel_cause is null or cancel_cause not in ${quoted(causesOfRefusal)})
    ), busy as (
      select tenant_id, user_id from counted group by tenant_id, user_id
      having count(*) > ${orderLimits.ordersPerUserPerDayMax}
    ), days as (
      select c.tenant_id, c.user_id, c.id, count(*) over (partition by c.tenant_id, c.user_id order by c.created_at
        range between interval '24 hours' preceding and current row) as n
      from counted c join busy using (tenant_id, user_id)
    )
    select d.tenant_id, min(d.id::text)::uuid as order_id, format('user %s', d.user_id) as subject,
      format('%s orders in 24 hours', max(d.n)) as detail
    from days d where d.n > ${orderLimits.ordersPerUserPerDayMax} group by d.tenant_id, d.user_id`
  ),

  {
    id: "I18",
    part: "tenant",
    cheap: false,
    find: (scope: Scope) =>
      Effect.map(
        Effect.forEach(strays, ({ find }) => find(scope)),
        (found) => found.flat()
      )
  },

  sqlCheck(
    "I21",
    "active",
    cheap,
    `
    select o.tenant_id, o.id as order_id, o.event_id::text as subject,
      format('%s although its event was cancelled %s ago', o.status,
        date_trunc('second', statement_timestamp() - c.closed_at)) as detail
    from cancelled_events c join orders o on o.tenant_id = c.tenant_id and o.event_id = c.event_id
    where ${own("c")} and o.status in ('PENDING', 'RESERVED', 'CONFIRMED')
      and (c.closed_at < statement_timestamp() - ${BULK_TIME} or ${bulkJob("DONE")}) and not ${bulkJob("RUNNING")}`
  )
]
