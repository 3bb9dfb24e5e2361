/**
 * What other services send us through RabbitMQ, over PostgreSQL: one effect for each message, and what nobody can take is
 * set aside where people see it.
 */
import { assert, describe, layer } from "@effect/vitest"
import { nobody } from "@tickettoken/order-domain/InboundMessage"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { DELIVERIES_MAX, EventBus } from "@tickettoken/order-domain/ports/EventBus"
import type { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { Handling } from "@tickettoken/order-domain/workflows/HandleMessage"
import { deadMessages, replayDead } from "@tickettoken/order-domain/workflows/ReplayMessages"
import { handleDue, setDeliveryAside, takeDelivery } from "@tickettoken/order-server/messaging/InboxConsumer"
import { freshBuyer, randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect, Fiber, Layer, Logger, Queue, Ref, References, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { anotherNode, layerStore } from "../sql/database.ts"
import { Broker, hasRabbit, layerBus, sendTo, takeAll } from "../support/rabbitmq.ts"

const suite = { excludeTestServices: true, timeout: "120 seconds" } as const

/** For one test on busy cores. */
const MILLIS_MAX = 120_000

const quiet = Layer.succeed(References.MinimumLogLevel, "None")

const world = layerBus().pipe(Layer.provideMerge(Layer.merge(Broker.layer, quiet)), Layer.provideMerge(layerStore))

/** A message that another service sends about an order of some tenant. */
const text = Effect.fnUntraced(function* () {
  const { tenantId } = yield* freshBuyer
  const id = yield* randomUuid
  const body = JSON.stringify({
    specversion: "1.0",
    id,
    source: "payment-service",
    type: "payment.succeeded",
    tenantid: tenantId,
    data: { orderId: id, paymentIntentId: "pi_1" }
  })
  return { tenantId, id, body }
})

const often = Schedule.spaced("20 millis")

/** The queue holds nothing and nobody holds anything of it. What is held comes back when its consumer ends. */
const leftOver = Effect.gen(function* () {
  const { channel, names } = yield* Broker
  return [...(yield* takeAll(channel, names.inbox)), ...(yield* takeAll(channel, names.dead))]
})

describe.skipIf(!hasRabbit)("messages to us", () => {
  layer(world, suite)("through RabbitMQ", (it) => {
    it.effect(
      "F21 five times each, to two consumers, have one effect, and are all acknowledged",
      () =>
        Effect.gen(function* () {
          const own = yield* Broker
          const sql = yield* SqlClient.SqlClient
          const bus = yield* EventBus
          const effects = yield* Ref.make(0)
          const acks = yield* Ref.make(0)
          const handle = () =>
            Effect.as(
              Ref.update(effects, (count) => count + 1),
              Handling.Unchanged()
            )
          const consumers = yield* Effect.forEach([yield* anotherNode, yield* anotherNode], (node) =>
            Effect.forkScoped(
              bus.consume({
                take: (delivery) =>
                  Effect.tap(Effect.provideContext(takeDelivery(delivery, handle), node), () =>
                    Ref.update(acks, (count) => count + 1)
                  ),
                setAside: () => Effect.die(new Error("RabbitMQ has given up"))
              })
            )
          )
          const messages = yield* Effect.forEach(Array.from({ length: 10 }), text)
          for (let round = 0; round < 5; round++) {
            for (const { body } of round % 2 === 0 ? messages : messages.toReversed()) yield* sendTo(own, body)
          }
          yield* Ref.get(acks).pipe(Effect.repeat({ until: (count) => count >= 50, schedule: often }))
          yield* Fiber.interruptAll(consumers)
          assert.strictEqual(yield* Ref.get(effects), 10)
          assert.deepStrictEqual(yield* leftOver, [])
          const rows = yield* sql<{ state: string; n: number }>`
          select state, count(*)::int as n from inbox group by state`
          assert.deepStrictEqual(rows, [{ state: "DONE", n: 10 }])
        }).pipe(Effect.scoped),
      MILLIS_MAX
    )

    it.effect(
      "come on after the connection was cut, after the queue was deleted, and after both",
      () =>
        Effect.gen(function* () {
          const own = yield* Broker
          const bus = yield* EventBus
          const seen = yield* Queue.unbounded<string>()
          const take = ({ body }: { readonly body: string }) => Effect.as(Queue.offer(seen, body), "ack" as const)
          const consumer = yield* Effect.forkScoped(bus.consume({ take, setAside: take }))
          const arrives = Effect.fnUntraced(function* (body: string) {
            // Until it is attached again there may be no queue: a sender that gets its message back sends it again.
            yield* Effect.repeat(
              Effect.andThen(sendTo(own, body), Effect.option(Effect.timeout(Queue.take(seen), 500))),
              {
                until: (got) => got._tag === "Some" && got.value === body
              }
            )
          })
          yield* arrives("before")
          yield* own.proxy.sever
          yield* arrives("after the cut")
          yield* Effect.promise(() => own.channel.deleteQueue(own.names.inbox))
          yield* arrives("after the queue was deleted")
          yield* Effect.promise(() => own.channel.deleteQueue(own.names.inbox))
          yield* own.proxy.sever
          yield* arrives("after both")
          yield* Fiber.interrupt(consumer)
          yield* leftOver
        }).pipe(Effect.scoped),
      MILLIS_MAX
    )

    it.effect(
      "F23 that break whoever takes them go to the dead letters, are told, listed, and handled anew",
      () =>
        Effect.gen(function* () {
          const own = yield* Broker
          const { list } = yield* Alarms
          const bus = yield* EventBus
          const poison = yield* text()
          const good = yield* text()
          const broken = yield* Ref.make(0)
          const handled = yield* Queue.unbounded<string>()
          const handle = (_: unknown, { messageId }: { readonly messageId: string }) =>
            Effect.as(Queue.offer(handled, messageId), Handling.Unchanged())
          const context = yield* Effect.context<Inbox | Alarms>()
          const consumer = yield* Effect.forkScoped(
            bus.consume({
              take: (delivery) =>
                delivery.body === poison.body
                  ? Effect.andThen(
                      Ref.update(broken, (count) => count + 1),
                      Effect.die(new Error("broken"))
                    )
                  : Effect.provideContext(takeDelivery(delivery, handle), context),
              setAside: (delivery) => Effect.provideContext(setDeliveryAside(delivery), context)
            })
          )
          yield* sendTo(own, poison.body)
          yield* sendTo(own, "also no CloudEvent")
          yield* sendTo(own, good.body)
          assert.strictEqual(yield* Queue.take(handled), good.id)
          const { tenantId } = poison
          const query = { tenantId, messageId: null, since: null, limit: 10 }
          const [dead] = yield* deadMessages(query).pipe(
            Effect.repeat({ until: (found) => found.length > 0, schedule: often })
          )
          assert.strictEqual(dead?.message.messageId, poison.id)
          assert.strictEqual(dead?.why, `it was handed out ${DELIVERIES_MAX} times and never taken`)
          assert.isAtLeast(yield* Ref.get(broken), DELIVERIES_MAX)
          const open = Effect.map(list({ tenantId, kind: "MESSAGE_DEAD", cleared: false, limit: 10 }), (kept) =>
            kept.map(({ alarm }) => alarm.subject)
          )
          assert.deepStrictEqual(yield* open, [`payment-service#${poison.id}`])
          yield* Fiber.interrupt(consumer)
          assert.deepStrictEqual(yield* leftOver, [])
          assert.strictEqual(yield* replayDead(query), 1)
          assert.deepStrictEqual(yield* open, [])
          yield* handleDue(handle)
          assert.include(yield* Queue.takeAll(handled), poison.id)
          assert.deepStrictEqual(yield* deadMessages({ ...query, tenantId: nobody }), [])
        }).pipe(Effect.scoped),
      MILLIS_MAX
    )

    it.effect(
      "are not taken from a queue with other settings, which is told in one line",
      () =>
        Effect.gen(function* () {
          const { channel, names } = yield* Broker
          const bus = yield* EventBus
          yield* Effect.promise(async () => {
            await channel.deleteQueue(names.inbox)
            await channel.assertQueue(names.inbox, { arguments: { "x-queue-type": "quorum", "x-delivery-limit": 3 } })
          })
          const lines = yield* Queue.unbounded<readonly [level: string, line: string]>()
          const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
            Queue.offerUnsafe(lines, [logLevel, String(message)])
          })
          const ack = () => Effect.succeed("ack" as const)
          yield* Effect.forkScoped(
            bus
              .consume({ take: ack, setAside: ack })
              .pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(References.MinimumLogLevel, "Debug"))
          )
          const [level, line] = yield* Queue.take(lines)
          assert.strictEqual(level, "Warn")
          assert.match(
            line,
            /^RabbitMQ can not be used by the consumer and is tried again: something of ours has other/
          )
          assert.include(line, "inequivalent arg '")
          assert.include(line, `for queue '${names.inbox}'`)
          const { consuming } = yield* Effect.repeat(bus.status, {
            until: (now) => now.consuming !== null,
            schedule: often
          })
          assert.include(line, consuming ?? "nothing")
          // The next tries meet the same, and it is not told again.
          assert.deepStrictEqual(yield* Queue.take(lines), ["Debug", line])
          yield* Effect.promise(() => channel.deleteQueue(names.inbox))
          yield* Effect.repeat(bus.status, { until: (now) => now.consuming === null, schedule: often })
        }).pipe(Effect.scoped),
      MILLIS_MAX
    )
  })
})
