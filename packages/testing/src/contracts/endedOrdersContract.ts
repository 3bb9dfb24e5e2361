/**
 * What every `EndedOrders` must do: find what the completion job has to complete, and nothing else (rule 3.9).
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { type EndedOrder, EndedOrders } from "@tickettoken/order-domain/ports/EndedOrders"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { freshBuyer } from "../TestOrders.ts"
import { cancelAs } from "../TestOrdersNews.ts"
import { createConfirmed, createPayable, send } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions } from "./TestTime.ts"

/** Completes whatever other tests have left behind. */
const clear = Effect.gen(function* () {
  const ended = yield* EndedOrders
  const store = yield* OrderStore
  for (let due = yield* ended.due(100, null); due.length > 0; due = yield* ended.due(100, null)) {
    for (const { orderId, tenantId } of due) {
      const { order } = yield* store.load(tenantId, orderId)
      yield* send(order, OrderCommand.Complete())
    }
  }
})

const keyOf = ({ orderId, tenantId }: EndedOrder) => ({ tenantId, orderId })

export const endedOrdersContract = <E>(
  name: string,
  ended: Layer.Layer<OrderStore | EndedOrders, E>,
  options: ContractOptions = {}
): void =>
  layer(ended, suiteOptions(options))(`EndedOrders: ${name}`, (it) => {
    it.effect("3.9 finds confirmed orders of every tenant whose event has ended, the earliest end first", () =>
      Effect.gen(function* () {
        yield* clear
        const orders = yield* EndedOrders
        const buyer = yield* freshBuyer
        // An event lasts three hours from its start.
        const ended: Array<Order> = []
        for (const hours of [-4, -7, -5, -8, -6]) {
          ended.push(yield* createConfirmed(yield* freshBuyer, { startsInHours: hours }))
        }
        yield* createConfirmed(buyer, { startsInHours: -2 })
        yield* createPayable(buyer, { startsInHours: -4 })
        const cancelled = yield* createConfirmed(buyer, { startsInHours: 48 })
        yield* send(cancelled, cancelAs(cancelled, "buyer"))
        const keys = ended
          .toSorted((one, two) => one.eventEndsAt.epochMilliseconds - two.eventEndsAt.epochMilliseconds)
          .map(({ id, tenantId }) => ({ tenantId, orderId: id }))
        const all = yield* orders.due(100, null)
        assert.deepStrictEqual(all.map(keyOf), keys)
        assert.deepStrictEqual((yield* orders.due(2, null)).map(keyOf), keys.slice(0, 2))
        // An order that stays due does not hide those behind it.
        assert.deepStrictEqual((yield* orders.due(2, all[1] ?? null)).map(keyOf), keys.slice(2, 4))
        assert.deepStrictEqual((yield* orders.due(2, all[3] ?? null)).map(keyOf), keys.slice(4))
        assert.deepStrictEqual(yield* orders.due(2, all[4] ?? null), [])
        const first = ended.find(({ id }) => id === keys[0]?.orderId)
        if (first !== undefined) yield* send(first, OrderCommand.Complete())
        assert.deepStrictEqual((yield* orders.due(100, null)).map(keyOf), keys.slice(1))
      })
    )
  })
