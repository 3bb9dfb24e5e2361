/** Limits whose shared store answers, hangs, fails, comes back empty: what a replica does alone. */
import { assert, describe, it } from "@effect/vitest"
import type { Caller } from "@tickettoken/order-domain/Actor"
import { TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { monotonicMillis } from "@tickettoken/order-server/monotonicMillis"
import { halfOf, RateLimits } from "@tickettoken/order-server/limits/RateLimits"
import type { SharedStore } from "@tickettoken/order-server/limits/SharedStore"
import { ANSWER_MILLIS_MAX, StoreAway } from "@tickettoken/order-server/redis/Presence"
import * as WindowLog from "@tickettoken/order-server/limits/WindowLog"
import { Context, Effect, Fiber, Layer, Logger, Metric } from "effect"
import { TestClock } from "effect/testing"

const limits = { create: 10, reserve: 5, cancel: 5, refund: 3 }

const buyer: Caller = {
  tenantId: TenantId.make("11111111-1111-4111-8111-111111111111"),
  actor: { kind: "user", id: UserId.make("55555555-5555-4555-8555-555555555551"), ip: null },
  vip: false
}

type Mood = "well" | "failing" | "hanging"

/** A store that several replicas share, in whatever mood a test gives it. */
const scriptedStore = () => {
  let log = WindowLog.make(1000)
  const state: { mood: Mood; asked: number } = { mood: "well", asked: 0 }
  const store: SharedStore = {
    take: (key, limit) =>
      Effect.suspend(() => {
        state.asked += 1
        if (state.mood === "failing") return Effect.fail(new StoreAway({ why: "it is scripted" }))
        if (state.mood === "hanging") return Effect.never
        return Effect.map(monotonicMillis, (now) => log.take(key, limit, now))
      })
  }
  const forget = () => {
    log = WindowLog.make(1000)
  }
  return { state, store, forget }
}

/** The lines that a program logs, without debugging. */
const withLines = <A, E, R>(use: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    lines.push(`${logLevel} ${String(message)}`)
  })
  return Effect.provide(use(lines), Logger.layer([logger]))
}

const replicaOver = (store?: SharedStore) =>
  Effect.map(Layer.build(RateLimits.layer(limits, store)), (context) => Context.get(context, RateLimits))

type Replica = RateLimits["Service"]

const allowedOf = Effect.fnUntraced(function* (replica: Replica, times: number) {
  const verdicts = yield* Effect.forEach(Array.from({ length: times }), () => replica.take("create", buyer))
  return verdicts.filter(({ allowed }) => allowed).length
})

const awayGauge = Effect.map(Metric.snapshot, (all) => {
  const gauge = all.find(
    ({ attributes, id }) => id === "order_service_redis_away" && attributes?.["use"] === "rate_limits"
  )
  return gauge?.type === "Gauge" ? gauge.state.value : undefined
})

describe("limits of one replica", () => {
  it.effect("7.4 are the whole limit where there is no shared store", () =>
    Effect.gen(function* () {
      const replica = yield* replicaOver()
      assert.strictEqual(yield* allowedOf(replica, 20), 10)
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual(yield* allowedOf(replica, 20), 10)
    })
  )

  it.effect("7.4 ask the store only for what they have left themselves", () =>
    Effect.gen(function* () {
      const { state, store } = scriptedStore()
      const replica = yield* replicaOver(store)
      assert.strictEqual(yield* allowedOf(replica, 100), 10)
      assert.strictEqual(state.asked, 10)
    })
  )

  it.effect("7.4 two replicas have one limit together", () =>
    Effect.gen(function* () {
      const { store } = scriptedStore()
      const one = yield* replicaOver(store)
      const other = yield* replicaOver(store)
      assert.strictEqual(yield* allowedOf(one, 7), 7)
      assert.strictEqual(yield* allowedOf(other, 7), 3)
      assert.strictEqual(yield* allowedOf(one, 7), 0)
      // What the store refused was not counted here: with the window it all comes back.
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual(yield* allowedOf(other, 20), 10)
    })
  )
})

describe("the twin without a shared store", () => {
  it.effect("7.4 lets each replica through with the whole limit", () =>
    Effect.gen(function* () {
      const replicas = [yield* replicaOver(), yield* replicaOver()]
      assert.deepStrictEqual(yield* Effect.forEach(replicas, (replica) => allowedOf(replica, 20)), [10, 10])
    })
  )
})

