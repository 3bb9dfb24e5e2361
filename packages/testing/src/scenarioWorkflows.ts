/**
 * The stage of the workflows over the ports in memory: buyers, the payment service, organisers and sweepers act, and a
 * row shows what the order, its money and the ticket service have come to.
 *
 * A row is `step | answer | state | money | tickets`: the answer of the workflow (`ok`, or `!` and the error), then the
 * order, and what the ticket service has held and allocated for its first line's type. Steps:
 *
 * - `buys 2 general` (`+ 1 vip`; `as vip`; `key k`): any offer of the demo catalogue. `other buys ...` is another buyer
 * - `pays`, `pays 999`, `pays in EUR`, `pays twice`: money moves at the payment service, nobody is told
 * - `confirm`, `confirm the other`: the payment service tells of it
 * - `is processing`, `is declined`, `is declined for good`; `fails`: for good, and nobody is told
 * - `reserves`, `cancels`, `admin cancels`, `asks everything`, `asks 1000`, `asks 1 of line 1`, `admin asks 1000`
 * - `refund will fail`, `refund will wait`, `bank settles`: what the payment service does with refunds
 * - `admin approves 1`, `admin rejects 1`, `admin retries 1`: the order's nth refund
 * - `event is cancelled`, `stock is gone`: all that is left of the first line's type is held elsewhere
 * - `expiry`, `work`, `watch`, `look back`, `completion`: one sweep each; `look`: nothing happens; `rest`: everything is done
 * - `next tickets.hold failAfter`: the fate of that port's next call (see ScriptedFaults)
 */
