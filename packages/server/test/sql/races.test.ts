/**
 * Races that the database decides, each with a twin: the same race with its guard switched off, which must go wrong.
 * A race that no twin loses proves nothing.
 */
import { assert, layer } from "@effect/vitest"
import { EventId } from "@tickettoken/order-domain/Ids"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import type { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import type { ClaimedWork } from "@tickettoken/order-domain/Work"
import { inTenant } from "@tickettoken/order-server/sql/TenantTransaction"
import {
  assertSameOrder,
  countOf,
  create,
  createConfirmed,
  createPayable,
  deciding,
  leaseOf,
  only,
  reload,
  send,
  tagOf
} from "@tickettoken/order-testing/contracts/storeFixture"
import { derivedId, freshBuyer, jobActor, nthRefundId } from "@tickettoken/order-testing/TestOrders"
import { allocateAll, captureOwn, expireNow } from "@tickettoken/order-testing/TestOrdersNews"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { Context, Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { userLock, withoutGuard } from "../faults/support/withoutGuard.ts"
import { anotherNode, layerStore } from "./database.ts"

const suite = { excludeTestServices: true, timeout: "300 seconds" } as const

const REFUNDS = 200
const REFUND_CENTS = 200

/** Inserts refunds of one order past every check of ours, all at once; answers what was accepted. */
const refundAtOnce = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const order = yield* createConfirmed(yield* freshBuyer)
  const refund = (n: number) =>
    inTenant(
      order.tenantId,
      sql`insert into order_refunds (tenant_id, id, order_id, user_id, position, amount_cents, cause, reason, state,
          payment_intent_id, items, retained_cents, fixed_retention, attempt, requested_by, requested_at,
          estimated_arrival_at)
        values (${order.tenantId}, ${nthRefundId(order.id, 10 + n)}, ${order.id}, ${order.userId}, ${n},
          ${REFUND_CENTS}, 'VOLUNTARY', '', 'APPROVED', 'pi', '[]', 0, false, 1, 'user:x', now(), now())`
    )
  const exits = yield* Effect.all(
    Array.from({ length: REFUNDS }, (_, n) => Effect.exit(refund(n))),
    { concurrency: "unbounded" }
  )
  const [sums] = yield* sql<{ captured: bigint; committed: bigint; paid: bigint }>`
    select captured_cents as captured, refund_committed_cents as committed,
      (select coalesce(sum(amount_cents), 0)::bigint from order_refunds r where r.order_id = o.id) as paid
    from orders o where o.id = ${order.id}`
  return { accepted: exits.filter((exit) => exit._tag === "Success").length, ...sums }
})

const captured = 23_338n

layer(layerStore, suite)("refunds at once", (it) => {
  it.effect(`4.4 ${REFUNDS} parallel refunds never pass what was captured, whoever writes them`, () =>
    Effect.gen(function* () {
      const accepted = Number(captured / BigInt(REFUND_CENTS))
      const sum = BigInt(accepted * REFUND_CENTS)
      assert.deepStrictEqual(yield* refundAtOnce, { accepted, captured, committed: sum, paid: sum })
    })
  )

  it.effect("4.4 a refund that fails or is rejected frees its part again", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const order = yield* createConfirmed(yield* freshBuyer)
      const refund = OrderCommand.RequestRefund({
        refundId: nthRefundId(order.id, 2),
        request: { _tag: "Everything" },
        reason: "",
        byAdmin: true,
        idempotencyKey: null
      })
      const committed = sql<{ n: bigint }>`select refund_committed_cents as n from orders where id = ${order.id}`
      const asked = yield* send(order, refund)
      assert.deepStrictEqual(yield* committed, [{ n: 22_808n }])
      const outcome = { _tag: "Failed", reason: "account closed\u0000" } as const
      const failed = yield* send(
        asked.order,
        OrderCommand.RefundSettled({ refundId: nthRefundId(order.id, 2), attempt: 1, outcome })
      )
      assert.deepStrictEqual(yield* committed, [{ n: 0n }])
      assert.strictEqual((yield* reload(order)).refunds[0]?.failureReason, "account closed")
      yield* send(failed.order, OrderCommand.RetryRefund({ refundId: nthRefundId(order.id, 2) }))
      assert.deepStrictEqual(yield* committed, [{ n: 22_808n }])
    })
  )
})

