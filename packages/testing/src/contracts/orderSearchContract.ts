/**
 * What searching orders must do, whatever stands behind `OrderReads`: each criterion alone and with others, pages without
 * gaps or repeats, and one tenant's orders only.
 */
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, type Layer } from "effect"
import { EventId, UserId } from "@tickettoken/order-domain/Ids"
import type { Order } from "@tickettoken/order-domain/Order"
import { type OrderCriteria, OrderReads, type OrderSearch } from "@tickettoken/order-domain/ports/OrderReads"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { freshBuyer, ownIntentId, randomUuid, strayIntentId } from "../TestOrders.ts"
import { type PathStep, pathsTo } from "../TestOrdersByState.ts"
import { strayPayment } from "../TestOrdersNews.ts"
import { play } from "./salesFixture.ts"
import { assertSameOrder, reload } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions } from "./TestTime.ts"

const day = DateTime.makeUnsafe("2026-03-10T00:00:00Z")
const afterMinutes = (minutes: number): DateTime.Utc => DateTime.add(day, { minutes })

const twicePaid: ReadonlyArray<PathStep> = [
  ...pathsTo.CONFIRMED,
  { minute: 5, command: (order) => strayPayment(order) }
]

const idsOf = (orders: ReadonlyArray<Pick<Order, "id">>): ReadonlyArray<string> => orders.map(({ id }) => id)

