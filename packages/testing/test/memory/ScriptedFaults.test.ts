/**
 * Scripted faults do what they say: to the call that they name, once, and counted.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Ref } from "effect"
import { TestClock } from "effect/testing"
import { type Fault, type Operation, ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"

/** A call that counts its effects. */
const counting = Effect.map(Ref.make(0), (effects) => ({
  effects: Ref.get(effects),
  call: Ref.updateAndGet(effects, (n) => n + 1)
}))

/** What a call under this fate answers within a minute, and how often it took effect. */
const fate = (fault: Fault) =>
  Effect.gen(function* () {
    const faults = yield* ScriptedFaults
    const { call, effects } = yield* counting
    yield* faults.next("tickets.hold", fault)
    const waiting = yield* Effect.forkChild(
      faults.around("tickets.hold", call, Effect.succeed(-1)).pipe(
        Effect.catchTag("ServiceUnavailable", ({ service }) => Effect.succeed(`${service} is away`)),
        Effect.timeoutOption("1 minute")
      )
    )
    yield* TestClock.adjust("1 minute")
    const answer = Option.getOrElse(yield* Fiber.join(waiting), () => "no answer")
    return [answer, yield* effects, yield* faults.hits("tickets.hold"), yield* faults.calls("tickets.hold")]
  }).pipe(Effect.provide(ScriptedFaults.layer))

describe("a scripted fault", () => {
  it.effect.each([
    ["pass", 1, 1, 0],
    ["failBefore", "tickets is away", 0, 1],
    ["failAfter", "tickets is away", 1, 1],
    ["hang", "no answer", 0, 1],
    ["hangAfter", "no answer", 1, 1],
    ["refuse", -1, 0, 1],
    ["repeat", 2, 2, 1]
  ] as const)("%s: answers %s with %s effects", ([fault, answer, effects, hits]) =>
    Effect.map(fate(fault), (seen) => assert.deepStrictEqual(seen, [answer, effects, hits, 1]))
  )

  it.effect("is used up by the call that it names, in turn", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const { call, effects } = yield* counting
      yield* faults.next("payments.refund", "pass", "failBefore")
      const answers = yield* Effect.forEach(
        ["tickets.hold", ...many<Operation>("payments.refund", 4)] as const,
        (operation) => Effect.isSuccess(faults.around(operation, call))
      )
      assert.deepStrictEqual(answers, [true, true, false, true, true])
      assert.strictEqual(yield* effects, 4)
    }).pipe(Effect.provide(ScriptedFaults.layer))
  )

  it.effect("may stand for all calls until it is healed, and be rolled by dice", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const call = Effect.isSuccess(faults.around("store.commit", Effect.void))
      yield* faults.always(["store.commit"], "failAfter")
      assert.deepStrictEqual([yield* call, yield* call], [false, false])
      yield* faults.heal
      assert.isTrue(yield* call)
      yield* faults.roll({ seed: 1, rules: [{ operation: "store.commit", failBefore: 0.5 }] })
      const rolled = yield* Effect.all(Array.from({ length: 100 }, () => call))
      assert.isAbove(rolled.filter(Boolean).length, 25)
      assert.isBelow(rolled.filter(Boolean).length, 75)
    }).pipe(Effect.provide(ScriptedFaults.layer))
  )
})

const many = <A>(value: A, count: number): ReadonlyArray<A> => Array.from({ length: count }, () => value)
