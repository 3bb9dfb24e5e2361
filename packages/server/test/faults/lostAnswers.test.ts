/**
 * Calls to the ticket and payment services that go wrong over real sockets, with the orders on PostgreSQL: done but not
 * answered (F25), done twice or not at all (F03), and a hold that comes when its order has been released (F26).
 *
 * What an order leaves behind in the database and in the journals of the services is compared with what the same story
 * leaves behind undisturbed.
 */
import { assert, layer } from "@effect/vitest"
import type { Caller } from "@tickettoken/order-domain/Actor"
import { OrderId } from "@tickettoken/order-domain/Ids"
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { Payments } from "@tickettoken/order-domain/ports/Payments"
import { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { derivedId } from "@tickettoken/order-testing/TestOrders"
import { Context, Effect, HashMap, Layer, Option, Ref } from "effect"
import { SqlClient } from "effect/sql"
import { endStateOf } from "../crash/support/endState.ts"
import {
  type Act,
  asks,
  buys,
  cancels,
  confirms,
  expires,
  findings,
  insists,
  orderOf,
  pays,
  refunds,
  renews,
  sandboxWorld,
  sandboxWorldWith
} from "./support/acts.ts"
import { rounds } from "./support/scale.ts"
import { answered, comeToRest, makeDue, RACE_MILLIS_MAX, someone, suite, sweep } from "./support/world.ts"

/** The calls that an order makes, by the names that the sandbox's faults know. */
const operations = [
  "events.get",
  "tickets.availability",
  "tickets.reserve",
  "tickets.confirm",
  "tickets.release",
  "payments.createIntent",
  "payments.getIntent",
  "payments.cancelIntent",
  "payments.createRefund"
] as const
type Operation = (typeof operations)[number]

const faultsOf = (operation: Operation) =>
  Effect.map(Sandbox, ({ events, payments, tickets }) => {
    const [service] = operation.split(".")
    return service === "events" ? events.faults : service === "tickets" ? tickets.faults : payments.faults
  })

/** What may happen to a call. */
type Harm = Parameters<Effect.Success<ReturnType<typeof faultsOf>>["set"]>[0]["rules"][number]

const harm = (operation: Operation, rule: Harm) =>
  Effect.flatMap(faultsOf(operation), (faults) => faults.set({ rules: [{ ...rule, operation }] }))

/** All is well again; how often the fault has fired. */
const heal = Effect.fnUntraced(function* (operation: Operation, fault: "duplicate" | "failAfter" | "failBefore") {
  const faults = yield* faultsOf(operation)
  const { rules } = yield* faults.report
  yield* faults.clear
  return rules[0]?.hits[fault] ?? 0
})

/** A buyer who has come so far. */
const comeSoFar = Effect.fnUntraced(function* (acts: ReadonlyArray<Act>) {
  const who = yield* someone
  yield* insists(who, buys)
  for (const act of acts) yield* insists(who, act)
  return who
})

/** What his order has come to, everywhere. How often a hold was lengthened is the buyer's own doing. */
const endOf = Effect.fnUntraced(function* (who: Caller) {
  const order = yield* orderOf(who)
  if (order === null) return yield* Effect.die(new Error(`${who.actor.id} has no order`))
  const { kinds, ...end } = yield* endStateOf(order.id)
  return { ...end, kinds: kinds.filter((kind, at) => kind !== "hold.renewed" || kinds.indexOf(kind) === at) }
})

/** Each kind of call: who has come how far when it is made, what makes it, and how his order ends. */
const calls: ReadonlyArray<{
  readonly call: string
  readonly operation: Operation
  readonly before: ReadonlyArray<Act> | null
  readonly act: Act | typeof buys
  readonly ends: string
  /** The next attempt looks first, sees that it is done, and does not call again. */
  readonly isSeen?: true
}> = [
  { call: "a hold", operation: "tickets.reserve", before: null, act: buys, ends: "PENDING" },
  { call: "the renewal of a hold", operation: "tickets.reserve", before: [], act: renews, ends: "RESERVED" },
  { call: "the opening of an intent", operation: "payments.createIntent", before: null, act: buys, ends: "PENDING" },
  {
    call: "the cancelling of an intent",
    operation: "payments.cancelIntent",
    before: [],
    act: cancels,
    ends: "CANCELLED"
  },
  {
    call: "the cancelling of an intent by expiry",
    operation: "payments.cancelIntent",
    before: [],
    act: expires,
    ends: "EXPIRED",
    isSeen: true
  },
  { call: "a look at an intent", operation: "payments.getIntent", before: [pays], act: confirms, ends: "CONFIRMED" },
  { call: "the last look by expiry", operation: "payments.getIntent", before: [], act: expires, ends: "EXPIRED" },
  { call: "an allocation", operation: "tickets.confirm", before: [pays], act: confirms, ends: "CONFIRMED" },
  { call: "a release", operation: "tickets.release", before: [], act: cancels, ends: "CANCELLED" },
  { call: "a refund", operation: "payments.createRefund", before: [pays, confirms], act: refunds, ends: "CONFIRMED" }
]

/** Orders of each kind of call. */
const ORDERS = rounds(4)

/** How often each of them loses its answer. */
const LOSSES = 3

/** Buyers who have come so far, all of whose answers to an operation then get lost; how many were lost. */
const loseAnswers = Effect.fnUntraced(function* ({ act, before, operation }: (typeof calls)[number]) {
  // One after the other: who comes to rest takes the leases of everybody who is still at work.
  const people = yield* Effect.forEach(Array.from({ length: ORDERS }), () =>
    before === null ? someone : comeSoFar(before)
  )
  let lost = 0
  for (let loss = 0; loss < LOSSES; loss++) {
    // The connection is cut, or the answer is an error: neither says what has been done.
    yield* harm(operation, { failAfter: { how: loss % 2 === 0 ? "destroy" : "status" } })
    yield* Effect.forEach(people, (who) => asks(who, act), { concurrency: 4 })
    yield* Effect.andThen(makeDue, sweep)
    lost += yield* heal(operation, "failAfter")
  }
  return { people, lost }
})

layer(sandboxWorld, suite)("F25 a call that is done and not answered", (it) => {
  it.effect.each(calls)(
    "$call has one effect under its key, and the order is right",
    (call) =>
      Effect.gen(function* () {
        const { act, before, ends, isSeen = false } = call
        const reference = before === null ? yield* someone : yield* comeSoFar(before)
        yield* insists(reference, act)
        const expected = yield* endOf(reference)
        assert.deepStrictEqual([expected.status, expected.twice], [ends, []])
        const { lost, people } = yield* loseAnswers(call)
        assert.isAtLeast(lost, isSeen ? ORDERS : ORDERS * LOSSES)
        for (const who of people) {
          yield* insists(who, act)
          assert.deepStrictEqual(yield* endOf(who), expected)
        }
        assert.deepStrictEqual(yield* findings, [])
      }),
    RACE_MILLIS_MAX
  )
})

/** A payment service that is asked under a new key each time. */
const withoutKeys = Layer.effect(
  Payments,
  Effect.gen(function* () {
    const payments = yield* Payments
    const count = yield* Ref.make(0)
    return Payments.of({
      ...payments,
      refund: Effect.fnUntraced(function* (instruction) {
        const n = yield* Ref.updateAndGet(count, (before) => before + 1)
        return yield* payments.refund({ ...instruction, key: `${instruction.key}:${n}` })
      })
    })
  })
)

layer(sandboxWorldWith(withoutKeys), suite)("F25 a call that is done and not answered, its key not kept", (it) => {
  it.effect(
    "twin: the same refund returns money again and again",
    () =>
      Effect.gen(function* () {
        const refund = calls.find(({ operation }) => operation === "payments.createRefund")
        if (refund === undefined) return assert.fail("there is no refund")
        const { people } = yield* loseAnswers(refund)
        for (const who of people) {
          yield* insists(who, refund.act)
          const { kinds } = yield* endOf(who)
          assert.isAbove(kinds.filter((kind) => kind === "refund.created").length, 1)
        }
        assert.isTrue((yield* findings).some((line) => line.startsWith("I12 payments")))
      }),
    RACE_MILLIS_MAX
  )
})

/** The stories of an order. */
const stories: ReadonlyArray<{ readonly story: string; readonly acts: ReadonlyArray<Act>; readonly ends: string }> = [
  { story: "buying, paying and being confirmed", acts: [pays, confirms], ends: "CONFIRMED" },
  { story: "renewing, paying and being confirmed", acts: [renews, pays, confirms], ends: "CONFIRMED" },
  { story: "cancelling before paying", acts: [cancels], ends: "CANCELLED" },
  { story: "cancelling after paying", acts: [pays, confirms, cancels], ends: "REFUNDED" },
  { story: "refunding", acts: [pays, confirms, refunds], ends: "CONFIRMED" },
  { story: "expiring", acts: [expires], ends: "EXPIRED" }
]

/** Runs a story with nothing wrong; which calls it made. */
const callsOf = Effect.fnUntraced(function* (acts: ReadonlyArray<Act>) {
  // A fault that never fires still counts the calls that it is about.
  const rules = operations.map((operation) => ({ operation, failBefore: 0 }))
  for (const operation of operations) yield* Effect.flatMap(faultsOf(operation), (faults) => faults.set({ rules }))
  const who = yield* comeSoFar(acts)
  const called = yield* Effect.filter(operations, (operation) =>
    Effect.map(
      Effect.flatMap(faultsOf(operation), ({ report }) => report),
      ({ rules: counted }) => counted.some(({ calls: count, rule }) => rule.operation === operation && count > 0)
    )
  )
  for (const operation of operations) yield* heal(operation, "failBefore")
  return { who, called }
})

/** What happens to every call of an operation, or to the first ones. */
const disturbances = [
  { what: "arrives twice", fault: "duplicate", rule: { duplicate: 1 } },
  { what: "fails once before its effect", fault: "failBefore", rule: { failBefore: { times: 1 } } },
  { what: "fails twice before its effect", fault: "failBefore", rule: { failBefore: { times: 2 } } }
] as const

/** All work of an order is there to be done once more: what was asked and what was undone alike. */
const doAgain = Effect.fnUntraced(function* (who: Caller) {
  const sql = yield* SqlClient.SqlClient
  const order = yield* orderOf(who)
  const rows = yield* sql.withTransaction(
    Effect.andThen(
      // Nothing that the service does takes back that work is done.
      sql`set local session_replication_role = replica`,
      sql`update order_work set state = 'TODO', next_at = clock_timestamp() where order_id = ${order?.id ?? null}
        returning id`
    )
  )
  yield* comeToRest
  return rows.length
})

/** The calls that were disturbed in one story or another. */
const disturbedCalls = new Set<Operation>()

layer(sandboxWorld, suite)("F03 a call that is repeated, or fails before its effect", (it) => {
  it.effect.each(stories)(
    "leaves $story as it is undisturbed, whichever call it is",
    ({ acts, ends }) =>
      Effect.gen(function* () {
        const { called, who } = yield* callsOf(acts)
        const expected = yield* endOf(who)
        assert.strictEqual(expected.status, ends)
        assert.deepStrictEqual([expected.twice, expected.open], [[], []])
        assert.isAbove(called.length, 4)
        for (const operation of called) {
          for (const { fault, rule, what } of disturbances) {
            yield* harm(operation, rule)
            const disturbed = yield* comeSoFar(acts)
            assert.isAbove(yield* heal(operation, fault), 0, `${operation} ${what}: it has not happened`)
            assert.deepStrictEqual(yield* endOf(disturbed), expected, `${operation} ${what}`)
          }
        }
        for (const operation of called) disturbedCalls.add(operation)
        assert.isAbove(yield* doAgain(who), 0)
        assert.deepStrictEqual(yield* endOf(who), expected, "all work done again")
        assert.deepStrictEqual(yield* findings, [])
      }),
    RACE_MILLIS_MAX
  )

  it("has been every call that there is", () =>
    assert.deepStrictEqual([...disturbedCalls].toSorted(), [...operations].toSorted()))
})

/** A network that keeps holds on their way. */
class SlowNetwork extends Context.Service<
  SlowNetwork,
  {
    /** The next hold is sent, does not arrive yet, and nobody is answered. */
    readonly keepNext: Effect.Effect<void>
    /** What was kept arrives; what the ticket service says to it, in a word. */
    readonly letGo: Effect.Effect<ReadonlyArray<string>>
  }
>()("test/faults/SlowNetwork") {}

/** The order that a late hold is taken for: its own, unless the ticket service has forgotten it. */
const slowNetwork = (orderOfLate: (orderId: OrderId) => OrderId) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const tickets = yield* Tickets
      const isKeeping = yield* Ref.make(false)
      const kept = yield* Ref.make<ReadonlyArray<Effect.Effect<string>>>([])
      const unanswered = new ServiceUnavailable({ service: "tickets", why: "no answer", retryAfterSeconds: 1 })
      return Context.make(
        Tickets,
        Tickets.of({
          ...tickets,
          hold: Effect.fnUntraced(function* (call, ...what) {
            if (!(yield* Ref.getAndSet(isKeeping, false))) return yield* tickets.hold(call, ...what)
            const late = tickets.hold({ ...call, orderId: orderOfLate(call.orderId) }, ...what)
            yield* Ref.update(kept, (before) => [...before, answered(late)])
            return yield* unanswered
          })
        })
      ).pipe(
        Context.add(SlowNetwork, {
          keepNext: Ref.set(isKeeping, true),
          letGo: Effect.flatMap(Ref.getAndSet(kept, []), (holds) => Effect.all(holds))
        })
      )
    })
  )

