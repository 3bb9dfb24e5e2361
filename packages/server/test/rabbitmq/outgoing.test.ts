/**
 * The relay over PostgreSQL and a RabbitMQ that is away, cut off, full, silent or without listeners: whatever happens,
 * every message arrives, those of one order in their order.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { EventBus } from "@tickettoken/order-domain/ports/EventBus"
import { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import { OrderMessage } from "@tickettoken/order-domain/OrderMessage"
import { relayOnce, watchOutbox } from "@tickettoken/order-server/messaging/OutboxRelay"
import { createPayable } from "@tickettoken/order-testing/contracts/storeFixture"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Duration, Effect, Layer, Ref, References, Schema } from "effect"
import { layerStore } from "../sql/database.ts"
import { Broker, bindAllBut, cut, hasRabbit, layerBus, takeAll, untilPublishing } from "../support/rabbitmq.ts"

const suite = { excludeTestServices: true, timeout: "120 seconds" } as const

/** For one test on busy cores. */
const MILLIS_MAX = 120_000

const quiet = Layer.succeed(References.MinimumLogLevel, "None")

const broker = Layer.merge(Broker.layer, quiet)

/** A bus that does not wait long: what a slow machine makes of it is sent again. */
const hasty = layerBus({ confirmTimeout: Duration.millis(300) }).pipe(Layer.provideMerge(broker))

const patient = layerBus().pipe(Layer.provideMerge(broker))

const over = <A, E, R>(bus: Layer.Layer<A, E, R>) => bus.pipe(Layer.provideMerge(layerStore))

/** So many orders with three messages each. */
const createOrders = (count: number) =>
  Effect.forEach(Array.from({ length: count }), () => Effect.flatMap(freshBuyer, createPayable))

/** Relays until nothing is left, as if the time of every backoff and lease had passed. */
const drain = Effect.gen(function* () {
  const { overdue } = yield* Outbox
  const time = yield* TestTime
  yield* Effect.repeat(
    Effect.gen(function* () {
      yield* untilPublishing(true)
      yield* Effect.repeat(relayOnce(), { while: (taken) => taken > 0 })
      const left = yield* overdue(Duration.zero)
      if (left !== null) yield* time.passMinutes(10)
      return left
    }),
    { until: (left) => left === null }
  )
})

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.toCodecJson(OrderMessage)))

/** What has come out since the last time this was asked. */
const captured = Effect.gen(function* () {
  const { capture, channel } = yield* Broker
  return yield* Effect.forEach(yield* takeAll(channel, capture), (text) => decode(text))
})

/** The versions of each order, each the first time that it came out. */
const firstTimes = (messages: ReadonlyArray<OrderMessage>): ReadonlyMap<string, ReadonlyArray<number>> => {
  const versions = new Map<string, ReadonlyArray<number>>()
  const seen = new Map<string, string>()
  for (const message of messages) {
    // Time that passes in a test moves what the database remembers, so instants are not compared.
    const text = JSON.stringify({ ...message, time: null })
    assert.strictEqual(seen.get(message.id) ?? text, text)
    if (!seen.has(message.id)) {
      versions.set(message.subject, [...(versions.get(message.subject) ?? []), message.orderversion])
    }
    seen.set(message.id, text)
  }
  return versions
}

const assertAllArrived = (messages: ReadonlyArray<OrderMessage>, orders: ReadonlyArray<{ readonly id: string }>) => {
  const versions = firstTimes(messages)
  assert.strictEqual(versions.size, orders.length)
  for (const { id } of orders) assert.deepStrictEqual(versions.get(id), [1, 2, 3])
}

/** Connection.Blocked and Connection.Unblocked, as a broker that is short of memory says them. */
const blockedFrame = Buffer.from([1, 0, 0, 0, 0, 0, 15, 0, 10, 0, 60, 10, ...Buffer.from("low memory"), 0xce])
const unblockedFrame = Buffer.from([1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 61, 0xce])

