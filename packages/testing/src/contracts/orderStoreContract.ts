/**
 * What every `OrderStore` must do: whatever is committed is there as a whole, and races have one winner.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { EventId, OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { refundCommittedCents } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { derivedId, freshBuyer, ownIntentId, randomUuid } from "../TestOrders.ts"
import {
  askRefund,
  cancelAs,
  captureOwn,
  openIntent,
  refundNumbers,
  refundSettled,
  strayPayment,
  ticketsOf
} from "../TestOrdersNews.ts"
import {
  assertSameOrder,
  countOf,
  create,
  createConfirmed,
  createPayable,
  deciding,
  leaseOf,
  placing,
  reload,
  send,
  tagOf,
  tampered
} from "./storeFixture.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

export const orderStoreContract = <E>(
  name: string,
  store: Layer.Layer<OrderStore | TestTime, E>,
  options: ContractOptions = {}
): void =>
  layer(store, suiteOptions(options))(`OrderStore: ${name}`, (it) => {
    it.effect("loads what was created, with the store's own time", () =>
      Effect.gen(function* () {
        const orders = yield* OrderStore
        const made = yield* create(yield* freshBuyer, {
          lines: [
            { unitPrice: 10_000, quantity: 2 },
            { unitPrice: 25_000, quantity: 1 }
          ],
          vip: true,
          metadata: { z: [1, { b: null, a: "ü" }], a: { "": true }, n: 1.5 },
          idempotencyKey: "key 1"
        })
        const { now, order } = yield* orders.load(made.order.tenantId, made.order.id)
        assertSameOrder(order, made.order)
        assert.deepStrictEqual(Object.keys(order.metadata), ["z", "a", "n"])
        assert.isAtLeast(now.epochMilliseconds, order.createdAt.epochMilliseconds)
      })
    )

    it.effect("answers an absent order and another tenant's alike", () =>
      Effect.gen(function* () {
        const orders = yield* OrderStore
        const { order } = yield* create(yield* freshBuyer)
        const absent = OrderId.make(yield* randomUuid)
        const stranger = TenantId.make(yield* randomUuid)
        assert.strictEqual((yield* Effect.flip(orders.load(order.tenantId, absent)))._tag, "OrderNotFound")
        assert.strictEqual((yield* Effect.flip(orders.load(stranger, order.id)))._tag, "OrderNotFound")
      })
    )

    it.effect("hands the work of a commit to the one who asked for it, under a lease", () =>
      Effect.gen(function* () {
        const made = yield* create(yield* freshBuyer)
        const { id, tenantId } = made.order
        assert.deepStrictEqual(
          made.work.map(({ attempts, item, lease }) => [item.id, item.work._tag, lease.id, attempts]),
          [[`${id}:HOLD:1`, "HOLD", `${id}:HOLD:1`, 1]]
        )
        assert.isTrue(made.work.every(({ item }) => item.tenantId === tenantId && item.orderId === id))
        const held = yield* send(made.order, OrderCommand.HoldGranted(), { settles: leaseOf(made.work, "HOLD") })
        assert.deepStrictEqual(
          held.work.map(({ item }) => item.id),
          [`${id}:INTENT:1`]
        )
        const given = yield* send(held.order, OrderCommand.SetupAbandoned({ cause: "CREATE_FAILED", why: "no intent" }))
        assert.deepStrictEqual(
          given.work.map(({ item }) => item.work._tag),
          ["VOID", "RELEASE"]
        )
      })
    )

    it.effect("keeps every state of an order as it was committed", () =>
      Effect.gen(function* () {
        const buyer = yield* freshBuyer
        const confirmed = yield* createConfirmed(buyer)
        assertSameOrder(yield* reload(confirmed), confirmed)
        const asked = yield* send(
          confirmed,
          askRefund(confirmed, { request: ticketsOf(confirmed, 0, 1), idempotencyKey: "refund 1" })
        )
        assertSameOrder(yield* reload(confirmed), asked.order)
        const arrived = refundSettled(asked.order, refundNumbers.request, "Succeeded")
        const settled = yield* send(asked.order, arrived, { settles: leaseOf(asked.work, "REFUND") })
        assertSameOrder(yield* reload(confirmed), settled.order)
        assert.strictEqual(settled.order.items[0].returnedQuantity, 1)
        const cancelled = yield* send(settled.order, cancelAs(settled.order, "organiser"))
        assertSameOrder(yield* reload(confirmed), cancelled.order)
        const rest = refundSettled(cancelled.order, refundNumbers.cancel, "Succeeded")
        const refunded = yield* send(cancelled.order, rest)
        assert.strictEqual(refunded.order.status, "REFUNDED")
        assertSameOrder(yield* reload(confirmed), refunded.order)

        const reserved = (yield* send(yield* createPayable(buyer), OrderCommand.Reserve())).order
        assertSameOrder(yield* reload(reserved), reserved)
      })
    )

    it.effect("refuses a decision on a version that is not the stored one, and writes nothing", () =>
      Effect.gen(function* () {
        const orders = yield* OrderStore
        const payable = yield* createPayable(yield* freshBuyer)
        const stale = yield* deciding(payable, OrderCommand.Reserve())
        const paid = yield* send(payable, captureOwn(payable))
        const error = yield* Effect.flip(orders.commit({ decision: stale }))
        assert.strictEqual(error._tag, "VersionConflict")
        if (error._tag === "VersionConflict") {
          assert.deepStrictEqual([error.expected, error.actual], [payable.version, paid.order.version])
        }
        assertSameOrder(yield* reload(payable), paid.order)
      })
    )

    it.effect("refuses the next version of an order that was never created", () =>
      Effect.gen(function* () {
        const orders = yield* OrderStore
        const { order } = yield* placing(yield* freshBuyer)
        const decision = yield* deciding(order, OrderCommand.HoldGranted())
        const error = yield* Effect.flip(orders.commit({ decision }))
        assert.strictEqual(error._tag === "VersionConflict" ? error.actual : error._tag, null)
        assert.strictEqual((yield* Effect.flip(orders.load(order.tenantId, order.id)))._tag, "OrderNotFound")
      })
    )

    it.effect("3.12 without a lock, lets one of many parallel commits on an order win", () =>
      Effect.gen(function* () {
        const payable = yield* createPayable(yield* freshBuyer)
        const commits = Array.from({ length: 12 }, () => Effect.exit(send(payable, OrderCommand.Reserve())))
        const tags = (yield* Effect.all(commits, { concurrency: "unbounded" })).map(tagOf)
        assert.deepStrictEqual([countOf(tags, "ok"), countOf(tags, "VersionConflict")], [1, 11])
        assert.strictEqual((yield* reload(payable)).version, payable.version + 1)
      })
    )

    it.effect("gives every one of many parallel commits its own outcome", () =>
      Effect.gen(function* () {
        const buyers = yield* Effect.all(Array.from({ length: 3 }, () => freshBuyer))
        const orders = yield* Effect.forEach(
          buyers.flatMap((buyer) => [buyer, buyer, buyer, buyer]),
          (buyer) => createPayable(buyer)
        )
        const changes = orders.map((order, at) =>
          at % 2 === 0
            ? send(order, OrderCommand.Reserve())
            : // One too far behind: this one must fail, and nobody else with it.
              Effect.flatMap(deciding(order, OrderCommand.Reserve()), (decision) =>
                Effect.flatMap(OrderStore, (store) =>
                  store.commit({ decision: { ...decision, before: { ...order, version: order.version - 1 } } })
                )
              )
        )
        const tags = (yield* Effect.all(changes.map(Effect.exit), { concurrency: "unbounded" })).map(tagOf)
        assert.deepStrictEqual(
          tags,
          orders.map((_, at) => (at % 2 === 0 ? "ok" : "VersionConflict"))
        )
      })
    )

    it.effect("3.11 refuses an order number that is taken in the tenant, and only there", () =>
      Effect.gen(function* () {
        const buyer = yield* freshBuyer
        const { order } = yield* create(buyer)
        const { orderNumber } = order
        const taken = yield* Effect.flip(create(buyer, { orderNumber }))
        assert.strictEqual(taken._tag, "OrderNumberTaken")
        assert.strictEqual((yield* create(yield* freshBuyer, { orderNumber })).order.orderNumber, orderNumber)
        const parallel = Array.from({ length: 6 }, () =>
          Effect.flatMap(placing(buyer), ({ order: drawn }) =>
            Effect.exit(create(buyer, { orderNumber: drawn.orderNumber }))
          )
        )
        const tags = (yield* Effect.all(parallel, { concurrency: "unbounded" })).map(tagOf)
        assert.strictEqual(countOf(tags, "OrderNumberTaken"), 0)
      })
    )

    it.effect("2.2 40 parallel creates of one user give exactly 5 for the event", () =>
      Effect.gen(function* () {
        const buyer = yield* freshBuyer
        const limits = { ...orderLimits, ordersPerUserPerDayMax: 100 }
        const creates = Array.from({ length: 40 }, () => Effect.exit(create(buyer, {}, {}, limits)))
        const tags = (yield* Effect.all(creates, { concurrency: "unbounded" })).map(tagOf)
        assert.deepStrictEqual([countOf(tags, "ok"), countOf(tags, "OrderLimitExceeded")], [5, 35])
      })
    )

    it.effect("2.2 40 parallel creates of one user give exactly 20 in a day", () =>
      Effect.gen(function* () {
        const buyer = yield* freshBuyer
        const creates = Array.from({ length: 40 }, (_, n) =>
          Effect.exit(create({ ...buyer, eventId: EventId.make(derivedId(buyer.eventId, 100 + n)) }))
        )
        const exits = yield* Effect.all(creates, { concurrency: "unbounded" })
        const tags = exits.map(tagOf)
        assert.deepStrictEqual([countOf(tags, "ok"), countOf(tags, "OrderLimitExceeded")], [20, 20])
      })
    )

    it.effect("2.2 the limit for an event is the user's own, and an order that has ended no longer counts", () =>
      Effect.gen(function* () {
        const buyer = yield* freshBuyer
        const other = yield* freshBuyer
        const limits = { ...orderLimits, ordersActivePerUserPerEventMax: 1 }
        const { order } = yield* create(buyer, {}, {}, limits)
        const error = yield* Effect.flip(create(buyer, {}, {}, limits))
        assert.deepStrictEqual(error._tag === "OrderLimitExceeded" ? [error.which, error.limit] : error._tag, [
          "activeForEvent",
          1
        ])
        yield* create({ ...buyer, userId: other.userId }, {}, {}, limits)
        yield* create({ ...buyer, eventId: other.eventId }, {}, {}, limits)
        yield* create({ ...buyer, tenantId: other.tenantId }, {}, {}, limits)
        yield* send(order, cancelAs(order, "buyer"))
        yield* create(buyer, {}, {}, limits)
        assert.strictEqual((yield* Effect.flip(create(buyer, {}, {}, limits)))._tag, "OrderLimitExceeded")
      })
    )

    it.effect("2.2 a confirmed and a completed order still count for their event", () =>
      Effect.gen(function* () {
        const buyer = yield* freshBuyer
        const limits = { ...orderLimits, ordersActivePerUserPerEventMax: 2 }
        const confirmed = yield* createConfirmed(buyer, { startsInHours: -4 })
        const completed = yield* send(confirmed, OrderCommand.Complete())
        assertSameOrder(yield* reload(confirmed), completed.order)
        yield* createConfirmed(buyer)
        assert.strictEqual((yield* Effect.flip(create(buyer, {}, {}, limits)))._tag, "OrderLimitExceeded")
      })
    )

    it.effect("2.2 orders that never came to hold anything do not count for the day", () =>
      Effect.gen(function* () {
        const buyer = yield* freshBuyer
        const limits = { ...orderLimits, ordersPerUserPerDayMax: 1 }
        const ends = [
          OrderCommand.HoldRefused({ ticketTypeId: null }),
          OrderCommand.SetupAbandoned({ cause: "CREATE_FAILED", why: "refused" }),
          OrderCommand.SetupAbandoned({ cause: "CREATE_TIMEOUT", why: "too slow" })
        ]
        for (const end of ends) {
          const { order } = yield* create(buyer, {}, {}, limits)
          const ended = yield* send(order, end)
          assertSameOrder(yield* reload(order), ended.order)
        }
        yield* create(buyer, {}, {}, limits)
        const error = yield* Effect.flip(create(buyer, {}, {}, limits))
        assert.strictEqual(error._tag === "OrderLimitExceeded" ? error.which : error._tag, "createdLast24h")
      })
    )

    it.effect("2.2 the day is the last 24 hours", () =>
      Effect.gen(function* () {
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const limits = { ...orderLimits, ordersPerUserPerDayMax: 1 }
        yield* create(buyer, {}, {}, limits)
        yield* time.passMinutes(24 * 60 - 1)
        assert.strictEqual((yield* Effect.flip(create(buyer, {}, {}, limits)))._tag, "OrderLimitExceeded")
        yield* time.passMinutes(2)
        yield* create(buyer, {}, {}, limits)
      })
    )

    it.effect("3.6 refuses a payment that another order has, or that is booked there, and writes nothing", () =>
      Effect.gen(function* () {
        const buyer = yield* freshBuyer
        const paid = yield* createConfirmed(buyer)
        const paymentIntentId = ownIntentId(paid.id)
        const made = yield* create(buyer)
        const held = (yield* send(made.order, OrderCommand.HoldGranted(), { settles: leaseOf(made.work, "HOLD") }))
          .order
        const shared = send(held, OrderCommand.IntentOpened({ paymentIntentId, clientSecret: "secret" }))
        assert.strictEqual((yield* Effect.flip(shared))._tag, "PaymentMismatch")
        const own = (yield* send(held, openIntent(held))).order
        const booked = send(own, strayPayment(own, { paymentIntentId }))
        assert.strictEqual((yield* Effect.flip(booked))._tag, "PaymentMismatch")
        assertSameOrder(yield* reload(own), own)
        // Another tenant's payment service may use the same words for another payment.
        const elsewhere = yield* createPayable(yield* freshBuyer)
        yield* send(elsewhere, strayPayment(elsewhere, { paymentIntentId }))
      })
    )

    it.effect("4.4 never lets refunds pass what was captured, whatever was decided", () =>
      Effect.gen(function* () {
        const orders = yield* OrderStore
        const confirmed = yield* createConfirmed(yield* freshBuyer)
        const asking = askRefund(confirmed, { request: { _tag: "Amount", amount: 100 }, byAdmin: true })
        const decision = yield* deciding(confirmed, asking)
        const greedy = tampered(decision, (order) => ({
          ...order,
          refunds: order.refunds.map((known) => ({ ...known, amount: Cents.make(confirmed.pricing.total + 1) }))
        }))
        assert.strictEqual((yield* Effect.flip(orders.commit({ decision: greedy })))._tag, "RefundExceedsCaptured")
        assertSameOrder(yield* reload(confirmed), confirmed)
        const exact = tampered(decision, (order) => ({
          ...order,
          refunds: order.refunds.map((known) => ({ ...known, amount: confirmed.pricing.total }))
        }))
        const { order } = yield* orders.commit({ decision: exact })
        assert.strictEqual(refundCommittedCents(yield* reload(order)), confirmed.pricing.total)
      })
    )
  })
