/** When nothing is sent any more, and when again: circuits of one process, and of replicas over one Redis (F28, N2). */
import { assert, describe, it } from "@effect/vitest"
import { BasisPoints } from "@tickettoken/order-domain/Money"
import { NoAnswer } from "@tickettoken/order-server/clients/Attempt"
import { Circuits } from "@tickettoken/order-server/clients/Circuits"
import { circuitNames } from "@tickettoken/order-server/clients/CircuitName"
import { type Failure, reactions, readingOf } from "@tickettoken/order-server/clients/Reaction"
import { Deferred, Duration, Effect, Exit, Fiber, Metric } from "effect"
import { TestClock } from "effect/testing"
import { circuitsWith } from "../support/clientSettings.ts"

const circuit = "payments:change"

const failing = Effect.fail(new NoAnswer({ failure: "failing", why: "it answered 500" }))
const outcome = (failure: Failure) => Effect.fail(new NoAnswer({ failure, why: "so it is" }))

/** Sends one; whether it was sent at all. */
const wasSent = Effect.fnUntraced(function* (attempt: Effect.Effect<unknown, NoAnswer> = Effect.void) {
  const { guard } = yield* Circuits
  let sent = false
  yield* Effect.exit(
    guard(
      circuit,
      Effect.andThen(
        Effect.sync(() => void (sent = true)),
        attempt
      )
    )
  )
  return sent
})

const times = (count: number, attempt: Effect.Effect<unknown, NoAnswer>) =>
  Effect.forEach(Array.from({ length: count }), () => wasSent(attempt))

const stateOf = (name: (typeof circuitNames)[number]) =>
  Effect.gen(function* () {
    const states = yield* Effect.flatMap(Circuits, (circuits) => circuits.states)
    return states.find((one) => one.circuit === name)
  })

const alone = circuitsWith({})

describe("N2 a circuit", () => {
  it.effect("opens when five of the last ten have failed, and not of fewer than ten", () =>
    Effect.gen(function* () {
      yield* times(9, failing)
      assert.isTrue(yield* wasSent(failing))
      assert.isFalse(yield* wasSent())
    }).pipe(Effect.provide(alone))
  )

  it.effect("stays closed while fewer than half fail, for ever", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 20; round++) {
        yield* times(4, failing)
        yield* times(6, Effect.void)
      }
      assert.deepStrictEqual(yield* stateOf(circuit), { circuit, state: "closed" })
    }).pipe(Effect.provide(alone))
  )

  it.effect("opens at the share and after the number that are configured", () =>
    Effect.gen(function* () {
      yield* times(1, Effect.void)
      yield* times(2, failing)
      assert.isTrue(yield* wasSent(failing))
      assert.isFalse(yield* wasSent())
    }).pipe(Effect.provide(circuitsWith({ failureShare: BasisPoints.make(7500), calls: 4 })))
  )

  it.effect.each([
    ["transport", true],
    ["timeout", true],
    ["failing", true],
    ["busy", false],
    ["wrong", false]
  ] as const satisfies ReadonlyArray<readonly [Failure, boolean]>)(
    "counts what speaks against the service and nothing else: %s",
    ([failure, counted]) =>
      Effect.gen(function* () {
        yield* times(30, outcome(failure))
        assert.strictEqual((yield* stateOf(circuit))?.state, counted ? "open" : "closed")
      }).pipe(Effect.provide(alone))
  )

  it("reads no 4xx as something that counts", () => {
    for (let status = 100; status <= 599; status++) {
      const reading = readingOf(status)
      const counted = reading !== "accepted" && reading !== "refused" && reactions[reading].counted
      assert.strictEqual(counted, status >= 500, String(status))
    }
  })

  it.effect("of one class is not that of another", () =>
    Effect.gen(function* () {
      yield* times(10, failing)
      const states = yield* Effect.flatMap(Circuits, (circuits) => circuits.states)
      assert.deepStrictEqual(
        states.map((one) => [one.circuit, one.state]),
        circuitNames.map((name) => [name, name === circuit ? "open" : "closed"])
      )
    }).pipe(Effect.provide(alone))
  )

  it.effect("that is open says how long it still is", () =>
    Effect.gen(function* () {
      yield* times(10, failing)
      yield* TestClock.adjust("10 seconds")
      const { guard } = yield* Circuits
      const error = yield* Effect.flip(guard(circuit, Effect.void))
      assert.deepStrictEqual([error.failure, error.retryAfter], ["turnedAway", Duration.seconds(20)])
      assert.deepStrictEqual(yield* stateOf(circuit), { circuit, state: "open", retryAfterSeconds: 20 })
    }).pipe(Effect.provide(alone))
  )

  it.effect("stays open as long as the service asks for, where that is longer", () =>
    Effect.gen(function* () {
      yield* times(10, Effect.fail(new NoAnswer({ failure: "failing", why: "", retryAfter: Duration.seconds(90) })))
      yield* TestClock.adjust("89 seconds")
      assert.isFalse(yield* wasSent())
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* wasSent())
    }).pipe(Effect.provide(alone))
  )
})

