/**
 * Generated drafts, orders of every state and histories of commands, from schemas and Effect's own `Arbitrary`.
 *
 * An order is never generated field by field: it is a generated draft walked to its state through `decide`, so every
 * generated order is one that can exist. A history is data too (what happens, after how long), so it shrinks.
 */
import { Arbitrary, Schema } from "effect"
import { Currency } from "@tickettoken/order-domain/Currency"
import { OrderId, PaymentIntentId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { DeclinePolicy, LatePaymentPolicy, type Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import type { OrderDraft } from "@tickettoken/order-domain/OrderCreation"
import { derivedId, draftOf, fixedId, nthRefundId, type TestLine } from "./TestOrders.ts"
import {
  allocateAll,
  allocationRefused,
  askRefund,
  cancelAs,
  captureOwn,
  openIntent,
  paymentFailed,
  strayPayment
} from "./TestOrdersNews.ts"
import { pathsTo, sampleCreatedAt, type StatePoint, walkAll } from "./TestOrdersByState.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** What a draft is made from. At least one line costs something, so that there is something to pay. */
const DraftSeed = Schema.Struct({
  first: Schema.Struct({ unitPrice: between(100, 60_000), quantity: between(1, 3) }),
  more: Schema.Array(Schema.Struct({ unitPrice: between(0, 9000), quantity: between(1, 3) })).check(
    Schema.isMaxLength(2)
  ),
  currency: Currency,
  vip: Schema.Boolean,
  latePayment: LatePaymentPolicy,
  declines: DeclinePolicy,
  startsInHours: between(1, 72)
})

const draftFrom = ({
  currency,
  declines,
  first,
  latePayment,
  more,
  startsInHours,
  vip
}: typeof DraftSeed.Type): OrderDraft => {
  const lines: readonly [TestLine, ...Array<TestLine>] = [first, ...more]
  return draftOf(OrderId.make(fixedId(1)), sampleCreatedAt, {
    lines,
    currency,
    vip,
    startsInHours,
    terms: { latePayment, declines }
  })
}

/** Drafts of payable orders, created at `sampleCreatedAt`. */
export const payableDrafts: Arbitrary.Arbitrary<OrderDraft> = Arbitrary.map(Arbitrary.schema(DraftSeed), draftFrom)

/** Drafts of free orders. */
export const freeDrafts: Arbitrary.Arbitrary<OrderDraft> = Arbitrary.map(payableDrafts, (draft) =>
  draftOf(draft.id, sampleCreatedAt, { lines: [{ unitPrice: 0, quantity: 2 }], vip: draft.vip, terms: draft.terms })
)

/** Drafts of orders, one in eight of them free. */
export const drafts: Arbitrary.Arbitrary<OrderDraft> = Arbitrary.flatMap(Arbitrary.schema(between(0, 7)), (kind) =>
  kind === 0 ? freeDrafts : payableDrafts
)

const points = [
  "PENDING/HOLDING",
  "PENDING/OPENING_INTENT",
  "PENDING/AWAITING_PAYMENT",
  "PENDING/ALLOCATING",
  "RESERVED/AWAITING_PAYMENT",
  "RESERVED/ALLOCATING",
  "CONFIRMED",
  "COMPLETED",
  "CANCELLED",
  "EXPIRED",
  "EXPIRED/REACQUIRING",
  "REFUNDED"
] as const satisfies ReadonlyArray<StatePoint>

/**
 * What the path to a state needs: an event two days ahead, money that takes stock again when it is late, and a refund
 * that needs no review where it must have arrived.
 */
const draftFor = (point: StatePoint, { currency, id, items, terms }: OrderDraft): OrderDraft => {
  const [first, ...rest] = items
  const small = point === "REFUNDED"
  const lineOf = ({ quantity, unitPrice }: TestLine): TestLine => ({
    unitPrice: small ? 100 + (unitPrice % 3000) : unitPrice,
    quantity
  })
  return draftOf(id, sampleCreatedAt, {
    lines: [lineOf(first), ...rest.map(lineOf)],
    currency,
    terms: {
      declines: terms.declines,
      latePayment: point === "EXPIRED/REACQUIRING" ? "reacquire" : terms.latePayment
    },
    startsInHours: 48
  })
}

/** Every version of an order on its way to one state and stage. */
export const versionsTo = (point: StatePoint): Arbitrary.Arbitrary<readonly [Order, ...Array<Order>]> =>
  Arbitrary.map(payableDrafts, (draft) => walkAll(draftFor(point, draft), pathsTo[point], sampleCreatedAt))

/** Orders of one state and stage. */
export const ordersAt = (point: StatePoint): Arbitrary.Arbitrary<Order> =>
  Arbitrary.map(versionsTo(point), (versions) => versions.at(-1) ?? versions[0])

const anyPoint = Arbitrary.schema(Schema.Literals(points))

/** Orders of any state and stage. */
export const orders: Arbitrary.Arbitrary<Order> = Arbitrary.flatMap(anyPoint, ordersAt)

/** The beginning of a history: a new order of any kind, or one on its way to any state, with all its versions. */
export const beginnings: Arbitrary.Arbitrary<readonly [Order, ...Array<Order>]> = Arbitrary.flatMap(
  Arbitrary.schema(Schema.Boolean),
  (isNew) =>
    isNew
      ? Arbitrary.map(drafts, (draft) => walkAll(draft, [], sampleCreatedAt))
      : Arbitrary.flatMap(anyPoint, versionsTo)
)

/** What may happen to an order, as data that needs no order yet. `n` picks among refunds, lines and strays. */
export const Happening = Schema.Struct({
  what: Schema.Literals([
    "hold granted",
    "hold refused",
    "intent opened",
    "setup abandoned",
    "captured",
    "captured by expiry",
    "captured after closure",
    "captured wrongly",
    "stray",
    "own as stray",
    "declined",
    "failed",
    "processing",
    "allocated",
    "allocated after closure",
    "allocation refused",
    "reserve",
    "cancel",
    "expire",
    "complete",
    "ask everything",
    "ask amount",
    "ask tickets",
    "approve",
    "reject",
    "retry",
    "refund pending",
    "refund succeeded",
    "refund failed"
  ]),
  n: between(0, 3),
  amount: between(0, 70_000),
  /** From the step before. Mostly short; some steps wait for a deadline, a cutoff or the event's end. */
  waitSeconds: Schema.Literals([0, 0, 0, 1, 30, 60, 300, 600, 900, 1020, 3600, 86_400, 259_200])
})
export type Happening = typeof Happening.Type

/** What happens to one order, step by step. */
export const histories = (lengthMax: number): Arbitrary.Arbitrary<ReadonlyArray<Happening>> =>
  Arbitrary.array(Arbitrary.schema(Happening), { minLength: 1, maxLength: lengthMax })

/** What happens to the refunds of one order, and now and then to the order. */
const RefundHappening = Schema.Struct({
  ...Happening.fields,
  what: Schema.Literals([
    "ask everything",
    "ask amount",
    "ask amount",
    "ask tickets",
    "ask tickets",
    "approve",
    "reject",
    "retry",
    "retry",
    "refund pending",
    "refund succeeded",
    "refund failed",
    "refund failed",
    "refund failed",
    "stray",
    "cancel"
  ]),
  amount: between(0, 30_000)
})

/** Histories of refunds: deeper into them than a history of everything would come. */
export const refundHistories = (lengthMax: number): Arbitrary.Arbitrary<ReadonlyArray<Happening>> =>
  Arbitrary.array(Arbitrary.schema(RefundHappening), { minLength: 1, maxLength: lengthMax })

/** The command that a happening is for an order as it now stands. New refunds are numbered on. */
export const commandOf = (order: Order, { amount, n, what }: Happening): OrderCommand => {
  const refundId = nthRefundId(order.id, order.refunds.length + 100)
  const refund = order.refunds[n % Math.max(1, order.refunds.length)]
  const known = { refundId: refund?.id ?? nthRefundId(order.id, 999), attempt: refund?.attempt ?? 1 }
  const stray = PaymentIntentId.make(`pi_stray_${derivedId(order.id, n)}`)
  const isAdmin = n % 2 === 1
  switch (what) {
    case "hold granted":
      return OrderCommand.HoldGranted()
    case "hold refused":
      return OrderCommand.HoldRefused({ ticketTypeId: null })
    case "intent opened":
      return openIntent(order)
    case "setup abandoned":
      return OrderCommand.SetupAbandoned({ cause: isAdmin ? "CREATE_FAILED" : "CREATE_TIMEOUT", why: "test" })
    case "captured":
      return captureOwn(order, { refundId })
    case "captured by expiry":
      return captureOwn(order, { refundId, foundByExpiry: true })
    case "captured after closure":
      return captureOwn(order, { refundId, eventCancelled: true })
    case "captured wrongly":
      return captureOwn(order, { refundId, ...(isAdmin ? { amount: Cents.make(amount) } : { currency: "JPY" }) })
    case "stray":
      return strayPayment(order, { refundId, paymentIntentId: stray, amount: Cents.make(amount + 1) })
    case "own as stray":
      // Before it is opened nobody can have paid it.
      return strayPayment(order, {
        refundId,
        paymentIntentId: order.intent?.id ?? stray,
        amount: order.pricing.total
      })
    case "declined":
      return paymentFailed(order, true)
    case "failed":
      return paymentFailed(order, false)
    case "processing":
      return OrderCommand.PaymentProcessing()
    case "allocated":
      return allocateAll(order, { refundId })
    case "allocated after closure":
      return allocateAll(order, { refundId, eventCancelled: true })
    case "allocation refused":
      return { ...allocationRefused(order), refundId }
    case "reserve":
      return OrderCommand.Reserve()
    case "cancel":
      return { ...cancelAs(order, n === 0 ? "organiser" : isAdmin ? "admin" : "buyer"), refundId }
    case "expire":
      return OrderCommand.Expire({ reason: "test", intentClosed: isAdmin })
    case "complete":
      return OrderCommand.Complete()
    case "ask everything":
      return askRefund(order, { refundId, byAdmin: isAdmin })
    case "ask amount":
      return askRefund(order, { refundId, byAdmin: isAdmin, request: { _tag: "Amount", amount } })
    case "ask tickets":
      return askRefund(order, { refundId, byAdmin: isAdmin, request: ticketsAt(order, n, amount) })
    case "approve":
      return OrderCommand.ApproveRefund(known)
    case "reject":
      return OrderCommand.RejectRefund({ ...known, reason: "no" })
    case "retry":
      return OrderCommand.RetryRefund(known)
    case "refund pending":
      return OrderCommand.RefundSettled({ ...known, outcome: { _tag: "Pending" } })
    case "refund succeeded":
      return OrderCommand.RefundSettled({ ...known, outcome: { _tag: "Succeeded" } })
    case "refund failed":
      return OrderCommand.RefundSettled({ ...known, outcome: { _tag: "Failed", reason: "refused_by_bank" } })
  }
}

const ticketsAt = (order: Order, n: number, amount: number) => {
  const item = order.items[n % order.items.length] ?? order.items[0]
  return { _tag: "Items", items: [{ itemId: item.id, quantity: 1 + (amount % 3) }] } as const
}
