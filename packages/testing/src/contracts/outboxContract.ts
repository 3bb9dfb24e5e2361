/**
 * What every `Outbox` must do: no message is lost, and those of one order leave in their order, whoever sends them.
 */
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, type Layer } from "effect"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { type ClaimedMessage, Outbox } from "@tickettoken/order-domain/ports/Outbox"
import { replayPublished } from "@tickettoken/order-domain/workflows/ReplayMessages"
import { type Buyer, freshBuyer } from "../TestOrders.ts"
import { create, createConfirmed, createPayable, leaseOf, send } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

/** Longer than any lease. */
const LEASE_MINUTES = 1

const leases = (claimed: ReadonlyArray<ClaimedMessage>) => claimed.map(({ lease }) => lease)

/** A message by order and version. */
const namesOf = (claimed: ReadonlyArray<ClaimedMessage>): ReadonlyArray<string> =>
  claimed.map(({ message }) => `${message.subject} ${message.orderversion}`)

const name = ({ id }: Order, version: number): string => `${id} ${version}`

/** Sends everything that is due, round by round, and answers it in the order in which it was claimed. */
const drain = Effect.gen(function* () {
  const { claim, sent } = yield* Outbox
  const all: Array<ClaimedMessage> = []
  for (let due = yield* claim(100); due.length > 0; due = yield* claim(100)) {
    yield* sent(leases(due))
    all.push(...due)
  }
  return all
})

/** Everything that is not sent is sent: the outbox holds only what a test adds. */
const clear = Effect.gen(function* () {
  const time = yield* TestTime
  yield* time.passMinutes(LEASE_MINUTES)
  yield* drain
})

const createMany = (buyers: ReadonlyArray<Buyer>) =>
  Effect.forEach(buyers, (buyer) => Effect.map(create(buyer), ({ order }) => order))

const manyBuyers = (count: number) => Effect.all(Array.from({ length: count }, () => freshBuyer))