import { Effect, Exit, HashMap, Option, Ref } from "effect"
import type { Caller } from "@tickettoken/order-domain/Actor"
import type { IdempotencyClaim } from "@tickettoken/order-domain/Idempotency"
import type { OrderId, PaymentIntentId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import type { Order } from "@tickettoken/order-domain/Order"
import type { RefundRequest } from "@tickettoken/order-domain/RefundQuote"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { requestRefund } from "@tickettoken/order-domain/workflows/RequestRefund"
import { reserveOrder } from "@tickettoken/order-domain/workflows/ReserveOrder"
import { type RefundVerdict, reviewRefund } from "@tickettoken/order-domain/workflows/ReviewRefund"
import { MemoryServices } from "./memory/MemoryServices.ts"
import { MemoryWorld, type WorldState } from "./memory/MemoryWorld.ts"
import {
  type Fault,
  type Operation,
  ScriptedFaults,
  serviceOperations,
  storeOperations
} from "./memory/ScriptedFaults.ts"
import { demo } from "./sandbox/catalogue.ts"
import { availableOf } from "./sandbox/TicketStock.ts"
import { play, type Stage, wordsOf } from "./scenario.ts"
import {
  admin,
  answerOf,
  bankSettles,
  buyer,
  cancelEvent,
  comeToRest,
  createFor,
  fail,
  holdElsewhere,
  offers,
  onClock,
  openStray,
  pay,
  paymentService,
  settleDown,
  startProcessing,
  stored,
  sweepCompletion,
  sweepExpiry,
  sweepEndedPayments,
  sweepPayments,
  sweepWork,
  tellFailure,
  type OfferName
} from "./scenarioActors.ts"
import { moneyCell, stateCell } from "./scenarioOrder.ts"
import { ticketsOf } from "./TestOrdersNews.ts"

const unknown = (what: string): Error => new Error(`no stage knows the words "${what}"`)

const isOffer = (name: string): name is OfferName => Object.hasOwn(offers, name)

const linesOf = (text: string): ReadonlyArray<readonly [number, OfferName]> =>
  text.split("+").map((line) => {
    const [, quantity, name = ""] = /^\s*(\d+) (.+?)\s*$/.exec(line) ?? []
    if (!isOffer(name)) throw unknown(text)
    return [Number(quantity), name]
  })

const faults: ReadonlyArray<Fault> = ["pass", "failBefore", "failAfter", "hang", "hangAfter", "refuse", "repeat"]

const operations: ReadonlyArray<Operation> = [...storeOperations, ...serviceOperations]

/** What the stage remembers: the order that rows are about, and an intent that only its buyer knows of. */
interface Scene {
  readonly orderId: OrderId | null
  readonly stray: PaymentIntentId | null
}

/** The order that was not there before. */
const createdSince = (before: WorldState, now: WorldState): Order | undefined =>
  Option.getOrUndefined(
    Option.map(
      HashMap.findFirst(now.orders, (_, row) => !HashMap.has(before.orders, row)),
      ([, order]) => order
    )
  )

const keyOf = (caller: Caller, options: ReadonlyArray<string>): IdempotencyClaim | undefined => {
  const key = options.find((option) => option.startsWith("key "))?.slice(4)
  if (key === undefined) return undefined
  return { tenantId: caller.tenantId, principal: caller.actor.id, operation: "create", key, fingerprint: "f" }
}

const requestOf = (order: Order, what: string): RefundRequest => {
  if (what === "everything") return { _tag: "Everything" }
  const [, quantity, line] = /^(\d+) of line (\d+)$/.exec(what) ?? []
  return line === undefined
    ? { _tag: "Amount", amount: Number(what) }
    : ticketsOf(order, Number(line) - 1, Number(quantity))
}

const intentOf = (order: Order): PaymentIntentId => {
  if (order.intent === null) throw new Error("the order has no payment intent")
  return order.intent.id
}

/** A stage over whatever layer provides the workflows' ports. */
export const workflowStage = Effect.gen(function* () {
  const world = yield* MemoryWorld
  const services = yield* MemoryServices
  const scripted = yield* ScriptedFaults
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof act>>>()
  const scene = yield* Ref.make<Scene>({ orderId: null, stray: null })

  const current = Effect.gen(function* () {
    const { orderId } = yield* Ref.get(scene)
    return orderId === null ? yield* Effect.die(new Error("no order has been created")) : yield* stored(orderId)
  }).pipe(Effect.provideContext(context))

  const ticketsCell = (order: Order) =>
    Effect.map(services.tickets.state, ({ types }) => {
      const stock = Option.getOrUndefined(HashMap.get(types, order.items[0].ticketTypeId))
      return stock === undefined ? "?" : `${stock.held}+${stock.allocated}`
    })

  const stage: Stage = {
    perform: Effect.fnUntraced(function* (step: string) {
      const [, operation, fault] = /^next (\S+) (\S+)$/.exec(step) ?? []
      if (fault !== undefined) {
        const known = operations.find((name) => name === operation)
        const fate = faults.find((name) => name === fault)
        if (known === undefined || fate === undefined) throw unknown(step)
        yield* scripted.next(known, fate)
        return []
      }
      const { orderId } = yield* Ref.get(scene)
      const before = yield* world.snapshot
      // Coming to rest moves the clock itself.
      const acting = step === "rest" ? Effect.exit(Effect.asVoid(comeToRest)) : onClock(Effect.exit(act(step, scene)))
      const answer = yield* Effect.provideContext(acting, context)
      yield* settleDown
      const created = createdSince(before, yield* world.snapshot)
      if (created !== undefined) yield* Ref.set(scene, { orderId: created.id, stray: null })
      if (orderId === null && created === undefined) return [said(answer)]
      const order = yield* current
      return [said(answer), stateCell(order), moneyCell(order), yield* ticketsCell(order)]
    })
  }
  return stage
})

/** A sweep answers how much it found. */
const said = (answer: Exit.Exit<unknown, { readonly _tag: string }>): string =>
  Exit.isSuccess(answer) && typeof answer.value === "number" ? `${answer.value} due` : answerOf(answer)

const buying = (step: string) => {
  const { options, verb } = wordsOf(step)
  const [, other, lines = ""] = /^(other )?buys (.+)$/.exec(verb) ?? []
  const caller = buyer(other === undefined ? demo.buyerId : demo.secondBuyerId, options.includes("as vip"))
  return createFor(caller, linesOf(lines), { claim: keyOf(caller, options) })
}

const paying = (order: Order, what: string) => {
  const id = intentOf(order)
  if (what === "pays") return pay(id)
  const amount = /^pays (\d+)$/.exec(what)?.[1]
  if (amount !== undefined) return pay(id, { amount: Cents.make(Number(amount)) })
  const currency = /^pays in (\w+)$/.exec(what)?.[1]
  if (currency !== undefined) return pay(id, { currency })
  throw unknown(what)
}

/** All that is left of the order's first type. */
const emptyStock = Effect.fnUntraced(function* (order: Order) {
  const { types } = yield* Effect.flatMap(MemoryServices, ({ tickets }) => tickets.state)
  const [item] = order.items
  const stock = Option.getOrUndefined(HashMap.get(types, item.ticketTypeId))
  const name = Object.keys(offers)
    .filter(isOffer)
    .find((known) => offers[known].ticketTypeId === item.ticketTypeId)
  if (stock !== undefined && name !== undefined) yield* holdElsewhere(availableOf(stock), name)
})

const verdicts: { readonly [verb: string]: RefundVerdict } = {
  approves: { _tag: "Approve" },
  rejects: { _tag: "Reject", reason: "no" },
  retries: { _tag: "Retry" }
}

const reviewing = (order: Order, verb: string, nth: number) => {
  const refundId = order.refunds[nth - 1]?.id
  const verdict = verdicts[verb]
  if (refundId === undefined || verdict === undefined) throw new Error(`the order has no refund ${nth}`)
  return Effect.asVoid(reviewRefund({ caller: admin, orderId: order.id, refundId, verdict }))
}

/** One step as the effect of whoever acts in it. */
const act = Effect.fnUntraced(function* (step: string, scene: Ref.Ref<Scene>) {
  if (/^(other )?buys /.test(step)) return yield* Effect.asVoid(buying(step))
  const { orderId, stray } = yield* Ref.get(scene)
  if (orderId === null) throw new Error(`"${step}" needs an order`)
  const order = yield* stored(orderId)
  const owner = buyer(order.userId)
  const [, who, what] = /^(admin )?asks (.+)$/.exec(step) ?? []
  if (what !== undefined) {
    const caller = who === undefined ? owner : admin
    return yield* Effect.asVoid(requestRefund({ caller, orderId, request: requestOf(order, what), reason: "ill" }))
  }
  const [, verb, nth] = /^admin (approves|rejects|retries) (\d+)$/.exec(step) ?? []
  if (verb !== undefined) return yield* reviewing(order, verb, Number(nth))
  switch (step) {
    case "refund will fail":
      return yield* Effect.flatMap(MemoryServices, ({ refundOutcomes }) => Ref.set(refundOutcomes, ["failed"]))
    case "refund will wait":
      return yield* Effect.flatMap(MemoryServices, ({ refundOutcomes }) => Ref.set(refundOutcomes, ["pending"]))
    case "bank settles":
      return yield* bankSettles
    case "look":
      return undefined
    case "pays twice": {
      const other = yield* openStray(order)
      yield* pay(other)
      return yield* Ref.set(scene, { orderId, stray: other })
    }
    case "confirm":
      return yield* Effect.asVoid(confirmOrder({ caller: paymentService, orderId, paymentIntentId: intentOf(order) }))
    case "confirm the other":
      return yield* Effect.asVoid(
        confirmOrder({ caller: paymentService, orderId, paymentIntentId: stray ?? intentOf(order) })
      )
    case "is processing":
      return yield* startProcessing(intentOf(order))
    case "fails":
      return yield* fail(intentOf(order))
    case "is declined":
      return yield* tellFailure(order, intentOf(order), true)
    case "is declined for good":
      return yield* tellFailure(order, intentOf(order), false)
    case "reserves":
      return yield* Effect.asVoid(reserveOrder({ caller: owner, orderId }))
    case "cancels":
      return yield* Effect.asVoid(cancelOrder({ caller: owner, orderId, reason: null }))
    case "admin cancels":
      return yield* Effect.asVoid(cancelOrder({ caller: admin, orderId, reason: "goodwill" }))
    case "event is cancelled":
      return yield* Effect.asVoid(cancelEvent(order.eventId))
    case "stock is gone":
      return yield* emptyStock(order)
    case "expiry":
      return yield* sweepExpiry
    case "work":
      return yield* sweepWork
    case "watch":
      return yield* Effect.asVoid(sweepPayments)
    case "look back":
      return yield* Effect.asVoid(sweepEndedPayments)
    case "completion":
      return yield* sweepCompletion
    default:
      return yield* paying(order, step)
  }
})

/** Plays a table on the workflows. */
export const playWorkflows = (table: string) => Effect.flatMap(workflowStage, (stage) => play(table, stage))