/** Opens the circuit and waits until it lets a probe through. */
const halfOpened = Effect.gen(function* () {
  yield* times(10, failing)
  yield* TestClock.adjust("29999 millis")
  assert.isFalse(yield* wasSent())
  yield* TestClock.adjust("1 millis")
  assert.strictEqual((yield* stateOf(circuit))?.state, "half_open")
})

describe("F28 a circuit that is half open", () => {
  it.effect("lets one probe through and turns everybody else away, until the probe has ended", () =>
    Effect.gen(function* () {
      yield* halfOpened
      const answer = yield* Deferred.make<void>()
      const probe = yield* Effect.forkChild(wasSent(Deferred.await(answer)), { startImmediately: true })
      assert.deepStrictEqual(
        yield* times(50, Effect.void),
        Array.from({ length: 50 }, () => false)
      )
      yield* Deferred.succeed(answer, undefined)
      assert.isTrue(yield* Fiber.join(probe))
      assert.isTrue(yield* wasSent())
      assert.deepStrictEqual(yield* stateOf(circuit), { circuit, state: "closed" })
    }).pipe(Effect.provide(alone))
  )

  it.effect("is open again when the probe fails", () =>
    Effect.gen(function* () {
      yield* halfOpened
      assert.isTrue(yield* wasSent(failing))
      yield* TestClock.adjust("29999 millis")
      assert.isFalse(yield* wasSent())
      yield* TestClock.adjust("1 millis")
      assert.isTrue(yield* wasSent())
    }).pipe(Effect.provide(alone))
  )

  it.effect.each(["busy", "wrong"] as const)("is closed by any answer below 500: %s", (failure) =>
    Effect.gen(function* () {
      yield* halfOpened
      yield* wasSent(outcome(failure))
      assert.strictEqual((yield* stateOf(circuit))?.state, "closed")
    }).pipe(Effect.provide(alone))
  )

  it.effect("takes the next one when nobody waits for the probe any more", () =>
    Effect.gen(function* () {
      yield* halfOpened
      const probe = yield* Effect.forkChild(wasSent(Effect.never), { startImmediately: true })
      assert.isFalse(yield* wasSent())
      yield* Fiber.interrupt(probe)
      assert.isTrue(yield* wasSent())
    }).pipe(Effect.provide(alone))
  )

  it.effect("is counted with everything that it turned away", () =>
    Effect.gen(function* () {
      const { guard } = yield* Circuits
      const name = "tickets:compensation"
      const count = (id: string, to?: string) =>
        Effect.map(Metric.snapshot, (all) => {
          const found = all.find(
            (one) => one.id === id && one.attributes?.["circuit"] === name && one.attributes["to"] === to
          )
          return found?.type === "Counter" ? Number(found.state.count) : 0
        })
      const opened = yield* count("order_service_circuit_transitions_total", "open")
      const away = yield* count("order_service_circuit_turned_away_total")
      yield* Effect.forEach(Array.from({ length: 13 }), () => Effect.exit(guard(name, failing)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* count("order_service_circuit_transitions_total", "open")) - opened, 1)
      assert.strictEqual((yield* count("order_service_circuit_turned_away_total")) - away, 3)
    }).pipe(Effect.provide(alone))
  )

  it.effect("a defect of ours says nothing about the service", () =>
    Effect.gen(function* () {
      const { guard } = yield* Circuits
      for (let number = 0; number < 20; number++) {
        const exit = yield* Effect.exit(guard(circuit, Effect.die(new Error("ours"))))
        assert.isTrue(Exit.hasDies(exit))
      }
      assert.strictEqual((yield* stateOf(circuit))?.state, "closed")
    }).pipe(Effect.provide(alone))
  )
})
