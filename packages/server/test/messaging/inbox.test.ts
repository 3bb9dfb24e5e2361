/**
 * The inbox consumer over PostgreSQL, with two consumers at once: one effect for each message, and poison keeps nobody.
 */
import { assert, layer } from "@effect/vitest"
import { changeOrder } from "@tickettoken/order-domain/changeOrder"
import { RefundId, TenantId } from "@tickettoken/order-domain/Ids"
import {
  type InboundMessage,
  type InboxLease,
  MESSAGE_BYTES_MAX,
  nobody,
  readMessage
} from "@tickettoken/order-domain/InboundMessage"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { EventBus } from "@tickettoken/order-domain/ports/EventBus"
import type { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { Handling } from "@tickettoken/order-domain/workflows/HandleMessage"
import { deadMessages, replayDead } from "@tickettoken/order-domain/workflows/ReplayMessages"
import { TRIES_MAX } from "@tickettoken/order-domain/workflows/SettleDelivery"
import * as EventBusMemory from "@tickettoken/order-server/messaging/EventBusMemory"
import { handleDue, receivedOf, takeDelivery } from "@tickettoken/order-server/messaging/InboxConsumer"
import { createConfirmed, reload } from "@tickettoken/order-testing/contracts/storeFixture"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { derivedId, freshBuyer, jobActor, randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect, Layer, Queue, Ref, References, Result, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { anotherNode, layerStore } from "../sql/database.ts"

const suite = { excludeTestServices: true, timeout: "300 seconds" } as const

const quiet = Layer.succeed(References.MinimumLogLevel, "None")

const consuming = Layer.merge(EventBusMemory.layer, quiet).pipe(Layer.provideMerge(layerStore))

/** The text of a message about an order. */
const text = (order: Pick<Order, "id" | "tenantId">, id: string, changes: object = {}): string =>
  JSON.stringify({
    specversion: "1.0",
    id,
    source: "payment-service",
    type: "payment.succeeded",
    tenantid: order.tenantId,
    data: { orderId: order.id, paymentIntentId: "pi_1" },
    ...changes
  })

const TICKET_CENTS = 1_000

/** Orders of which many tickets can be given back one by one. */
const sell = Effect.forEach([1, 2, 3], () =>
  Effect.flatMap(freshBuyer, (buyer) => createConfirmed(buyer, { lines: [{ unitPrice: TICKET_CENTS, quantity: 10 }] }))
)

/** Returns one ticket: an effect that is not its own guard. Given the lease it ends the message in the same transaction. */
const returnOne = (guarded: boolean) =>
  Effect.fnUntraced(function* (message: InboundMessage, lease: InboxLease) {
    const refundId = RefundId.make(yield* randomUuid)
    const changed = yield* changeOrder({
      tenantId: lease.tenantId,
      orderId: message.data.orderId,
      command: ({ order }) =>
        Effect.succeed({
          actor: jobActor,
          command: OrderCommand.RequestRefund({
            refundId,
            request: { _tag: "Items", items: [{ itemId: order.items[0].id, quantity: 1 }] },
            reason: "returned",
            byAdmin: true,
            idempotencyKey: null
          })
        }),
      ...(guarded ? { handles: lease } : {})
    })
    return changed.moved ? Handling.Changed() : Handling.Unchanged()
  })

const DELIVERIES = 5

/** Sends each of these texts five times, out of step, and waits until all have been acknowledged. */
const deliver = Effect.fnUntraced(function* (texts: ReadonlyArray<string>) {
  const { pending, send } = yield* EventBusMemory.BusControls
  for (let round = 0; round < DELIVERIES; round++) {
    yield* Effect.forEach(round % 2 === 0 ? texts : texts.toReversed(), send)
  }
  yield* pending.pipe(Effect.repeat({ until: (left) => left === 0, schedule: Schedule.spaced("5 millis") }))
})

/** Every message here can be written down, so the bus gives up on none. */
const unexpected = () => Effect.die(new Error("the bus has given up"))

const refundsOf = (orders: ReadonlyArray<Order>) =>
  Effect.map(Effect.forEach(orders, reload), (now) => now.map(({ refunds }) => refunds.length))

const messagesOf = (orders: ReadonlyArray<Order>) =>
  Effect.forEach(
    orders.flatMap((order) => [order, order]),
    (order) => Effect.map(randomUuid, (id) => text(order, id))
  )

layer(consuming, suite)("two consumers", (it) => {
  it.effect("F21 I17 acknowledge every message five times, and it has one effect", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const bus = yield* EventBus
      const orders = yield* sell
      const texts = yield* messagesOf(orders)
      const acks = yield* Ref.make(0)
      for (const node of [yield* anotherNode, yield* anotherNode]) {
        yield* Effect.forkScoped(
          bus.consume({
            take: (delivery) =>
              takeDelivery(delivery, returnOne(true)).pipe(
                Effect.provideContext(node),
                Effect.tap((verdict) => (verdict === "ack" ? Ref.update(acks, (count) => count + 1) : Effect.void))
              ),
            setAside: unexpected
          })
        )
      }
      yield* deliver(texts)
      assert.strictEqual(yield* Ref.get(acks), texts.length * DELIVERIES)
      assert.deepStrictEqual(yield* refundsOf(orders), [2, 2, 2])
      const rows = yield* sql<{ state: string; outcome: string; n: number }>`
        select state, outcome, count(*)::int as n from inbox group by state, outcome`
      assert.deepStrictEqual(rows, [{ state: "DONE", outcome: "CHANGED", n: texts.length }])
    }).pipe(Effect.scoped)
  )

  it.effect("F21 twin: without the row each message has five effects", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus
      const orders = yield* sell
      for (const node of [yield* anotherNode, yield* anotherNode]) {
        yield* Effect.forkScoped(
          bus.consume({
            take: ({ body }) => {
              const received = receivedOf({ body })
              const news = Result.getOrThrow(readMessage(received))
              return returnOne(false)(news, { ...received, token: 1 }).pipe(
                Effect.provideContext(node),
                Effect.orDie,
                Effect.as("ack" as const)
              )
            },
            setAside: unexpected
          })
        )
      }
      yield* deliver(yield* messagesOf(orders))
      assert.deepStrictEqual(yield* refundsOf(orders), [10, 10, 10])
    }).pipe(Effect.scoped)
  )

  it.effect("F21 a consumer that dies between effect and acknowledgement leaves nothing to be done twice", () =>
    Effect.gen(function* () {
      const order = yield* Effect.flatMap(freshBuyer, createConfirmed)
      const delivery = { body: text(order, yield* randomUuid) }
      const deaths = yield* Ref.make(0)
      const dies = (message: InboundMessage, lease: InboxLease) =>
        returnOne(true)(message, lease).pipe(
          Effect.andThen(Ref.update(deaths, (count) => count + 1)),
          Effect.andThen(Effect.interrupt)
        )
      assert.isTrue((yield* Effect.exit(takeDelivery(delivery, dies)))._tag === "Success")
      assert.strictEqual(yield* takeDelivery(delivery, returnOne(true)), "ack")
      const time = yield* TestTime
      yield* time.passMinutes(1)
      assert.strictEqual(yield* handleDue(returnOne(true)), 0)
      assert.strictEqual(yield* Ref.get(deaths), 1)
      assert.deepStrictEqual(yield* refundsOf([order]), [1])
    })
  )

  it.effect("F21 a consumer that dies before the effect leaves the message to the next one", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const order = yield* Effect.flatMap(freshBuyer, createConfirmed)
      const delivery = { body: text(order, yield* randomUuid) }
      yield* takeDelivery(delivery, () => Effect.interrupt)
      // It is known, so the bus is rid of it; whoever claims it when the lease has run out has the effect.
      assert.strictEqual(yield* takeDelivery(delivery, returnOne(true)), "ack")
      assert.deepStrictEqual(yield* refundsOf([order]), [0])
      yield* time.passMinutes(1)
      assert.strictEqual(yield* handleDue(returnOne(true)), 1)
      assert.deepStrictEqual(yield* refundsOf([order]), [1])
    })
  )
})

