/**
 * What is said of orders, as SQL over `orders o`.
 *
 * **Details**
 *
 * Each criterion has an index that begins with the tenant: number, id and payment find one order; user, event, status and
 * nothing at all have one in the order of pages; a total and metadata have one of their own. Which is used where several
 * are given is the planner's choice.
 *
 * **Gotchas**
 *
 * Under row security only comparisons that can tell nothing of other rows may use an index: `@>` and its like may not, so
 * metadata is found by rows of its own (migration 0015).
 */
import type { TenantId } from "@tickettoken/order-domain/Ids"
import type { MetadataScalar, OrderCriteria } from "@tickettoken/order-domain/ports/OrderReads"
import { DateTime } from "effect"
import type { SqlClient, Statement } from "effect/sql"

/** All that must hold. */
export const criteriaFragments = (
  sql: SqlClient.SqlClient,
  tenantId: TenantId,
  criteria: OrderCriteria
): ReadonlyArray<Statement.Fragment> => {
  const where = <A>(value: A | undefined, fragment: (value: A) => Statement.Fragment) =>
    value === undefined ? [] : [fragment(value)]
  const entries = Object.entries(criteria.metadata ?? {})
  return [
    sql`o.tenant_id = ${tenantId}`,
    ...where(criteria.id, (id) => sql`o.id = ${id}`),
    ...where(criteria.orderNumber, (number) => sql`o.order_number = ${number}`),
    ...where(criteria.userId, (userId) => sql`o.user_id = ${userId}`),
    ...where(criteria.eventId, (eventId) => sql`o.event_id = ${eventId}`),
    ...where(criteria.status, (status) => sql`o.status = ${status}`),
    ...where(criteria.currency, (currency) => sql`o.currency = ${currency}`),
    ...where(criteria.paymentIntentId, (intentId) => paidWith(sql, tenantId, intentId)),
    ...where(criteria.totalMin, (least) => sql`o.total_cents >= ${least}::bigint`),
    ...where(criteria.totalMax, (most) => sql`o.total_cents <= ${most}::bigint`),
    ...where(criteria.createdFrom, (from) => sql`o.created_at >= ${DateTime.toDateUtc(from)}`),
    ...where(criteria.createdBefore, (before) => sql`o.created_at < ${DateTime.toDateUtc(before)}`),
    ...entries.map(([key, value]) => hasEntry(sql, tenantId, key, value))
  ]
}

const paidWith = (sql: SqlClient.SqlClient, tenantId: TenantId, intentId: string): Statement.Fragment =>
  sql`o.id in (
    select i.id from orders i where i.tenant_id = ${tenantId} and i.payment_intent_id = ${intentId}
    union all
    select p.order_id from payments p where p.tenant_id = ${tenantId} and p.payment_intent_id = ${intentId})`

/** As the rows of the migration name an entry. */
const hasEntry = (
  sql: SqlClient.SqlClient,
  tenantId: TenantId,
  key: string,
  value: MetadataScalar
): Statement.Fragment =>
  sql`o.id in (select m.order_id from order_metadata m where m.tenant_id = ${tenantId}
    and m.entry = md5(jsonb_build_array(${key}::text, ${JSON.stringify(value)}::jsonb)::text)::uuid)`
