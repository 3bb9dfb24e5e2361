/**
 * What `IdempotencyKeys` and the claims of `OrderStore` must do: one effect per key, one answer per key (rule 6).
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import type { Actor } from "@tickettoken/order-domain/Actor"
import type { IdempotencyClaim, StoredAnswer } from "@tickettoken/order-domain/Idempotency"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import { IdempotencyKeys } from "@tickettoken/order-domain/ports/IdempotencyKeys"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { type Buyer, buyerActor, freshBuyer, jobActor, nthRefundId } from "../TestOrders.ts"
import { askRefund, cancelAs, ticketsOf } from "../TestOrdersNews.ts"
import {
  assertSameOrder,
  type CommitExtras,
  countOf,
  create,
  createConfirmed,
  createPayable,
  deciding,
  reload,
  send,
  tagOf
} from "./storeFixture.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

/** Just inside and just past the replay window of 30 minutes. */
const [INSIDE_MINUTES, PAST_MINUTES] = [28, 4]

/** The claim of a buyer's request: the principal is the buyer's own id. */
const claimOf = (buyer: Buyer, key: string, more: Partial<IdempotencyClaim> = {}): IdempotencyClaim => ({
  tenantId: buyer.tenantId,
  principal: buyer.userId,
  operation: "create",
  key,
  fingerprint: "f1",
  ...more
})

const answer = (body: string): StoredAnswer => ({ status: 201, body })

/** Somebody, the buyer of the order by default, asks for a refund of one ticket: the nth that the order has. */
const refundOne = Effect.fnUntraced(function* (
  order: Order,
  n: number,
  key: string | null,
  extras: CommitExtras,
  by: Actor = buyerActor(order.userId)
) {
  const store = yield* OrderStore
  const refundId = nthRefundId(order.id, n)
  const asking = askRefund(order, { refundId, request: ticketsOf(order, 0, 1), idempotencyKey: key })
  const decision = yield* deciding(order, asking, by)
  return yield* store.commit({ decision, ...extras })
})

