/**
 * What is to be done, and whether somebody is at it: holds, work, keys, and what ended orders owe (I07, I13, I14, I17,
 * I22).
 */
import { requesterId } from "../sql/migrations/0010_refund_keys.ts"
import { inPage, orderCheck, own, sqlCheck } from "./Check.ts"

const cheap = { cheap: true }
const slow = { cheap: false }

/** Slack for one sweep to run (reliability I07), as SQL. */
const SWEEP_SLACK = `interval '15 seconds'`

/** How long work may be overdue before it is left behind (reliability I13). */
const WORK_SLACK = `interval '5 minutes'`

/** How long giving back may take (reliability 2.2, row 3). */
const COMPENSATION_TIME = `interval '15 minutes'`

/** Work that is done leaves after seven days (migration 0004); a day less, so that nobody is accused too early. */
const WORK_KNOWN = `interval '6 days'`

const minutes = (field: string): string => `(o.terms #>> '{hold,${field}}')::double precision * interval '1 minute'`

/** Work of the order `o` that is not done. */
const openWork = (kinds: string, more = ""): string => `exists (
  select 1 from order_work k where k.tenant_id = o.tenant_id and k.order_id = o.id and k.kind in (${kinds})
    and k.state <> 'DONE' ${more})`

/** What an order waits for in each stage, and the work that brings it. */
const waits = `case
  when o.status in ('PENDING', 'RESERVED') and o.stage = 'HOLDING' then 'HOLD'
  when o.status in ('PENDING', 'RESERVED') and o.stage = 'OPENING_INTENT' then 'INTENT'
  when o.status in ('PENDING', 'RESERVED') and o.stage = 'ALLOCATING' then 'FINALIZE'
  when o.status = 'EXPIRED' and o.reacquiring then 'FINALIZE' end`