/** Tickets of the type that everybody here buys, held by anybody. */
const heldCount = Effect.gen(function* () {
  const { tickets } = yield* Sandbox
  const { types } = yield* tickets.journal.state
  return Option.getOrThrow(HashMap.get(types, demo.general.ticketTypeId)).held
})

/** Which hold is late, and how its order ends before it comes. */
const lateHolds: ReadonlyArray<{
  readonly late: string
  readonly before: ReadonlyArray<Act> | null
  readonly kept: Act | typeof buys
  readonly undone: ReadonlyArray<Act>
  readonly ends: string
}> = [
  { late: "the first hold of a cancelled order", before: null, kept: buys, undone: [cancels], ends: "CANCELLED" },
  { late: "the first hold of an expired order", before: null, kept: buys, undone: [expires], ends: "EXPIRED" },
  { late: "the renewal of a cancelled order", before: [], kept: renews, undone: [cancels], ends: "CANCELLED" },
  {
    late: "the renewal of an order that was paid and cancelled",
    before: [],
    kept: renews,
    undone: [pays, confirms, cancels],
    ends: "REFUNDED"
  }
]

/** The order has been released while one of its holds is still on the way; then the hold comes. */
const holdLate = Effect.fnUntraced(function* ({ before, kept, undone }: (typeof lateHolds)[number]) {
  const network = yield* SlowNetwork
  const who = before === null ? yield* someone : yield* comeSoFar(before)
  yield* network.keepNext
  assert.strictEqual(yield* asks(who, kept), "ServiceUnavailable")
  for (const act of undone) yield* insists(who, act)
  const released = yield* endOf(who)
  assert.strictEqual(yield* heldCount, 0)
  return { who, released, answers: yield* network.letGo }
})

