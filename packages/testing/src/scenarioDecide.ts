/**
 * The stage of pure `decide`: one order, and every command that can be put to it, in words.
 *
 * A row is `step | state | money | fact | work`; `=` is a command with nothing (more) to do, `!` a refusal with its
 * name. Steps:
 *
 * - `created`, `held`, `payable`, `reserved`, `paid order`, `confirmed`: a new order, brought there at once. Options:
 *   `vip`, `free`, `2 x 10000 + 1 x 25000`, `starts in 20 hours`, `late refund`, `late review`, `declines cancel`
 * - `hold granted`, `hold refused`, `intent opened`, `setup failed`, `setup timed out`
 * - `paid` (`event cancelled`, `found by expiry`, `999`, `in EUR`), `stray payment 5000` (`in EUR`), `stray capture`,
 *   `declined`, `declined for good`, `processing`
 * - `allocated` (`event cancelled`), `allocation refused`
 * - `reserve`, `expire`, `expire without a word`, `complete`
 * - `buyer cancels`, `admin cancels`, `organiser cancels`
 * - `buyer asks everything`, `admin asks 1000`, `buyer asks 1 of line 1`
 * - `approve 1`, `reject 1`, `retry 1`, `refund 1 arrives`, `refund 1 is pending`, `refund 1 fails`
 */