layer(layerStore, suite)("refunds at once, the bound dropped", (it) => {
  it.effect("twin: more is refunded than was captured", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`alter table orders drop constraint orders_refunds_within_captured`
      const { accepted, paid } = yield* refundAtOnce
      assert.strictEqual(accepted, REFUNDS)
      assert.isAbove(Number(paid), Number(captured))
    })
  )
})

const limits = { ...orderLimits, ordersPerUserPerDayMax: 20 }

/** 40 creates of one user at once, for one event or for 40; answers how many were made. */
const createAtOnce = Effect.fnUntraced(function* (events: "one" | "many") {
  const buyer = yield* freshBuyer
  const exits = yield* Effect.all(
    Array.from({ length: 40 }, (_, n) => {
      const eventId = events === "one" ? buyer.eventId : EventId.make(derivedId(buyer.eventId, 100 + n))
      return Effect.exit(create({ ...buyer, eventId }, {}, {}, limits))
    }),
    { concurrency: "unbounded" }
  )
  return countOf(exits.map(tagOf), "ok")
})

layer(layerStore, suite)("creates at once", (it) => {
  it.effect("2.2 40 at once give exactly 5 for one event and 20 in a day", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* createAtOnce("one"), 5)
      assert.strictEqual(yield* createAtOnce("many"), 20)
    })
  )
})

layer(layerStore, suite)("creates at once, the user's lock off", (it) => {
  it.effect("twin: a user makes more than 20 in a day", () =>
    Effect.gen(function* () {
      yield* withoutGuard([userLock])
      assert.isAbove(yield* createAtOnce("many"), 20)
    })
  )

  it.effect("2.2 the counter's bound alone still gives exactly 5 for one event", () =>
    Effect.gen(function* () {
      yield* withoutGuard([["into active_for_event", "into active_for_event; active_for_event := 0"]])
      assert.strictEqual(yield* createAtOnce("one"), 5)
    })
  )

  it.effect("twin: with the bound dropped too, a user has more than 5 for one event", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`alter table quota_event drop constraint quota_event_within_cap`
      assert.isAbove(yield* createAtOnce("one"), 5)
    })
  )
})

layer(layerStore, suite)("late money and a cancelled event", (it) => {
  it.effect("3.7, 5 no order comes back to life once its event is closed, whatever was decided before", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const closures = yield* EventClosures
      const store = yield* OrderStore
      const payable = yield* createPayable(yield* freshBuyer)
      yield* time.passMinutes(60)
      const expired = (yield* send(yield* reload(payable), expireNow)).order
      const paid = (yield* send(expired, captureOwn(expired))).order
      const decision = yield* deciding(paid, allocateAll(paid))
      assert.strictEqual(decision.order.status, "CONFIRMED")
      const reason = { reason: "rain", actor: jobActor }
      yield* closures.close(paid.tenantId, paid.eventId, reason)
      assert.strictEqual(tagOf(yield* Effect.exit(store.commit({ decision }))), "ServiceUnavailable")
      assertSameOrder(yield* reload(paid), paid)
      const returned = yield* send(paid, allocateAll(paid, { eventCancelled: true }))
      assert.deepStrictEqual([returned.order.status, returned.order.refunds.length], ["EXPIRED", 1])
      // In time it comes back, and a closure waits for it.
      const other = yield* createPayable(yield* freshBuyer)
      yield* time.passMinutes(60)
      const gone = (yield* send(yield* reload(other), expireNow)).order
      const late = (yield* send(gone, captureOwn(gone))).order
      yield* send(late, allocateAll(late))
      yield* closures.close(late.tenantId, late.eventId, reason)
      assert.strictEqual((yield* reload(late)).status, "CONFIRMED")
    })
  )
})

const LEASE_MINUTES = 1

