/**
 * A refund's key belongs to the one who asked for it (rule 6), who need not be the order's buyer: unique for each of them,
 * for ever. The index of 0001 took the buyer for the one who asks.
 */

/** The id of the one who asked, of a refund's `requested_by`: "kind:id". */
export const requesterId = `substr(requested_by, strpos(requested_by, ':') + 1)`

export const refundKeys: ReadonlyArray<string> = [
  `drop index order_refunds_idempotency_key`,
  `create unique index order_refunds_idempotency_key on order_refunds (tenant_id, (${requesterId}), idempotency_key)
    where idempotency_key is not null`
]
