/**
 * Faults of the in-memory ports: the next call of an operation fails before or after its effect, hangs, or is refused.
 *
 * A script names the fate of single calls, so a test can break one step; a plan of the sandbox rolls dice over all
 * calls, so a simulation can break any. Every fate is counted: a test whose fault never fired has tested nothing.
 */
import { Context, Deferred, Effect, Layer, Ref } from "effect"
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { type FaultPlan, make as makeDice } from "../sandbox/Faults.ts"

/** The calls to the database. */
export const storeOperations = [
  "store.now",
  "store.load",
  "store.create",
  "store.commit",
  "queue.claimDue",
  "queue.claimExpired",
  "queue.hasOpenRelease",
  "queue.settle",
  "queue.retry",
  "keys.lookup",
  "keys.finish",
  "closures.close",
  "closures.isClosed",
  "bulk.open",
  "bulk.claim",
  "bulk.renew",
  "bulk.meet",
  "bulk.due",
  "bulk.record",
  "bulk.leave",
  "outbox.claim",
  "outbox.sent",
  "outbox.postpone",
  "outbox.overdue",
  "outbox.replay",
  "inbox.receive",
  "inbox.claimDue",
  "inbox.end",
  "inbox.retry",
  "inbox.dead",
  "inbox.revive",
  "reads"
] as const

/** The calls to other services. */
export const serviceOperations = [
  "tickets.availability",
  "tickets.hold",
  "tickets.allocate",
  "tickets.release",
  "payments.openIntent",
  "payments.getIntent",
  "payments.cancelIntent",
  "payments.refund",
  "events.get"
] as const

/** The operations that can be scripted. */
export type Operation = (typeof storeOperations)[number] | (typeof serviceOperations)[number]

/**
 * - pass: nothing happens to this call
 * - failBefore: no effect, no answer
 * - failAfter: the effect, and no answer
 * - hang, hangAfter: no answer for as long as the caller waits, before or after the effect
 * - refuse: a definite no, where the operation has one; else as failBefore
 * - repeat: the call arrives twice; the second answer counts
 */
export type Fault = "pass" | "failBefore" | "failAfter" | "hang" | "hangAfter" | "refuse" | "repeat"

/** A call that somebody has stopped on its way. */
export interface StoppedCall {
  /** Completes when the call is there. */
  readonly reached: Effect.Effect<void>
  readonly letGo: Effect.Effect<void>
}

const services = {
  store: "database",
  queue: "database",
  keys: "database",
  closures: "database",
  bulk: "database",
  outbox: "database",
  inbox: "database",
  reads: "database",
  tickets: "tickets",
  payments: "payments",
  events: "events"
} as const

const serviceOf = (operation: Operation): ServiceUnavailable["service"] => {
  const [group] = operation.split(".")
  const known = Object.entries(services).find(([name]) => name === group)
  return known === undefined ? "orders" : known[1]
}

const unavailable = (operation: Operation, why: string): ServiceUnavailable =>
  new ServiceUnavailable({ service: serviceOf(operation), why: `${operation} ${why}`, retryAfterSeconds: 1 })

export class ScriptedFaults extends Context.Service<
  ScriptedFaults,
  {
    /** The fates of the next calls of this operation, one each; the calls after them pass. */
    readonly next: (operation: Operation, ...faults: ReadonlyArray<Fault>) => Effect.Effect<void>
    /** The fate of every call of these operations from now on, where the script says nothing; `pass` heals. */
    readonly always: (operations: ReadonlyArray<Operation>, fault: Fault) => Effect.Effect<void>
    /** Stops the next call of this operation before it takes effect, until it is let go. */
    readonly stopNext: (operation: Operation) => Effect.Effect<StoppedCall>
    /** Dice over all calls that neither of the two names. Rules name operations. */
    readonly roll: (plan: FaultPlan) => Effect.Effect<void>
    /** No faults from now on. */
    readonly heal: Effect.Effect<void>
    /** How many calls of this operation did not pass. */
    readonly hits: (operation: Operation) => Effect.Effect<number>
    /** How many calls of this operation there were. */
    readonly calls: (operation: Operation) => Effect.Effect<number>
    /** Runs one call under its fate. */
    readonly around: <A, E, Refusal = never>(
      operation: Operation,
      call: Effect.Effect<A, E>,
      refusal?: Effect.Effect<A, Refusal>
    ) => Effect.Effect<A, E | Refusal | ServiceUnavailable>
  }
