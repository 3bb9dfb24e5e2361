/**
 * What every `EventBus` must do: say the truth about what it has taken, and hand out what comes until it is taken.
 */
import { assert, layer } from "@effect/vitest"
import { DateTime, Deferred, Effect, Fiber, type Layer, Queue, Ref, Schedule, Schema } from "effect"
import { OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import { orderMessage, OrderMessage } from "@tickettoken/order-domain/OrderMessage"
import { DELIVERIES_MAX, EventBus, type Receiver, type Verdict } from "@tickettoken/order-domain/ports/EventBus"
import { derivedId, randomUuid } from "../TestOrders.ts"
import { TestBroker } from "./TestBroker.ts"
import { type ContractOptions, suiteOptions } from "./TestTime.ts"

/** A message of an order that no other test knows. */
const message = Effect.fnUntraced(function* (type: string) {
  const id = yield* randomUuid
  return orderMessage({
    id,
    type,
    tenantId: TenantId.make(derivedId(id, 1)),
    orderId: OrderId.make(derivedId(id, 2)),
    version: 1,
    at: DateTime.makeUnsafe("2026-11-27T08:00:00.000Z"),
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    data: { status: "PENDING", amount: 23_338 }
  })
})

const many = (count: number, type = "order.created") =>
  Effect.forEach(Array.from({ length: count }), () => message(type))

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.toCodecJson(OrderMessage)))

/** The messages of these ids that were published, in the order in which they came out. */
const publishedOf = Effect.fnUntraced(function* (messages: ReadonlyArray<OrderMessage>) {
  const broker = yield* TestBroker
  const ids = new Set(messages.map(({ id }) => id))
  const all = yield* Effect.forEach(yield* broker.published, (text) => decode(text))
  return all.filter(({ id }) => ids.has(id))
})

const idsOf = (messages: ReadonlyArray<OrderMessage>): ReadonlyArray<string> => messages.map(({ id }) => id)

/** Waits until the bus has got rid of everything that was sent to us. */
const untilTaken = Effect.flatMap(TestBroker, ({ pending }) =>
  pending.pipe(Effect.repeat({ until: (count) => count === 0, schedule: Schedule.spaced("5 millis") }))
)

/** Consumes with a receiver until the scope ends; what is set aside is gone unless it is asked for. */
const consuming = Effect.fnUntraced(function* (
  take: Receiver["take"],
  setAside: Receiver["setAside"] = () => Effect.succeed("ack")
) {
  const bus = yield* EventBus
  return yield* Effect.forkScoped(bus.consume({ take, setAside }))
})

/** A consumer that takes everything, and what it has seen. */
const taking = Effect.fnUntraced(function* (
  verdict: (seen: number) => Verdict = () => "ack",
  setAside?: Receiver["setAside"]
) {
  const seen = yield* Queue.unbounded<string>()
  const counts = yield* Ref.make(new Map<string, number>())
  yield* consuming(
    Effect.fnUntraced(function* ({ body }) {
      const before = (yield* Ref.getAndUpdate(
        counts,
        (all) => new Map([...all, [body, (all.get(body) ?? 0) + 1]])
      )).get(body)
      yield* Queue.offer(seen, body)
      return verdict((before ?? 0) + 1)
    }),
    setAside
  )
  return seen
})

const isUp = Effect.flatMap(EventBus, ({ status }) => Effect.map(status, ({ publishing }) => publishing === null))