import { DateTime, Effect, Ref, Result } from "effect"
import type { Decision } from "@tickettoken/order-domain/Decision"
import { OrderId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { placeOrder } from "@tickettoken/order-domain/OrderCreation"
import { decide } from "@tickettoken/order-domain/OrderDecision"
import { moneyCell, stateCell, workCell } from "./scenarioOrder.ts"
import { play, type Stage, wordsOf } from "./scenario.ts"
import {
  after,
  buyerActor,
  type DraftOptions,
  draftOf,
  fixedId,
  freeLines,
  jobActor,
  nthRefundId,
  strayIntentId,
  type TestLine
} from "./TestOrders.ts"
import {
  allocateAll,
  allocationRefused,
  askRefund,
  cancelAs,
  captureOwn,
  expireNow,
  openIntent,
  paymentFailed,
  strayPayment,
  ticketsOf
} from "./TestOrdersNews.ts"

const unknown = (what: string): Error => new Error(`no stage knows the words "${what}"`)

const linesOf = (option: string): readonly [TestLine, ...Array<TestLine>] | undefined => {
  const lines = [...option.matchAll(/(\d+) x (\d+)/g)].map(([, quantity, unitPrice]) => ({
    quantity: Number(quantity),
    unitPrice: Number(unitPrice)
  }))
  const [first, ...rest] = lines
  return first === undefined ? undefined : [first, ...rest]
}

const draftOption = (options: DraftOptions, word: string): DraftOptions => {
  const lines = linesOf(word)
  if (lines !== undefined) return { ...options, lines }
  const hours = /^starts in (\d+) hours$/.exec(word)?.[1]
  if (hours !== undefined) return { ...options, startsInHours: Number(hours) }
  switch (word) {
    case "vip":
      return { ...options, vip: true }
    case "free":
      return { ...options, lines: freeLines }
    case "late refund":
      return { ...options, terms: { ...options.terms, latePayment: "refund" } }
    case "late review":
      return { ...options, terms: { ...options.terms, latePayment: "review" } }
    case "declines cancel":
      return { ...options, terms: { ...options.terms, declines: "cancel" } }
    default:
      throw unknown(word)
  }
}

/** The commands that bring a new order to where a step wants it. */
const preludes: { readonly [verb: string]: ReadonlyArray<(order: Order) => OrderCommand> } = {
  created: [],
  held: [() => OrderCommand.HoldGranted()],
  payable: [() => OrderCommand.HoldGranted(), openIntent],
  reserved: [() => OrderCommand.HoldGranted(), openIntent, () => OrderCommand.Reserve()],
  "paid order": [() => OrderCommand.HoldGranted(), openIntent, (order) => captureOwn(order)],
  confirmed: [() => OrderCommand.HoldGranted(), openIntent, (order) => captureOwn(order), (order) => allocateAll(order)]
}

/** A free order has no intent and no payment: those steps are left out. */
const fits = (order: Order, command: OrderCommand): boolean =>
  order.pricing.total > 0 || (command._tag !== "IntentOpened" && command._tag !== "CaptureSeen")

type Paid = Parameters<typeof captureOwn>[1]

const paidOption = (changes: NonNullable<Paid>, word: string): NonNullable<Paid> => {
  if (word === "event cancelled") return { ...changes, eventCancelled: true }
  if (word === "found by expiry") return { ...changes, foundByExpiry: true }
  if (word.startsWith("in ")) return { ...changes, currency: word.slice(3) }
  if (/^\d+$/.test(word)) return { ...changes, amount: Cents.make(Number(word)) }
  throw unknown(word)
}

/** A new refund's number is the next one, so that `refund 2` is the second that the order has. */
const nextRefund = (order: Order) => nthRefundId(order.id, order.refunds.length + 1)

const simple: { readonly [verb: string]: (order: Order) => OrderCommand } = {
  "hold granted": () => OrderCommand.HoldGranted(),
  "hold refused": () => OrderCommand.HoldRefused({ ticketTypeId: null }),
  "intent opened": openIntent,
  "setup failed": () => OrderCommand.SetupAbandoned({ cause: "CREATE_FAILED", why: "refused" }),
  "setup timed out": () => OrderCommand.SetupAbandoned({ cause: "CREATE_TIMEOUT", why: "too slow" }),
  "stray capture": (order) => captureOwn(order, { paymentIntentId: strayIntentId(order.id) }),
  declined: (order) => paymentFailed(order, true),
  "declined for good": (order) => paymentFailed(order, false),
  "declined stray": (order) => paymentFailed(order, false, strayIntentId(order.id)),
  processing: () => OrderCommand.PaymentProcessing(),
  "allocation refused": (order) => ({ ...allocationRefused(order), refundId: nextRefund(order) }),
  reserve: () => OrderCommand.Reserve(),
  expire: () => expireNow,
  "expire without a word": () => OrderCommand.Expire({ reason: "no answer", intentClosed: false }),
  complete: () => OrderCommand.Complete(),
  "buyer cancels": (order) => ({ ...cancelAs(order, "buyer"), refundId: nextRefund(order) }),
  "admin cancels": (order) => ({ ...cancelAs(order, "admin"), refundId: nextRefund(order) }),
  "organiser cancels": (order) => ({ ...cancelAs(order, "organiser"), refundId: nextRefund(order) })
}

const asked = (order: Order, verb: string): OrderCommand | undefined => {
  const [, who, what] = /^(buyer|admin) asks (.+)$/.exec(verb) ?? []
  if (what === undefined) return undefined
  const tickets = /^(\d+) of line (\d+)$/.exec(what)
  const request =
    what === "everything"
      ? ({ _tag: "Everything" } as const)
      : tickets === null
        ? ({ _tag: "Amount", amount: Number(what) } as const)
        : ticketsOf(order, Number(tickets[2]) - 1, Number(tickets[1]))
  return askRefund(order, { refundId: nextRefund(order), request, byAdmin: who === "admin" })
}

const aboutRefund = (order: Order, verb: string): OrderCommand | undefined => {
  const [, review, reviewed] = /^(approve|reject|retry) (\d+)$/.exec(verb) ?? []
  const [, settled, outcome] = /^refund (\d+) (arrives|is pending|fails)$/.exec(verb) ?? []
  const refund = order.refunds[Number(reviewed ?? settled) - 1]
  const refundId = refund?.id ?? nthRefundId(order.id, 99)
  switch (review ?? outcome) {
    case "approve":
      return OrderCommand.ApproveRefund({ refundId })
    case "reject":
      return OrderCommand.RejectRefund({ refundId, reason: "no" })
    case "retry":
      return OrderCommand.RetryRefund({ refundId })
    case "arrives":
      return OrderCommand.RefundSettled({ refundId, attempt: refund?.attempt ?? 1, outcome: { _tag: "Succeeded" } })
    case "is pending":
      return OrderCommand.RefundSettled({ refundId, attempt: refund?.attempt ?? 1, outcome: { _tag: "Pending" } })
    case "fails":
      return OrderCommand.RefundSettled({
        refundId,
        attempt: refund?.attempt ?? 1,
        outcome: { _tag: "Failed", reason: "refused_by_bank" }
      })
    default:
      return undefined
  }
}

const commandOf = (order: Order, step: string): OrderCommand => {
  const { options, verb } = wordsOf(step)
  const refundId = nextRefund(order)
  if (verb === "paid") return captureOwn(order, { refundId, ...options.reduce(paidOption, {}) })
  if (verb === "allocated") return allocateAll(order, { refundId, eventCancelled: options.includes("event cancelled") })
  const stray = /^stray payment (\d+)$/.exec(verb)?.[1]
  if (stray !== undefined) {
    return strayPayment(order, { refundId, ...options.reduce(paidOption, {}), amount: Cents.make(Number(stray)) })
  }
  const command = simple[verb]?.(order) ?? asked(order, verb) ?? aboutRefund(order, verb)
  if (command === undefined) throw unknown(step)
  return command
}

const outcomeOf = ({ event, order, work }: Decision): ReadonlyArray<string> => [
  stateCell(order),
  moneyCell(order),
  event.type,
  workCell(work)
]

/** A stage with no order yet. */
export const decideStage: Effect.Effect<Stage> = Effect.map(Ref.make<Order | null>(null), (current) => ({
  perform: Effect.fnUntraced(function* (step: string) {
    const now = yield* DateTime.now
    const { options, verb } = wordsOf(step)
    const prelude = preludes[verb]
    if (prelude !== undefined) {
      const draft = draftOf(OrderId.make(fixedId(1)), now, options.reduce(draftOption, {}))
      const first = placeOrder(draft, buyerActor(draft.userId), now)
      const order = prelude.reduce((known, next) => {
        const command = next(known)
        return fits(known, command) ? after(known, command, now) : known
      }, first.order)
      yield* Ref.set(current, order)
      return verb === "created" ? outcomeOf(first) : [stateCell(order), moneyCell(order)]
    }
    const order = yield* Ref.get(current)
    if (order === null) return yield* Effect.die(new Error(`"${step}" needs an order`))
    const outcome = decide(order, { actor: jobActor, command: commandOf(order, step) }, now)
    if (Result.isFailure(outcome)) return [`! ${outcome.failure._tag}`]
    if (outcome.success._tag === "Unchanged") return ["="]
    yield* Ref.set(current, outcome.success.decision.order)
    return outcomeOf(outcome.success.decision)
  })
}))

/** Plays a table on pure `decide`. */
export const playDecide = (table: string): Effect.Effect<void> =>
  Effect.flatMap(decideStage, (stage) => play(table, stage))