describe.skipIf(!hasRabbit)("messages of ours", () => {
  layer(over(patient), suite)("when RabbitMQ comes and goes", (it) => {
    it.effect(
      "F15 F16 wait while it is away, and come when it is back, in order",
      () =>
        Effect.gen(function* () {
          const own = yield* Broker
          const { status } = yield* EventBus
          yield* untilPublishing(true)
          yield* cut(own, true)
          yield* untilPublishing(false)
          const orders = yield* createOrders(5)
          for (let round = 0; round < 5; round++) assert.strictEqual(yield* relayOnce(), 0)
          assert.isString((yield* status).publishing)
          yield* cut(own, false)
          yield* drain
          const messages = yield* captured
          assertAllArrived(messages, orders)
          // Nothing was tried in vain: each came once.
          assert.strictEqual(messages.length, 15)
        }),
      MILLIS_MAX
    )

    it.effect(
      "F16 are not lost by connections that are cut again and again in the middle of it",
      () =>
        Effect.gen(function* () {
          const own = yield* Broker
          const orders: Array<{ readonly id: string }> = []
          for (let round = 0; round < 4; round++) {
            orders.push(...(yield* createOrders(4)))
            yield* untilPublishing(true)
            // What is published arrives, and no answer comes back.
            yield* own.proxy.disturb({ fault: "cut", bytes: 0 })
            assert.strictEqual(yield* relayOnce(), 0)
            yield* untilPublishing(false)
            yield* own.proxy.disturb(null)
          }
          assert.isAtLeast((yield* own.proxy.hits).get("cut") ?? 0, 4)
          yield* drain
          assertAllArrived(yield* captured, orders)
        }),
      MILLIS_MAX
    )

    it.effect(
      "F18 that nobody is bound for are not sent, raise the alarm, and go out once somebody is",
      () =>
        Effect.gen(function* () {
          const own = yield* Broker
          const time = yield* TestTime
          const { list } = yield* Alarms
          const stuck = Effect.map(list({ tenantId: null, kind: "OUTBOX_STUCK", cleared: false, limit: 10 }), (kept) =>
            kept.map(({ alarm }) => alarm.detail)
          )
          yield* untilPublishing(true)
          yield* bindAllBut(own, ["order.created"])
          const [order, ...others] = yield* createOrders(1)
          assert.strictEqual(yield* relayOnce(), 0)
          yield* time.passMinutes(3)
          assert.strictEqual(yield* relayOnce(), 0)
          yield* watchOutbox()
          const [detail = ""] = yield* stuck
          assert.include(detail, `of order ${order?.id ?? ""}: nobody is bound to messages of this type`)
          assert.deepStrictEqual(yield* captured, [])
          yield* bindAllBut(own, [])
          yield* drain
          yield* watchOutbox()
          assert.deepStrictEqual(yield* stuck, [])
          assertAllArrived(yield* captured, order === undefined ? others : [order])
        }),
      MILLIS_MAX
    )

    it.effect(
      "F19 of a publisher that dies between confirm and mark come again with the same ids",
      () =>
        Effect.gen(function* () {
          const outbox = yield* Outbox
          const time = yield* TestTime
          const deaths = yield* Ref.make(0)
          const dying = Outbox.of({
            ...outbox,
            sent: () =>
              Effect.andThen(
                Ref.update(deaths, (count) => count + 1),
                Effect.die(new Error("killed"))
              )
          })
          const orders = yield* createOrders(2)
          yield* untilPublishing(true)
          for (let round = 0; round < 10; round++) {
            yield* Effect.exit(Effect.provideService(relayOnce(), Outbox, dying))
            yield* time.passMinutes(1)
          }
          yield* drain
          const messages = yield* captured
          assert.strictEqual(yield* Ref.get(deaths), 10)
          assert.isAtLeast(messages.length, 20 + 6)
          assertAllArrived(messages, orders)
        }),
      MILLIS_MAX
    )

    it.effect(
      "are refused by a queue that is full, and said to be",
      () =>
        Effect.gen(function* () {
          const { channel, names } = yield* Broker
          const { publish } = yield* EventBus
          const full = `${names.events}.full`
          yield* untilPublishing(true)
          yield* createOrders(1)
          const [claimed, ...others] = yield* (yield* Outbox).claim(10)
          if (claimed === undefined) return assert.fail("nothing was claimed")
          assert.deepStrictEqual(others, [])
          const limit = { arguments: { "x-max-length": 1, "x-overflow": "reject-publish" } }
          yield* Effect.promise(async () => {
            await channel.assertQueue(full, limit)
            await channel.bindQueue(full, names.events, "order.*")
            channel.sendToQueue(full, Buffer.from("full"))
            await channel.waitForConfirms()
          })
          assert.deepStrictEqual(yield* publish([claimed.message]), ["refused"])
          yield* Effect.promise(() => channel.deleteQueue(full))
          assert.deepStrictEqual(yield* publish([claimed.message]), ["confirmed"])
        }),
      MILLIS_MAX
    )
  })

  layer(over(hasty), suite)("when RabbitMQ takes nothing", (it) => {
    it.effect(
      "F17 stay rows while it is short of memory, are not given to it in vain, and go out afterwards",
      () =>
        Effect.gen(function* () {
          const own = yield* Broker
          const { publish, status } = yield* EventBus
          const { overdue } = yield* Outbox
          yield* untilPublishing(true)
          // It stops reading first, and says why when it is spoken to.
          yield* own.proxy.disturb({ fault: "stall" })
          const orders = yield* createOrders(3)
          assert.strictEqual(yield* relayOnce(), 0)
          yield* own.proxy.say(blockedFrame)
          yield* untilPublishing(false)
          assert.strictEqual((yield* status).publishing, "it takes nothing at the moment: low memory")
          for (let round = 0; round < 20; round++) assert.strictEqual(yield* relayOnce(), 0)
          assert.strictEqual((yield* overdue(Duration.zero))?.messages, 9)
          assert.deepStrictEqual(yield* publish([]), [])
          yield* own.proxy.disturb(null)
          yield* own.proxy.say(unblockedFrame)
          yield* drain
          assertAllArrived(yield* captured, orders)
          assert.isAbove((yield* own.proxy.hits).get("stall") ?? 0, 0)
        }),
      MILLIS_MAX
    )
  })
})