/** Claims until nothing is left, and settles nothing. */
const claimAll = Effect.fnUntraced(function* (claim: Effect.Effect<ReadonlyArray<ClaimedWork>, ServiceUnavailable>) {
  const claimed: Array<ClaimedWork> = []
  for (let batch = yield* claim; batch.length > 0; batch = yield* claim) claimed.push(...batch)
  return claimed
})

/** Orders of many buyers. */
const createMany = (count: number) =>
  Effect.all(
    Array.from({ length: count }, () => Effect.flatMap(freshBuyer, (buyer) => create(buyer))),
    { concurrency: 8 }
  )

layer(layerStore, suite)("two nodes", (it) => {
  it.effect("3.5 never claim the same work, and leave none", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const made = (yield* createMany(200)).map(({ order }) => order.id)
      const here = yield* WorkQueue
      const there = Context.get(yield* anotherNode, WorkQueue)
      yield* time.passMinutes(LEASE_MINUTES)
      const due = yield* Effect.all(
        [here, there, here, there].map((queue) => claimAll(queue.claimDue(7))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        due
          .flat()
          .map(({ item }) => item.orderId)
          .toSorted(),
        made.toSorted()
      )
      assert.isTrue(due.flat().every(({ attempts, lease }) => attempts === 2 && lease.token === 2))
      yield* Effect.forEach(due.flat(), ({ lease }) => here.settle(lease), { concurrency: 8 })

      yield* time.passMinutes(60)
      const request = { reason: "the reservation ran out", requestedBy: jobActor }
      const expired = yield* Effect.all(
        [here, there, here, there].map((queue) => claimAll(queue.claimExpired(7, request))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        expired
          .flat()
          .map(({ item }) => item.orderId)
          .toSorted(),
        made.toSorted()
      )
    }).pipe(Effect.scoped)
  )

  it.effect("a frozen process that wakes up late writes nothing, wherever it tries", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const there = yield* anotherNode
      const made = yield* create(yield* freshBuyer)
      const frozen = leaseOf(made.work, "HOLD")
      yield* time.passMinutes(LEASE_MINUTES)
      // What other tests have left behind is due by now too.
      const due = yield* Context.get(there, WorkQueue).claimDue(1_000)
      const taken = only(
        due.filter(({ item }) => item.orderId === made.order.id),
        "HOLD"
      )
      // The new owner is not done yet: the order is still as the frozen one has seen it.
      const order = yield* reload(made.order)
      const decision = yield* deciding(order, OrderCommand.HoldGranted())
      const store = yield* OrderStore
      const queue = yield* WorkQueue
      const late = [
        store.commit({ decision, settles: frozen }),
        queue.settle(frozen),
        queue.retry(frozen, Duration.zero, "late")
      ]
      for (const attempt of late) assert.strictEqual(tagOf(yield* Effect.exit(attempt)), "LeaseLost")
      assert.strictEqual((yield* reload(order)).version, 1)
      yield* Context.get(there, OrderStore).commit({ decision, settles: taken.lease })
      assert.strictEqual((yield* reload(order)).version, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("one of many commits on a version wins, and exactly one audit row and message is written", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const there = yield* anotherNode
      const { order } = yield* create(yield* freshBuyer)
      const stores = [yield* OrderStore, Context.get(there, OrderStore)]
      const decision = yield* deciding(order, OrderCommand.HoldGranted())
      const exits = yield* Effect.all(
        Array.from({ length: 10 }, () => stores.map((store) => Effect.exit(store.commit({ decision })))).flat(),
        { concurrency: "unbounded" }
      )
      const tags = exits.map(tagOf)
      assert.deepStrictEqual([countOf(tags, "ok"), countOf(tags, "VersionConflict")], [1, 19])
      const rows = yield* sql`
        select (select count(*)::int from order_events where order_id = ${order.id}) as events,
          (select count(*)::int from outbox where order_id = ${order.id}) as messages,
          (select count(*)::int from order_work where order_id = ${order.id}) as work`
      assert.deepStrictEqual(rows, [{ events: 2, messages: 2, work: 2 }])
    }).pipe(Effect.scoped)
  )
})
