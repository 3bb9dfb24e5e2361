/**
 * The audit history and the messages that are made of it (I04, I05, I06).
 */
import type { OrderEventType } from "@tickettoken/order-domain/OrderEvent"
import { orderEventTypes } from "@tickettoken/order-domain/OrderEvent"
import { transitions } from "@tickettoken/order-domain/OrderTransitions"
import { OrderStatus } from "@tickettoken/order-domain/Order"
import { inPage, orderCheck, own, sqlCheck } from "./Check.ts"

const slow = { cheap: false }

/** Messages that are sent leave after seven days (migration 0004); a day less, so that nobody is accused too early. */
const MESSAGES_KEPT = `interval '6 days'`

/** How long a message may wait once everything is well (reliability I05). */
const MESSAGE_WAIT = `interval '2 minutes'`

/** The state that a fact alone leads to; the others leave it, or say it in their data. */
const stateAfter: Partial<{ readonly [Type in OrderEventType]: OrderStatus }> = {
  ORDER_CREATED: "PENDING",
  ORDER_RESERVED: "RESERVED",
  ORDER_CONFIRMED: "CONFIRMED",
  ORDER_COMPLETED: "COMPLETED",
  ORDER_REFUNDED: "REFUNDED",
  RESERVATION_EXPIRED: "EXPIRED"
}

const stateCases = Object.entries(stateAfter)
  .map(([type, state]) => `when '${type}' then '${state}'`)
  .join(" ")

/** The state that the order had after each fact, where the fact says so. */
const states = `
  select e.tenant_id, e.order_id, e.version, e.type, case e.type ${stateCases}
    when 'ORDER_CANCELLED' then coalesce(e.data ->> 'status', 'CANCELLED')
    else e.data ->> 'status' end as state
  from order_events e where ${inPage("e")}`

const pairs = OrderStatus.literals.flatMap((from) => transitions[from].map((to) => `('${from}', '${to}')`)).join(", ")

const messageTypes = Object.entries(orderEventTypes)
  .map(([type, message]) => `('${type}', '${message}')`)
  .join(", ")

export const historyChecks = [
  orderCheck(
    "I04",
    "versions",
    `
    select o.tenant_id, o.id as order_id, null as subject,
      format('%s facts from version %s to %s, the order is at %s', coalesce(e.n, 0), e.first, e.last, o.version) as detail
    from orders o left join (
      select tenant_id, order_id, count(*) as n, min(version) as first, max(version) as last
      from order_events e where ${inPage("e")} group by tenant_id, order_id
    ) e on e.tenant_id = o.tenant_id and e.order_id = o.id
    where ${inPage("o", "id")} and (e.n, e.first, e.last) is distinct from (o.version::bigint, 1, o.version)`
  ),

  orderCheck(
    "I04",
    "instant",
    `
    select o.tenant_id, o.id as order_id, null as subject,
      'the order was changed at another instant than its last fact says' as detail
    from orders o join order_events e on e.tenant_id = o.tenant_id and e.order_id = o.id and e.version = o.version
    where ${inPage("o", "id")} and o.updated_at <> e.at`
  ),

  orderCheck(
    "I04",
    "price",
    `
    select o.tenant_id, o.id as order_id, null as subject,
      format('it was created at %s %s and is at %s %s', e.data ->> 'total', e.data ->> 'currency', o.total_cents,
        o.currency) as detail
    from orders o join order_events e on e.tenant_id = o.tenant_id and e.order_id = o.id and e.version = 1
    where ${inPage("o", "id")} and e.type = 'ORDER_CREATED'
      and (e.data ->> 'total', e.data ->> 'currency') is distinct from (o.total_cents::text, o.currency)`
  ),

  orderCheck(
    "I04",
    "refunds",
    `
    select r.tenant_id, r.order_id, r.id::text as subject,
      format('the refund is %s of %s, its last fact says %s of %s', r.state, r.amount_cents, e.state, e.amount) as detail
    from order_refunds r left join lateral (
      select e.data ->> 'refundState' as state, e.data ->> 'amount' as amount from order_events e
      where e.tenant_id = r.tenant_id and e.order_id = r.order_id and e.data ->> 'refundId' = r.id::text
      order by e.version desc limit 1
    ) e on true
    where ${inPage("r")} and (e.state, e.amount) is distinct from (r.state, r.amount_cents::text)`
  ),

  orderCheck(
    "I05",
    "message",
    `
    select e.tenant_id, e.order_id, e.version::text as subject, format('version %s has no message', e.version) as detail
    from order_events e left join outbox x
      on x.tenant_id = e.tenant_id and x.order_id = e.order_id and x.version = e.version
    where ${inPage("e")} and x.version is null and e.at > statement_timestamp() - ${MESSAGES_KEPT}`
  ),

  orderCheck(
    "I05",
    "fact",
    `
    select x.tenant_id, x.order_id, x.version::text as subject,
      format('the message %s of version %s is not of its fact', x.type, x.version) as detail
    from outbox x left join order_events e
      on e.tenant_id = x.tenant_id and e.order_id = x.order_id and e.version = x.version
    where ${inPage("x")} and (e.id is distinct from x.message_id or (e.type, x.type) not in (${messageTypes}))`
  ),

  // Not for monitoring: where no relay runs every message waits, and where one runs it raises OUTBOX_STUCK itself.
  sqlCheck(
    "I05",
    "waiting",
    slow,
    `
    select x.tenant_id, x.order_id, x.message_id::text as subject,
      format('version %s waits after %s attempts: %s', x.version, x.attempts, coalesce(x.last_error, 'nobody has sent it'))
        as detail
    from outbox x where ${own("x")} and x.state = 'NEW'
      and coalesce(x.replayed_at, x.created_at) <= statement_timestamp() - ${MESSAGE_WAIT}`
  ),

  orderCheck(
    "I06",
    "transitions",
    `
    with states as (${states}), steps as (
      select tenant_id, order_id, version, state,
        lag(state) over (partition by tenant_id, order_id order by version) as before
      from states where state is not null
    )
    select s.tenant_id, s.order_id, s.version::text as subject,
      format('version %s goes from %s to %s', s.version, coalesce(s.before, 'nothing'), s.state) as detail
    from steps s where case when s.before is null then s.state <> 'PENDING' or s.version <> 1
      else s.state <> s.before and (s.before, s.state) not in (${pairs}) end`
  ),

  orderCheck(
    "I06",
    "state",
    `
    with states as (${states}), latest as (
      select distinct on (tenant_id, order_id) tenant_id, order_id, state
      from states where state is not null order by tenant_id, order_id, version desc
    )
    select o.tenant_id, o.id as order_id, null as subject,
      format('the order is %s, its facts say %s', o.status, coalesce(l.state, 'nothing')) as detail
    from orders o left join latest l on l.tenant_id = o.tenant_id and l.order_id = o.id
    where ${inPage("o", "id")} and l.state is distinct from o.status`
  )
] as const