export const workChecks = [
  // While the payment service does not answer, expiry keeps asking for as long as rule 3.5 says.
  sqlCheck(
    "I07",
    "expiry",
    cheap,
    `
    select o.tenant_id, o.id as order_id, null as subject,
      format('%s, unpaid, its deadline was %s', o.status, to_char(o.hold_expires_at at time zone 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS"Z"')) as detail
    from orders o
    where ${own("o")} and o.status in ('PENDING', 'RESERVED') and o.stage <> 'ALLOCATING'
      and o.hold_expires_at < statement_timestamp()
      and o.hold_expires_at + o.hold_grace_minutes * interval '1 minute'
        + (o.terms #>> '{hold,intervalSeconds}')::integer * interval '1 second' + ${SWEEP_SLACK} < statement_timestamp()
      and not ${openWork(`'EXPIRE'`, `and k.created_at + ${minutes("unreachableRetryMinutes")} + ${SWEEP_SLACK} * 4 > statement_timestamp()`)}
    order by o.hold_expires_at`
  ),

  sqlCheck(
    "I07",
    "limit",
    cheap,
    `
    select o.tenant_id, o.id as order_id, null as subject, 'the deadline lies beyond its limit' as detail
    from orders o where ${own("o")} and o.status in ('PENDING', 'RESERVED') and o.hold_expires_at > o.hold_limit_at`
  ),

  sqlCheck(
    "I13",
    "overdue",
    cheap,
    `
    select k.tenant_id, k.order_id, k.id as subject,
      format('%s is %s and was due %s ago', k.kind, k.state,
        date_trunc('second', statement_timestamp() - coalesce(k.lease_until, k.next_at))) as detail
    from order_work k
    where ${own("k")} and k.state in ('TODO', 'DOING')
      and coalesce(k.lease_until, k.next_at) < statement_timestamp() - ${WORK_SLACK}
    order by coalesce(k.lease_until, k.next_at)`
  ),

  sqlCheck(
    "I13",
    "failed",
    cheap,
    `
    select k.tenant_id, k.order_id, k.id as subject, format('%s has failed and no alarm says so', k.kind) as detail
    from order_work k
    where ${own("k")} and k.state = 'FAILED' and not exists (
      select 1 from alarms a where a.tenant_id = k.tenant_id and a.subject = k.id and a.cleared_at is null)`
  ),

  sqlCheck(
    "I13",
    "nobody",
    slow,
    `
    select o.tenant_id, o.id as order_id, null as subject,
      format('%s %s waits for %s and nobody is at it', o.status, o.stage, ${waits}) as detail
    from orders o
    where ${own("o")} and (o.status in ('PENDING', 'RESERVED') or (o.status = 'EXPIRED' and o.reacquiring))
      and ${waits} is not null and not ${openWork(waits)}`
  ),

  orderCheck(
    "I13",
    "refund",
    `
    select r.tenant_id, r.order_id, r.id::text as subject,
      format('the refund is %s and nobody is at it', r.state) as detail
    from order_refunds r
    where ${inPage("r")} and r.state in ('APPROVED', 'PROCESSING') and not exists (
      select 1 from order_work k where k.id = r.id::text || ':REFUND:' || r.attempt and k.state <> 'DONE')`
  ),

  sqlCheck(
    "I14",
    "order",
    slow,
    `
    select o.tenant_id, min(o.id::text)::uuid as order_id, o.idempotency_key as subject,
      format('%s orders of one user have this key', count(*)) as detail
    from orders o where ${own("o")} and o.idempotency_key is not null
    group by o.tenant_id, o.user_id, o.idempotency_key having count(*) > 1`
  ),

  sqlCheck(
    "I14",
    "refund",
    slow,
    `
    select r.tenant_id, min(r.order_id::text)::uuid as order_id, r.idempotency_key as subject,
      format('%s refunds that one asked for have this key', count(*)) as detail
    from order_refunds r where ${own("r")} and r.idempotency_key is not null
    group by r.tenant_id, ${requesterId}, r.idempotency_key having count(*) > 1`
  ),

  // A claim is written with its effect: it names an order from its first moment, or it has an answer.
  sqlCheck(
    "I14",
    "claim",
    slow,
    `
    select i.tenant_id, i.order_id, i.key as subject,
      format('the key of %s runs since %s for no order', i.operation, date_trunc('second', i.created_at)) as detail
    from idempotency i where ${own("i")} and i.answer_status is null and (i.order_id is null or not exists (
      select 1 from orders o where o.tenant_id = i.tenant_id and o.id = i.order_id))`
  ),

  sqlCheck(
    "I17",
    "waiting",
    cheap,
    `
    select m.tenant_id, null::uuid as order_id, m.source || ' ' || m.message_id as subject,
      format('%s was received %s ago and has come to nothing: %s', m.type,
        date_trunc('second', statement_timestamp() - m.received_at), coalesce(m.last_error, 'nobody has taken it up'))
        as detail
    from inbox m
    where ${own("m")} and m.state = 'NEW'
      and coalesce(m.lease_until, m.next_at) < statement_timestamp() - ${WORK_SLACK}
    order by coalesce(m.lease_until, m.next_at)`
  ),

  orderCheck(
    "I22",
    "release",
    `
    select o.tenant_id, o.id as order_id, null as subject,
      format('%s and nobody was asked to give its tickets back', o.status) as detail
    from orders o
    where ${inPage("o", "id")} and o.status in ('CANCELLED', 'EXPIRED', 'REFUNDED') and not coalesce(o.reacquiring, false)
      and coalesce(o.cancelled_at, o.expired_at, o.refunded_at) > statement_timestamp() - ${WORK_KNOWN}
      and not exists (select 1 from order_work k where k.tenant_id = o.tenant_id and k.order_id = o.id
        and k.kind = 'RELEASE' and k.payload -> 'lines' = 'null'::jsonb)`
  ),

  sqlCheck(
    "I22",
    "late",
    cheap,
    `
    select k.tenant_id, k.order_id, k.id as subject,
      format('%s was asked for %s ago and is not done', k.kind,
        date_trunc('second', statement_timestamp() - k.created_at)) as detail
    from order_work k
    where ${own("k")} and k.state in ('TODO', 'DOING') and k.kind in ('RELEASE', 'VOID')
      and k.created_at < statement_timestamp() - ${COMPENSATION_TIME}
    order by k.created_at`
  )
] as const