export const eventBusContract = <E>(
  name: string,
  bus: Layer.Layer<EventBus | TestBroker, E>,
  options: ContractOptions = {}
): void =>
  layer(bus, suiteOptions(options))(`EventBus: ${name}`, (it) => {
    it.effect("publishes in order, confirms each, and sends every attribute", () =>
      Effect.gen(function* () {
        const { publish } = yield* EventBus
        const messages = yield* many(20)
        assert.isTrue(yield* isUp)
        assert.deepStrictEqual(
          yield* publish(messages),
          messages.map(() => "confirmed")
        )
        const published = yield* publishedOf(messages)
        assert.deepStrictEqual(idsOf(published), idsOf(messages))
        assert.deepStrictEqual(JSON.stringify(published), JSON.stringify(messages))
        assert.deepStrictEqual(yield* publish([]), [])
      })
    )

    it.effect("knows no message: what is published twice comes out twice, with one id", () =>
      Effect.gen(function* () {
        const { publish } = yield* EventBus
        const one = yield* message("order.confirmed")
        yield* publish([one])
        yield* publish([one])
        assert.deepStrictEqual(idsOf(yield* publishedOf([one])), [one.id, one.id])
      })
    )

    it.effect("returns what nobody is bound to, and confirms what stands around it", () =>
      Effect.gen(function* () {
        const { publish } = yield* EventBus
        const broker = yield* TestBroker
        yield* broker.unwanted("order.unwanted")
        const messages = [
          yield* message("order.created"),
          yield* message("order.unwanted"),
          yield* message("order.confirmed")
        ]
        assert.deepStrictEqual(yield* publish(messages), ["confirmed", "returned", "confirmed"])
        yield* broker.unwanted()
        assert.deepStrictEqual(yield* publish(messages.slice(1, 2)), ["confirmed"])
      })
    )

    it.effect("confirms nothing while it is away, says so, and works again afterwards", () =>
      Effect.gen(function* () {
        const { publish } = yield* EventBus
        const broker = yield* TestBroker
        const messages = yield* many(2)
        yield* broker.setUp(false)
        assert.isFalse(yield* isUp)
        assert.deepStrictEqual(yield* publish(messages), ["unconfirmed", "unconfirmed"])
        yield* broker.setUp(true)
        yield* isUp.pipe(Effect.repeat({ until: (up) => up, schedule: Schedule.spaced("10 millis") }))
        assert.deepStrictEqual(yield* publish(messages), ["confirmed", "confirmed"])
      })
    )

    it.effect("hands out what was sent, to the letter, and is rid of it once it is taken", () =>
      Effect.gen(function* () {
        const broker = yield* TestBroker
        const bodies = ["{}", "no JSON at all", "", `{"text":"ü ✓"}`]
        for (const body of bodies) yield* broker.send(body)
        assert.strictEqual(yield* broker.pending, 4)
        const seen = yield* taking()
        const got = yield* Effect.all(bodies.map(() => Queue.take(seen)))
        assert.deepStrictEqual(got.toSorted(), bodies.toSorted())
        yield* untilTaken
      })
    )

    it.effect("hands out again what is to come later, and never what was rejected", () =>
      Effect.gen(function* () {
        const broker = yield* TestBroker
        const seen = yield* taking((times) => (times === 1 ? "later" : "reject"))
        yield* broker.send("patience")
        assert.strictEqual(yield* Queue.take(seen), "patience")
        assert.strictEqual(yield* Queue.take(seen), "patience")
        yield* untilTaken
        assert.strictEqual(yield* Queue.size(seen), 0)
      })
    )

    it.effect("sets aside what was rejected, and until that is taken as well it is not gone", () =>
      Effect.gen(function* () {
        const broker = yield* TestBroker
        const aside = yield* Queue.unbounded<string>()
        const asked = yield* Ref.make(0)
        const seen = yield* taking(
          () => "reject",
          Effect.fnUntraced(function* ({ body }) {
            if ((yield* Ref.getAndUpdate(asked, (count) => count + 1)) === 0) return "later"
            yield* Queue.offer(aside, body)
            return "ack"
          })
        )
        yield* broker.send("nobody's")
        assert.strictEqual(yield* Queue.take(aside), "nobody's")
        yield* untilTaken
        assert.deepStrictEqual(yield* Queue.clear(seen), ["nobody's"])
        assert.deepStrictEqual([yield* Ref.get(asked), yield* Queue.size(aside)], [2, 0])
      })
    )

    it.effect("F23 sets aside what breaks its receiver every time, and hands out what is behind it meanwhile", () =>
      Effect.gen(function* () {
        const broker = yield* TestBroker
        const broken = yield* Ref.make(0)
        const aside = yield* Queue.unbounded<string>()
        const seen = yield* Queue.unbounded<string>()
        const breaking = Effect.andThen(
          Ref.update(broken, (count) => count + 1),
          Effect.die(new Error("broken"))
        )
        yield* consuming(
          ({ body }) => (body === "poison" ? breaking : Effect.as(Queue.offer(seen, body), "ack" as const)),
          ({ body }) => Effect.as(Queue.offer(aside, body), "ack" as const)
        )
        yield* broker.send("poison")
        yield* broker.send("behind it")
        assert.strictEqual(yield* Queue.take(seen), "behind it")
        assert.strictEqual(yield* Queue.take(aside), "poison")
        yield* untilTaken
        // A broker may count from the second delivery on.
        assert.isTrue([DELIVERIES_MAX, DELIVERIES_MAX + 1].includes(yield* Ref.get(broken)))
      })
    )

    it.effect("goes on after a receiver that is broken, and hands out what it had", () =>
      Effect.gen(function* () {
        const broker = yield* TestBroker
        const broken = yield* Ref.make(0)
        const seen = yield* Queue.unbounded<string>()
        yield* consuming(({ body }) =>
          Effect.flatMap(
            Ref.getAndUpdate(broken, (count) => count + 1),
            (before) =>
              before === 0 ? Effect.die(new Error("broken")) : Effect.as(Queue.offer(seen, body), "ack" as const)
          )
        )
        yield* broker.send("once more")
        assert.strictEqual(yield* Queue.take(seen), "once more")
        yield* untilTaken
        assert.strictEqual(yield* Ref.get(broken), 2)
      })
    )

    it.effect("hands on what a consumer had not answered when it ended", () =>
      Effect.gen(function* () {
        const broker = yield* TestBroker
        const reached = yield* Deferred.make<void>()
        const stuck = yield* consuming(() => Effect.andThen(Deferred.succeed(reached, undefined), Effect.never))
        yield* broker.send("left behind")
        yield* Deferred.await(reached)
        yield* Fiber.interrupt(stuck)
        const seen = yield* taking()
        assert.strictEqual(yield* Queue.take(seen), "left behind")
        yield* untilTaken
      })
    )

    it.effect("shares what comes among its consumers, each message with one of them", () =>
      Effect.gen(function* () {
        const broker = yield* TestBroker
        const [first, second] = [yield* taking(), yield* taking()]
        const bodies = Array.from({ length: 200 }, (_, n) => `message ${n}`)
        for (const body of bodies) yield* broker.send(body)
        yield* untilTaken
        const got = [...(yield* Queue.clear(first)), ...(yield* Queue.clear(second))]
        assert.deepStrictEqual(got.toSorted(), bodies.toSorted())
      })
    )
  })
