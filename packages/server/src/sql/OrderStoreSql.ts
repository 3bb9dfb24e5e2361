/**
 * `OrderStore` on PostgreSQL: every decision is one transaction.
 *
 * **Details**
 *
 * A create is BEGIN, the unit's first statement, `orders_admit` (locks, then counts), the writing statement, COMMIT; a
 * commit is the same without `orders_admit`. What must be refused for everybody is refused by a constraint, so that
 * no order of events gets past it; what is read beforehand only gives the friendlier answer.
 */
import { type IdempotencyClaim, IdempotencyConflict, IdempotencyKeyUsed } from "@tickettoken/order-domain/Idempotency"
import { OrderId, type TenantId, type UserId } from "@tickettoken/order-domain/Ids"
import { unsafeCents } from "@tickettoken/order-domain/Money"
import type { Order } from "@tickettoken/order-domain/Order"
import {
  EventCancelled,
  OrderNotFound,
  PaymentMismatch,
  ServiceUnavailable,
  VersionConflict
} from "@tickettoken/order-domain/OrderErrors"
import { checkUserQuota, OrderLimitExceeded, type OrderLimits } from "@tickettoken/order-domain/OrderLimits"
import {
  type Commit,
  type Committed,
  LeaseLost,
  OrderNumberTaken,
  OrderStore
} from "@tickettoken/order-domain/ports/OrderStore"
import { isCommitted, requesterOf } from "@tickettoken/order-domain/Refund"
import { RefundExceedsCaptured } from "@tickettoken/order-domain/RefundQuote"
import type { WorkLease } from "@tickettoken/order-domain/Work"
import { DateTime, Effect, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { commitRows } from "./OrderColumns.ts"
import { type OrderRow, orderRowColumns, toOrder } from "./OrderRow.ts"
import { requesterId } from "./migrations/0010_refund_keys.ts"
import { writeDecision } from "./OrderWrites.ts"
import { catchRefusals, orUnavailable } from "./sqlFailures.ts"
import { traceparentOf } from "../telemetry/traceparent.ts"
import { type StoreOptions, storeOptions } from "./StoreOptions.ts"
import { databaseNow, inTenant } from "./TenantTransaction.ts"

/** What `orders_admit` of migration 0003 answers. */
interface Admission {
  readonly event_closed: boolean
  readonly key_taken: boolean
  readonly key_order_id: string | null
  readonly created_last_24h: number
  readonly active_for_event: number
}

const admit = Effect.fnUntraced(function* (order: Order, limits: OrderLimits, claim: IdempotencyClaim | undefined) {
  const sql = yield* SqlClient.SqlClient
  const [admission] = yield* sql<Admission>`
    select * from orders_admit(${order.tenantId}::uuid, ${order.userId}::uuid, ${order.eventId}::uuid,
      ${limits.ordersActivePerUserPerEventMax}::int, ${order.idempotencyKey}::text,
      ${claim?.principal ?? null}::text, ${claim?.operation ?? null}::text, ${claim?.key ?? null}::text)`
  if (admission === undefined) return yield* Effect.die(new Error("orders_admit has answered nothing"))
  // In the order of rule 8: idempotency, state, policy.
  if (admission.key_taken) return yield* new IdempotencyConflict()
  if (admission.key_order_id !== null) {
    return yield* new IdempotencyKeyUsed({ orderId: OrderId.make(admission.key_order_id) })
  }
  if (admission.event_closed) return yield* new EventCancelled({ eventId: order.eventId })
  const counts = { createdLast24h: admission.created_last_24h, activeForEvent: admission.active_for_event }
  return yield* Effect.fromResult(checkUserQuota(counts, limits))
})

const rowsOf = (commit: Commit, options: StoreOptions, traceparent: string | null) => {
  const { answer, claim, decision, handles, settles } = commit
  return commitRows(
    decision,
    claim === undefined ? null : { claim, answer: answer ?? null, timeToLive: options.idempotencyTimeToLive },
    { settles: settles ?? null, handles: handles ?? null },
    traceparent
  )
}

/** The trace of this commit, as W3C writes it: whoever gets the message can go on from here. */
const traceparentHere = Effect.map(Effect.option(Effect.currentSpan), (span) =>
  Option.isNone(span) ? null : traceparentOf(span.value)
)

const write = Effect.fnUntraced(function* (commit: Commit, options: StoreOptions) {
  const counts = yield* writeDecision(rowsOf(commit, options, yield* traceparentHere), options.workLease)
  if (commit.claim !== undefined && counts.claimed === 0) return yield* new IdempotencyConflict()
  return counts
})

/** The new work was written as claimed: this process may run it at once. */
const committed = ({ decision: { order, work } }: Commit): Committed => ({
  order,
  work: work.map((item) => ({ item, lease: { id: item.id, token: 1 }, attempts: 1 }))
})

// Why nothing was written: the work item has another owner, or the order has moved on.
const lost = Effect.fnUntraced(function* ({ decision: { before, order }, settles }: Commit) {
  if (settles !== undefined && !(yield* holdsLease(settles))) return yield* new LeaseLost({ workId: settles.id })
  const sql = yield* SqlClient.SqlClient
  const [stored] = yield* sql<{ version: number }>`
    select version from orders where tenant_id = ${order.tenantId} and id = ${order.id}`
  return yield* new VersionConflict({
    orderId: order.id,
    expected: before?.version ?? 0,
    actual: stored?.version ?? null
  })
})

const holdsLease = Effect.fnUntraced(function* ({ id, token }: WorkLease) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`
    select 1 from order_work where id = ${id} and lease_token = ${token}::bigint and state = 'DOING'`
  return rows.length > 0
})

