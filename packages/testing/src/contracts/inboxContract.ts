/**
 * What every `Inbox` must do: a message is one row, belongs to one holder at a time, and ends with its one effect.
 */
import { assert, layer } from "@effect/vitest"
import { DateTime, Duration, Effect, type Layer } from "effect"
import type { ReceivedMessage } from "@tickettoken/order-domain/InboundMessage"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { freshBuyer, randomUuid } from "../TestOrders.ts"
import { assertSameOrder, countOf, create, deciding, reload, send, tagOf } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

/** Longer than any lease. */
const LEASE_MINUTES = 1

/** A message that no other test knows. */
const fresh = Effect.fnUntraced(function* (changes: Partial<ReceivedMessage> = {}) {
  const { tenantId } = yield* freshBuyer
  const body = `{"a": "ü",\n"b":  1}`
  const message: ReceivedMessage = {
    tenantId,
    source: "payment-service",
    messageId: yield* randomUuid,
    type: "payment.succeeded",
    body,
    bytes: body.length + 1,
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ...changes
  }
  return message
})

/** Receives a message that must be new. */
const receiveNew = Effect.fnUntraced(function* (message: ReceivedMessage) {
  const { receive } = yield* Inbox
  return (yield* receive(message)) ?? (yield* Effect.die(new Error("the message is known")))
})

/** Everything that is open is ended: the inbox holds only what a test adds. */
const clear = Effect.gen(function* () {
  const { claimDue, end } = yield* Inbox
  const time = yield* TestTime
  yield* time.passMinutes(LEASE_MINUTES)
  for (let due = yield* claimDue(100); due.length > 0; due = yield* claimDue(100)) {
    yield* Effect.forEach(due, ({ lease }) => end(lease, { _tag: "Unchanged" }))
  }
})

const later = { delay: Duration.minutes(10), why: "the order is unknown", isTry: true }

