/** What every store of rate limits must do, whichever clock it counts by. */
import { assert, describe, it } from "@effect/vitest"
import type { StoreAway } from "@tickettoken/order-server/redis/Presence"
import type { Verdict } from "@tickettoken/order-server/limits/Verdict"
import { Effect, type Scope } from "effect"

export interface CountingStore {
  readonly take: (key: string, limit: number) => Effect.Effect<Verdict, StoreAway>
  /** Lets so many seconds pass for this key. */
  readonly pass: (key: string, seconds: number) => Effect.Effect<void>
}

const SECONDS = 1000

export const windowContract = (name: string, make: Effect.Effect<CountingStore, never, Scope.Scope>): void => {
  const allowed = Effect.fnUntraced(function* (store: CountingStore, key: string, limit: number, times: number) {
    let count = 0
    for (let at = 0; at < times; at++) if ((yield* store.take(key, limit)).allowed) count += 1
    return count
  })

  describe(`${name}`, () => {
    it.live("7.4 lets through as many as the limit says, and says how many are left", () =>
      Effect.gen(function* () {
        const store = yield* make
        const verdicts = yield* Effect.forEach([1, 2, 3, 4], () => store.take("a", 3))
        assert.deepStrictEqual(
          verdicts.map((verdict) => [verdict.allowed, verdict.remaining, verdict.limit]),
          [
            [true, 2, 3],
            [true, 1, 3],
            [true, 0, 3],
            [false, 0, 3]
          ]
        )
      })
    )

    it.live("7.4 counts each key by itself", () =>
      Effect.gen(function* () {
        const store = yield* make
        assert.strictEqual(yield* allowed(store, "a", 2, 5), 2)
        assert.strictEqual(yield* allowed(store, "b", 2, 5), 2)
      })
    )

    it.live("7.4 does not count what it refuses: the one who keeps asking is let in again all the same", () =>
      Effect.gen(function* () {
        const store = yield* make
        assert.strictEqual(yield* allowed(store, "a", 2, 2), 2)
        // Not to the last second: in Redis the time of the machine passes as well.
        for (let second = 0; second < 45; second += 1) {
          yield* store.pass("a", 1)
          assert.isFalse((yield* store.take("a", 2)).allowed, `after ${second + 1} s`)
        }
        yield* store.pass("a", 16)
        assert.strictEqual(yield* allowed(store, "a", 2, 5), 2)
      })
    )

    it.live("7.4 frees by the second what was taken by the second, and says when", () =>
      Effect.gen(function* () {
        const store = yield* make
        assert.strictEqual(yield* allowed(store, "a", 4, 1), 1)
        yield* store.pass("a", 30)
        assert.strictEqual(yield* allowed(store, "a", 4, 5), 3)
        const refused = yield* store.take("a", 4)
        assert.isTrue(refused.waitMillis > 15 * SECONDS && refused.waitMillis <= 31 * SECONDS, `${refused.waitMillis}`)
        yield* store.pass("a", 31)
        assert.strictEqual(yield* allowed(store, "a", 4, 5), 1)
      })
    )

    it.live("7.4 asked 50 times at once it lets through exactly the limit", () =>
      Effect.gen(function* () {
        const store = yield* make
        const verdicts = yield* Effect.all(
          Array.from({ length: 50 }, () => store.take("a", 10)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(verdicts.filter((verdict) => verdict.allowed).length, 10)
      })
    )

    it.live("7.4 a limit that was lowered counts what was let through under the higher one", () =>
      Effect.gen(function* () {
        const store = yield* make
        assert.strictEqual(yield* allowed(store, "a", 10, 6), 6)
        yield* store.pass("a", 10)
        assert.strictEqual(yield* allowed(store, "a", 10, 2), 2)
        const refused = yield* store.take("a", 3)
        assert.deepStrictEqual([refused.allowed, refused.remaining, refused.limit], [false, 0, 3])
        // The six have to go: with the two that are left there is room again.
        assert.isTrue(refused.waitMillis > 35 * SECONDS && refused.waitMillis <= 51 * SECONDS, `${refused.waitMillis}`)
      })
    )
  })
}
