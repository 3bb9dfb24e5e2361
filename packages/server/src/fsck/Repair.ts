/**
 * What `orders fsck --fix` may do: only what the service would do by itself if nothing had gone wrong, through the same
 * code, and nothing that moves money.
 *
 * **Details**
 *
 * A hold that has outlived its grace is expired, with the payment service's last word and an audit row; work and messages
 * that somebody dead still holds are given back; a counter is counted anew under its lock, and so are sales; tickets of an ended order that
 * nobody was asked to give back are asked back, which the ticket service takes as often as it is said. Everything else is
 * left to a person.
 */
import type { Actor } from "@tickettoken/order-domain/Actor"
import { OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import { activeStatuses } from "@tickettoken/order-domain/Order"
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { releaseAll } from "@tickettoken/order-domain/OrderSteps"
import { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { workId } from "@tickettoken/order-domain/Work"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { quoted } from "../sql/migrations/quoted.ts"
import { correctSales } from "../sql/SalesRollupSql.ts"
import { orUnavailable } from "../sql/sqlFailures.ts"
import { asAuditor, inTenant } from "../sql/TenantTransaction.ts"
import type { Finding } from "./Check.ts"

/** What repairs stand on. */
export type RepairPorts = SqlClient.SqlClient | WorkExecutor | WorkQueue | Outbox

/** A finding that can be put right, and how, in words. */
export interface Repair {
  readonly finding: Finding
  readonly what: string
}

/** Answers whether there was still something to do. */
type Doing = (finding: Finding, actor: Actor) => Effect.Effect<boolean, ServiceUnavailable, RepairPorts>

const REASON = "found by fsck"

const tenantOf = ({ tenantId }: Finding) => TenantId.make(tenantId ?? "")
const orderOf = ({ orderId }: Finding) => OrderId.make(orderId ?? "")

const expire: Doing = Effect.fnUntraced(function* (finding: Finding, actor: Actor) {
  const queue = yield* WorkQueue
  const executor = yield* WorkExecutor
  const only = { tenantId: tenantOf(finding), orderId: orderOf(finding) }
  const claimed = yield* queue.claimExpired(1, { reason: REASON, requestedBy: actor, only })
  yield* executor.runInBackground(claimed)
  return claimed.length > 0
})

// Under the token of whoever has it: should that one be alive after all, one of the two is refused.
const giveBackWork: Doing = Effect.fnUntraced(function* ({ subject }: Finding) {
  const sql = yield* SqlClient.SqlClient
  const queue = yield* WorkQueue
  const rows = yield* asAuditor(
    sql<{ token: bigint }>`select lease_token as token from order_work
      where id = ${subject} and state = 'DOING' and lease_until < clock_timestamp()`
  ).pipe(orUnavailable)
  const [row] = rows
  if (row === undefined) return false
  return yield* queue.retry({ id: subject ?? "", token: Number(row.token) }, Duration.zero, REASON).pipe(
    Effect.as(true),
    Effect.catchTag("LeaseLost", () => Effect.succeed(false))
  )
})

const giveBackMessage: Doing = Effect.fnUntraced(function* (finding: Finding) {
  const sql = yield* SqlClient.SqlClient
  const outbox = yield* Outbox
  const rows = yield* asAuditor(
    sql<{ version: number; token: bigint }>`select version, lease_token as token from outbox
      where tenant_id = ${finding.tenantId} and message_id = ${finding.subject}::uuid and state = 'NEW'
        and lease_until < clock_timestamp()`
  ).pipe(orUnavailable)
  const [row] = rows
  if (row === undefined) return false
  const lease = {
    tenantId: tenantOf(finding),
    orderId: orderOf(finding),
    version: row.version,
    token: Number(row.token)
  }
  return (yield* outbox.postpone([{ lease, delay: Duration.zero, why: REASON }])) > 0
})

// First the lock, then the count: what commits while we wait for the lock is counted, what comes after it adds to it.
const recount: Doing = Effect.fnUntraced(function* (finding: Finding) {
  const sql = yield* SqlClient.SqlClient
  const [, userId = "", eventId = ""] = /^user (\S+), event (\S+)$/.exec(finding.subject ?? "") ?? []
  const tenantId = tenantOf(finding)
  const cap = orderLimits.ordersActivePerUserPerEventMax
  const counted = yield* inTenant(
    tenantId,
    Effect.gen(function* () {
      yield* sql`insert into quota_event (tenant_id, user_id, event_id, n, cap)
        values (${tenantId}, ${userId}::uuid, ${eventId}::uuid, 0, ${cap}::int) on conflict do nothing`
      yield* sql`select 1 from quota_event
        where tenant_id = ${tenantId} and user_id = ${userId}::uuid and event_id = ${eventId}::uuid for update`
      return yield* sql`
        update quota_event q set n = o.n, cap = greatest(q.cap, o.n)
        from (
          select count(*)::int as n from orders where tenant_id = ${tenantId} and user_id = ${userId}::uuid
            and event_id = ${eventId}::uuid and status in ${sql.literal(quoted(activeStatuses))}
        ) o
        where q.tenant_id = ${tenantId} and q.user_id = ${userId}::uuid and q.event_id = ${eventId}::uuid
        returning 1`
    })
  ).pipe(orUnavailable)
  return counted.length > 0
})

// An order that has come back to life meanwhile is locked out by its state.
const askRelease: Doing = Effect.fnUntraced(function* (finding: Finding) {
  const sql = yield* SqlClient.SqlClient
  const orderId = orderOf(finding)
  const tenantId = tenantOf(finding)
  const asked = yield* inTenant(
    tenantId,
    Effect.gen(function* () {
      const [order] = yield* sql<{ version: number }>`
        select version from orders where tenant_id = ${tenantId} and id = ${orderId}
          and status in ('CANCELLED', 'EXPIRED', 'REFUNDED') and not coalesce(reacquiring, false) for update`
      if (order === undefined) return []
      const id = workId(orderId, order.version, releaseAll)
      return yield* sql`
        insert into order_work (id, tenant_id, order_id, order_version, kind, payload, state, next_at, created_at)
        values (${id}, ${tenantId}, ${orderId}, ${order.version}, 'RELEASE', ${JSON.stringify(releaseAll)}::jsonb, 'TODO',
          clock_timestamp(), clock_timestamp())
        on conflict (id) do nothing returning 1`
    })
  ).pipe(orUnavailable)
  return asked.length > 0
})

const recountSales: Doing = (finding: Finding) => Effect.map(correctSales(tenantOf(finding)), (rows) => rows > 0)

/** By check and part: what is done. */
const repairs: { readonly [check: string]: { readonly what: string; readonly doing: Doing } } = {
  "I07 expiry": { what: "expire it, after asking the payment service", doing: expire },
  "I25 leases": { what: "give the work back, so that somebody else does it", doing: giveBackWork },
  "I05 waiting": { what: "give the message back, so that it is sent", doing: giveBackMessage },
  "I16 counter": { what: "count the orders anew", doing: recount },
  "I26 figures": { what: "count the tenant's sales anew", doing: recountSales },
  "I22 release": { what: "ask for its tickets back", doing: askRelease }
}

/** By check and part, every kind of finding that can be put right. */
export const repairable: ReadonlyArray<string> = Object.keys(repairs)

const kindOf = ({ check, part }: Finding) => repairs[`${check} ${part}`]

/** What can be put right of this; nothing is done. */
export const plan = (findings: ReadonlyArray<Finding>): ReadonlyArray<Repair> =>
  findings.flatMap((finding) => {
    const kind = kindOf(finding)
    return kind === undefined ? [] : [{ finding, what: kind.what }]
  })

/** Puts right what can be. Answers those for which there was something to do. Fails with `ServiceUnavailable`. */
export const repair = Effect.fn("Fsck.repair")(function* (
  findings: ReadonlyArray<Finding>,
  actor: Actor
): Effect.fn.Return<ReadonlyArray<Repair>, ServiceUnavailable, RepairPorts> {
  const done = yield* Effect.forEach(plan(findings), (planned) => {
    const kind = kindOf(planned.finding)
    return kind === undefined
      ? Effect.succeed([])
      : Effect.map(kind.doing(planned.finding, actor), (wasDone) => (wasDone ? [planned] : []))
  })
  return done.flat()
})
