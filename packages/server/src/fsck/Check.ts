/**
 * What a check of `orders fsck` is: an invariant, what of it is looked at, and how offenders are found.
 */
import type { InvariantId } from "@tickettoken/order-domain/Invariants"
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Context, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { orUnavailable } from "../sql/sqlFailures.ts"
import { asAuditor } from "../sql/TenantTransaction.ts"

/** One offender. */
export interface Finding {
  readonly check: InvariantId
  /** Which part of the invariant, in a word: with `check` it names the check. */
  readonly part: string
  readonly tenantId: string | null
  readonly orderId: string | null
  /** What else it is about, such as a work row, a refund or a table. */
  readonly subject: string | null
  /** One sentence for a person; never a secret. */
  readonly detail: string
}

/** Where to look. */
export interface Scope {
  /** `null`: everywhere. */
  readonly tenantId: string | null
  /** Nobody is at work: whoever still holds something is dead. */
  readonly atRest: boolean
}

/** What an offender is, besides the check that has found it. */
export type Offender = Omit<Finding, "check" | "part">

/** A look for offenders that needs the database and nothing more. */
export interface Check {
  readonly id: InvariantId
  readonly part: string
  /** Looks at open and rare rows only, by their indexes: cheap enough for every few minutes, however many orders. */
  readonly cheap: boolean
  readonly find: (scope: Scope) => Effect.Effect<ReadonlyArray<Offender>, ServiceUnavailable, SqlClient.SqlClient>
}

/** At most this many offenders of one check are named: more of them say no more. */
export const FINDINGS_PER_CHECK_MAX = 100

interface Row {
  readonly tenant_id: string | null
  readonly order_id: string | null
  readonly subject: string | null
  readonly detail: string
}

const offenderOf = ({ detail, order_id, subject, tenant_id }: Row): Offender => ({
  tenantId: tenant_id,
  orderId: order_id,
  subject,
  detail
})

/** Rows of the tenant that is looked at, for a table or alias. */
export const own = (alias: string): string => `($1::uuid is null or ${alias}.tenant_id = $1)`

/**
 * A check that is one statement. It selects `tenant_id, order_id, subject, detail` of each offender and keeps to
 * {@link own} rows.
 */
export const sqlCheck = (
  id: InvariantId,
  part: string,
  how: { readonly cheap: boolean },
  statement: string
): Check => ({
  id,
  part,
  cheap: how.cheap,
  find: ({ tenantId }) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      asAuditor(sql.unsafe<Row>(`${statement} limit $2`, [tenantId, FINDINGS_PER_CHECK_MAX]))
    ).pipe(
      Effect.map((rows) => rows.map(offenderOf)),
      orUnavailable,
      Effect.withSpan(`Fsck.${id}.${part}`)
    )
})

/** How many orders one statement looks at: few enough that it ends long before its limit, however many orders there are. */
export const OrdersPage = Context.Reference<number>("@tickettoken/order-server/fsck/OrdersPage", {
  defaultValue: () => 2_000
})

/** Rows of the orders of a page, for a table or alias and its column that names the order. */
export const inPage = (alias: string, id = "order_id"): string =>
  `(${alias}.tenant_id, ${alias}.${id}) in (select page.tenant_id, page.id from page)`

const LOWEST_ID = "00000000-0000-0000-0000-000000000000"
const HIGHEST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// No order on the page answers nothing, a page without offenders one row that says where it ends. The bounds are values
// alone, so that any plan for this text begins where the page does.
const pageStatement = (statement: string, limit: number, most: number): string => `
  with page as materialized (
    select o.tenant_id, o.id from orders o
    where (o.tenant_id, o.id) > ($1::uuid, $2::uuid) and o.tenant_id <= $3::uuid and ($4::uuid is null or o.id = $4)
    order by o.tenant_id, o.id limit ${limit}
  ), found as materialized (select offender.*, true as is_found from (${statement}) offender limit ${most})
  select last.tenant_id as last_tenant, last.id as last_order, found.*
  from (select tenant_id, id from page order by tenant_id desc, id desc limit 1) last left join found on true`

interface PageRow {
  readonly last_tenant: string
  readonly last_order: string
  /** `null` where the row only says how far the page went. */
  readonly is_found: true | null
}

/**
 * What a statement over {@link inPage} rows finds, page after page of orders, at most `most` rows of it. Each page is a
 * statement of its own: an order is seen in one snapshot, and no two pages are.
 */
export const pageByPage = Effect.fnUntraced(function* <Found extends object>(
  statement: string,
  scope: { readonly tenantId: string | null; readonly orderId: string | null },
  most: number
) {
  const sql = yield* SqlClient.SqlClient
  const text = pageStatement(statement, yield* OrdersPage, most)
  const found: Array<Found> = []
  let after: readonly [tenantId: string, orderId: string] = [scope.tenantId ?? LOWEST_ID, LOWEST_ID]
  while (found.length < most) {
    const parameters = [...after, scope.tenantId ?? HIGHEST_ID, scope.orderId]
    const rows = yield* asAuditor(sql.unsafe<Found & PageRow>(text, parameters))
    const [first] = rows
    if (first === undefined) break
    found.push(...rows.filter(({ is_found }) => is_found === true))
    after = [first.last_tenant, first.last_order]
  }
  return found.slice(0, most)
}, orUnavailable)

/** A check that looks at each order by itself: a statement that selects as {@link sqlCheck}'s does, of {@link inPage} rows. */
export const orderCheck = (id: InvariantId, part: string, statement: string): Check => ({
  id,
  part,
  cheap: false,
  find: ({ tenantId }) =>
    Effect.map(pageByPage<Row>(statement, { tenantId, orderId: null }, FINDINGS_PER_CHECK_MAX), (rows) =>
      rows.map(offenderOf)
    ).pipe(Effect.withSpan(`Fsck.${id}.${part}`))
})