// The order that a user's key has made. It may have gone again, with a key that was given back: then look once more.
const firstOrderOfKey = Effect.fnUntraced(function* (tenantId: TenantId, userId: UserId, key: string | null) {
  const sql = yield* SqlClient.SqlClient
  const [first] = yield* inTenant(
    tenantId,
    sql<{ id: string }>`select id from orders
      where tenant_id = ${tenantId} and user_id = ${userId} and idempotency_key = ${key}`
  )
  return first === undefined
    ? yield* new IdempotencyConflict()
    : yield* new IdempotencyKeyUsed({ orderId: OrderId.make(first.id) })
})

const firstRefundOfKey = Effect.fnUntraced(function* ({ decision: { before, order } }: Commit) {
  const sql = yield* SqlClient.SqlClient
  const known = new Set(before?.refunds.map(({ id }) => id))
  const asked = order.refunds.filter(({ id }) => !known.has(id))
  const keys = asked.map(({ idempotencyKey }) => idempotencyKey)
  const requesters = asked.map(requesterOf)
  const [first] = yield* inTenant(
    order.tenantId,
    sql<{ order_id: string }>`select order_id from order_refunds
      where tenant_id = ${order.tenantId} and ${sql.literal(requesterId)} in ${sql.in(requesters)}
        and ${sql.in("idempotency_key", keys)}`
  )
  return first === undefined
    ? yield* new IdempotencyConflict()
    : yield* new IdempotencyKeyUsed({ orderId: OrderId.make(first.order_id) })
})

const refundRefused = Effect.fnUntraced(function* ({ decision: { before, order } }: Commit) {
  const sql = yield* SqlClient.SqlClient
  const held = new Set(before?.refunds.filter(isCommitted).map(({ id }) => id))
  const requested = order.refunds
    .filter((refund) => isCommitted(refund) && !held.has(refund.id))
    .reduce((sum, { amount }) => sum + amount, 0)
  const [stored] = yield* inTenant(
    order.tenantId,
    sql<{ rest: bigint }>`select captured_cents - refund_committed_cents as rest from orders
      where tenant_id = ${order.tenantId} and id = ${order.id}`
  )
  return yield* new RefundExceedsCaptured({
    requested: unsafeCents(requested),
    refundable: unsafeCents(Number(stored?.rest ?? 0n))
  })
})

