/**
 * The payment sandbox's engine: intents, captures, cancellations and refunds as a fold over {@link PaymentFact}.
 *
 * Every creating request is idempotent by its key within a tenant: the same key and content answer the same intent or
 * refund as it stands now, the same key with other content is refused. Refunds that did not fail never exceed the
 * captured amount.
 */
import { HashMap, Option, Result } from "effect"
import { type OrderId, PaymentIntentId, type RefundId, type TenantId, type UserId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { type Engine, scoped, type Step, stepWith } from "./Engine.ts"
import {
  type Intent,
  type PaymentFact,
  type PaymentRefund,
  PaymentRefusal,
  type RefundStatus,
  type SettleRequest
} from "./PaymentFacts.ts"

interface Keyed {
  readonly fingerprint: string
  readonly id: string
}

export interface PaymentState {
  readonly intents: HashMap.HashMap<string, Intent>
  readonly refunds: HashMap.HashMap<string, PaymentRefund>
  /** What was created under a key: by tenant, kind and idempotency key. */
  readonly keys: HashMap.HashMap<string, Keyed>
}

export type PaymentStep<Reply> = Step<PaymentState, PaymentFact, Result.Result<Reply, PaymentRefusal>>

interface Call {
  readonly tenantId: TenantId
  readonly key: string
}

const empty: PaymentState = { intents: HashMap.empty(), refunds: HashMap.empty(), keys: HashMap.empty() }

const fingerprint = (...parts: ReadonlyArray<string | number>): string => JSON.stringify(parts)

const withKey = (state: PaymentState, kind: string, call: Call, keyed: Keyed): PaymentState => ({
  ...state,
  keys: HashMap.set(state.keys, scoped(call.tenantId, kind, call.key), keyed)
})

const withIntent = (state: PaymentState, id: string, change: (intent: Intent) => Intent): PaymentState => ({
  ...state,
  intents: HashMap.modify(state.intents, id, change)
})

const refunded = (state: PaymentState, id: string, amount: number): PaymentState =>
  withIntent(state, id, (intent) => ({ ...intent, amountRefunded: Cents.make(intent.amountRefunded + amount) }))

/** How one fact changes the state. */
const apply = (state: PaymentState, fact: PaymentFact): PaymentState => {
  switch (fact.kind) {
    case "intent.created": {
      const { amount, currency, orderId, paymentIntentId: id, tenantId, userId } = fact
      const intent: Intent = {
        id,
        tenantId,
        orderId,
        userId,
        status: "requires_payment",
        amount,
        currency,
        amountCaptured: Cents.make(0),
        amountRefunded: Cents.make(0)
      }
      const keyed = { fingerprint: fingerprint(orderId, userId, amount, currency), id }
      return withKey({ ...state, intents: HashMap.set(state.intents, id, intent) }, "intent", fact, keyed)
    }
    case "intent.processing":
      return withIntent(state, fact.paymentIntentId, (intent) => ({ ...intent, status: "processing" }))
    case "intent.captured":
      return withIntent(state, fact.paymentIntentId, (intent) => ({
        ...intent,
        status: "succeeded",
        amountCaptured: fact.amount,
        currency: fact.currency
      }))
    case "intent.declined": {
      const status = fact.retryable ? "requires_payment" : "canceled"
      return withIntent(state, fact.paymentIntentId, (intent) => ({ ...intent, status }))
    }
    case "intent.canceled":
      return withIntent(state, fact.paymentIntentId, (intent) => ({ ...intent, status: "canceled" }))
    case "refund.created": {
      const { key: _, kind: __, ...refund } = fact
      const { amount, id, orderId, paymentIntentId, reason, refundId, status } = refund
      const kept = { ...state, refunds: HashMap.set(state.refunds, id, refund) }
      const keyed = { fingerprint: fingerprint(paymentIntentId, orderId, refundId, amount, reason), id }
      return withKey(status === "failed" ? kept : refunded(kept, paymentIntentId, amount), "refund", fact, keyed)
    }
    case "refund.settled": {
      const { amount, failureReason, id, paymentIntentId, status } = fact
      const refunds = HashMap.modify(state.refunds, id, (refund) => ({
        ...refund,
        status,
        ...(failureReason === undefined ? {} : { failureReason })
      }))
      return status === "failed" ? refunded({ ...state, refunds }, paymentIntentId, -amount) : { ...state, refunds }
    }
    case "payment.announced":
      return state
  }
}

export const engine: Engine<PaymentState, PaymentFact> = { empty, apply }

const done = <Reply>(
  state: PaymentState,
  facts: ReadonlyArray<PaymentFact>,
  reply: (next: PaymentState) => Reply
): PaymentStep<Reply> => {
  const { state: next } = stepWith(engine, state, facts, undefined)
  return { state: next, facts, reply: Result.succeed(reply(next)) }
}

const refuse = (
  state: PaymentState,
  code: PaymentRefusal["code"],
  message: string,
  intent?: Intent
): PaymentStep<never> => ({
  state,
  facts: [],
  reply: Result.fail(new PaymentRefusal({ code, message, ...(intent === undefined ? {} : { intent }) }))
})

/** The intent, if the tenant has it. Without a tenant (the sandbox's own controls) any tenant's. */
const intentOf = (state: PaymentState, id: string, tenantId?: TenantId): Intent | undefined => {
  const intent = Option.getOrUndefined(HashMap.get(state.intents, id))
  return tenantId === undefined || intent?.tenantId === tenantId ? intent : undefined
}

const refundOf = (state: PaymentState, id: string, tenantId?: TenantId): PaymentRefund | undefined => {
  const refund = Option.getOrUndefined(HashMap.get(state.refunds, id))
  return tenantId === undefined || refund?.tenantId === tenantId ? refund : undefined
}

const noIntent = (state: PaymentState, id: string) =>
  refuse(state, "INTENT_NOT_FOUND", `there is no payment intent ${id}`)

const noRefund = (state: PaymentState, id: string) => refuse(state, "REFUND_NOT_FOUND", `there is no refund ${id}`)

/** The row under the id; ids only come from rows, so it is there. */
const intentAt = (id: string) => (state: PaymentState) => HashMap.getUnsafe(state.intents, id)
const refundAt = (id: string) => (state: PaymentState) => HashMap.getUnsafe(state.refunds, id)

const refOf = ({ id, orderId, tenantId }: Intent) => ({ tenantId, orderId, paymentIntentId: id })

const bare = (uuid: string): string => uuid.replaceAll("-", "")

/** Opens an intent: one per key. */
export const createIntent = (
  state: PaymentState,
  request: Call & {
    readonly orderId: OrderId
    readonly userId: UserId
    readonly amount: Cents
    readonly currency: string
  }
): PaymentStep<Intent> => {
  const { amount, currency, key, orderId, tenantId, userId } = request
  const given = Option.getOrUndefined(HashMap.get(state.keys, scoped(tenantId, "intent", key)))
  if (given !== undefined) {
    return given.fingerprint === fingerprint(orderId, userId, amount, currency)
      ? done(state, [], intentAt(given.id))
      : refuse(state, "IDEMPOTENCY_MISMATCH", `the key "${key}" was used for another payment intent`)
  }
  const paymentIntentId = PaymentIntentId.make(`pi_${bare(orderId)}_${HashMap.size(state.intents) + 1}`)
  const created = { kind: "intent.created", tenantId, orderId, paymentIntentId, key, userId, amount, currency } as const
  return done(state, [created], intentAt(paymentIntentId))
}

/** The intent as it is. */
export const getIntent = (
  state: PaymentState,
  request: { readonly id: string; readonly tenantId?: TenantId }
): PaymentStep<Intent> => {
  const intent = intentOf(state, request.id, request.tenantId)
  return intent === undefined ? noIntent(state, request.id) : done(state, [], () => intent)
}

/** Cancels an intent that nobody has paid. Money that is taken, or being taken, wins. */
export const cancelIntent = (state: PaymentState, request: Call & { readonly id: string }): PaymentStep<Intent> => {
  const { id, key, tenantId } = request
  const intent = intentOf(state, id, tenantId)
  switch (intent?.status) {
    case undefined:
      return noIntent(state, id)
    case "succeeded":
      return refuse(state, "INTENT_SUCCEEDED", `payment intent ${id} has been paid`, intent)
    case "processing":
      return refuse(state, "INTENT_PROCESSING", `payment intent ${id} is being paid`, intent)
    case "canceled":
      return done(state, [], intentAt(id))
    case "requires_payment":
      return done(state, [{ kind: "intent.canceled", ...refOf(intent), key }], intentAt(id))
  }
}

/** A buyer pays. `late` lets the money come although the intent was canceled. Paying twice captures once. */
export const pay = (
  state: PaymentState,
  request: { readonly id: string; readonly amount?: Cents; readonly currency?: string; readonly late: boolean }
): PaymentStep<Intent> => {
  const { id, late } = request
  const intent = intentOf(state, id)
  if (intent === undefined) return noIntent(state, id)
  if (intent.status === "succeeded") return done(state, [], intentAt(id))
  if (intent.status === "canceled" && !late) {
    return refuse(
      state,
      "INTENT_CANCELED",
      `payment intent ${id} is canceled; money that comes anyway is "late"`,
      intent
    )
  }
  const captured = {
    kind: "intent.captured",
    ...refOf(intent),
    amount: request.amount ?? intent.amount,
    currency: request.currency ?? intent.currency,
    late: intent.status === "canceled"
  } as const
  return done(state, [captured], intentAt(id))
}

/** The bank takes its time. */
export const startProcessing = (state: PaymentState, request: { readonly id: string }): PaymentStep<Intent> => {
  const intent = intentOf(state, request.id)
  switch (intent?.status) {
    case undefined:
      return noIntent(state, request.id)
    case "requires_payment":
      return done(state, [{ kind: "intent.processing", ...refOf(intent) }], intentAt(intent.id))
    case "processing":
      return done(state, [], intentAt(intent.id))
    case "succeeded":
      return refuse(state, "INTENT_SUCCEEDED", `payment intent ${intent.id} has been paid`, intent)
    case "canceled":
      return refuse(state, "INTENT_CANCELED", `payment intent ${intent.id} is canceled`, intent)
  }
}

/** A payment attempt fails: for good, or so that the buyer may try another card. */
export const decline = (
  state: PaymentState,
  request: { readonly id: string; readonly retryable: boolean }
): PaymentStep<Intent> => {
  const { id, retryable } = request
  const intent = intentOf(state, id)
  if (intent === undefined) return noIntent(state, id)
  if (intent.status === "succeeded") {
    return refuse(state, "INTENT_SUCCEEDED", `payment intent ${id} has been paid`, intent)
  }
  if (intent.status === "canceled") return refuse(state, "INTENT_CANCELED", `payment intent ${id} is canceled`, intent)
  return done(state, [{ kind: "intent.declined", ...refOf(intent), retryable }], intentAt(id))
}

/** Returns money, or says that it will, or that it can not: `outcome` is the sandbox's to choose. */
export const createRefund = (
  state: PaymentState,
  request: Call & {
    readonly paymentIntentId: PaymentIntentId
    readonly orderId: OrderId
    readonly refundId: RefundId
    readonly amount: Cents
    readonly reason: string
    readonly outcome: RefundStatus
  }
): PaymentStep<PaymentRefund> => {
  const { amount, key, orderId, outcome, paymentIntentId, reason, refundId, tenantId } = request
  const given = Option.getOrUndefined(HashMap.get(state.keys, scoped(tenantId, "refund", key)))
  if (given !== undefined) {
    return given.fingerprint === fingerprint(paymentIntentId, orderId, refundId, amount, reason)
      ? done(state, [], refundAt(given.id))
      : refuse(state, "IDEMPOTENCY_MISMATCH", `the key "${key}" was used for another refund`)
  }
  const intent = intentOf(state, paymentIntentId, tenantId)
  if (intent === undefined) return noIntent(state, paymentIntentId)
  if (intent.orderId !== orderId) {
    return refuse(state, "PAYMENT_MISMATCH", `payment intent ${paymentIntentId} is not of order ${orderId}`)
  }
  const rest = intent.amountCaptured - intent.amountRefunded
  if (amount > rest) {
    return refuse(state, "REFUND_EXCEEDS_CAPTURED", `${amount} is more than the ${rest} left to refund`, intent)
  }
  const id = `re_${bare(refundId)}_${HashMap.size(state.refunds) + 1}`
  const created = {
    kind: "refund.created",
    key,
    id,
    refundId,
    ...refOf(intent),
    amount,
    currency: intent.currency,
    reason,
    status: outcome,
    ...(outcome === "failed" ? { failureReason: "refused_by_bank" } : {})
  } as const
  return done(state, [created], refundAt(id))
}

/** The refund as it is. */
export const getRefund = (
  state: PaymentState,
  request: { readonly id: string; readonly tenantId?: TenantId }
): PaymentStep<PaymentRefund> => {
  const refund = refundOf(state, request.id, request.tenantId)
  return refund === undefined ? noRefund(state, request.id) : done(state, [], () => refund)
}

/** Ends a pending refund. */
export const settleRefund = (
  state: PaymentState,
  request: SettleRequest & { readonly id: string }
): PaymentStep<PaymentRefund> => {
  const { id, status } = request
  const refund = refundOf(state, id)
  if (refund === undefined) return noRefund(state, id)
  if (refund.status === status) return done(state, [], refundAt(id))
  if (refund.status !== "pending") return refuse(state, "REFUND_SETTLED", `refund ${id} has ${refund.status} already`)
  const { amount, orderId, paymentIntentId, refundId, tenantId } = refund
  const settled = {
    kind: "refund.settled",
    id,
    refundId,
    tenantId,
    orderId,
    paymentIntentId,
    amount,
    status,
    ...(status === "failed" ? { failureReason: request.reason ?? "refused_by_bank" } : {})
  } as const
  return done(state, [settled], refundAt(id))
}
