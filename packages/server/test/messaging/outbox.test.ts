/**
 * The relay over PostgreSQL: what becomes of messages when publishers die, race, or meet a transaction that commits late.
 */
import { assert, layer } from "@effect/vitest"
import type { OrderMessage } from "@tickettoken/order-domain/OrderMessage"
import { messageJson } from "@tickettoken/order-domain/OrderMessage"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { EventBus, type Published } from "@tickettoken/order-domain/ports/EventBus"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { Outbox } from "@tickettoken/order-domain/ports/Outbox"
import { receivedOf } from "@tickettoken/order-server/messaging/InboxConsumer"
import { relayOnce, watchOutbox } from "@tickettoken/order-server/messaging/OutboxRelay"
import * as PostgresLayer from "@tickettoken/order-server/sql/PostgresLayer"
import { createPayable } from "@tickettoken/order-testing/contracts/storeFixture"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Context, Duration, Effect, Fiber, Layer, Ref, References, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { anotherNode, layerMigrated, layerStore } from "../sql/database.ts"

const suite = { excludeTestServices: true, timeout: "300 seconds" } as const

/** A bus that keeps what it is given, in the order in which it came, and answers as it is told. */
class Tape extends Context.Service<
  Tape,
  {
    readonly messages: Ref.Ref<ReadonlyArray<OrderMessage>>
    readonly answer: Ref.Ref<(message: OrderMessage) => Published>
    readonly isUp: Ref.Ref<boolean>
  }
>()("test/messaging/Tape") {
  static readonly layer = Layer.effect(
    Tape,
    Effect.gen(function* () {
      const answer = yield* Ref.make((_: OrderMessage): Published => "confirmed")
      return { messages: yield* Ref.make<ReadonlyArray<OrderMessage>>([]), answer, isUp: yield* Ref.make(true) }
    })
  )
}

const taped = Layer.effect(
  EventBus,
  Effect.map(Tape, ({ answer, isUp, messages }) =>
    EventBus.of({
      status: Effect.map(Ref.get(isUp), (up) => ({ publishing: up ? null : "it is away", consuming: null })),
      publish: Effect.fnUntraced(function* (batch) {
        const answering = yield* Ref.get(answer)
        const outcomes = batch.map(answering)
        yield* Ref.update(messages, (all) => [...all, ...batch.filter((_, at) => outcomes[at] === "confirmed")])
        return outcomes
      }),
      consume: () => Effect.never
    })
  )
).pipe(Layer.provideMerge(Tape.layer))

const quiet = Layer.succeed(References.MinimumLogLevel, "None")

const relaying = Layer.merge(taped, quiet).pipe(Layer.provideMerge(layerStore))

/** The order's messages for the first time each, in the order in which they came. */
const firstTimes = (messages: ReadonlyArray<OrderMessage>): ReadonlyMap<string, ReadonlyArray<number>> => {
  const seen = new Set<string>()
  const versions = new Map<string, Array<number>>()
  for (const { id, orderversion, subject } of messages) {
    if (seen.has(id)) continue
    seen.add(id)
    const of = versions.get(subject) ?? []
    versions.set(subject, [...of, orderversion])
  }
  return versions
}

const ORDERS = 2_500
const BATCH = 250
const VERSIONS = 4
const LATE_ORDERS = 20
const ALL = (ORDERS + LATE_ORDERS) * VERSIONS

/** Writes this version's message of orders by number; nothing else of them is needed here. */
const insert = (from: number, until: number, version: number): string =>
  `insert into outbox (tenant_id, order_id, version, message_id, type, payload, next_at, created_at)
   select '00000000-0000-4000-8000-000000000001', ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, ${version},
     gen_random_uuid(), 'order.created', '{}', clock_timestamp(), clock_timestamp() from generate_series(${from}, ${until}) n`

// The messages alone: what they are about is not looked at.
const begin = ["begin", "set local session_replication_role = replica"]

/** Everybody writes, while one transaction that began first stays open until `others` have been published. */
const writeAround = Effect.fnUntraced(function* (others: Effect.Effect<void>) {
  const sql = yield* SqlClient.SqlClient
  const late = yield* sql.reserve
  const run = (text: string) => late.executeUnprepared(text, [], undefined)
  for (const text of begin) yield* run(text)
  for (let version = 1; version <= VERSIONS; version++) yield* run(insert(ORDERS + 1, ORDERS + LATE_ORDERS, version))
  for (let from = 1; from <= ORDERS; from += BATCH) {
    for (let version = 1; version <= VERSIONS; version++) {
      yield* sql.withTransaction(
        Effect.andThen(
          sql`set local session_replication_role = replica`,
          sql.unsafe(insert(from, from + BATCH - 1, version))
        )
      )
    }
  }
  yield* others
  yield* run("commit")
}, Effect.scoped)