export const idempotencyKeysContract = <E>(
  name: string,
  keys: Layer.Layer<OrderStore | IdempotencyKeys | EventClosures | TestTime, E>,
  options: ContractOptions = {}
): void =>
  layer(keys, suiteOptions(options))(`IdempotencyKeys: ${name}`, (it) => {
    it.effect("6 a key that nobody has used is fresh", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        assert.deepStrictEqual(yield* rows.lookup(claimOf(yield* freshBuyer, "k")), { _tag: "Fresh" })
      })
    )

    it.effect("6 a create claims its key, and the answer is replayed as it was stored", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const buyer = yield* freshBuyer
        const claim = claimOf(buyer, " ~k! ")
        const { order } = yield* create(buyer, { idempotencyKey: claim.key }, { claim })
        assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Running", orderId: order.id })
        const body = '{"id":1,\n "naïve":"\\u0000 \u2028"}'
        assert.deepStrictEqual(yield* rows.finish(claim, answer(body)), answer(body))
        assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Replay", answer: answer(body) })
      })
    )

    it.effect("6 the first final answer stays, whoever finishes later", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const claim = claimOf(yield* freshBuyer, "k")
        const given = yield* Effect.all(
          Array.from({ length: 6 }, (_, n) => rows.finish(claim, answer(`answer ${n}`))),
          { concurrency: "unbounded" }
        )
        const last = yield* rows.finish(claim, answer("too late"))
        assert.deepStrictEqual(
          given,
          given.map(() => last)
        )
        assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Replay", answer: last })
      })
    )

    it.effect("6 the same key with another request is a mismatch, running or answered", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const buyer = yield* freshBuyer
        const claim = claimOf(buyer, "k")
        yield* create(buyer, {}, { claim })
        const other = { ...claim, fingerprint: "f2" }
        assert.deepStrictEqual(yield* rows.lookup(other), { _tag: "Mismatch" })
        yield* rows.finish(claim, answer("done"))
        assert.deepStrictEqual(yield* rows.lookup(other), { _tag: "Mismatch" })
      })
    )

    it.effect("6 a key is the tenant's, the principal's and the operation's own", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const buyer = yield* freshBuyer
        const other = yield* freshBuyer
        const claim = claimOf(buyer, "k")
        yield* create(buyer, {}, { claim })
        yield* rows.finish(claim, answer("done"))
        const scopes = [
          { ...claim, tenantId: other.tenantId },
          { ...claim, principal: other.userId },
          { ...claim, operation: "cancel" as const },
          { ...claim, key: "K" },
          { ...claim, key: "k " }
        ]
        const verdicts = yield* Effect.forEach(scopes, (scope) => rows.lookup(scope))
        assert.deepStrictEqual(
          verdicts.map(({ _tag }) => _tag),
          scopes.map(() => "Fresh")
        )
      })
    )

    it.effect("6 50 parallel creates under one key make one order", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const buyer = yield* freshBuyer
        const claim = claimOf(buyer, "k")
        const exits = yield* Effect.all(
          Array.from({ length: 50 }, () => Effect.exit(create(buyer, { idempotencyKey: "k" }, { claim }))),
          { concurrency: "unbounded" }
        )
        const tags = exits.map(tagOf)
        assert.strictEqual(countOf(tags, "ok"), 1)
        // The losers are told to look the key up again, or which order it has made.
        assert.strictEqual(countOf(tags, "IdempotencyConflict") + countOf(tags, "IdempotencyKeyUsed"), 49)
        const verdict = yield* rows.lookup(claim)
        assert.strictEqual(verdict._tag, "Running")
      })
    )

    it.effect("6 a refused create leaves its key free", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const closures = yield* EventClosures
        const buyer = yield* freshBuyer
        const claim = claimOf(buyer, "k")
        yield* closures.close(buyer.tenantId, buyer.eventId, { reason: "rain", actor: jobActor })
        const refused = yield* Effect.flip(create(buyer, { idempotencyKey: "k" }, { claim }))
        assert.strictEqual(refused._tag, "EventCancelled")
        assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Fresh" })
      })
    )

    it.effect("6 a change and its final answer are one: both there, or neither", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const store = yield* OrderStore
        const buyer = yield* freshBuyer
        const payable = yield* createPayable(buyer)
        const claim = claimOf(buyer, "k", { operation: "cancel" })
        const decision = yield* deciding(payable, cancelAs(payable, "buyer"))
        const stale = { ...decision, before: { ...payable, version: payable.version - 1 } }
        const late = yield* Effect.flip(store.commit({ decision: stale, claim, answer: answer("cancelled") }))
        assert.strictEqual(late._tag, "VersionConflict")
        assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Fresh" })
        yield* store.commit({ decision, claim, answer: answer("cancelled") })
        assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Replay", answer: answer("cancelled") })
      })
    )

    it.effect("6 a change under a key that is taken conflicts, and changes nothing", () =>
      Effect.gen(function* () {
        const store = yield* OrderStore
        const buyer = yield* freshBuyer
        const [one, other] = [yield* createPayable(buyer), yield* createPayable(buyer)]
        const claim = claimOf(buyer, "k", { operation: "reserve" })
        const reserve = OrderCommand.Reserve()
        yield* store.commit({ decision: yield* deciding(one, reserve), claim, answer: answer("one") })
        const conflict = yield* Effect.flip(
          store.commit({ decision: yield* deciding(other, reserve), claim, answer: answer("other") })
        )
        assert.strictEqual(conflict._tag, "IdempotencyConflict")
        assertSameOrder(yield* reload(other), other)
      })
    )

    it.effect("6 an answer is replayed for 30 minutes", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const claim = claimOf(buyer, "k", { operation: "reserve" })
        yield* rows.finish(claim, answer("refused"))
        yield* time.passMinutes(INSIDE_MINUTES)
        assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Replay", answer: answer("refused") })
        yield* time.passMinutes(PAST_MINUTES)
        assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Fresh" })
        assert.deepStrictEqual(yield* rows.finish(claim, answer("again")), answer("again"))
      })
    )

    it.effect("6 after the window a create's key still names its order, and never makes a second one", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const claim = claimOf(buyer, "k")
        const { order } = yield* create(buyer, { idempotencyKey: "k" }, { claim })
        yield* rows.finish(claim, answer("made"))
        yield* time.passMinutes(INSIDE_MINUTES + PAST_MINUTES)
        const used = yield* Effect.flip(rows.lookup(claim))
        assert.strictEqual(used._tag === "IdempotencyKeyUsed" ? used.orderId : used._tag, order.id)
        const second = yield* Effect.flip(create(buyer, { idempotencyKey: "k" }, { claim }))
        assert.strictEqual(second._tag === "IdempotencyKeyUsed" ? second.orderId : second._tag, order.id)
        // Another user's key, another tenant's key and another operation's key are other keys.
        const other = yield* freshBuyer
        yield* create({ ...buyer, userId: other.userId }, { idempotencyKey: "k" })
        yield* create({ ...buyer, tenantId: other.tenantId }, { idempotencyKey: "k" })
        assert.deepStrictEqual(yield* rows.lookup({ ...claim, operation: "refund" }), { _tag: "Fresh" })
      })
    )

    it.effect("6 after the window a refund's key still names its order, and never makes a second one", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const time = yield* TestTime
        const buyer = yield* freshBuyer
        const claim = claimOf(buyer, "k", { operation: "refund" })
        const one = yield* createConfirmed(buyer)
        const other = yield* createConfirmed(buyer)
        yield* refundOne(one, 2, "k", { claim, answer: answer("refund") })
        yield* time.passMinutes(INSIDE_MINUTES + PAST_MINUTES)
        const used = yield* Effect.flip(rows.lookup(claim))
        assert.strictEqual(used._tag === "IdempotencyKeyUsed" ? used.orderId : used._tag, one.id)
        for (const order of [yield* reload(one), yield* reload(other)]) {
          const second = yield* Effect.flip(refundOne(order, 3, "k", { claim, answer: answer("second") }))
          assert.strictEqual(second._tag === "IdempotencyKeyUsed" ? second.orderId : second._tag, one.id)
        }
        const stays = yield* reload(other)
        assert.deepStrictEqual(stays.refunds, [])
        yield* refundOne(stays, 3, null, {})
      })
    )

    it.effect("6 a refund's key is the one's who asked, whoever bought the order", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const admin: Actor = {
          kind: "admin",
          id: nthRefundId((yield* createConfirmed(yield* freshBuyer)).id, 9),
          ip: null
        }
        const buyer = yield* freshBuyer
        const first = yield* createConfirmed(buyer)
        yield* refundOne(first, 2, "k", {})
        // The same characters are another key of another one, on the same buyer's orders and on those of others.
        const second = yield* createConfirmed(buyer)
        const asked = yield* refundOne(second, 3, "k", {}, admin)
        assert.strictEqual(asked.order.refunds.length, 1)
        const foreign = yield* createConfirmed({ ...(yield* freshBuyer), tenantId: buyer.tenantId })
        const again = yield* Effect.flip(refundOne(foreign, 4, "k", {}, admin))
        assert.strictEqual(again._tag === "IdempotencyKeyUsed" ? again.orderId : again._tag, second.id)
        const claim = claimOf(buyer, "k", { operation: "refund", principal: admin.id })
        const used = yield* Effect.flip(rows.lookup(claim))
        assert.strictEqual(used._tag === "IdempotencyKeyUsed" ? used.orderId : used._tag, second.id)
      })
    )

    it.effect("6 an order that never came to hold anything gives its key back at once", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const buyer = yield* freshBuyer
        const claim = claimOf(buyer, "k")
        const ends = [
          OrderCommand.HoldRefused({ ticketTypeId: null }),
          OrderCommand.SetupAbandoned({ cause: "CREATE_FAILED", why: "refused" }),
          OrderCommand.SetupAbandoned({ cause: "CREATE_TIMEOUT", why: "too slow" })
        ]
        for (const end of ends) {
          const made = yield* create(buyer, { idempotencyKey: "k" }, { claim })
          yield* send(made.order, end)
          assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Fresh" })
        }
        const { order } = yield* create(buyer, { idempotencyKey: "k" }, { claim })
        assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Running", orderId: order.id })
      })
    )

    it.effect("6 an order that its buyer cancels keeps its key", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const buyer = yield* freshBuyer
        const claim = claimOf(buyer, "k")
        const { order } = yield* create(buyer, { idempotencyKey: "k" }, { claim })
        yield* send(order, cancelAs(order, "buyer"))
        assert.deepStrictEqual(yield* rows.lookup(claim), { _tag: "Running", orderId: order.id })
      })
    )

    it.effect("6 a refusal that changed nothing has a row of its own", () =>
      Effect.gen(function* () {
        const rows = yield* IdempotencyKeys
        const buyer = yield* freshBuyer
        const claim = claimOf(buyer, "k")
        yield* rows.finish(claim, { status: 422, body: "no such pricing" })
        assert.deepStrictEqual(yield* rows.lookup(claim), {
          _tag: "Replay",
          answer: { status: 422, body: "no such pricing" }
        })
        const late = yield* Effect.flip(create(buyer, { idempotencyKey: "k" }, { claim }))
        assert.strictEqual(late._tag, "IdempotencyConflict")
      })
    )
  })