const loadOrder = Effect.fnUntraced(function* (tenantId: TenantId, orderId: OrderId) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* inTenant(
    tenantId,
    sql<OrderRow & { readonly now: Date }>`select ${sql.literal(orderRowColumns)}, clock_timestamp() as now
      from orders o where o.tenant_id = ${tenantId} and o.id = ${orderId}`
  )
  if (row === undefined) return yield* new OrderNotFound({ orderId })
  return { order: yield* toOrder(row), now: DateTime.fromDateUnsafe(row.now) }
})

const createOrder = Effect.fnUntraced(function* (commit: Commit, limits: OrderLimits, options: StoreOptions) {
  const { order } = commit.decision
  yield* inTenant(order.tenantId, Effect.andThen(admit(order, limits, commit.claim), write(commit, options))).pipe(
    catchRefusals((constraint) =>
      Effect.gen(function* () {
        switch (constraint) {
          case "orders_number_key":
            return yield* new OrderNumberTaken()
          case "orders_idempotency_key":
            return yield* firstOrderOfKey(order.tenantId, order.userId, order.idempotencyKey)
          case "quota_event_within_cap":
            return yield* new OrderLimitExceeded({
              which: "activeForEvent",
              limit: limits.ordersActivePerUserPerEventMax
            })
        }
      })
    )
  )
  return committed(commit)
})

/**
 * An expired order that comes back to life is not met by the run that cancels its event: it may only come back before
 * the closure (rules 3.7, 5). The decision was made without knowing of it, and has to be made again.
 */
const refuseIfClosed = Effect.fnUntraced(function* ({ eventId, tenantId }: Order) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`select pg_advisory_xact_lock_shared(event_closure_lock(${tenantId}::uuid, ${eventId}::uuid))`
  const closed = yield* sql`
    select 1 from cancelled_events where tenant_id = ${tenantId} and event_id = ${eventId}`
  if (closed.length > 0) {
    return yield* new ServiceUnavailable({
      service: "database",
      why: "the event has been cancelled in between",
      retryAfterSeconds: 1
    })
  }
})

const commitDecision = Effect.fnUntraced(function* (commit: Commit, options: StoreOptions) {
  const { before, order } = commit.decision
  yield* inTenant(
    order.tenantId,
    Effect.gen(function* () {
      if (before?.status === "EXPIRED" && order.status === "CONFIRMED") yield* refuseIfClosed(order)
      const counts = yield* write(commit, options)
      if (counts.written === 0) return yield* lost(commit)
      if (commit.settles !== undefined && counts.settled === 0) {
        return yield* new LeaseLost({ workId: commit.settles.id })
      }
      if (commit.handles !== undefined && counts.handled === 0) {
        return yield* new LeaseLost({ workId: commit.handles.messageId })
      }
    })
  ).pipe(
    catchRefusals((constraint) =>
      Effect.gen(function* () {
        switch (constraint) {
          case "orders_refunds_within_captured":
            return yield* refundRefused(commit)
          case "order_refunds_idempotency_key":
            return yield* firstRefundOfKey(commit)
          case "orders_payment_intent_key":
          case "payments_pkey":
            return yield* new PaymentMismatch({ orderId: order.id, why: "the payment belongs to another order" })
        }
      })
    )
  )
  return committed(commit)
})

export const layer = (given: Partial<StoreOptions> = {}): Layer.Layer<OrderStore, never, SqlClient.SqlClient> =>
  Layer.effect(
    OrderStore,
    Effect.gen(function* () {
      const options = storeOptions(given)
      const sql = yield* SqlClient.SqlClient
      const withSql = Effect.provideService(SqlClient.SqlClient, sql)
      return OrderStore.of({
        now: databaseNow.pipe(orUnavailable, withSql, Effect.withSpan("OrderStore.now")),
        load: Effect.fn("OrderStore.load")(loadOrder, orUnavailable, withSql),
        create: Effect.fn("OrderStore.create")(
          (commit: Commit, limits: OrderLimits) => createOrder(commit, limits, options),
          orUnavailable,
          withSql
        ),
        commit: Effect.fn("OrderStore.commit")(
          (commit: Commit) => commitDecision(commit, options),
          orUnavailable,
          withSql
        )
      })
    })
  )
