/**
 * Whether the audit history is as it was written: each row against its hash, each hash against the row before it, and all
 * of them against an anchor that was taken earlier.
 *
 * **Details**
 *
 * A row that was edited does not fit its hash; one that was taken out leaves a gap, or an order that is ahead of its
 * history; one that was put in later does not follow. An *anchor* is a text that lists the last hash of every order.
 *
 * **Gotchas**
 *
 * Whoever owns the database can write a whole chain anew, and then it fits itself. Only an anchor shows that, and only
 * if it lies where that owner can not write: with somebody else, or in an append-only store.
 */
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Clock, DateTime, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { createHash } from "node:crypto"
import { CHAIN_START } from "../sql/migrations/0006_audit_chain.ts"
import { orUnavailable } from "../sql/sqlFailures.ts"
import { asAuditor } from "../sql/TenantTransaction.ts"
import { inPage, orderCheck, own, pageByPage } from "./Check.ts"

/** Which histories. `null`: all. */
export interface AuditScope {
  readonly tenantId: string | null
  readonly orderId: string | null
}

/**
 * - EDITED: the row is not what was hashed
 * - MOVED: the row was written as another version
 * - REHASHED: the row was changed and hashed anew: the next one was written after another row
 * - INSERTED: the row is ahead of its order
 * - REMOVED: the row is not there, with rows before and after it
 * - CUT: the row is not there, and was the last one or one of the last
 * - GONE: the row was there when the anchor was taken
 * - REWRITTEN: the row had another hash when the anchor was taken
 */
export type ChainFault = "EDITED" | "MOVED" | "REHASHED" | "INSERTED" | "REMOVED" | "CUT" | "GONE" | "REWRITTEN"

/** One row of the history that is not as it was written. */
export interface ChainBreak {
  readonly tenantId: string
  readonly orderId: string
  readonly version: number
  readonly fault: ChainFault
}

/** What is wrong, in words. */
const faultWords: { readonly [Fault in ChainFault]: string } = {
  EDITED: "was edited",
  MOVED: "was written as another version",
  REHASHED: "was changed and hashed anew",
  INSERTED: "was put in: it is ahead of its order",
  REMOVED: "is missing from the middle",
  CUT: "is missing from the end",
  GONE: "was there when the anchor was taken",
  REWRITTEN: "had another hash when the anchor was taken"
}

/** How many rows are named at most: a rewritten table says no more by being listed whole. */
const BREAKS_MAX = 1_000

const hashed = (version: string): string =>
  `order_event_hash(e.prev_hash, e.tenant_id, e.order_id, ${version}, e.id, e.type, e.actor_kind, e.actor_id, e.ip,
    e.data, e.at)`

/** Rows of a page that are not as they were written. */
const broken = `
  with hashed as (
    select e.*, o.version as order_version, e.hash = ${hashed("e.version")} as fits
    from order_events e join orders o on o.tenant_id = e.tenant_id and o.id = e.order_id
    where ${inPage("e")}
  ), rows as (
    select e.*, lag(e.version, 1, 0) over history as version_before, lead(e.version) over history as version_after,
      lag(e.hash, 1, ${CHAIN_START}) over history as hash_before, lag(e.fits, 1, true) over history as fits_before
    from hashed e
    window history as (partition by e.tenant_id, e.order_id order by e.version)
  ), faults as (
    select e.tenant_id, e.order_id, e.version, case
        when e.version > e.order_version then 'INSERTED'
        when not e.fits and exists (
          select 1 from generate_series(1, e.order_version + 1) other (version)
          where other.version <> e.version and e.hash = ${hashed("other.version")}) then 'MOVED'
        else 'EDITED' end as fault
      from rows e where e.version > e.order_version or not e.fits or (e.version = 1 and e.prev_hash <> e.hash_before)
    union all
    select e.tenant_id, e.order_id, e.version_before, 'REHASHED'
      from rows e where e.fits and e.fits_before and e.version = e.version_before + 1 and e.version > 1
        and e.prev_hash <> e.hash_before
    union all
    select e.tenant_id, e.order_id, gap.version, 'REMOVED'
      from rows e, generate_series(e.version_before + 1, e.version - 1) gap (version)
    union all
    select e.tenant_id, e.order_id, gap.version, 'CUT'
      from rows e, generate_series(e.version + 1, e.order_version) gap (version) where e.version_after is null
    union all
    select o.tenant_id, o.id, gap.version, 'CUT'
      from orders o, generate_series(1, o.version) gap (version)
      where ${inPage("o", "id")} and not exists (
        select 1 from order_events e where e.tenant_id = o.tenant_id and e.order_id = o.id)
  )`

/** I23, for fsck. */
export const chainCheck = orderCheck(
  "I23",
  "chain",
  `${broken}
    select tenant_id, order_id, version::text as subject, format('version %s %s', version, case fault
      ${Object.entries(faultWords)
        .map(([fault, words]) => `when '${fault}' then '${words}'`)
        .join(" ")} end) as detail
    from faults order by tenant_id, order_id, version`
)

const verifyStatement = `${broken}
  select tenant_id as "tenantId", order_id as "orderId", version, fault from faults
  order by tenant_id, order_id, version`

/**
 * Every row that is not as it was written, at most {@link BREAKS_MAX}. Looked for page by page of orders, so that neither
 * time nor memory of a statement grows with the history. Fails with `ServiceUnavailable`.
 */
export const verify = Effect.fn("AuditChain.verify")(function* (
  scope: AuditScope
): Effect.fn.Return<ReadonlyArray<ChainBreak>, ServiceUnavailable, SqlClient.SqlClient> {
  const breaks = yield* pageByPage<ChainBreak>(verifyStatement, scope, BREAKS_MAX)
  return breaks.map(({ fault, orderId, tenantId, version }) => ({ tenantId, orderId, version, fault }))
})

