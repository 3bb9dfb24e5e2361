/**
 * Money: what an order costs, what was taken for it, and what has gone back (I01, I02, I03, I11, I20).
 */
import { inPage, orderCheck } from "./Check.ts"

/** Refunds that hold on to money (rule 4.4). */
const committed = `r.state not in ('REJECTED', 'FAILED')`

/** Per order: what its own payment came to, what has come back of it, and how many refunds of it there are. */
const ownMoney = `
  select o.tenant_id, o.id, o.status, o.cancel_cause, o.reacquiring, o.subtotal_cents, o.terms, p.amount_cents as taken,
    coalesce(sum(r.amount_cents) filter (where r.state = 'COMPLETED'), 0) as returned, count(r.id) as refunds,
    count(r.id) filter (where r.state not in ('COMPLETED', 'REJECTED')) as under_way
  from orders o
    join payments p on p.tenant_id = o.tenant_id and p.order_id = o.id and p.payment_intent_id = o.payment_intent_id
    left join order_refunds r
      on r.tenant_id = o.tenant_id and r.order_id = o.id and r.payment_intent_id = o.payment_intent_id
  where ${inPage("o", "id")} and p.amount_cents > 0
  group by o.tenant_id, o.id, p.amount_cents`

const retention = `least(m.taken, floor(m.subtotal_cents * (m.terms #>> '{refunds,retentionRate}')::numeric / 10000)
  + (m.terms #>> '{refunds,retentionFixed}')::bigint)`

export const moneyChecks = [
  orderCheck(
    "I01",
    "total",
    `
    select tenant_id, id as order_id, null as subject, format('%s + %s + %s + %s is not %s', subtotal_cents,
      platform_fee_cents, processing_fee_cents, tax_cents, total_cents) as detail
    from orders o where ${inPage("o", "id")} and (
      total_cents <> subtotal_cents + platform_fee_cents + processing_fee_cents + tax_cents
      or least(subtotal_cents, platform_fee_cents, processing_fee_cents, tax_cents, total_cents, captured_cents) < 0)`
  ),

  orderCheck(
    "I02",
    "lines",
    `
    select o.tenant_id, o.id as order_id, null as subject,
      format('the lines come to %s, the subtotal is %s', coalesce(i.sum, 0), o.subtotal_cents) as detail
    from orders o left join (
      select tenant_id, order_id, sum(unit_price_cents * quantity) as sum,
        bool_and(subtotal_cents = unit_price_cents * quantity and returned_quantity between 0 and quantity) as whole
      from order_items i where ${inPage("i")} group by tenant_id, order_id
    ) i on i.tenant_id = o.tenant_id and i.order_id = o.id
    where ${inPage("o", "id")} and (i.sum is distinct from o.subtotal_cents or not i.whole)`
  ),

  orderCheck(
    "I03",
    "committed",
    `
    select o.tenant_id, o.id as order_id, null as subject,
      format('refunds hold on to %s, the order says %s of %s captured', coalesce(r.sum, 0), o.refund_committed_cents,
        o.captured_cents) as detail
    from orders o left join (
      select tenant_id, order_id, sum(amount_cents) filter (where ${committed}) as sum, min(amount_cents) as least
      from order_refunds r where ${inPage("r")} group by tenant_id, order_id
    ) r on r.tenant_id = o.tenant_id and r.order_id = o.id
    where ${inPage("o", "id")} and (coalesce(r.sum, 0) <> o.refund_committed_cents
      or o.refund_committed_cents > o.captured_cents or r.least <= 0)`
  ),

  orderCheck(
    "I03",
    "captured",
    `
    select o.tenant_id, o.id as order_id, null as subject,
      format('the payments come to %s, the order says %s', coalesce(p.sum, 0), o.captured_cents) as detail
    from orders o left join (
      select tenant_id, order_id, sum(amount_cents) as sum from payments p where ${inPage("p")} group by tenant_id, order_id
    ) p on p.tenant_id = o.tenant_id and p.order_id = o.id
    where ${inPage("o", "id")} and coalesce(p.sum, 0) <> o.captured_cents`
  ),

  orderCheck(
    "I03",
    "payment",
    `
    select r.tenant_id, r.order_id, r.payment_intent_id as subject,
      format('refunds of this payment hold on to %s of %s', r.sum, coalesce(p.amount_cents, 0)) as detail
    from (
      select tenant_id, order_id, payment_intent_id, coalesce(sum(amount_cents) filter (where ${committed}), 0) as sum
      from order_refunds r where ${inPage("r")} group by tenant_id, order_id, payment_intent_id
    ) r left join payments p on p.tenant_id = r.tenant_id and p.order_id = r.order_id
      and p.payment_intent_id = r.payment_intent_id
    where p.amount_cents is null or r.sum > p.amount_cents`
  ),

  orderCheck(
    "I11",
    "kept",
    `
    with money as (${ownMoney})
    select m.tenant_id, m.id as order_id, null as subject,
      format('%s keeps %s of %s', m.status, m.taken - m.returned, m.taken) as detail
    from money m where m.under_way = 0 and case
      when m.status = 'EXPIRED' then m.taken <> m.returned and m.refunds > 0 and not coalesce(m.reacquiring, false)
      when m.status = 'CANCELLED' and m.cancel_cause not in ('BUYER', 'ADMIN') then m.taken <> m.returned
      when m.status = 'REFUNDED' then m.taken <> m.returned and m.taken - m.returned <> ${retention}
      else m.returned > m.taken end`
  ),

  orderCheck(
    "I11",
    "stray",
    `
    select p.tenant_id, p.order_id, p.payment_intent_id as subject,
      format('%s of a payment that the order never asked for has no refund', p.amount_cents) as detail
    from payments p join orders o on o.tenant_id = p.tenant_id and o.id = p.order_id
    where ${inPage("p")} and p.payment_intent_id is distinct from o.payment_intent_id
      and not exists (select 1 from order_refunds r where r.tenant_id = p.tenant_id and r.order_id = p.order_id
        and r.payment_intent_id = p.payment_intent_id)`
  ),

  orderCheck(
    "I20",
    "confirmed",
    `
    select o.tenant_id, o.id as order_id, null as subject,
      format('%s of %s is paid, %s tickets of %s', coalesce(p.amount_cents, 0), o.total_cents,
        jsonb_array_length(o.tickets), i.quantity) as detail
    from orders o
      left join payments p on p.tenant_id = o.tenant_id and p.payment_intent_id = o.payment_intent_id
        and p.order_id = o.id
      left join (
        select tenant_id, order_id, sum(quantity) as quantity from order_items i where ${inPage("i")}
        group by tenant_id, order_id
      ) i on i.tenant_id = o.tenant_id and i.order_id = o.id
    where ${inPage("o", "id")} and o.status in ('CONFIRMED', 'COMPLETED') and (
      coalesce(p.amount_cents, 0) <> o.total_cents
      or coalesce(jsonb_array_length(o.tickets), 0) <> coalesce(i.quantity, 0)
      or (select count(distinct t ->> 'id') from jsonb_array_elements(o.tickets) t) <> jsonb_array_length(o.tickets))`
  )
] as const