const untilTaped = (count: number) =>
  Effect.flatMap(Tape, ({ messages }) =>
    Ref.get(messages).pipe(
      Effect.repeat({ until: (all) => all.length >= count, schedule: Schedule.spaced("20 millis") }),
      Effect.asVoid
    )
  )

layer(relaying, suite)("two publishers", (it) => {
  it.effect(
    `F20 miss none of ${ALL} messages, and send those of one order in their order, around a late transaction`,
    () =>
      Effect.gen(function* () {
        const tape = yield* Tape
        const bus = yield* EventBus
        const nodes = [yield* anotherNode, yield* anotherNode]
        const publishers = yield* Effect.forEach(nodes, (node) =>
          relayOnce().pipe(
            Effect.repeat({ while: (taken) => taken > 0 }),
            Effect.repeat(Schedule.spaced("10 millis")),
            Effect.provideContext(Context.add(node, EventBus, bus)),
            Effect.forkChild
          )
        )
        yield* writeAround(Effect.provideService(untilTaped(ORDERS * VERSIONS), Tape, tape))
        yield* untilTaped(ALL)
        yield* Fiber.interruptAll(publishers)
        const messages = yield* Ref.get(tape.messages)
        const versions = firstTimes(messages)
        assert.strictEqual(new Set(messages.map(({ id }) => id)).size, ALL)
        assert.strictEqual(versions.size, ORDERS + LATE_ORDERS)
        for (const [order, rising] of versions) assert.deepStrictEqual(rising, [1, 2, 3, 4], order)
      }).pipe(Effect.scoped)
  )
})

layer(layerMigrated, suite)("a publisher that remembers how far it has come", (it) => {
  it.effect("F20 twin: passes over everything that commits late", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const seen = new Set<string>()
      let cursor = "-infinity"
      const publish = Effect.gen(function* () {
        const rows = yield* sql<{ message_id: string; at: string }>`
          select message_id, created_at::text as at from outbox where created_at > ${cursor}::timestamptz
          order by created_at`
        for (const { at, message_id } of rows) {
          seen.add(message_id)
          cursor = at
        }
      })
      yield* writeAround(Effect.orDie(publish))
      yield* publish
      assert.strictEqual(seen.size, ORDERS * VERSIONS)
      assert.strictEqual(ALL - seen.size, LATE_ORDERS * VERSIONS)
    })
  )
})

/** Leases that run out at once, so that a death need not be waited for. */
const shortLeases = PostgresLayer.layer({ workLease: Duration.millis(1) })

const DEATHS = 200

layer(Layer.merge(taped, quiet).pipe(Layer.provideMerge(shortLeases.pipe(Layer.provideMerge(layerMigrated)))), suite)(
  "a publisher that dies",
  (it) => {
    it.effect(
      `F19 between confirm and mark, ${DEATHS} times, sends each message at least once, with one id, for one effect`,
      () =>
        Effect.gen(function* () {
          const tape = yield* Tape
          const outbox = yield* Outbox
          const { receive } = yield* Inbox
          const buyer = yield* freshBuyer
          const orders = [yield* createPayable(buyer), yield* createPayable(buyer)]
          const deaths = yield* Ref.make(0)
          const dying = Outbox.of({
            ...outbox,
            sent: () =>
              Effect.andThen(
                Ref.update(deaths, (count) => count + 1),
                Effect.die(new Error("killed"))
              )
          })
          yield* relayOnce().pipe(
            Effect.provideService(Outbox, dying),
            Effect.exit,
            Effect.andThen(Effect.sleep("2 millis")),
            Effect.andThen(Ref.get(deaths)),
            Effect.repeat({ until: (count) => count === DEATHS })
          )
          yield* relayOnce().pipe(
            Effect.andThen(outbox.overdue(Duration.zero)),
            Effect.repeat({ until: (left) => left === null })
          )
          const messages = yield* Ref.get(tape.messages)
          assert.isAtLeast(messages.length, DEATHS * orders.length + 4)
          const texts = new Map<string, string>()
          let effects = 0
          for (const message of messages) {
            const text = messageJson(message)
            assert.strictEqual(texts.get(message.id) ?? text, text)
            texts.set(message.id, text)
            if ((yield* receive(receivedOf({ body: text }))) !== null) effects++
          }
          assert.strictEqual(texts.size, 6)
          assert.strictEqual(effects, 6)
          for (const order of orders) assert.deepStrictEqual(firstTimes(messages).get(order.id), [1, 2, 3])
        })
    )
  }
)

