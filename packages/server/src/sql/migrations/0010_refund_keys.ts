/**
 * A refund's key belongs to the one who asked for it (rule 6), who need not be the order's buyer: unique for each of them,
 * for ever. The index of 0001 took the buyer for the one who asks.
 */

/** The id of the one who asked, of a refund's `requested_by`: "kind:id". */
export const requesterId = `substr(requested_by, strpos(requested_by, ':') + 1)`

export const refundKeys: ReadonlyArray<string> = [
  `drop index order_refunds_idempotency_key`,
  // One who asked for two buyers could use one key twice. The oldest refund keeps it. As in 0006, the owner steps out of
  // row security for this one statement.
  `alter table order_refunds no force row level security`,
  `update order_refunds r set idempotency_key = null
    from (
      select tenant_id, id, row_number() over (
        partition by tenant_id, ${requesterId}, idempotency_key order by requested_at, id) as place
      from order_refunds where idempotency_key is not null
    ) k where k.place > 1 and k.tenant_id = r.tenant_id and k.id = r.id`,
  `alter table order_refunds force row level security`,
  `create unique index order_refunds_idempotency_key on order_refunds (tenant_id, (${requesterId}), idempotency_key)
    where idempotency_key is not null`
]
