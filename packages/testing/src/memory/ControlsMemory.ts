/**
 * `ServiceControls` over the engines of the in-memory services.
 */
import { Effect, HashMap, Layer, Ref } from "effect"
import { ServiceControls } from "../contracts/ServiceControls.ts"
import * as Directory from "../sandbox/EventDirectory.ts"
import * as Ledger from "../sandbox/PaymentLedger.ts"
import { MemoryServices, settled } from "./MemoryServices.ts"

export const layer = Layer.effect(
  ServiceControls,
  Effect.gen(function* () {
    const { events, payments, refundOutcomes } = yield* MemoryServices
    const acting = <Reply>(act: Parameters<typeof payments.perform<Reply>>[0]) => payments.perform(act)
    return ServiceControls.of({
      pay: (id, money = {}) =>
        settled(acting((state) => Ledger.pay(state, { id, late: true, ...money }))).pipe(Effect.orDie, Effect.asVoid),
      startProcessing: (id) =>
        settled(acting((state) => Ledger.startProcessing(state, { id }))).pipe(Effect.orDie, Effect.asVoid),
      decline: (id, how) =>
        settled(acting((state) => Ledger.decline(state, { id, ...how }))).pipe(Effect.orDie, Effect.asVoid),
      nextRefunds: (...outcomes) => Ref.update(refundOutcomes, (known) => [...known, ...outcomes]),
      settleRefund: Effect.fnUntraced(function* (refundId, status) {
        const { refunds } = yield* payments.state
        const pending = HashMap.toValues(refunds).find(
          (refund) => refund.refundId === refundId && refund.status === "pending"
        )
        if (pending === undefined) return yield* Effect.die(new Error(`refund ${refundId} is not pending`))
        yield* Effect.orDie(settled(acting((state) => Ledger.settleRefund(state, { id: pending.id, status }))))
      }),
      setEventStatus: (id, status) =>
        settled(events.perform((state) => Directory.setStatus(state, { id, status }))).pipe(Effect.orDie, Effect.asVoid)
    })
  })
)