/** Longer than the longest pause between two tries. */
const PAUSE_MINUTES = 6

layer(consuming, suite)("poison", (it) => {
  it.effect(
    "F23 is set aside after five tries with an alarm, keeps nobody behind it, and is handled anew when asked",
    () =>
      Effect.gen(function* () {
        const time = yield* TestTime
        const alarms = yield* Alarms
        const { pending, send } = yield* EventBusMemory.BusControls
        const order = yield* Effect.flatMap(freshBuyer, createConfirmed)
        const { tenantId } = order
        const stranger = { ...order, tenantId: TenantId.make(derivedId(tenantId, 9)) }
        const poison = [
          "{ this is no JSON",
          JSON.stringify({ hello: "world" }),
          text(order, "unknown-type", { type: "payment.exploded" }),
          text(order, "no-data", { data: { orderId: order.id } }),
          text(stranger, "wrong-tenant"),
          text(order, "too-large", { padding: "x".repeat(1_048_576) }),
          text(order, "throws", { data: { orderId: order.id, paymentIntentId: "pi_throws" } })
        ]
        assert.isAbove(poison[5]?.length ?? 0, MESSAGE_BYTES_MAX)
        const throws = yield* Ref.make(0)
        const handled = yield* Queue.unbounded<string>()
        const handle = Effect.fnUntraced(function* (message: InboundMessage, lease: InboxLease) {
          if ("paymentIntentId" in message.data && message.data.paymentIntentId === "pi_throws") {
            yield* Ref.update(throws, (count) => count + 1)
            return yield* Effect.die(new Error("broken"))
          }
          const done = yield* returnOne(true)(message, lease).pipe(
            Effect.catchTag("OrderNotFound", ({ message: why }) => Effect.succeed(Handling.Early({ why })))
          )
          yield* Queue.offer(handled, lease.messageId)
          return done
        })
        const context = yield* Effect.context<Inbox | Alarms | OrderStore>()
        yield* Effect.forkScoped(
          (yield* EventBus).consume({
            take: (delivery) => Effect.provideContext(takeDelivery(delivery, handle), context),
            setAside: unexpected
          })
        )
        for (const body of poison) yield* send(body)
        yield* send(text(order, "good"))
        // The one behind is handled although nothing before it ever is.
        yield* Queue.take(handled).pipe(Effect.repeat({ until: (id) => id === "good" }))
        yield* pending.pipe(Effect.repeat({ until: (left) => left === 0, schedule: Schedule.spaced("5 millis") }))
        const tries: Array<number> = []
        for (let round = 1; round < TRIES_MAX; round++) {
          yield* time.passMinutes(PAUSE_MINUTES)
          tries.push(yield* handleDue(handle))
        }
        assert.deepStrictEqual(tries, [7, 7, 7, 7])
        yield* time.passMinutes(60)
        assert.strictEqual(yield* handleDue(handle), 0)
        assert.strictEqual(yield* Ref.get(throws), TRIES_MAX)

        const query = { tenantId, messageId: null, since: null, limit: 10 }
        const dead = yield* deadMessages(query)
        assert.deepStrictEqual(
          dead.map(({ attempts, message, why }) => `${message.messageId} ${attempts}: ${why}`).toSorted(),
          [
            "no-data 5: the data are not those of payment.succeeded",
            "throws 5: the handler is broken",
            "unknown-type 5: messages of type payment.exploded are not consumed here"
          ]
        )
        const unaddressed = yield* deadMessages({ ...query, tenantId: nobody })
        assert.deepStrictEqual(unaddressed.map(({ why }) => why).toSorted(), [
          `the message has ${poison[5]?.length ?? 0} bytes, ${MESSAGE_BYTES_MAX} are read`,
          "the message is no CloudEvent with a tenant, a source and an id",
          "the message is not JSON"
        ])
        assert.isTrue(unaddressed.every(({ message }) => message.body.length <= 2_000))
        assert.strictEqual(
          (yield* deadMessages({ ...query, tenantId: stranger.tenantId }))[0]?.message.messageId,
          "wrong-tenant"
        )

        const open = alarms.list({ tenantId: null, kind: "MESSAGE_DEAD", cleared: false, limit: 10 })
        assert.strictEqual((yield* open).length, poison.length)
        assert.strictEqual(yield* replayDead({ ...query, messageId: "throws" }), 1)
        assert.strictEqual((yield* open).length, poison.length - 1)
        assert.strictEqual(yield* handleDue(returnOne(true)), 1)
        assert.strictEqual((yield* deadMessages(query)).length, 2)
        assert.deepStrictEqual(yield* refundsOf([order]), [2])
      }).pipe(Effect.scoped)
  )

  it.effect("comes again later, and uses up no try, while something that is asked is away", () =>
    Effect.gen(function* () {
      const time = yield* TestTime
      const order = yield* Effect.flatMap(freshBuyer, createConfirmed)
      const outages = yield* Ref.make(0)
      const away = () =>
        Effect.andThen(
          Ref.update(outages, (count) => count + 1),
          Effect.fail({ _tag: "ServiceUnavailable" } as const)
        )
      yield* takeDelivery({ body: text(order, yield* randomUuid) }, away)
      for (let round = 0; round < 2 * TRIES_MAX; round++) {
        yield* time.passMinutes(1)
        assert.strictEqual(yield* handleDue(away), 1)
      }
      yield* time.passMinutes(1)
      assert.strictEqual(yield* handleDue(returnOne(true)), 1)
      assert.strictEqual(yield* Ref.get(outages), 2 * TRIES_MAX + 1)
      assert.deepStrictEqual(yield* refundsOf([order]), [1])
    })
  )
})
