/**
 * What every `AwaitedPayments` must do: find the orders whose payment is to be asked about, and no other (rule 3.13).
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { type AwaitedPayment, AwaitedPayments } from "@tickettoken/order-domain/ports/AwaitedPayments"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { freshBuyer } from "../TestOrders.ts"
import { captureOwn } from "../TestOrdersNews.ts"
import { create, createConfirmed, createPayable, reload, send } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

const keyOf = ({ orderId, tenantId }: AwaitedPayment) => `${tenantId} ${orderId}`
const nameOf = ({ id, tenantId }: { readonly id: string; readonly tenantId: string }) => `${tenantId} ${id}`

export const awaitedPaymentsContract = <E>(
  name: string,
  awaited: Layer.Layer<OrderStore | AwaitedPayments | TestTime, E>,
  options: ContractOptions = {}
): void =>
  layer(awaited, suiteOptions(options))(`AwaitedPayments: ${name}`, (it) => {
    it.effect("3.13 finds orders of every tenant that have waited for their payment, the nearest deadline first", () =>
      Effect.gen(function* () {
        const { passMinutes } = yield* TestTime
        const payments = yield* AwaitedPayments
        // What other tests have left is past its grace.
        yield* passMinutes(60)
        const late = yield* createPayable(yield* freshBuyer, { vip: true })
        const second = yield* createPayable(yield* freshBuyer)
        const paid = yield* createPayable(yield* freshBuyer)
        yield* send(paid, captureOwn(paid))
        yield* createConfirmed(yield* freshBuyer)
        yield* create(yield* freshBuyer)
        yield* passMinutes(1)
        const third = yield* createPayable(yield* freshBuyer)
        assert.deepStrictEqual(yield* payments.due(100, null), [])
        yield* passMinutes(4)
        const all = yield* payments.due(100, null)
        assert.deepStrictEqual(all.map(keyOf), [nameOf(second), nameOf(late)])
        yield* passMinutes(1)
        const more = yield* payments.due(100, null)
        assert.deepStrictEqual(more.map(keyOf), [nameOf(second), nameOf(third), nameOf(late)])
        // One that is asked about in vain does not hide those behind it.
        assert.deepStrictEqual((yield* payments.due(1, null)).map(keyOf), [nameOf(second)])
        assert.deepStrictEqual((yield* payments.due(2, more[0] ?? null)).map(keyOf), [nameOf(third), nameOf(late)])
        assert.deepStrictEqual(yield* payments.due(2, more[2] ?? null), [])
      })
    )

    it.effect("3.13 leaves those that are past deadline and grace to expiry, and finds a renewed one again", () =>
      Effect.gen(function* () {
        const { passMinutes } = yield* TestTime
        const payments = yield* AwaitedPayments
        yield* passMinutes(60)
        const renewed = yield* createPayable(yield* freshBuyer)
        const left = yield* createPayable(yield* freshBuyer)
        yield* passMinutes(10)
        yield* send(yield* reload(renewed), OrderCommand.Reserve())
        yield* passMinutes(6)
        assert.deepStrictEqual((yield* payments.due(100, null)).map(keyOf), [nameOf(left), nameOf(renewed)])
        yield* passMinutes(1)
        assert.deepStrictEqual((yield* payments.due(100, null)).map(keyOf), [nameOf(renewed)])
      })
    )
  })