const TITLE = "tickettoken-orders audit anchor 1"

/** How many orders are read at once. */
const HEADS_PAGE = 5_000

interface Head {
  readonly tenant_id: string
  readonly order_id: string
  readonly version: number
  readonly hash: string
}

const lineOf = ({ hash, order_id, tenant_id, version }: Head): string => `${tenant_id} ${order_id} ${version} ${hash}`

const digestOf = (lines: ReadonlyArray<string>): string => createHash("sha256").update(lines.join("\n")).digest("hex")

/** The last row of each history, by tenant and order, after the given one. */
const headsAfter = Effect.fnUntraced(function* (tenantId: string | null, after: Head | undefined) {
  const sql = yield* SqlClient.SqlClient
  return yield* asAuditor(
    sql.unsafe<Head>(
      `select o.tenant_id, o.id as order_id, e.version, encode(e.hash, 'hex') as hash
        from orders o join order_events e on e.tenant_id = o.tenant_id and e.order_id = o.id and e.version = o.version
        where ${own("o")} and ($2::uuid is null or (o.tenant_id, o.id) > ($2::uuid, $3::uuid))
        order by o.tenant_id, o.id limit ${HEADS_PAGE}`,
      [tenantId, after?.tenant_id ?? null, after?.order_id ?? null]
    )
  )
})

/**
 * An anchor: a title, the instant, one line with tenant, order, version and hash for each order, and a digest of all of
 * it. Fails with `ServiceUnavailable`.
 */
export const anchor = Effect.fn("AuditChain.anchor")(function* (
  tenantId: string | null
): Effect.fn.Return<string, ServiceUnavailable, SqlClient.SqlClient> {
  const lines = [TITLE, DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))]
  let after: Head | undefined
  for (;;) {
    const heads = yield* orUnavailable(headsAfter(tenantId, after))
    lines.push(...heads.map(lineOf))
    after = heads.at(-1)
    if (heads.length < HEADS_PAGE) return [...lines, `sha256 ${digestOf(lines)}`].join("\n")
  }
})

/** The text is no anchor, or is not whole. */
export class AnchorUnreadable extends Schema.TaggedError<AnchorUnreadable>()("AnchorUnreadable", {
  why: Schema.String
}) {
  override get message(): string {
    return `the anchor can not be used: ${this.why}`
  }
}

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
const headLine = new RegExp(`^(${uuid}) (${uuid}) (\\d{1,9}) ([0-9a-f]{64})$`)

const readAnchor = Effect.fnUntraced(function* (text: string) {
  const lines = text.trimEnd().split(/\r?\n/)
  const last = lines.pop() ?? ""
  if (lines[0] !== TITLE) return yield* new AnchorUnreadable({ why: `it does not begin with "${TITLE}"` })
  if (last !== `sha256 ${digestOf(lines)}`) {
    return yield* new AnchorUnreadable({ why: "it was changed, or does not end with its digest" })
  }
  return yield* Effect.forEach(lines.slice(2), (line, at) => {
    const [, tenant_id, order_id, version, hash] = headLine.exec(line) ?? []
    return tenant_id === undefined || order_id === undefined || version === undefined || hash === undefined
      ? Effect.fail(new AnchorUnreadable({ why: `line ${at + 3} is none of it` }))
      : Effect.succeed({ tenant_id, order_id, version: Number(version), hash } satisfies Head)
  })
})

const compare = Effect.fnUntraced(function* (heads: ReadonlyArray<Head>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* asAuditor(
    sql.unsafe<Head>(
      `select e.tenant_id, e.order_id, e.version, encode(e.hash, 'hex') as hash
        from unnest($1::uuid[], $2::uuid[], $3::int[]) head (tenant_id, order_id, version)
          join order_events e using (tenant_id, order_id, version)`,
      [
        heads.map(({ tenant_id }) => tenant_id),
        heads.map(({ order_id }) => order_id),
        heads.map(({ version }) => version)
      ]
    )
  )
  const found = new Map(rows.map((row) => [`${row.tenant_id} ${row.order_id}`, row.hash]))
  return heads.flatMap(({ hash, order_id, tenant_id, version }): ReadonlyArray<ChainBreak> => {
    const now = found.get(`${tenant_id} ${order_id}`)
    if (now === hash) return []
    const fault = now === undefined ? "GONE" : "REWRITTEN"
    return [{ tenantId: tenant_id, orderId: order_id, version, fault }]
  })
})

/**
 * Every row that is not as it was when the anchor was taken, in the orders that are asked for. Fails with
 * `AnchorUnreadable` and `ServiceUnavailable`.
 */
export const verifyAgainst = Effect.fn("AuditChain.verifyAgainst")(function* (
  text: string,
  { orderId, tenantId }: AuditScope
): Effect.fn.Return<ReadonlyArray<ChainBreak>, AnchorUnreadable | ServiceUnavailable, SqlClient.SqlClient> {
  const heads = (yield* readAnchor(text)).filter(
    (head) => (tenantId ?? head.tenant_id) === head.tenant_id && (orderId ?? head.order_id) === head.order_id
  )
  const pages = Array.from({ length: Math.ceil(heads.length / HEADS_PAGE) }, (_, at) =>
    heads.slice(at * HEADS_PAGE, (at + 1) * HEADS_PAGE)
  )
  const breaks = yield* orUnavailable(Effect.forEach(pages, compare))
  return breaks.flat().slice(0, BREAKS_MAX)
})
