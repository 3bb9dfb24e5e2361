/**
 * What others have seen of our orders: clients their answers (I15), consumers their messages (I19).
 */
import type { Offender } from "./Check.ts"
import type { Acknowledged, CapturedMessage } from "./Journals.ts"
import { orderKey } from "./TicketJournal.ts"

/** A row of {@link acknowledgedStatement}. */
export interface AcknowledgedRow {
  readonly tenant_id: string
  readonly order_id: string
  readonly total_cents: bigint
  readonly status: string
  /** Every state that its history has it in. */
  readonly passed: ReadonlyArray<string>
}

/** Orders by their ids, `$1`, with the states that they have been in. */
export const acknowledgedStatement = `
  select o.tenant_id, o.id as order_id, o.total_cents, o.status, array(
    select distinct case e.type when 'ORDER_RESERVED' then 'RESERVED' when 'ORDER_CONFIRMED' then 'CONFIRMED'
      when 'ORDER_COMPLETED' then 'COMPLETED' when 'ORDER_REFUNDED' then 'REFUNDED'
      when 'RESERVATION_EXPIRED' then 'EXPIRED'
      when 'ORDER_CANCELLED' then coalesce(e.data ->> 'status', 'CANCELLED')
      else coalesce(e.data ->> 'status', 'PENDING') end
    from order_events e where e.tenant_id = o.tenant_id and e.order_id = o.id) as passed
  from orders o where o.id = any($1::uuid[])`

/** I15: each answer against the order that it spoke of. */
export const compareAcknowledged = (
  answers: ReadonlyArray<Acknowledged>,
  rows: ReadonlyArray<AcknowledgedRow>
): ReadonlyArray<Offender> => {
  const orders = new Map(rows.map((row) => [orderKey({ tenantId: row.tenant_id, orderId: row.order_id }), row]))
  return answers.flatMap(({ orderId, status, tenantId, totalCents }) => {
    const order = orders.get(orderKey({ tenantId, orderId }))
    const broken = (detail: string): ReadonlyArray<Offender> => [{ tenantId, orderId, subject: null, detail }]
    if (order === undefined) return broken(`a client was told of it as ${status}, and it is not there`)
    if (Number(order.total_cents) !== totalCents) {
      return broken(`a client was told of a total of ${totalCents}, it is ${order.total_cents}`)
    }
    return order.status === status || order.passed.includes(status)
      ? []
      : broken(`a client was told that it is ${status}; it is ${order.status} and never was that`)
  })
}

/** I19: the versions of each order as a consumer got them. A repetition carries the same message id. */
export const outOfOrder = (messages: ReadonlyArray<CapturedMessage>): ReadonlyArray<Offender> => {
  const latest = new Map<string, number>()
  const seen = new Set<string>()
  return messages.flatMap(({ messageId, orderId, tenantId, version }) => {
    if (seen.has(messageId)) return []
    seen.add(messageId)
    const key = orderKey({ tenantId, orderId })
    const before = latest.get(key) ?? 0
    latest.set(key, version)
    return version === before + 1
      ? []
      : [{ tenantId, orderId, subject: messageId, detail: `version ${version} was published after version ${before}` }]
  })
}