export const orderSearchContract = <E>(
  name: string,
  reads: Layer.Layer<OrderStore | OrderReads, E>,
  options: ContractOptions = {}
): void =>
  layer(reads, suiteOptions(options))(`OrderReads, searching: ${name}`, (it) => {
    /** Four orders an hour apart, the oldest first; and the first one's likeness in another tenant. */
    const recorded = Effect.fnUntraced(function* () {
      const { tenantId } = yield* freshBuyer
      const { tenantId: stranger } = yield* freshBuyer
      const eventId = EventId.make(yield* randomUuid)
      const other = EventId.make(yield* randomUuid)
      const small = [{ unitPrice: 2000, quantity: 1 }] as const
      const seat = { seat: "A1", row: 7, vip: true, gift: null, from: { deep: 1 } }
      const first = yield* play(afterMinutes(0), pathsTo.CONFIRMED, { tenantId, eventId, metadata: seat })
      const second = yield* play(afterMinutes(60), twicePaid, { tenantId, eventId, metadata: { seat: "A2" } })
      const third = yield* play(afterMinutes(120), pathsTo["PENDING/AWAITING_PAYMENT"], {
        tenantId,
        eventId: other,
        lines: small
      })
      const fourth = yield* play(afterMinutes(180), pathsTo.CONFIRMED, { tenantId, eventId: other, currency: "EUR" })
      yield* play(afterMinutes(0), pathsTo.CONFIRMED, { tenantId: stranger, eventId, metadata: seat })
      return { tenantId, stranger, eventId, orders: [first, second, third, fourth] as const }
    })

    const searching = (tenantId: OrderSearch["tenantId"]) =>
      Effect.map(
        OrderReads,
        (reads) => (criteria: OrderCriteria) =>
          Effect.map(reads.search({ ...criteria, tenantId, limit: 100, after: null }), ({ orders }) => idsOf(orders))
      )

    it.effect("finds by each criterion, newest first, as they are stored", () =>
      Effect.gen(function* () {
        const { eventId, orders, tenantId } = yield* recorded()
        const found = yield* searching(tenantId)
        const [first, second, third, fourth] = orders
        const cases: ReadonlyArray<readonly [OrderCriteria, ReadonlyArray<Order>]> = [
          [{}, orders.toReversed()],
          [{ id: second.id }, [second]],
          [{ orderNumber: third.orderNumber }, [third]],
          [{ userId: first.userId }, [first]],
          [{ eventId }, [second, first]],
          [{ status: "CONFIRMED" }, [fourth, second, first]],
          [{ currency: "EUR" }, [fourth]],
          [{ paymentIntentId: ownIntentId(first.id) }, [first]],
          // Money that nobody asked for is found by what it was paid with.
          [{ paymentIntentId: strayIntentId(second.id) }, [second]],
          [{ totalMin: 23_338 }, [fourth, second, first]],
          [{ totalMax: 23_337 }, [third]],
          [{ totalMin: 2363, totalMax: 2363 }, [third]],
          [{ createdFrom: afterMinutes(60), createdBefore: afterMinutes(180) }, [third, second]],
          [{ metadata: { seat: "A1" } }, [first]],
          [{ metadata: { row: 7, vip: true, gift: null } }, [first]],
          [{ eventId, status: "CONFIRMED", totalMin: 100, metadata: { seat: "A2" } }, [second]]
        ]
        for (const [criteria, expected] of cases) {
          assert.deepStrictEqual(yield* found(criteria), idsOf(expected), JSON.stringify(criteria))
        }
        const reads = yield* OrderReads
        const page = yield* reads.search({ tenantId, id: first.id, limit: 1, after: null })
        assert.isFalse(page.hasMore)
        for (const order of page.orders) assertSameOrder(order, yield* reload(first))
      })
    )

    it.effect("finds nothing that only looks alike", () =>
      Effect.gen(function* () {
        const { orders, tenantId } = yield* recorded()
        const found = yield* searching(tenantId)
        const [first, second] = orders
        const none: ReadonlyArray<OrderCriteria> = [
          { userId: UserId.make(yield* randomUuid) },
          { id: first.id, orderNumber: second.orderNumber },
          { status: "EXPIRED" },
          { createdFrom: afterMinutes(181) },
          { totalMin: 3000, totalMax: 2000 },
          { metadata: { seat: "a1" } },
          { metadata: { row: "7" } },
          { metadata: { seat: "A1", row: 8 } },
          { metadata: { A1: "seat" } },
          { metadata: { toString: "x" } }
        ]
        for (const criteria of none) assert.deepStrictEqual(yield* found(criteria), [], JSON.stringify(criteria))
      })
    )

    it.effect("7.1 never leaves the tenant, whatever is known of an order", () =>
      Effect.gen(function* () {
        const { orders, stranger, tenantId } = yield* recorded()
        const found = yield* searching(stranger)
        for (const { eventId, id, orderNumber, userId } of orders) {
          for (const criteria of [{ id }, { orderNumber }, { userId }, { paymentIntentId: ownIntentId(id) }]) {
            assert.deepStrictEqual(yield* found(criteria), [])
          }
          assert.isBelow((yield* found({ eventId })).length, 2)
        }
        const [theirs] = yield* found({ metadata: { seat: "A1" } })
        assert.isDefined(theirs)
        assert.notInclude(yield* (yield* searching(tenantId))({}), theirs)
      })
    )

    it.effect("pages by key: every order once, also those of one instant", () =>
      Effect.gen(function* () {
        const reads = yield* OrderReads
        const { tenantId } = yield* freshBuyer
        const made = yield* Effect.forEach([0, 0, 0, 1, 1], (minute) =>
          play(afterMinutes(minute), [], { tenantId, metadata: { tour: "spring" } })
        )
        for (const criteria of [{}, { metadata: { tour: "spring" } }, { totalMin: 1 }] satisfies Array<OrderCriteria>) {
          const seen: Array<string> = []
          let after: OrderSearch["after"] = null
          for (let more = true; more; ) {
            const page: { readonly orders: ReadonlyArray<Order>; readonly hasMore: boolean } = yield* reads.search({
              ...criteria,
              tenantId,
              limit: 2,
              after
            })
            seen.push(...idsOf(page.orders))
            const last = page.orders.at(-1)
            after = last === undefined ? null : { createdAt: last.createdAt, id: last.id }
            more = page.hasMore
          }
          assert.lengthOf(seen, made.length)
          assert.sameMembers(seen, [...idsOf(made)])
        }
      })
    )
  })
