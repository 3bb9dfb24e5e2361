/**
 * What every `EndedOrders` must do: find what the completion job has to complete, and nothing else (rule 3.9).
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { EndedOrders } from "@tickettoken/order-domain/ports/EndedOrders"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { freshBuyer } from "../TestOrders.ts"
import { cancelAs } from "../TestOrdersNews.ts"
import { createConfirmed, createPayable, send } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions } from "./TestTime.ts"

/** Completes whatever other tests have left behind. */
const clear = Effect.gen(function* () {
  const ended = yield* EndedOrders
  const store = yield* OrderStore
  for (let due = yield* ended.due(100); due.length > 0; due = yield* ended.due(100)) {
    for (const { orderId, tenantId } of due) {
      const { order } = yield* store.load(tenantId, orderId)
      yield* send(order, OrderCommand.Complete())
    }
  }
})

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
        const [buyer, other] = [yield* freshBuyer, yield* freshBuyer]
        // An event lasts three hours from its start.
        const second = yield* createConfirmed(buyer, { startsInHours: -4 })
        const first = yield* createConfirmed(other, { startsInHours: -5 })
        yield* createConfirmed(buyer, { startsInHours: -2 })
        yield* createPayable(buyer, { startsInHours: -4 })
        const cancelled = yield* createConfirmed(buyer, { startsInHours: 48 })
        yield* send(cancelled, cancelAs(cancelled, "buyer"))
        const keys = [first, second].map(({ id, tenantId }) => ({ tenantId, orderId: id }))
        assert.deepStrictEqual(yield* orders.due(100), keys)
        assert.deepStrictEqual(yield* orders.due(1), keys.slice(0, 1))
        yield* send(first, OrderCommand.Complete())
        assert.deepStrictEqual(yield* orders.due(100), keys.slice(1))
      })
    )
  })