export const outboxContract = <E>(
  name_: string,
  outbox: Layer.Layer<OrderStore | Outbox | TestTime, E>,
  options: ContractOptions = {}
): void =>
  layer(outbox, suiteOptions(options))(`Outbox: ${name_}`, (it) => {
    it.effect("holds one message for each version of an order, with what has happened to it", () =>
      Effect.gen(function* () {
        yield* clear
        const order = yield* createConfirmed(yield* freshBuyer)
        const all = yield* drain
        assert.deepStrictEqual(
          all.map(({ message: { orderversion, type } }) => [orderversion, type]),
          [
            [1, "order.created"],
            [2, "order.hold_granted"],
            [3, "order.payment_intent_opened"],
            [4, "order.payment_captured"],
            [5, "order.confirmed"]
          ]
        )
        assert.strictEqual(new Set(all.map(({ message }) => message.id)).size, 5)
        for (const { message } of all) {
          assert.strictEqual(message.subject, order.id)
          assert.strictEqual(message.tenantid, order.tenantId)
          assert.strictEqual(message.source, "order-service")
          assert.strictEqual(message.data["orderNumber"], order.orderNumber)
          assert.strictEqual(message.data["currency"], order.currency)
        }
        assert.strictEqual(all[4]?.message.data["status"], "CONFIRMED")
        assert.notInclude(JSON.stringify(all), "secret")
      })
    )

    it.effect("F20 never claims a message of an order whose lower version is not sent", () =>
      Effect.gen(function* () {
        yield* clear
        const { claim, postpone, sent } = yield* Outbox
        const time = yield* TestTime
        const order = yield* createPayable(yield* freshBuyer)
        // Of two that have waited equally long either may come first.
        yield* time.passMinutes(1)
        const other = yield* createPayable(yield* freshBuyer)
        const first = yield* claim(100)
        assert.deepStrictEqual(namesOf(first), [name(order, 1), name(other, 1)])
        assert.deepStrictEqual(yield* claim(100), [])
        const [mine, others] = leases(first)
        if (mine === undefined || others === undefined) return assert.fail("nothing was claimed")
        yield* postpone([{ lease: mine, delay: Duration.minutes(5), why: "the bus is away" }])
        yield* sent([others])
        assert.deepStrictEqual(namesOf(yield* drain), [name(other, 2), name(other, 3)])
        yield* time.passMinutes(6)
        assert.deepStrictEqual(namesOf(yield* drain), [name(order, 1), name(order, 2), name(order, 3)])
      })
    )

    it.effect("leaves a claimed message to its holder, and hands it on when the lease has run out", () =>
      Effect.gen(function* () {
        yield* clear
        const { claim, postpone, sent } = yield* Outbox
        const time = yield* TestTime
        const { order } = yield* create(yield* freshBuyer)
        const first = yield* claim(10)
        assert.deepStrictEqual(first[0]?.attempts, 1)
        yield* time.passMinutes(LEASE_MINUTES)
        const second = yield* claim(10)
        assert.deepStrictEqual(namesOf(second), [name(order, 1)])
        assert.strictEqual(second[0]?.attempts, 2)
        assert.strictEqual(second[0]?.message.id, first[0]?.message.id)
        // The first holder was frozen: it may have sent the message, and may say nothing about it any more.
        assert.strictEqual(yield* sent(leases(first)), 0)
        assert.strictEqual(
          yield* postpone(leases(first).map((lease) => ({ lease, delay: Duration.zero, why: "late" }))),
          0
        )
        assert.strictEqual(yield* sent(leases(second)), 1)
        assert.strictEqual(yield* sent(leases(second)), 0)
        yield* time.passMinutes(LEASE_MINUTES)
        assert.deepStrictEqual(yield* claim(10), [])
      })
    )

    it.effect("keeps a lease whose time has run out valid until somebody else claims the message", () =>
      Effect.gen(function* () {
        yield* clear
        const { claim, sent } = yield* Outbox
        const time = yield* TestTime
        yield* create(yield* freshBuyer)
        const claimed = yield* claim(10)
        yield* time.passMinutes(LEASE_MINUTES)
        assert.strictEqual(yield* sent(leases(claimed)), 1)
      })
    )

    it.effect("gives a message back for later, and its old lease is worth nothing", () =>
      Effect.gen(function* () {
        yield* clear
        const { claim, postpone, sent } = yield* Outbox
        const time = yield* TestTime
        yield* create(yield* freshBuyer)
        const claimed = yield* claim(10)
        const back = leases(claimed).map((lease) => ({ lease, delay: Duration.minutes(10), why: "returned\u0000" }))
        assert.strictEqual(yield* postpone(back), 1)
        assert.strictEqual(yield* sent(leases(claimed)), 0)
        assert.deepStrictEqual(yield* claim(10), [])
        yield* time.passMinutes(11)
        assert.strictEqual((yield* claim(10))[0]?.attempts, 2)
      })
    )

    it.effect("claims what has waited longest first, and no more than asked for", () =>
      Effect.gen(function* () {
        yield* clear
        const { claim } = yield* Outbox
        const time = yield* TestTime
        const orders: Array<Order> = []
        for (const buyer of yield* manyBuyers(5)) {
          orders.push((yield* create(buyer)).order)
          yield* time.passMinutes(1)
        }
        const claims: Array<string> = []
        for (const limit of [2, 1, 5]) claims.push(...namesOf(yield* claim(limit)))
        assert.deepStrictEqual(
          claims,
          orders.map((order) => name(order, 1))
        )
      })
    )

    it.effect("never gives one message to two parallel claimers, and leaves none", () =>
      Effect.gen(function* () {
        yield* clear
        const { claim } = yield* Outbox
        const orders = yield* createMany(yield* manyBuyers(20))
        const claims = yield* Effect.all(
          Array.from({ length: 8 }, () => claim(5)),
          { concurrency: "unbounded" }
        )
        const rest = yield* claim(100)
        assert.deepStrictEqual(
          namesOf([...claims.flat(), ...rest]).toSorted(),
          orders.map((order) => name(order, 1)).toSorted()
        )
      })
    )

    it.effect("says what waits for too long, until it is sent", () =>
      Effect.gen(function* () {
        yield* clear
        const { claim, overdue, postpone, sent } = yield* Outbox
        const time = yield* TestTime
        const order = yield* createPayable(yield* freshBuyer)
        assert.isNull(yield* overdue(Duration.minutes(2)))
        const claimed = yield* claim(10)
        yield* postpone(leases(claimed).map((lease) => ({ lease, delay: Duration.seconds(1), why: "returned" })))
        yield* time.passMinutes(3)
        assert.deepStrictEqual(yield* overdue(Duration.minutes(2)), {
          messages: 3,
          oldest: { id: claimed[0]?.message.id ?? "", type: "order.created", orderId: order.id, why: "returned" }
        })
        yield* sent(leases(yield* claim(10)))
        assert.strictEqual((yield* overdue(Duration.minutes(2)))?.oldest.type, "order.hold_granted")
        yield* drain
        assert.isNull(yield* overdue(Duration.minutes(2)))
      })
    )

    it.effect("sends messages again with the same ids and in their order: of one order, or of a tenant", () =>
      Effect.gen(function* () {
        yield* clear
        const { overdue } = yield* Outbox
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const { tenantId } = buyer
        const order = yield* createPayable(buyer)
        const other = yield* createPayable(buyer)
        yield* createPayable(yield* freshBuyer)
        const ids = new Map((yield* drain).map((claimed) => [namesOf([claimed])[0], claimed.message.id]))
        yield* time.passMinutes(5)
        assert.strictEqual(yield* replayPublished({ tenantId, orderId: order.id, since: null }), 3)
        assert.isNull(yield* overdue(Duration.minutes(2)))
        const again = yield* drain
        assert.deepStrictEqual(namesOf(again), [name(order, 1), name(order, 2), name(order, 3)])
        for (const claimed of again) assert.strictEqual(claimed.message.id, ids.get(namesOf([claimed])[0]))
        yield* time.passMinutes(1)
        assert.strictEqual(yield* replayPublished({ tenantId, orderId: null, since: null }), 6)
        assert.deepStrictEqual(
          namesOf(yield* drain).toSorted(),
          [1, 2, 3].flatMap((version) => [name(order, version), name(other, version)]).toSorted()
        )
      })
    )

    it.effect("sends again what was written since an instant, and nothing that is not sent yet", () =>
      Effect.gen(function* () {
        yield* clear
        const store = yield* OrderStore
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const { tenantId } = buyer
        const made = yield* create(buyer)
        yield* drain
        yield* time.passMinutes(10)
        const since = yield* store.now
        yield* send(made.order, OrderCommand.HoldGranted(), { settles: leaseOf(made.work, "HOLD") })
        assert.strictEqual(yield* replayPublished({ tenantId, orderId: null, since }), 0)
        yield* drain
        assert.strictEqual(yield* replayPublished({ tenantId, orderId: null, since }), 1)
        assert.deepStrictEqual(namesOf(yield* drain), [name(made.order, 2)])
      })
    )
  })