layer(sandboxWorldWith(slowNetwork((orderId) => orderId)), suite)("F26 a hold that comes after its release", (it) => {
  it.effect.each(lateHolds)(
    "$late is refused, and nothing is held",
    (given) =>
      Effect.gen(function* () {
        const { answers, released, who } = yield* holdLate(given)
        assert.deepStrictEqual(answers, ["HoldLost"])
        assert.strictEqual(released.status, given.ends)
        assert.include(["Released", "NeverHeld"], released.tickets)
        assert.deepStrictEqual(yield* endOf(who), released)
        assert.strictEqual(yield* heldCount, 0)
        assert.deepStrictEqual(yield* findings, [])
      }),
    RACE_MILLIS_MAX
  )
})

/** An order that the ticket service has never heard of, as it would be to one that keeps no tombstones. */
const forgotten = (orderId: OrderId): OrderId => OrderId.make(derivedId(orderId, 1))

layer(sandboxWorldWith(slowNetwork(forgotten)), suite)("F26 a late hold, and no tombstone", (it) => {
  it.effect(
    "twin: the tickets stay held for nobody",
    () =>
      Effect.gen(function* () {
        const [given] = lateHolds
        if (given === undefined) return assert.fail("no hold is late")
        const { answers } = yield* holdLate(given)
        assert.deepStrictEqual(answers, ["ok"])
        yield* comeToRest
        assert.strictEqual(yield* heldCount, 2)
        assert.isTrue((yield* findings).some((line) => line.startsWith("I08 tickets")))
      }),
    RACE_MILLIS_MAX
  )
})
