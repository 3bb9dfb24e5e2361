/** The dice of the fault injection: the same plan fires at the same calls, counts them, and stops when told to. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Faults from "@tickettoken/order-testing/sandbox/Faults"

const reserve = { operation: "tickets.reserve", method: "POST", path: "/internal/tickets/reserve" }
const confirm = { operation: "tickets.confirm", method: "POST", path: "/internal/tickets/confirm" }
const cancel = { operation: "payments.cancelIntent", method: "POST", path: "/internal/payment-intents/pi_1/cancel" }

/** What fires at so many calls in a row. */
const rollAll = (plan: Faults.FaultPlan, calls: ReadonlyArray<Faults.FaultCall>) => {
  let state = Faults.withPlan(plan)
  const fired = calls.map((call) => {
    const drawn = Faults.draw(state, call)
    state = drawn.state
    return drawn.fired
  })
  return { fired, report: Faults.reportOf(state) }
}

const times = (number: number, call: Faults.FaultCall) => Array.from({ length: number }, () => call)

describe("the dice", () => {
  it("fall the same way for the same seed", () => {
    const plan = { seed: 7, rules: [{ failBefore: 0.5 }] }
    const one = rollAll(plan, times(100, reserve)).fired
    assert.deepStrictEqual(rollAll(plan, times(100, reserve)).fired, one)
    assert.notDeepEqual(rollAll({ ...plan, seed: 8 }, times(100, reserve)).fired, one)
  })

  it("fall the same way whatever other routes do in between", () => {
    const rules = [{ operation: "tickets.reserve", failAfter: 0.5 }]
    const alone = rollAll({ rules }, times(50, reserve)).fired
    const mixed = rollAll(
      { rules },
      times(50, reserve).flatMap((call) => [confirm, call])
    ).fired
    assert.deepStrictEqual(
      mixed.filter((_, index) => index % 2 === 1),
      alone
    )
  })

  it("are fair: a probability is kept within two points over 10 000 calls", () => {
    for (const probability of [0.05, 0.3, 0.9]) {
      const rolls = Array.from({ length: 10_000 }, (_, call) => Faults.dice(1, 0, "hang", call) < probability)
      assert.closeTo(rolls.filter(Boolean).length / 10_000, probability, 0.02)
    }
  })

  it("never fire at probability 0 and always at 1", () => {
    const rules = [{ failBefore: 0, duplicate: 1 }]
    const { fired } = rollAll({ rules }, times(200, reserve))
    assert.isTrue(fired.every((one) => !one.failBefore && one.duplicate))
  })
})

describe("a rule", () => {
  it("is about its operation, its method or its path", () => {
    const hits = (rule: Faults.FaultRule) =>
      rollAll({ rules: [{ ...rule, failBefore: 1 }] }, [reserve, confirm, cancel]).fired.map((one) => one.failBefore)
    assert.deepStrictEqual(hits({}), [true, true, true])
    assert.deepStrictEqual(hits({ operation: "tickets.confirm" }), [false, true, false])
    assert.deepStrictEqual(hits({ path: "/internal/tickets/*" }), [true, true, false])
    assert.deepStrictEqual(hits({ path: "/internal/payment-intents/*/cancel" }), [false, false, true])
    assert.deepStrictEqual(hits({ path: "/internal/*" }), [false, false, false], "a star is one segment")
    assert.deepStrictEqual(hits({ method: "get" }), [false, false, false])
  })

  it("stops after so many times", () => {
    const rules = [{ failAfter: { times: 2 } }]
    const { fired, report } = rollAll({ rules }, times(5, reserve))
    assert.deepStrictEqual(
      fired.map((one) => one.failAfter),
      ["destroy", "destroy", undefined, undefined, undefined]
    )
    assert.deepStrictEqual(report.rules[0]?.hits, { failAfter: 2 })
    assert.strictEqual(report.rules[0]?.calls, 5)
  })

  it("says in short or at length what happens", () => {
    const fired = (rule: Faults.FaultRule) => rollAll({ rules: [rule] }, [reserve]).fired[0]
    assert.deepStrictEqual(fired({ latencyMs: 30 }), { ...Faults.unharmed, latencyMs: 30 })
    assert.deepStrictEqual(fired({ latencyMs: { value: 30, probability: 1 } }), { ...Faults.unharmed, latencyMs: 30 })
    assert.deepStrictEqual(fired({ hang: { when: "after", forMs: 5 } })?.hang, { when: "after", forMs: 5 })
    assert.deepStrictEqual(fired({ hang: 1 })?.hang, { when: "before", forMs: 120_000 })
    assert.strictEqual(fired({ lie: 1 })?.lie, "amount")
    assert.strictEqual(fired({ lie: { about: "currency" } })?.lie, "currency")
    assert.strictEqual(fired({ failAfter: { how: "status" } })?.failAfter, "status")
    assert.strictEqual(fired({ refundOutcome: "pending" })?.refundOutcome, "pending")
    assert.strictEqual(fired({ refundOutcome: { value: "failed", times: 1 } })?.refundOutcome, "failed")
  })

  it("works together with others on the same call", () => {
    const rules = [{ latencyMs: 10 }, { operation: "tickets.reserve", duplicate: 1 }]
    assert.deepStrictEqual(rollAll({ rules }, [reserve]).fired[0], {
      ...Faults.unharmed,
      latencyMs: 10,
      duplicate: true
    })
  })
})

describe("the faults of a service", () => {
  it.effect("count until another plan is set", () =>
    Effect.gen(function* () {
      const faults = yield* Faults.make
      assert.deepStrictEqual(yield* faults.draw(reserve), Faults.unharmed)
      yield* faults.set({ rules: [{ failBefore: 1 }] })
      assert.isTrue((yield* faults.draw(reserve)).failBefore)
      assert.deepStrictEqual((yield* faults.report).rules[0]?.hits, { failBefore: 1 })
      yield* faults.set({ rules: [{ failBefore: 1 }] })
      assert.deepStrictEqual((yield* faults.report).rules[0]?.hits, {})
      yield* faults.clear
      assert.deepStrictEqual(yield* faults.draw(reserve), Faults.unharmed)
    })
  )
})