>()("@tickettoken/order-testing/memory/ScriptedFaults") {
  static readonly layer = Layer.effect(
    ScriptedFaults,
    Effect.gen(function* () {
      const dice = yield* makeDice
      const scripts = yield* Ref.make<ReadonlyMap<Operation, ReadonlyArray<Fault>>>(new Map())
      const standing = yield* Ref.make<ReadonlyMap<Operation, Fault>>(new Map())
      const stops = yield* Ref.make<ReadonlyMap<Operation, Effect.Effect<void>>>(new Map())
      // Written in place: a simulation counts millions of calls.
      const counts = new Map<string, number>()

      const count = (name: string) => Effect.sync(() => void counts.set(name, (counts.get(name) ?? 0) + 1))
      const counted = (name: string) => Effect.sync(() => counts.get(name) ?? 0)

      const scripted = (operation: Operation) =>
        Ref.modify(scripts, (all) => {
          const [fault, ...rest] = all.get(operation) ?? []
          return [fault, fault === undefined ? all : new Map([...all, [operation, rest]])]
        })

      /** Waits if the call is to be stopped; it is stopped once. */
      const passStop = (operation: Operation) =>
        Effect.flatten(
          Ref.modify(stops, (all) => {
            const stop = all.get(operation)
            return stop === undefined
              ? [Effect.void, all]
              : [stop, new Map([...all].filter(([name]) => name !== operation))]
          })
        )

      const rolled = Effect.fnUntraced(function* (operation: Operation) {
        const fired = yield* dice.draw({ operation, method: "POST", path: `/${operation}` })
        if (fired.latencyMs > 0) yield* Effect.sleep(fired.latencyMs)
        if (fired.failBefore) return "failBefore" as const
        if (fired.hang !== undefined) return fired.hang.when === "before" ? ("hang" as const) : ("hangAfter" as const)
        return fired.failAfter === undefined ? ("pass" as const) : ("failAfter" as const)
      })

      const fateOf = Effect.fnUntraced(function* (operation: Operation) {
        const fault = (yield* scripted(operation)) ?? (yield* Ref.get(standing)).get(operation)
        return fault ?? (yield* rolled(operation))
      })

      return ScriptedFaults.of({
        next: (operation, ...faults) =>
          Ref.update(scripts, (all) => new Map([...all, [operation, [...(all.get(operation) ?? []), ...faults]]])),
        always: (operations, fault) =>
          Ref.update(standing, (all) => new Map([...all, ...operations.map((name) => [name, fault] as const)])),
        stopNext: Effect.fnUntraced(function* (operation: Operation) {
          const reached = yield* Deferred.make<void>()
          const go = yield* Deferred.make<void>()
          const wait = Effect.andThen(Deferred.succeed(reached, undefined), Deferred.await(go))
          yield* Ref.update(stops, (all) => new Map([...all, [operation, wait]]))
          return { reached: Deferred.await(reached), letGo: Effect.asVoid(Deferred.succeed(go, undefined)) }
        }),
        roll: dice.set,
        heal: Effect.andThen(Effect.andThen(Ref.set(scripts, new Map()), Ref.set(standing, new Map())), dice.clear),
        hits: (operation) => counted(`hit ${operation}`),
        calls: (operation) => counted(`call ${operation}`),
        around: Effect.fnUntraced(function* <A, E, Refusal = never>(
          operation: Operation,
          call: Effect.Effect<A, E>,
          refusal?: Effect.Effect<A, Refusal>
        ) {
          // A call gives way to others before it takes effect, as a call over a network would.
          yield* Effect.yieldNow
          yield* count(`call ${operation}`)
          yield* passStop(operation)
          const fault = yield* fateOf(operation)
          if (fault !== "pass") yield* count(`hit ${operation}`)
          switch (fault) {
            case "pass":
              return yield* call
            case "failBefore":
              return yield* unavailable(operation, "did not happen")
            case "failAfter":
              yield* Effect.exit(call)
              return yield* unavailable(operation, "was not answered")
            case "hang":
              return yield* Effect.never
            case "hangAfter":
              yield* Effect.exit(call)
              return yield* Effect.never
            case "repeat":
              yield* Effect.exit(call)
              return yield* call
            case "refuse":
              return yield* refusal ?? unavailable(operation, "did not happen")
          }
        })
      })
    })
  )
}
