/**
 * What every `OrderReads` must do: pages without gaps or repeats, whole histories, and one tenant's rows only.
 */
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, type Layer } from "effect"
import { OrderId } from "@tickettoken/order-domain/Ids"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { type OrderQuery, OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { type Buyer, freshBuyer, randomUuid } from "../TestOrders.ts"
import { askRefund, cancelAs, captureOwn, refundNumbers, refundSettled } from "../TestOrdersNews.ts"
import { assertSameOrder, create, createConfirmed, createPayable, reload, send } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

const idsOf = (orders: ReadonlyArray<Pick<Order, "id">>): ReadonlyArray<string> => orders.map(({ id }) => id)

const everything = ({ tenantId }: Buyer): OrderQuery => ({
  tenantId,
  userId: null,
  status: null,
  eventId: null,
  limit: 100,
  offset: 0,
  after: null
})

/** Orders a minute apart, oldest first. */
const createInTurn = Effect.fnUntraced(function* (buyer: Buyer, count: number) {
  const time = yield* TestTime
  return yield* Effect.forEach(Array.from({ length: count }), () =>
    Effect.gen(function* () {
      yield* time.passMinutes(1)
      return (yield* create(buyer)).order
    })
  )
})

export const orderReadsContract = <E>(
  name: string,
  reads: Layer.Layer<OrderStore | OrderReads | TestTime, E>,
  options: ContractOptions = {}
): void =>
  layer(reads, suiteOptions(options))(`OrderReads: ${name}`, (it) => {
    it.effect("lists the newest first, as they are stored", () =>
      Effect.gen(function* () {
        const orders = yield* OrderReads
        const buyer = yield* freshBuyer
        assert.deepStrictEqual(yield* orders.list(everything(buyer)), { orders: [], total: 0, hasMore: false })
        const made = yield* createInTurn(buyer, 3)
        const page = yield* orders.list(everything(buyer))
        assert.deepStrictEqual(idsOf(page.orders), idsOf(made.toReversed()))
        assert.deepStrictEqual([page.total, page.hasMore], [3, false])
        for (const order of page.orders) assertSameOrder(order, yield* reload(order))
      })
    )

    it.effect("filters by user, state and event, and never leaves the tenant", () =>
      Effect.gen(function* () {
        const orders = yield* OrderReads
        const buyer = yield* freshBuyer
        const other = yield* freshBuyer
        const own = (yield* create(buyer)).order
        const cancelled = (yield* create(buyer)).order
        yield* send(cancelled, cancelAs(cancelled, "buyer"))
        const friend = (yield* create({ ...buyer, userId: other.userId })).order
        const elsewhere = (yield* create({ ...buyer, eventId: other.eventId })).order
        yield* create({ ...buyer, tenantId: other.tenantId })
        const query = everything(buyer)
        const found = (more: Partial<OrderQuery>) =>
          Effect.map(orders.list({ ...query, ...more }), (page) => {
            assert.strictEqual(page.total, page.orders.length)
            return idsOf(page.orders).toSorted()
          })
        const sorted = (...list: ReadonlyArray<Order>) => idsOf(list).toSorted()
        assert.deepStrictEqual(yield* found({}), sorted(own, cancelled, friend, elsewhere))
        assert.deepStrictEqual(yield* found({ userId: other.userId }), sorted(friend))
        assert.deepStrictEqual(yield* found({ status: "CANCELLED" }), sorted(cancelled))
        assert.deepStrictEqual(yield* found({ eventId: other.eventId }), sorted(elsewhere))
        const narrow = { userId: buyer.userId, status: "PENDING", eventId: buyer.eventId } as const
        assert.deepStrictEqual(yield* found(narrow), sorted(own))
      })
    )

    it.effect("pages by offset: the total is of all, and the last page has no more", () =>
      Effect.gen(function* () {
        const orders = yield* OrderReads
        const buyer = yield* freshBuyer
        const made = (yield* createInTurn(buyer, 5)).toReversed()
        const pages = yield* Effect.forEach([0, 2, 3, 4, 5], (offset) =>
          orders.list({ ...everything(buyer), limit: 2, offset })
        )
        assert.deepStrictEqual(
          pages.map((page) => [idsOf(page.orders), page.total, page.hasMore]),
          [
            [idsOf(made.slice(0, 2)), 5, true],
            [idsOf(made.slice(2, 4)), 5, true],
            [idsOf(made.slice(3)), 5, false],
            [idsOf(made.slice(4)), 5, false],
            [[], 5, false]
          ]
        )
      })
    )

    it.effect("pages by key: every order once, also those of one instant and those that come in between", () =>
      Effect.gen(function* () {
        const orders = yield* OrderReads
        const buyer = yield* freshBuyer
        const made = (yield* Effect.all(Array.from({ length: 5 }, () => create(buyer)))).map(({ order }) => order)
        const seen: Array<string> = []
        let after: OrderQuery["after"] = null
        for (let more = true; more; ) {
          const page: { readonly orders: ReadonlyArray<Order>; readonly hasMore: boolean } = yield* orders.list({
            ...everything(buyer),
            limit: 2,
            after
          })
          seen.push(...idsOf(page.orders))
          const last = page.orders.at(-1)
          if (last === undefined) break
          after = { createdAt: last.createdAt, id: last.id }
          more = page.hasMore
          if (seen.length === 2) {
            const other = yield* freshBuyer
            yield* create({ ...buyer, userId: other.userId })
          }
        }
        assert.strictEqual(new Set(seen).size, seen.length)
        const known = new Set(idsOf(made))
        assert.deepStrictEqual(seen.filter((id) => known.has(id)).toSorted(), [...known].toSorted())
      })
    )

    it.effect("tells an order's whole history, oldest first", () =>
      Effect.gen(function* () {
        const orders = yield* OrderReads
        const confirmed = yield* createConfirmed(yield* freshBuyer)
        const facts = yield* orders.history(confirmed.tenantId, confirmed.id)
        assert.deepStrictEqual(
          facts.map(({ event }) => [event.version, event.type]),
          [
            [1, "ORDER_CREATED"],
            [2, "HOLD_GRANTED"],
            [3, "PAYMENT_INTENT_OPENED"],
            [4, "PAYMENT_CAPTURED"],
            [5, "ORDER_CONFIRMED"]
          ]
        )
        assert.strictEqual(new Set(facts.map(({ id }) => id)).size, 5)
        const [first] = facts
        assert.deepStrictEqual(
          [first?.event.actor, first?.event.data],
          [
            { kind: "user", id: confirmed.userId, ip: "192.0.2.1" },
            { total: confirmed.pricing.total, currency: "USD" }
          ]
        )
        assert.isTrue(
          facts.every(({ event }) => event.orderId === confirmed.id && event.tenantId === confirmed.tenantId)
        )
        const stranger = yield* freshBuyer
        const absent = OrderId.make(yield* randomUuid)
        assert.strictEqual((yield* Effect.flip(orders.history(stranger.tenantId, confirmed.id)))._tag, "OrderNotFound")
        assert.strictEqual((yield* Effect.flip(orders.history(confirmed.tenantId, absent)))._tag, "OrderNotFound")
      })
    )

    it.effect("3.5 looks ahead at deadlines, the soonest first, and changes nothing", () =>
      Effect.gen(function* () {
        const orders = yield* OrderReads
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const first = yield* createPayable(buyer)
        yield* time.passMinutes(2)
        const second = yield* createPayable(buyer)
        yield* createPayable(buyer, { vip: true })
        const cancelled = yield* createPayable(buyer)
        yield* send(cancelled, cancelAs(cancelled, "buyer"))
        const stranger = yield* freshBuyer
        yield* createPayable(stranger)
        const query = { tenantId: buyer.tenantId, minutes: 16, limit: 10 }
        const { now, orders: soon } = yield* orders.expiring(query)
        assert.deepStrictEqual(idsOf(soon), [first.id, second.id])
        const loaded = yield* reload(first)
        assert.deepStrictEqual(
          soon.map(({ expiresAt }) => DateTime.formatIso(expiresAt))[0],
          loaded.status === "PENDING" ? DateTime.formatIso(loaded.hold.expiresAt) : ""
        )
        assert.isTrue(soon.every(({ expiresAt }) => DateTime.isGreaterThan(expiresAt, now)))
        assert.deepStrictEqual(idsOf((yield* orders.expiring({ ...query, minutes: 14 })).orders), [first.id])
        assert.deepStrictEqual(idsOf((yield* orders.expiring({ ...query, limit: 1 })).orders), [first.id])
        assert.strictEqual((yield* reload(first)).version, first.version)
      })
    )

    it.effect("5 lists the orders of an event that can still be cancelled, in id order, page by page", () =>
      Effect.gen(function* () {
        const orders = yield* OrderReads
        const buyer = yield* freshBuyer
        const other = yield* freshBuyer
        const friend = { ...buyer, userId: other.userId }
        const pending = (yield* create(buyer)).order
        const reserved = (yield* send(yield* createPayable(buyer), OrderCommand.Reserve())).order
        const paid = yield* createPayable(buyer)
        yield* send(paid, captureOwn(paid))
        const confirmed = yield* createConfirmed(friend)
        const cancelled = yield* createPayable(friend)
        yield* send(cancelled, cancelAs(cancelled, "buyer"))
        const completed = yield* createConfirmed(friend, { startsInHours: -4 })
        yield* send(completed, OrderCommand.Complete())
        const refunded = yield* createConfirmed(friend)
        const all = yield* send(refunded, askRefund(refunded))
        yield* send(all.order, refundSettled(all.order, refundNumbers.request, "Succeeded"))
        yield* create({ ...buyer, eventId: other.eventId })
        yield* create({ ...buyer, tenantId: other.tenantId })
        const expected = idsOf([pending, reserved, paid, confirmed]).toSorted()
        const first = yield* orders.cancellableOfEvent(buyer.tenantId, buyer.eventId, null, 3)
        const rest = yield* orders.cancellableOfEvent(buyer.tenantId, buyer.eventId, first.next, 3)
        assert.deepStrictEqual([idsOf(first.orders), idsOf(rest.orders)], [expected.slice(0, 3), expected.slice(3)])
        for (const order of first.orders) assertSameOrder(order, yield* reload(order))
        assert.deepStrictEqual([first.next, rest.next], [first.orders[2]?.id, null])
        assert.deepStrictEqual(
          yield* orders.cancellableOfEvent(buyer.tenantId, buyer.eventId, rest.orders.at(-1)?.id ?? null, 3),
          { orders: [], unreadable: [], next: null }
        )
        // A page that is full to the brim is the last one if nothing follows.
        assert.isNull((yield* orders.cancellableOfEvent(buyer.tenantId, buyer.eventId, null, 4)).next)
      })
    )
  })
