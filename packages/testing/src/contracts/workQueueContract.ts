/**
 * What every `WorkQueue` must do: work belongs to one holder at a time, and a late holder changes nothing.
 */
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, type Layer } from "effect"
import { holdPolicy } from "@tickettoken/order-domain/Hold"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { type ExpiryRequest, WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import type { ClaimedWork } from "@tickettoken/order-domain/Work"
import { type Buyer, freshBuyer, jobActor } from "../TestOrders.ts"
import { cancelAs, captureOwn } from "../TestOrdersNews.ts"
import {
  assertSameOrder,
  countOf,
  create,
  createConfirmed,
  createPayable,
  deciding,
  leaseOf,
  reload,
  send,
  tagOf
} from "./storeFixture.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

/** Longer than any lease. */
const LEASE_MINUTES = 1

/** Longer than a standard hold, its grace included (rule 3.4). */
const HOLD_MINUTES = 18

/** Longer than any hold of a standard or VIP order, with all its renewals (rule 3.3). */
const LONGEST_HOLD_MINUTES = 120

const request: ExpiryRequest = { reason: "the reservation ran out", requestedBy: jobActor }

const ordersOf = (claimed: ReadonlyArray<ClaimedWork>): ReadonlyArray<string> => claimed.map(({ item }) => item.orderId)

const idsOf = (orders: ReadonlyArray<Order>): ReadonlyArray<string> => orders.map(({ id }) => id)

/** Settles everything that is due, and expires every order whose time is up: the queue holds only what a test adds. */
const clear = Effect.gen(function* () {
  const queue = yield* WorkQueue
  const time = yield* TestTime
  const store = yield* OrderStore
  yield* time.passMinutes(LONGEST_HOLD_MINUTES)
  for (let due = yield* queue.claimDue(100); due.length > 0; due = yield* queue.claimDue(100)) {
    yield* Effect.forEach(due, ({ lease }) => queue.settle(lease))
  }
  for (
    let due = yield* queue.claimExpired(100, request);
    due.length > 0;
    due = yield* queue.claimExpired(100, request)
  ) {
    for (const { item, lease } of due) {
      const { order } = yield* store.load(item.tenantId, item.orderId)
      const { work } = yield* send(order, OrderCommand.Expire({ reason: "test", intentClosed: true }), {
        settles: lease
      })
      yield* Effect.forEach(work, (claimed) => queue.settle(claimed.lease))
    }
  }
})

/** Several orders, each with its HOLD work leased to this process. */
const createMany = (buyer: Buyer, count: number) =>
  Effect.forEach(Array.from({ length: count }), () => Effect.map(create(buyer), ({ order }) => order))

export const workQueueContract = <E>(
  name: string,
  queue: Layer.Layer<OrderStore | WorkQueue | TestTime, E>,
  options: ContractOptions = {}
): void =>
  layer(queue, suiteOptions(options))(`WorkQueue: ${name}`, (it) => {
    it.effect("leaves leased work to its holder, and hands it on when the lease has run out", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const made = yield* create(yield* freshBuyer)
        assert.deepStrictEqual(yield* work.claimDue(10), [])
        yield* time.passMinutes(LEASE_MINUTES)
        const [claimed, ...more] = yield* work.claimDue(10)
        assert.deepStrictEqual(more, [])
        assert.deepStrictEqual(claimed?.item.id, made.work[0]?.item.id)
        assert.strictEqual(claimed?.attempts, 2)
        assert.isAbove(claimed?.lease.token ?? 0, made.work[0]?.lease.token ?? 0)
        assert.deepStrictEqual(yield* work.claimDue(10), [])
      })
    )

    it.effect("claims the oldest first, and no more than asked for", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const made: Array<string> = []
        for (let n = 0; n < 5; n++) {
          made.push((yield* create(buyer)).order.id)
          yield* time.passMinutes(LEASE_MINUTES)
        }
        const claims: Array<ReadonlyArray<string>> = []
        for (const limit of [1, 1, 2, 3, 1]) claims.push(ordersOf(yield* work.claimDue(limit)))
        assert.deepStrictEqual(claims, [made.slice(0, 1), made.slice(1, 2), made.slice(2, 4), made.slice(4), []])
      })
    )

    it.effect("never gives one item to two parallel claimers", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const buyers = yield* Effect.all(Array.from({ length: 5 }, () => freshBuyer))
        const orders = (yield* Effect.forEach(buyers, (buyer) => createMany(buyer, 4))).flat()
        yield* time.passMinutes(LEASE_MINUTES)
        const claims = yield* Effect.all(
          Array.from({ length: 8 }, () => work.claimDue(5)),
          { concurrency: "unbounded" }
        )
        // A claimer may find rows locked by another and get fewer; what is left is claimed next.
        const rest = yield* work.claimDue(100)
        const claimed = ordersOf([...claims.flat(), ...rest])
        assert.isTrue(claims.every((batch) => batch.length <= 5))
        assert.deepStrictEqual(claimed.toSorted(), idsOf(orders).toSorted())
      })
    )

    it.effect("settles an item once, for its holder alone", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const made = yield* create(yield* freshBuyer)
        const lease = leaseOf(made.work, "HOLD")
        assert.strictEqual((yield* Effect.flip(work.settle({ ...lease, token: lease.token + 1 })))._tag, "LeaseLost")
        assert.strictEqual((yield* Effect.flip(work.settle({ ...lease, id: `${lease.id}0` })))._tag, "LeaseLost")
        yield* work.settle(lease)
        assert.strictEqual((yield* Effect.flip(work.settle(lease)))._tag, "LeaseLost")
        yield* time.passMinutes(LEASE_MINUTES)
        assert.deepStrictEqual(yield* work.claimDue(10), [])
      })
    )

    it.effect("keeps a lease whose time has run out valid until somebody else claims the item", () =>
      Effect.gen(function* () {
        yield* clear
        const time = yield* TestTime
        const made = yield* create(yield* freshBuyer)
        yield* time.passMinutes(LEASE_MINUTES)
        const order = yield* reload(made.order)
        const held = yield* send(order, OrderCommand.HoldGranted(), { settles: leaseOf(made.work, "HOLD") })
        assert.strictEqual(held.order.version, 2)
      })
    )

    it.effect("writes nothing for a holder who is late", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const made = yield* create(yield* freshBuyer)
        const late = leaseOf(made.work, "HOLD")
        yield* time.passMinutes(LEASE_MINUTES)
        const claimed = yield* work.claimDue(10)
        const order = yield* reload(made.order)
        const tags = [
          tagOf(yield* Effect.exit(send(order, OrderCommand.HoldGranted(), { settles: late }))),
          tagOf(yield* Effect.exit(work.settle(late))),
          tagOf(yield* Effect.exit(work.retry(late, Duration.zero, "late")))
        ]
        assert.deepStrictEqual(tags, ["LeaseLost", "LeaseLost", "LeaseLost"])
        assertSameOrder(yield* reload(order), order)
        yield* send(order, OrderCommand.HoldGranted(), { settles: leaseOf(claimed, "HOLD") })
      })
    )

    it.effect("ends the work item with the commit of its result, or not at all", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const store = yield* OrderStore
        const made = yield* create(yield* freshBuyer)
        const lease = leaseOf(made.work, "HOLD")
        const decision = yield* deciding(made.order, OrderCommand.HoldGranted())
        const stale = { ...decision, before: { ...made.order, version: 7 } }
        assert.strictEqual(
          (yield* Effect.flip(store.commit({ decision: stale, settles: lease })))._tag,
          "VersionConflict"
        )
        const held = yield* store.commit({ decision, settles: lease })
        assert.strictEqual((yield* Effect.flip(work.settle(lease)))._tag, "LeaseLost")
        yield* time.passMinutes(LEASE_MINUTES)
        assert.deepStrictEqual(
          (yield* work.claimDue(10)).map(({ item }) => item.id),
          held.work.map(({ item }) => item.id)
        )
      })
    )

    it.effect("3.12 without a lock, lets one of two holders of one result win", () =>
      Effect.gen(function* () {
        yield* clear
        const made = yield* create(yield* freshBuyer)
        const settles = leaseOf(made.work, "HOLD")
        const tags = (yield* Effect.all(
          Array.from({ length: 6 }, () => Effect.exit(send(made.order, OrderCommand.HoldGranted(), { settles }))),
          { concurrency: "unbounded" }
        )).map(tagOf)
        assert.strictEqual(countOf(tags, "ok"), 1)
        assert.strictEqual(countOf(tags, "LeaseLost") + countOf(tags, "VersionConflict"), 5)
      })
    )

    it.effect("gives an item back for later, and its old lease is worth nothing", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const made = yield* create(yield* freshBuyer)
        const lease = leaseOf(made.work, "HOLD")
        yield* work.retry(lease, Duration.minutes(5), "the ticket service does not answer")
        assert.strictEqual((yield* Effect.flip(work.settle(lease)))._tag, "LeaseLost")
        yield* time.passMinutes(4)
        assert.deepStrictEqual(yield* work.claimDue(10), [])
        yield* time.passMinutes(2)
        const [claimed] = yield* work.claimDue(10)
        assert.deepStrictEqual([claimed?.item.id, claimed?.attempts], [lease.id, 2])
        assert.strictEqual((yield* Effect.flip(work.settle(lease)))._tag, "LeaseLost")
        if (claimed !== undefined) yield* work.settle(claimed.lease)
      })
    )

    it.effect("gives an item back at once with no delay", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const made = yield* create(yield* freshBuyer)
        yield* work.retry(leaseOf(made.work, "HOLD"), Duration.zero, "again")
        assert.deepStrictEqual(ordersOf(yield* work.claimDue(10)), [made.order.id])
      })
    )

    it.effect("knows whether a release of an order is still to be done", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const made = yield* create(yield* freshBuyer)
        const { id, tenantId } = made.order
        const open = (tenant = tenantId) => work.hasOpenRelease(tenant, id)
        assert.isFalse(yield* open())
        const cancelled = yield* send(made.order, cancelAs(made.order, "buyer"))
        assert.deepStrictEqual([yield* open(), yield* open((yield* freshBuyer).tenantId)], [true, false])
        const release = leaseOf(cancelled.work, "RELEASE")
        yield* work.retry(release, Duration.minutes(1), "the ticket service does not answer")
        assert.isTrue(yield* open())
        yield* time.passMinutes(2)
        const again = (yield* work.claimDue(10)).filter(({ item }) => item.id === release.id)
        assert.isTrue(yield* open())
        yield* work.settle(leaseOf(again, "RELEASE"))
        assert.isFalse(yield* open())
      })
    )

    it.effect("3.5 makes expiry work for open orders past deadline and grace, and for no others", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const holding = yield* create(buyer)
        const payable = yield* createPayable(buyer)
        const reserved = (yield* send(yield* createPayable(buyer), OrderCommand.Reserve())).order
        const vip = yield* createPayable(yield* freshBuyer, { vip: true })
        const paid = yield* createPayable(yield* freshBuyer)
        yield* send(paid, captureOwn(paid))
        const cancelled = yield* createPayable(yield* freshBuyer)
        yield* send(cancelled, cancelAs(cancelled, "buyer"))
        yield* createConfirmed(yield* freshBuyer)
        // Inside the grace of two minutes nobody may expire anything (rule 3.4).
        yield* time.passMinutes(16)
        assert.deepStrictEqual(yield* work.claimExpired(100, request), [])
        yield* time.passMinutes(2)
        const claimed = yield* work.claimExpired(100, request)
        assert.deepStrictEqual(ordersOf(claimed).toSorted(), idsOf([holding.order, payable, reserved]).toSorted())
        for (const { attempts, item } of claimed) {
          assert.strictEqual(attempts, 1)
          assert.deepStrictEqual(item.work, { _tag: "EXPIRE", ...request })
        }
        assert.isFalse(ordersOf(claimed).includes(vip.id))
      })
    )

    it.effect("3.4 a grace may be part of a minute", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const terms = { hold: { ...holdPolicy, graceMinutes: 1.5 } }
        const order = yield* createPayable(yield* freshBuyer, { terms })
        assert.strictEqual((yield* reload(order)).terms.hold.graceMinutes, 1.5)
        yield* time.passMinutes(16)
        assert.deepStrictEqual(yield* work.claimExpired(100, request), [])
        yield* time.passMinutes(1)
        assert.deepStrictEqual(ordersOf(yield* work.claimExpired(100, request)), [order.id])
      })
    )

    it.effect("3.5 expires the earliest deadline first, and no more than asked for", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const first = yield* createPayable(buyer)
        yield* time.passMinutes(1)
        const second = yield* createPayable(buyer)
        yield* time.passMinutes(1)
        const third = yield* createPayable(buyer)
        yield* time.passMinutes(HOLD_MINUTES)
        const claims = [
          yield* work.claimExpired(2, request),
          yield* work.claimExpired(2, request),
          yield* work.claimExpired(2, request)
        ]
        assert.deepStrictEqual(
          claims.map((claimed) => ordersOf(claimed)),
          [[first.id, second.id], [third.id], []]
        )
      })
    )

    it.effect("3.5 expires one order that is named, once its time is up", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const named = yield* createPayable(buyer)
        yield* createPayable(buyer)
        const only = { tenantId: named.tenantId, orderId: named.id }
        assert.deepStrictEqual(yield* work.claimExpired(100, { ...request, only }), [])
        yield* time.passMinutes(HOLD_MINUTES)
        const stranger = { ...only, tenantId: (yield* freshBuyer).tenantId }
        assert.deepStrictEqual(yield* work.claimExpired(100, { ...request, only: stranger }), [])
        assert.deepStrictEqual(ordersOf(yield* work.claimExpired(100, { ...request, only })), [named.id])
        assert.deepStrictEqual(yield* work.claimExpired(100, { ...request, only }), [])
      })
    )

    it.effect("3.5 leaves an order to its open expiry work: that one is claimed again when it is due", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const order = yield* createPayable(yield* freshBuyer)
        yield* time.passMinutes(HOLD_MINUTES)
        const [claimed] = yield* work.claimExpired(100, request)
        if (claimed === undefined) return yield* Effect.die(new Error("nothing was claimed"))
        yield* work.retry(claimed.lease, Duration.minutes(2), "the payment service does not answer")
        yield* time.passMinutes(1)
        assert.deepStrictEqual(yield* work.claimExpired(100, request), [])
        yield* time.passMinutes(2)
        assert.deepStrictEqual(yield* work.claimExpired(100, request), [])
        const again = yield* work.claimDue(100)
        assert.deepStrictEqual(
          again.map(({ attempts, item }) => [item.id, attempts]),
          [[claimed.item.id, 2]]
        )
        const expire = OrderCommand.Expire({ reason: "test", intentClosed: true })
        yield* send(yield* reload(order), expire, { settles: leaseOf(again, "EXPIRE") })
        yield* time.passMinutes(HOLD_MINUTES)
        assert.deepStrictEqual(yield* work.claimExpired(100, request), [])
      })
    )

    it.effect("3.5 never gives one order's expiry to two parallel sweepers", () =>
      Effect.gen(function* () {
        yield* clear
        const work = yield* WorkQueue
        const time = yield* TestTime
        const buyers = yield* Effect.all(Array.from({ length: 5 }, () => freshBuyer))
        const orders = (yield* Effect.forEach(buyers, (buyer) =>
          Effect.all([createPayable(buyer), createPayable(buyer), createPayable(buyer)])
        )).flat()
        yield* time.passMinutes(HOLD_MINUTES)
        const claims = yield* Effect.all(
          Array.from({ length: 6 }, () => work.claimExpired(4, request)),
          { concurrency: "unbounded" }
        )
        const rest = yield* work.claimExpired(100, request)
        assert.deepStrictEqual(ordersOf([...claims.flat(), ...rest]).toSorted(), idsOf(orders).toSorted())
      })
    )
  })
