/**
 * What every `PaymentLooks` must do: find the orders that have ended, in the order of their ends, each once a look
 * (rule 3.13).
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { LOOK_BACK_DAYS_MAX, type LookedBackAt, PaymentLooks } from "@tickettoken/order-domain/ports/PaymentLooks"
import { freshBuyer } from "../TestOrders.ts"
import { cancelAs, expireNow } from "../TestOrdersNews.ts"
import { create, createConfirmed, createPayable, reload, send } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

const keyOf = ({ orderId, tenantId }: LookedBackAt) => `${tenantId} ${orderId}`
const nameOf = ({ id, tenantId }: { readonly id: string; readonly tenantId: string }) => `${tenantId} ${id}`

/** A look of a test's own: those of other tests have not passed anything for it. */
const FIRST = 300
const SECOND = 3600

const dueOf = (afterSeconds: number, limit = 100) =>
  Effect.flatMap(PaymentLooks, (looks) => looks.due(afterSeconds, limit))

const passed = (afterSeconds: number, last: LookedBackAt | undefined) =>
  last === undefined ? Effect.void : Effect.flatMap(PaymentLooks, (looks) => looks.passed(afterSeconds, last))

/** Passes whatever other tests have left behind. */
const passAll = (afterSeconds: number) => Effect.flatMap(dueOf(afterSeconds), (due) => passed(afterSeconds, due.at(-1)))

const cancelled = Effect.gen(function* () {
  const order = yield* createPayable(yield* freshBuyer)
  return (yield* send(order, cancelAs(order, "buyer"))).order
})

const expired = Effect.gen(function* () {
  const { passMinutes } = yield* TestTime
  const order = yield* createPayable(yield* freshBuyer)
  yield* passMinutes(20)
  return (yield* send(yield* reload(order), expireNow)).order
})

export const paymentLooksContract = <E>(
  name: string,
  looks: Layer.Layer<OrderStore | PaymentLooks | TestTime, E>,
  options: ContractOptions = {}
): void =>
  layer(looks, suiteOptions(options))(`PaymentLooks: ${name}`, (it) => {
    it.effect("3.13 finds orders of every tenant that ended long enough ago, once a look, the earliest end first", () =>
      Effect.gen(function* () {
        const { passMinutes } = yield* TestTime
        yield* passMinutes(120)
        yield* Effect.forEach([FIRST, SECOND], passAll)
        const one = yield* expired
        yield* passMinutes(1)
        const two = yield* cancelled
        yield* passMinutes(1)
        const three = yield* cancelled
        yield* createConfirmed(yield* freshBuyer)
        yield* create(yield* freshBuyer)
        assert.deepStrictEqual(yield* dueOf(FIRST), [])
        yield* passMinutes(5)
        const due = yield* dueOf(FIRST)
        assert.deepStrictEqual(due.map(keyOf), [one, two, three].map(nameOf))
        assert.deepStrictEqual((yield* dueOf(FIRST, 2)).map(keyOf), [one, two].map(nameOf))
        yield* passed(FIRST, due[1])
        assert.deepStrictEqual((yield* dueOf(FIRST)).map(keyOf), [nameOf(three)])
        // A replica that was slower does not take a look back to where it had been.
        yield* passed(FIRST, due[0])
        assert.deepStrictEqual((yield* dueOf(FIRST)).map(keyOf), [nameOf(three)])
        yield* passed(FIRST, due[2])
        assert.deepStrictEqual(yield* dueOf(FIRST), [])
        // Another look has its own place, and its own time.
        assert.deepStrictEqual(yield* dueOf(SECOND), [])
        yield* passMinutes(60)
        assert.deepStrictEqual((yield* dueOf(SECOND)).map(keyOf), [one, two, three].map(nameOf))
        assert.deepStrictEqual(yield* dueOf(FIRST), [])
      })
    )

    it.effect("3.13 looks at no end that is older than a week", () =>
      Effect.gen(function* () {
        const { passMinutes } = yield* TestTime
        const order = yield* cancelled
        yield* passMinutes(LOOK_BACK_DAYS_MAX * 24 * 60 - 1)
        assert.include((yield* dueOf(FIRST)).map(keyOf), nameOf(order))
        yield* passMinutes(2)
        assert.notInclude((yield* dueOf(FIRST)).map(keyOf), nameOf(order))
      })
    )
  })
