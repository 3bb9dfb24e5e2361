/**
 * Rows that are due: claimed in batches, under leases with a rising token. What work, bulk jobs, messages to send and
 * messages received have in common.
 *
 * **Details**
 *
 * Such a table has `state`, `attempts`, `next_at`, `lease_until`, `lease_token` and `last_error`. An open row is due at
 * `next_at`, or when its lease has run out; one partial index over open rows serves both. SKIP LOCKED lets any number of
 * processes claim side by side without waiting. Claiming raises the token, and results are written only under the row's
 * token, so a process that was frozen and wakes up late changes nothing. Time is the database's: of the statement where
 * it is compared, so that the index is used, and of the clock where a lease begins.
 *
 * **Gotchas**
 *
 * Rows are found by their state and never by how far an id or an instant has come: a transaction that commits late would
 * be passed over.
 */
import { Duration, Effect } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { storableJson, storableText } from "./OrderColumns.ts"
import { asJobs } from "./TenantTransaction.ts"

/** The longest reason that is kept of a failed attempt. */
const WHY_CHARS_MAX = 2_000

/** The claim's cost grows with its size and a crash strands all of it: a batch is never larger, whoever asks. */
export const CLAIM_MAX = 1_000

export interface LeasedTable {
  readonly name: string
  /** The columns of its key, with their types. */
  readonly key: { readonly [column: string]: string }
  /** The open rows, in the words of the index over them. */
  readonly open: string
  /** Which of the open rows `d` may be claimed at all, beside those that are due. */
  readonly claimable?: string
  /** The rows `f` that may not be claimed before the row `g` is done: they wait with it when it is given back. */
  readonly behind?: string
  /** The state of a row that waits, and of one that is held. */
  readonly waiting: string
  readonly held: string
  /** What a claim answers of a row, beside `lease_token` and `attempts`. */
  readonly columns: ReadonlyArray<string>
}

/** The lease of a row: its key, by the names of the columns, and the token. */
export interface RowLease {
  readonly token: string
  readonly [column: string]: string | number
}

/** What every claim answers. */
export interface LeasedRow {
  readonly lease_token: bigint
  readonly attempts: number
}

const keptWhy = (why: string): string => storableText(why.slice(0, WHY_CHARS_MAX))

const onKey = ({ key }: LeasedTable, left: string, right: string): string =>
  Object.keys(key)
    .map((column) => `${left}.${column} = ${right}.${column}`)
    .join(" and ")

/** Claims up to `limit` rows `d` that are due, or only such ones, those that have waited longest first. */
export const claimRows = Effect.fnUntraced(function* <Row extends LeasedRow>(
  table: LeasedTable,
  limit: number,
  lease: Duration.Duration,
  only?: Statement.Fragment
) {
  const sql = yield* SqlClient.SqlClient
  const name = sql.literal(table.name)
  const keys = Object.keys(table.key)
  const answered = sql.literal([...table.columns, "lease_token", "attempts"].map((column) => `k.${column}`).join(", "))
  return yield* asJobs(sql<Row>`
    with due as materialized (
      select ${sql.literal(keys.map((column) => `d.${column}`).join(", "))},
        coalesce(d.lease_until, d.next_at) as due_at
      from ${name} d
      where ${sql.literal(table.open)} and coalesce(d.lease_until, d.next_at) <= statement_timestamp()
        and ${sql.literal(table.claimable ?? "true")} and ${only ?? sql`true`}
      order by coalesce(d.lease_until, d.next_at) limit ${Math.min(limit, CLAIM_MAX)} for update of d skip locked
    ), claimed as (
      update ${name} k set state = ${sql.literal(`'${table.held}'`)}, attempts = k.attempts + 1,
        lease_token = k.lease_token + 1,
        lease_until = clock_timestamp() + ${Duration.toMillis(lease)}::int * interval '1 millisecond'
      from due where ${sql.literal(onKey(table, "due", "k"))}
      returning ${answered}, due.due_at
    )
    select * from claimed order by due_at, ${sql.literal(keys.join(", "))}`)
})

/**
 * Changes the rows that are still held under these leases, each by what its lease carries besides; answers how many
 * those are. `more` names these columns with their types, and `set` is what becomes of the row `k`, given `r`. `also` is
 * written with it, given the rows that were `written`.
 */
const writeUnderLease = Effect.fnUntraced(function* (
  table: LeasedTable,
  leases: ReadonlyArray<RowLease>,
  more: { readonly [column: string]: string },
  set: string,
  also = ""
) {
  const sql = yield* SqlClient.SqlClient
  if (leases.length === 0) return 0
  const columns = Object.entries({ ...table.key, token: "bigint", ...more }).map((column) => column.join(" "))
  const rows = yield* asJobs(sql`
    with written as (
      update ${sql.literal(table.name)} k set ${sql.literal(set)}, lease_until = null
      from json_to_recordset(${storableJson(leases)}::json) as r(${sql.literal(columns.join(", "))})
      where ${sql.literal(onKey(table, "k", "r"))} and k.lease_token = r.token
        and k.state = ${sql.literal(`'${table.held}'`)} and k.lease_until is not null
      returning k.*
    )${sql.literal(also === "" ? "" : `, also as (${also})`)}
    select 1 from written`)
  return rows.length
})

/** Ends rows: `end` is what is written into them, and may name `r.why`. Answers how many were still held. */
export const endRows = (table: LeasedTable, leases: ReadonlyArray<RowLease>, end: string, why = "") =>
  writeUnderLease(
    table,
    leases.map((lease) => ({ ...lease, why: keptWhy(why) })),
    { why: "text" },
    end
  )

/** A row that is given back: after which time it is due again, and why. What was no try counts as no attempt. */
export interface GivenBack {
  readonly lease: RowLease
  readonly delay: Duration.Duration
  readonly why: string
  readonly isTry?: boolean
}

/**
 * What waits behind rows that are given back is due no sooner than those. Else it would stand at the head of every claim,
 * looked at and left out again, and claims would cost the more the more of it there is.
 */
const moveBehind = ({ behind, name, waiting }: LeasedTable): string =>
  behind === undefined
    ? ""
    : `update ${name} f set next_at = g.next_at from written g
      where ${behind} and f.state = '${waiting}' and f.lease_until is null and f.next_at < g.next_at`

/** Gives rows back for later. Answers how many were still held. */
export const giveRowsBack = (table: LeasedTable, rows: ReadonlyArray<GivenBack>) =>
  writeUnderLease(
    table,
    rows.map(({ delay, isTry = true, lease, why }) => ({
      ...lease,
      uncounted: isTry ? 0 : 1,
      delay_millis: Duration.toMillis(delay),
      why: keptWhy(why)
    })),
    { uncounted: "integer", delay_millis: "double precision", why: "text" },
    `state = '${table.waiting}', attempts = k.attempts - r.uncounted, last_error = r.why,
      next_at = clock_timestamp() + r.delay_millis * interval '1 millisecond'`,
    moveBehind(table)
  )