describe("limits whose store is away", () => {
  it.effect("A28 are half of it in each replica, without an error", () =>
    Effect.gen(function* () {
      const { state, store } = scriptedStore()
      state.mood = "failing"
      const replicas = [yield* replicaOver(store), yield* replicaOver(store)]
      assert.deepStrictEqual(yield* Effect.forEach(replicas, (replica) => allowedOf(replica, 20)), [5, 5])
      assert.deepStrictEqual([10, 5, 3, 2, 1].map(halfOf), [5, 2, 1, 1, 1])
      const [first] = replicas
      const refused = yield* first === undefined ? Effect.die("none") : first.take("create", buyer)
      assert.deepInclude(refused, { allowed: false, limit: 5, remaining: 0 })
      assert.isAbove(refused.waitMillis, 0)
    })
  )

  it.effect("F14 add at most 50 ms, and nothing to those that come when it is known", () =>
    Effect.gen(function* () {
      const { state, store } = scriptedStore()
      state.mood = "hanging"
      const replica = yield* replicaOver(store)
      assert.isAtMost(ANSWER_MILLIS_MAX, 50)
      const waits: Array<boolean> = []
      for (let request = 0; request < 5; request++) {
        const taken = yield* Effect.forkChild(replica.take("create", buyer))
        yield* Effect.yieldNow
        const waited = taken.pollUnsafe() === undefined
        if (waited) yield* TestClock.adjust(ANSWER_MILLIS_MAX)
        assert.isTrue((yield* Fiber.join(taken)).allowed)
        waits.push(waited)
      }
      assert.deepStrictEqual(waits, [true, true, true, false, false])
      assert.strictEqual(state.asked, 3)
    })
  )

  it.effect("F14 say so once, raise the gauge, ask once a second, and say so when it is back", () =>
    withLines((lines) =>
      Effect.gen(function* () {
        const { state, store } = scriptedStore()
        const replica = yield* replicaOver(store)
        state.mood = "failing"
        yield* allowedOf(replica, 2)
        assert.deepStrictEqual(lines, [])
        yield* allowedOf(replica, 20)
        assert.strictEqual(yield* awayGauge, 1)
        assert.strictEqual(state.asked, 3)
        for (let second = 0; second < 5; second++) {
          yield* TestClock.adjust("1 second")
          yield* allowedOf(replica, 10)
        }
        // The buyer has used up half the limit: nobody is asked on behalf of a request that is refused anyway.
        yield* TestClock.adjust("61 seconds")
        const before = state.asked
        yield* allowedOf(replica, 3)
        assert.strictEqual(state.asked, before + 1)
        state.mood = "well"
        yield* TestClock.adjust("1 second")
        assert.isTrue((yield* replica.take("create", buyer)).allowed)
        assert.strictEqual(yield* awayGauge, 0)
        assert.deepStrictEqual(
          lines.map((line) => line.split(":")[0]),
          [
            "Warn Redis does not count the rate limits, every replica does so at half the rate",
            "Info Redis counts the rate limits again"
          ]
        )
      })
    )
  )

  it.effect("F13 one window holds at most twice the limit when it comes back empty, with two replicas", () =>
    Effect.gen(function* () {
      const { forget, state, store } = scriptedStore()
      for (const before of [0, 1, 5, 9, 10]) {
        const one = yield* replicaOver(store)
        const other = yield* replicaOver(store)
        forget()
        state.mood = "well"
        let passed = yield* allowedOf(one, before)
        passed += yield* allowedOf(other, 20)
        assert.strictEqual(passed, 10)
        state.mood = "failing"
        for (const replica of [one, other]) passed += yield* allowedOf(replica, 20)
        yield* TestClock.adjust("2 seconds")
        forget()
        state.mood = "well"
        for (const replica of [one, other]) passed += yield* allowedOf(replica, 20)
        assert.isAtMost(passed, 20)
        yield* TestClock.adjust("61 seconds")
        assert.strictEqual((yield* allowedOf(one, 20)) + (yield* allowedOf(other, 20)), 10)
        yield* TestClock.adjust("61 seconds")
      }
    })
  )
})