export const inboxContract = <E>(
  name: string,
  inbox: Layer.Layer<OrderStore | Inbox | TestTime, E>,
  options: ContractOptions = {}
): void =>
  layer(inbox, suiteOptions(options))(`Inbox: ${name}`, (it) => {
    it.effect("F21 gives a message to the first who receives it, and to nobody again, however it stands", () =>
      Effect.gen(function* () {
        const { end, receive } = yield* Inbox
        const message = yield* fresh()
        const claimed = yield* receiveNew(message)
        assert.deepStrictEqual(claimed.message, message)
        assert.strictEqual(claimed.attempts, 1)
        assert.isNull(yield* receive(message))
        yield* end(claimed.lease, { _tag: "Unchanged" })
        assert.isNull(yield* receive(message))
      })
    )

    it.effect("F21 gives a message that arrives ten times at once to one receiver", () =>
      Effect.gen(function* () {
        const { receive } = yield* Inbox
        const message = yield* fresh()
        const received = yield* Effect.all(
          Array.from({ length: 10 }, () => receive(message)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(received.filter((claimed) => claimed !== null).length, 1)
      })
    )

    it.effect("knows a message by tenant, source and id together", () =>
      Effect.gen(function* () {
        const message = yield* fresh()
        yield* receiveNew(message)
        yield* receiveNew({ ...message, source: "ticket-service" })
        yield* receiveNew({ ...message, messageId: `${message.messageId}0` })
        yield* receiveNew({ ...message, tenantId: (yield* freshBuyer).tenantId })
      })
    )

    it.effect("leaves a message to its holder, and hands it on when the lease has run out", () =>
      Effect.gen(function* () {
        yield* clear
        const { claimDue, end, retry } = yield* Inbox
        const time = yield* TestTime
        const message = yield* fresh()
        const first = yield* receiveNew(message)
        assert.deepStrictEqual(yield* claimDue(10), [])
        yield* time.passMinutes(LEASE_MINUTES)
        const [second, ...more] = yield* claimDue(10)
        assert.deepStrictEqual(more, [])
        assert.deepStrictEqual(second?.message, message)
        assert.strictEqual(second?.attempts, 2)
        const late = [
          yield* Effect.exit(end(first.lease, { _tag: "Unchanged" })),
          yield* Effect.exit(end(first.lease, { _tag: "Dead", why: "late" })),
          yield* Effect.exit(retry(first.lease, later))
        ]
        assert.deepStrictEqual(late.map(tagOf), ["LeaseLost", "LeaseLost", "LeaseLost"])
        if (second !== undefined) yield* end(second.lease, { _tag: "Unchanged" })
      })
    )

    it.effect("ends a message with the change of its order, once", () =>
      Effect.gen(function* () {
        yield* clear
        const { claimDue } = yield* Inbox
        const time = yield* TestTime
        const { order } = yield* create(yield* freshBuyer)
        const { lease } = yield* receiveNew(yield* fresh({ tenantId: order.tenantId }))
        const held = yield* send(order, OrderCommand.HoldGranted(), { handles: lease })
        assert.strictEqual(held.order.version, 2)
        yield* time.passMinutes(LEASE_MINUTES)
        assert.deepStrictEqual(yield* claimDue(10), [])
      })
    )

    it.effect(
      "leaves a message open when its change is refused, and the order as it was when the message is late",
      () =>
        Effect.gen(function* () {
          yield* clear
          const { end } = yield* Inbox
          const store = yield* OrderStore
          const { order } = yield* create(yield* freshBuyer)
          const { lease } = yield* receiveNew(yield* fresh({ tenantId: order.tenantId }))
          const decision = yield* deciding(order, OrderCommand.HoldGranted())
          const stale = { ...decision, before: { ...order, version: 7 } }
          assert.strictEqual(
            (yield* Effect.flip(store.commit({ decision: stale, handles: lease })))._tag,
            "VersionConflict"
          )
          const late = { ...lease, token: lease.token + 1 }
          assert.strictEqual((yield* Effect.flip(store.commit({ decision, handles: late })))._tag, "LeaseLost")
          assertSameOrder(yield* reload(order), order)
          yield* end(lease, { _tag: "Unchanged" })
          assert.strictEqual((yield* Effect.flip(store.commit({ decision, handles: lease })))._tag, "LeaseLost")
          assertSameOrder(yield* reload(order), order)
        })
    )

    it.effect("F21 lets one of many holders of one lease have the effect", () =>
      Effect.gen(function* () {
        const { order } = yield* create(yield* freshBuyer)
        const { lease } = yield* receiveNew(yield* fresh({ tenantId: order.tenantId }))
        const tags = (yield* Effect.all(
          Array.from({ length: 6 }, () => Effect.exit(send(order, OrderCommand.HoldGranted(), { handles: lease }))),
          { concurrency: "unbounded" }
        )).map(tagOf)
        assert.strictEqual(countOf(tags, "ok"), 1)
        assert.strictEqual(countOf(tags, "LeaseLost") + countOf(tags, "VersionConflict"), 5)
      })
    )

    it.effect("gives a message back for later; what was no try does not count as one", () =>
      Effect.gen(function* () {
        yield* clear
        const { claimDue, retry } = yield* Inbox
        const time = yield* TestTime
        const { lease } = yield* receiveNew(yield* fresh())
        yield* retry(lease, { ...later, isTry: false })
        assert.deepStrictEqual(yield* claimDue(10), [])
        assert.strictEqual(tagOf(yield* Effect.exit(retry(lease, later))), "LeaseLost")
        const attempts: Array<number | undefined> = []
        for (let round = 0; round < 2; round++) {
          yield* time.passMinutes(11)
          const [claimed] = yield* claimDue(10)
          attempts.push(claimed?.attempts)
          if (claimed !== undefined) yield* retry(claimed.lease, later)
        }
        assert.deepStrictEqual(attempts, [1, 2])
      })
    )

    it.effect("claims what has waited longest first, and no more than asked for", () =>
      Effect.gen(function* () {
        yield* clear
        const { claimDue, retry } = yield* Inbox
        const time = yield* TestTime
        const ids: Array<string> = []
        for (let n = 0; n < 4; n++) {
          const { lease } = yield* receiveNew(yield* fresh())
          yield* retry(lease, { ...later, delay: Duration.zero })
          ids.push(lease.messageId)
          yield* time.passMinutes(1)
        }
        const claims: Array<string> = []
        for (const limit of [1, 2, 5]) claims.push(...(yield* claimDue(limit)).map(({ message }) => message.messageId))
        assert.deepStrictEqual(claims, ids)
      })
    )

    it.effect(
      "F23 sets a message aside where it is listed, keeps nobody behind it, and handles it anew when asked",
      () =>
        Effect.gen(function* () {
          yield* clear
          const { claimDue, dead, end, receive, revive } = yield* Inbox
          const time = yield* TestTime
          const message = yield* fresh()
          const { tenantId } = message
          const second = yield* fresh({ tenantId })
          const query = { tenantId, messageId: null, since: null, limit: 10 }
          for (const one of [message, second]) {
            const { lease } = yield* receiveNew(one)
            yield* end(lease, { _tag: "Dead", why: "no such type" })
            yield* time.passMinutes(1)
          }
          const listed = yield* dead(query)
          assert.deepStrictEqual(
            listed.map(({ attempts, message: one, why }) => ({ attempts, message: one, why })),
            [message, second].map((one) => ({ attempts: 1, message: one, why: "no such type" }))
          )
          assert.deepStrictEqual(yield* dead({ ...query, tenantId: (yield* freshBuyer).tenantId }), [])
          assert.strictEqual((yield* dead({ ...query, limit: 1 })).length, 1)
          assert.isNull(yield* receive(message))
          assert.deepStrictEqual(yield* claimDue(10), [])
          const since = listed[1]?.receivedAt ?? DateTime.makeUnsafe(0)
          assert.strictEqual((yield* dead({ ...query, since })).length, 1)
          const { messageId, source } = message
          assert.deepStrictEqual(yield* revive({ ...query, messageId }), [{ tenantId, source, messageId }])
          assert.deepStrictEqual(yield* revive({ ...query, messageId }), [])
          const [claimed] = yield* claimDue(10)
          assert.deepStrictEqual(claimed?.message, message)
          assert.strictEqual(claimed?.attempts, 1)
          assert.strictEqual((yield* dead(query)).length, 1)
        })
    )
  })