layer(relaying, suite)("a bus that does not take everything", (it) => {
  it.effect("gets what it has returned or not confirmed again, later, and nothing of that order before", () =>
    Effect.gen(function* () {
      const tape = yield* Tape
      const time = yield* TestTime
      const refusing = yield* createPayable(yield* freshBuyer)
      const other = yield* createPayable(yield* freshBuyer)
      const drain = relayOnce().pipe(Effect.repeat({ while: (taken) => taken > 0 }))
      yield* Ref.set(tape.answer, ({ subject }) => (subject === refusing.id ? "returned" : "confirmed"))
      yield* drain
      assert.deepStrictEqual([...firstTimes(yield* Ref.get(tape.messages))], [[other.id, [1, 2, 3]]])
      yield* drain
      yield* time.passMinutes(1)
      yield* Ref.set(tape.answer, ({ subject }) => (subject === refusing.id ? "unconfirmed" : "confirmed"))
      yield* drain
      yield* time.passMinutes(1)
      yield* Ref.set(tape.answer, () => "confirmed")
      yield* drain
      assert.deepStrictEqual(firstTimes(yield* Ref.get(tape.messages)).get(refusing.id), [1, 2, 3])
    })
  )

  it.effect(
    "leaves nothing due behind what it has returned, so that a claim costs no more however much waits there",
    () =>
      Effect.gen(function* () {
        const tape = yield* Tape
        const time = yield* TestTime
        const sql = yield* SqlClient.SqlClient
        const dueRows = Effect.map(
          sql<{ n: number }>`select count(*)::int as n from outbox
          where state = 'NEW' and coalesce(lease_until, next_at) <= clock_timestamp()`,
          ([row]) => row?.n
        )
        const orders = yield* Effect.forEach(Array.from({ length: 5 }), () => Effect.flatMap(freshBuyer, createPayable))
        assert.strictEqual(yield* dueRows, 15)
        yield* Ref.set(tape.answer, () => "returned")
        yield* relayOnce()
        assert.strictEqual(yield* dueRows, 0)
        yield* time.passMinutes(1)
        yield* Ref.set(tape.answer, () => "confirmed")
        yield* relayOnce().pipe(Effect.repeat({ while: (taken) => taken > 0 }))
        const sent = firstTimes(yield* Ref.get(tape.messages))
        for (const { id } of orders) assert.deepStrictEqual(sent.get(id), [1, 2, 3])
      })
  )

  it.effect("is not even asked while it is away, so that nothing has to wait when it is back", () =>
    Effect.gen(function* () {
      const tape = yield* Tape
      const order = yield* createPayable(yield* freshBuyer)
      yield* Ref.set(tape.isUp, false)
      for (let round = 0; round < 20; round++) assert.strictEqual(yield* relayOnce(), 0)
      yield* Ref.set(tape.isUp, true)
      yield* relayOnce().pipe(Effect.repeat({ while: (taken) => taken > 0 }))
      assert.deepStrictEqual(firstTimes(yield* Ref.get(tape.messages)).get(order.id), [1, 2, 3])
    })
  )

  it.effect("I05 raises one alarm when a message waits for more than two minutes, and ends it when it is sent", () =>
    Effect.gen(function* () {
      const tape = yield* Tape
      const time = yield* TestTime
      const { list } = yield* Alarms
      const stuck = Effect.map(list({ tenantId: null, kind: "OUTBOX_STUCK", cleared: false, limit: 10 }), (kept) =>
        kept.map(({ alarm, seen }) => ({ detail: alarm.detail, seen }))
      )
      yield* watchOutbox()
      assert.deepStrictEqual(yield* stuck, [])
      const order = yield* createPayable(yield* freshBuyer)
      yield* createPayable(yield* freshBuyer)
      yield* Ref.set(tape.answer, () => "returned")
      yield* relayOnce()
      yield* time.passMinutes(1)
      yield* watchOutbox()
      assert.deepStrictEqual(yield* stuck, [])
      yield* time.passMinutes(2)
      yield* watchOutbox()
      yield* watchOutbox()
      const [alarm, ...more] = yield* stuck
      assert.deepStrictEqual(more, [])
      assert.strictEqual(alarm?.seen, 2)
      assert.include(alarm?.detail, "6 messages are not sent after 2 minutes; the oldest is order.created")
      assert.include(alarm?.detail, `of order ${order.id}: nobody is bound to messages of this type`)
      yield* Ref.set(tape.answer, () => "confirmed")
      yield* relayOnce().pipe(Effect.repeat({ while: (taken) => taken > 0 }))
      yield* watchOutbox()
      assert.deepStrictEqual(yield* stuck, [])
    })
  )
})
