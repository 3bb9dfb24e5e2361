/** The log of one process: against an exact sliding window, and in bounded memory. */
import { assert, describe, it } from "@effect/vitest"
import { WINDOW_MILLIS } from "@tickettoken/order-server/limits/Verdict"
import * as WindowLog from "@tickettoken/order-server/limits/WindowLog"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { monotonicMillis } from "@tickettoken/order-server/monotonicMillis"
import { windowContract } from "./windowContract.ts"

windowContract(
  "a log in this process",
  Effect.sync(() => {
    const log = WindowLog.make(1000)
    let now = 0
    return {
      take: (key: string, limit: number) => Effect.sync(() => log.take(key, limit, now)),
      pass: (_: string, seconds: number) =>
        Effect.sync(() => {
          now += seconds * 1000
        })
    }
  })
)

const MINUTE_MILLIS = 60_000

/** How many of these moments lie in the window that ends now. */
const within = (moments: ReadonlyArray<number>, now: number, millis: number): number =>
  moments.filter((moment) => moment > now - millis).length

const Pauses = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 })))
const Limit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))

describe("a log against an exact sliding window", () => {
  it.effect.prop(
    "7.4 no 60 seconds hold more than the limit, and nobody is refused whose last 61 seconds held less",
    [Limit, Pauses],
    ([limit, pauses]) =>
      Effect.gen(function* () {
        const log = WindowLog.make(10)
        const passed: Array<number> = []
        // Odd moments and bursts: pauses of nothing, of an instant and of half a window.
        for (const pause of [...pauses, ...pauses.map((millis) => millis % 7), 60_000, ...pauses]) {
          yield* TestClock.adjust(pause)
          const now = yield* monotonicMillis
          const { allowed, waitMillis } = log.take("a", limit, now)
          if (!allowed) {
            assert.isAtLeast(within(passed, now, WINDOW_MILLIS), limit)
            assert.isTrue(log.look("a", limit, now + waitMillis).allowed)
            assert.isFalse(log.look("a", limit, now + waitMillis - 1).allowed)
            continue
          }
          passed.push(now)
          assert.isAtMost(within(passed, now, MINUTE_MILLIS), limit)
        }
      })
  )

  it("A27 a burst at the edge of a minute finds the burst before it", () => {
    const log = WindowLog.make(10)
    const take = (now: number) =>
      Array.from({ length: 10 }, () => log.take("a", 10, now)).filter(({ allowed }) => allowed)
    assert.strictEqual(take(59_900).length, 10)
    assert.strictEqual(take(60_100).length, 0)
    assert.strictEqual(take(119_899).length, 0)
    assert.strictEqual(take(120_000).length, 10)
  })
})

const collectGarbage = (): void => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc()")
}

describe("the memory of a log", () => {
  it("A27 of a million keys it keeps its number, the ones that it heard of last, in less than 100 MB", () => {
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    const log = WindowLog.make(100_000)
    const tenant = "11111111-1111-4111-8111-111111111111"
    const keyOf = (at: number) => `reserve:${tenant}:00000000-0000-4000-8000-00000${String(at).padStart(7, "0")}`
    for (let at = 0; at < 1_000_000; at++) {
      // Each of them has been let through at two moments.
      log.take(keyOf(at), 2, 0)
      log.take(keyOf(at), 2, 1000)
    }
    collectGarbage()
    const megabytes = (process.memoryUsage().heapUsed - before) / 1e6
    assert.isAtMost(log.size(), 100_000)
    assert.isAtLeast(log.size(), 50_000)
    assert.isFalse(log.look(keyOf(999_999), 2, 2000).allowed)
    assert.isFalse(log.look(keyOf(950_000), 2, 2000).allowed)
    assert.isTrue(log.look(keyOf(1), 2, 2000).allowed)
    assert.isBelow(megabytes, 100)
  })

  it("forgets by itself what no longer counts", () => {
    const log = WindowLog.make(1000)
    for (let key = 0; key < 100; key++) log.take(`old-${key}`, 1, 0)
    log.take("new", 1, WINDOW_MILLIS)
    log.take("newer", 1, 2 * WINDOW_MILLIS)
    assert.strictEqual(log.size(), 2)
  })

  it("A27 a flood of others makes it forget nobody who is heard of in between", () => {
    const log = WindowLog.make(1000)
    log.take("a", 2, 0)
    log.take("a", 2, 0)
    for (let round = 0; round < 10; round++) {
      for (let key = 0; key < 400; key++) log.take(`other-${round}-${key}`, 1, 0)
      assert.isFalse(log.take("a", 2, 0).allowed)
    }
  })

  it("gives back what was taken at a moment, and nothing else", () => {
    const log = WindowLog.make(1000)
    log.take("a", 2, 0)
    log.take("a", 2, 5000)
    log.giveBack("a", 0)
    assert.deepInclude(log.take("a", 2, 6000), { allowed: true, remaining: 0 })
    assert.isFalse(log.look("a", 2, 60_999).allowed)
    log.giveBack("a", 1)
    log.giveBack("b", 0)
    assert.isFalse(log.look("a", 2, 60_999).allowed)
    log.giveBack("a", 5000)
    log.giveBack("a", 6000)
    assert.deepInclude(log.look("a", 2, 6000), { allowed: true, remaining: 2 })
  })
})
