/**
 * Limits under a crowd, through the whole creation of an order and from two nodes: the user's, which the database holds,
 * and the last seat, which the ticket service holds. Each has a twin whose guard is off.
 */
import { assert, layer } from "@effect/vitest"
import type { Caller } from "@tickettoken/order-domain/Actor"
import { isActive } from "@tickettoken/order-domain/Order"
import { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import * as OrderStoreSql from "@tickettoken/order-server/sql/OrderStoreSql"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { rounds } from "./support/scale.ts"
import { userLock, withoutGuard } from "./support/withoutGuard.ts"
import {
  allOrders,
  answered,
  atOnce,
  breaks,
  buy,
  comeToRest,
  type Node,
  RACE_MILLIS_MAX,
  secondNode,
  type Show,
  showOf,
  shows,
  someone,
  suite,
  worldWith
} from "./support/world.ts"

const AT_ONCE = 40

const countOf = (answers: ReadonlyArray<string>, answer: string): number =>
  answers.filter((known) => known === answer).length

/** 40 creations of one user at once: for one show, or for 40. */
const createAtOnce = Effect.fnUntraced(function* (user: Caller, show: (n: number) => Show, there: Node) {
  const answers = yield* atOnce(
    Array.from({ length: AT_ONCE }, (_, n) => answered(buy(user, show(n)))),
    there
  )
  assert.deepStrictEqual(
    [...new Set(answers)].filter((answer) => answer !== "ok" && answer !== "OrderLimitExceeded").join(),
    ""
  )
  return countOf(answers, "ok")
})

const manyShows = { catalogue: shows(AT_ONCE, 100) }

layer(worldWith(manyShows), suite)("F37 creations of one user at once", (it) => {
  it.effect("2.2 40 for one event give exactly 5, 40 for many give exactly 20, and the counters are the recount", () =>
    Effect.gen(function* () {
      const there = yield* secondNode()
      assert.strictEqual(yield* createAtOnce(yield* someone, () => showOf(0), there), 5)
      const user = yield* someone
      assert.strictEqual(yield* createAtOnce(user, showOf, there), 20)
      // Those 20 count, whoever asks and where.
      assert.strictEqual(yield* createAtOnce(user, (n) => showOf(AT_ONCE - 1 - n), there), 0)
      yield* comeToRest
      assert.strictEqual((yield* breaks).join("; "), "")
    }).pipe(Effect.scoped)
  )
})

layer(worldWith(manyShows), suite)("F37 creations of one user at once, the user's lock off", (it) => {
  it.effect("twin: a user makes more than 20 in a day", () =>
    Effect.gen(function* () {
      yield* withoutGuard([userLock])
      assert.isAbove(yield* createAtOnce(yield* someone, showOf, yield* secondNode()), 20)
    }).pipe(Effect.scoped)
  )
})

/** The database's units as REPEATABLE READ, in which what is read after a lock is older than the lock. */
const repeatableRead = OrderStoreSql.layer().pipe(
  Layer.provide(
    Layer.effect(
      SqlClient.SqlClient,
      Effect.map(
        SqlClient.SqlClient,
        (sql) =>
          new Proxy(sql, {
            get: (target, name, receiver): unknown =>
              name === "withTransaction"
                ? <R, E, A>(effect: Effect.Effect<A, E, R>) =>
                    target
                      .withTransaction(effect)
                      .pipe(Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL REPEATABLE READ"))
                : Reflect.get(target, name, receiver)
          })
      )
    )
  )
)

layer(worldWith({ ...manyShows, store: repeatableRead }), suite)("F37 creations at once, in REPEATABLE READ", (it) => {
  it.effect("twin: the same locks, and a user makes more than 20 in a day", () =>
    Effect.gen(function* () {
      const user = yield* someone
      // The user's row is there before anybody's snapshot.
      yield* buy(user, showOf(0))
      const there = yield* secondNode({ store: repeatableRead })
      assert.isAbove(1 + (yield* createAtOnce(user, showOf, there)), 20)
    }).pipe(Effect.scoped)
  )
})

const ROUNDS = rounds(30)

/** Every tenth round is as large as a sale that has just begun. */
const buyersOf = (round: number): number => (round % 10 === 0 ? 200 : 20)

/** So many buyers of the one seat of a show at once; what each was answered. */
const lastSeat = Effect.fnUntraced(function* (show: Show, there: Node, buyers: number) {
  const callers = yield* Effect.all(Array.from({ length: buyers }, () => someone))
  return yield* atOnce(
    callers.map((caller) => answered(buy(caller, show))),
    there
  )
})

layer(worldWith({ catalogue: shows(ROUNDS, 1) }), suite)("F38 the last seat", (it) => {
  it.effect(
    `3.1 up to 200 buyers on two nodes, ${ROUNDS} rounds: exactly one has it each time`,
    () =>
      Effect.gen(function* () {
        const there = yield* secondNode()
        for (let round = 0; round < ROUNDS; round++) {
          const answers = yield* lastSeat(showOf(round), there, buyersOf(round))
          assert.strictEqual(countOf(answers, "ok"), 1)
          assert.deepStrictEqual([...new Set(answers)].toSorted(), ["TicketsSoldOut", "ok"])
        }
        yield* comeToRest
        assert.lengthOf((yield* allOrders).filter(isActive), ROUNDS)
        assert.strictEqual((yield* breaks).join("; "), "")
      }).pipe(Effect.scoped),
    RACE_MILLIS_MAX
  )
})

/** A ticket service whose replicas do not agree: who has seen a free seat gets it. */
const believing = Layer.effect(
  Tickets,
  Effect.map(Tickets, (tickets) =>
    Tickets.of({
      ...tickets,
      hold: (...asked) => Effect.catchTag(tickets.hold(...asked), "TicketsSoldOut", () => Effect.void)
    })
  )
)

layer(worldWith({ catalogue: shows(1, 1), tickets: believing }), suite)(
  "F38 the last seat, the first look believed",
  (it) => {
    it.effect("twin: it is sold more than once", () =>
      Effect.gen(function* () {
        const answers = yield* lastSeat(showOf(0), yield* secondNode(), 20)
        assert.isAbove(countOf(answers, "ok"), 1)
        yield* comeToRest
        assert.include((yield* breaks).join("; "), "I08")
      }).pipe(Effect.scoped)
    )
  }
)
