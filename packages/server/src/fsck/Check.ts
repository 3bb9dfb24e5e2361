/**
 * What a check of `orders fsck` is: an invariant, what of it is looked at, and how offenders are found.
 */
import type { InvariantId } from "@tickettoken/order-domain/Invariants"
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Effect } from "effect"
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
      Effect.map((rows) =>
        rows.map((row) => ({
          tenantId: row.tenant_id,
          orderId: row.order_id,
          subject: row.subject,
          detail: row.detail
        }))
      ),
      orUnavailable,
      Effect.withSpan(`Fsck.${id}.${part}`)
    )
})
