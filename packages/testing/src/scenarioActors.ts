/**
 * Who acts on the workflows in memory: buyers, the payment service, organisers, and the sweepers of a replica.
 *
 * Under the test clock nothing moves by itself, so {@link onClock} drives an effect to its end: it lets fibers run, and
 * moves the clock only when all of them wait for it.
 */
import { Cause, DateTime, Duration, Effect, Exit, Fiber, HashMap, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import type { Caller } from "@tickettoken/order-domain/Actor"
import { changeOrder } from "@tickettoken/order-domain/changeOrder"
import type { Currency } from "@tickettoken/order-domain/Currency"
import { type EventId, OrderId, type PaymentIntentId, type UserId } from "@tickettoken/order-domain/Ids"
import { emptyMetadata } from "@tickettoken/order-domain/Metadata"
import { isOpen, type Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { bulkCancelEvent } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { completeEndedOrders } from "@tickettoken/order-domain/workflows/CompleteOrders"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { createOrder } from "@tickettoken/order-domain/workflows/CreateOrder"
import { expireDueOrders } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { lookBackAtPayments } from "@tickettoken/order-domain/workflows/LookBackAtPayments"
import { watchPayments } from "@tickettoken/order-domain/workflows/WatchPayments"
import { LetRun } from "./IdleScheduler.ts"
import * as MemoryLayer from "./memory/MemoryLayer.ts"
import { MemoryServices, settled } from "./memory/MemoryServices.ts"
import { MemoryWorld, rowOf } from "./memory/MemoryWorld.ts"
import { demo } from "./sandbox/catalogue.ts"
import * as Directory from "./sandbox/EventDirectory.ts"
import * as Ledger from "./sandbox/PaymentLedger.ts"
import * as Inventory from "./sandbox/TicketInventory.ts"
import { buyerActor, randomUuid } from "./TestOrders.ts"

/** All ports in memory, and the executor over them: one replica of the service. */
export const layerWith = (options: MemoryLayer.MemoryOptions) =>
  WorkExecutor.layer.pipe(Layer.provideMerge(MemoryLayer.layerWith(options)))

export const layer = layerWith({})

/** How long an effect may take, by the test clock, before it is said to hang. */
const SECONDS_MAX = 600

const letRun = Effect.flatMap(LetRun, (run) => run)

/** Runs an effect to its end, moving the test clock second by second while it waits. */
export const onClock = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  for (let seconds = 0; seconds < SECONDS_MAX; seconds++) {
    yield* letRun
    if (fiber.pollUnsafe() !== undefined) return yield* Fiber.join(fiber)
    yield* TestClock.adjust(Duration.seconds(1))
  }
  return yield* Effect.die(new Error(`nothing has come of it after ${SECONDS_MAX} seconds`))
})

/** Lets everything that was started in the background come to an end or to a wait. */
export const settleDown = letRun

/** What a workflow answered, in a word. */
export const answerOf = <A, E extends { readonly _tag: string }>(exit: Exit.Exit<A, E>): string =>
  Exit.match(exit, {
    onSuccess: () => "ok",
    onFailure: (cause) =>
      Option.match(Cause.findErrorOption(cause), {
        onNone: () => `! defect: ${Cause.pretty(cause)}`,
        onSome: ({ _tag }) => `! ${_tag}`
      })
  })

export const buyer = (userId: UserId = demo.buyerId, vip = false): Caller => ({
  tenantId: demo.tenantId,
  actor: buyerActor(userId),
  vip
})

export const admin: Caller = {
  tenantId: demo.tenantId,
  actor: { kind: "admin", id: demo.adminId, ip: null },
  vip: false
}

/** The payment service, which tells of payments. */
export const paymentService: Caller = {
  tenantId: demo.tenantId,
  actor: { kind: "service", id: "payment-service", ip: null },
  vip: false
}

/** What can be bought. */
export const offers = {
  general: { ...demo.general, eventId: demo.eventId, currency: "USD" },
  vip: { ...demo.vip, eventId: demo.eventId, currency: "USD" },
  "last seat": { ...demo.lastSeat, eventId: demo.eventId, currency: "USD" },
  free: { ...demo.free, eventId: demo.eventId, currency: "USD" },
  euro: { ...demo.euro, eventId: demo.euroEventId, currency: "EUR" },
  soon: { ...demo.soon, eventId: demo.soonEventId, currency: "USD" },
  cancelled: { ...demo.cancelled, eventId: demo.cancelledEventId, currency: "USD" }
} as const satisfies { readonly [name: string]: { readonly eventId: EventId; readonly currency: Currency } }

export type OfferName = keyof typeof offers

/** A buyer creates an order of so many tickets of each offer; all of them must be of one event. */
export const createFor = (
  caller: Caller,
  lines: ReadonlyArray<readonly [quantity: number, offer: OfferName]>,
  more: Partial<Pick<Parameters<typeof createOrder>[0], "claim" | "currency" | "eventId">> = {}
) => {
  const first = offers[lines[0]?.[1] ?? "general"]
  return createOrder({
    caller,
    eventId: first.eventId,
    currency: first.currency,
    items: lines.map(([quantity, name]) => {
      const { ticketPricingId, ticketTypeId } = offers[name]
      return { ticketTypeId, ticketPricingId, quantity }
    }),
    metadata: emptyMetadata,
    ...more
  })
}

/** The order as it is stored, looked at behind the ports and so without faults. */
export const stored = Effect.fnUntraced(function* (orderId: OrderId) {
  const world = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
  const order = Option.getOrUndefined(HashMap.get(world.orders, rowOf(demo.tenantId, orderId)))
  return order === undefined ? yield* Effect.die(new Error(`there is no order ${orderId}`)) : order
})

/** The buyer pays the intent, whatever its state: what comes after a cancellation is late. */
export const pay = Effect.fnUntraced(function* (
  id: PaymentIntentId,
  money: { readonly amount?: Parameters<typeof Ledger.pay>[1]["amount"]; readonly currency?: string } = {}
) {
  const { payments } = yield* MemoryServices
  yield* Effect.orDie(
    settled(
      payments.perform((state) =>
        Ledger.pay(state, {
          id,
          late: true,
          ...(money.amount === undefined ? {} : { amount: money.amount }),
          ...(money.currency === undefined ? {} : { currency: money.currency })
        })
      )
    )
  )
})

/** The bank takes its time. */
export const startProcessing = Effect.fnUntraced(function* (id: PaymentIntentId) {
  const { payments } = yield* MemoryServices
  yield* Effect.ignore(settled(payments.perform((state) => Ledger.startProcessing(state, { id }))))
})

/** The payment fails for good, and nobody is told. */
export const fail = Effect.fnUntraced(function* (id: PaymentIntentId) {
  const { payments } = yield* MemoryServices
  yield* Effect.orDie(settled(payments.perform((state) => Ledger.decline(state, { id, retryable: false }))))
})

/** Another intent of the same order, which nobody but the buyer knows of. */
export const openStray = Effect.fnUntraced(function* (order: Order) {
  const { payments } = yield* MemoryServices
  const key = `stray:${yield* randomUuid}`
  const { currency, id: orderId, pricing, tenantId, userId } = order
  const request = { tenantId, key, orderId, userId, amount: pricing.total, currency }
  return (yield* Effect.orDie(settled(payments.perform((state) => Ledger.createIntent(state, request))))).id
})

/** The payment service says that a payment has failed. */
export const tellFailure = Effect.fnUntraced(function* (
  { id, tenantId }: Order,
  paymentIntentId: PaymentIntentId,
  retryable: boolean
) {
  const executor = yield* WorkExecutor
  const command = OrderCommand.PaymentFailed({ paymentIntentId, retryable, reason: "declined" })
  const { work } = yield* changeOrder({
    tenantId,
    orderId: id,
    command: () => Effect.succeed({ actor: paymentService.actor, command })
  })
  yield* executor.start(work)
})

/** Somebody else holds so many tickets of an offer for a month, straight at the ticket service. */
export const holdElsewhere = Effect.fnUntraced(function* (quantity: number, name: OfferName) {
  const { tickets } = yield* MemoryServices
  const { eventId, ticketPricingId, ticketTypeId } = offers[name]
  const orderId = OrderId.make(yield* randomUuid)
  const call = { tenantId: demo.tenantId, orderId, key: `${orderId}:ELSEWHERE` }
  const items = [{ ticketTypeId, ticketPricingId, quantity }]
  yield* Effect.orDie(
    settled(
      tickets.perform((state, now) =>
        Inventory.reserve(state, { ...call, eventId, items, holdUntil: DateTime.add(now, { days: 30 }) }, now)
      )
    )
  )
})

/** The organiser cancels the event: the event service says so, and an admin runs the bulk cancellation. */
export const cancelEvent = Effect.fnUntraced(function* (eventId: EventId) {
  const { events } = yield* MemoryServices
  yield* Effect.orDie(
    settled(events.perform((state) => Directory.setStatus(state, { id: eventId, status: "CANCELLED" })))
  )
  return yield* bulkCancelEvent({ caller: admin, eventId, reason: "rain" })
})

/** One round of the work sweeper. */
export const sweepWork = Effect.gen(function* () {
  const queue = yield* WorkQueue
  const executor = yield* WorkExecutor
  const due = yield* queue.claimDue(100)
  yield* executor.run(due)
  return due.length
})

/** One round of the expiry fiber. */
export const sweepExpiry = expireDueOrders()

/** One round of the payment watch. */
export const sweepPayments = watchPayments(null)

/** When an order that has ended unpaid is asked about once more. */
const looks = [Duration.minutes(5), Duration.hours(1), Duration.days(1)]

/** One round of the look back at payments. */
export const sweepEndedPayments = lookBackAtPayments(looks)

/** One round of the completion job. */
export const sweepCompletion = completeEndedOrders()

/** The bank ends what it still has to decide: payments and refunds on their way arrive. */
export const bankSettles = Effect.gen(function* () {
  const { payments } = yield* MemoryServices
  const { intents, refunds } = yield* payments.state
  for (const { id, status } of HashMap.values(intents)) if (status === "processing") yield* pay(id)
  for (const { id, status } of HashMap.values(refunds)) {
    if (status === "pending") {
      yield* Effect.orDie(settled(payments.perform((state) => Ledger.settleRefund(state, { id, status: "succeeded" }))))
    }
  }
})

/** The payment service tells once more of every payment that it has taken. */
const announceAll = Effect.gen(function* () {
  const { payments } = yield* MemoryServices
  const { intents } = yield* payments.state
  for (const { id, orderId, status } of HashMap.values(intents)) {
    if (status !== "succeeded") continue
    yield* Effect.ignore(confirmOrder({ caller: paymentService, orderId, paymentIntentId: id }))
  }
})

/** Sweeps after which a world without faults must have nothing left to do. */
const ROUNDS_MAX = 120

const isBusy = Effect.gen(function* () {
  const { orders, work } = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
  return HashMap.some(work, ({ state }) => state !== "DONE") || HashMap.some(orders, isOpen)
})

/**
 * Brings a world without faults to rest: every payment is told of, the bank ends what it has begun, and the sweepers
 * come by every minute until nothing is under way. Answers after how many rounds.
 */
export const comeToRest = Effect.gen(function* () {
  yield* bankSettles
  yield* onClock(announceAll)
  for (let round = 0; round < ROUNDS_MAX; round++) {
    yield* bankSettles
    yield* onClock(sweepExpiry)
    yield* onClock(sweepWork)
    yield* settleDown
    if (!(yield* isBusy)) return round
    yield* TestClock.adjust("61 seconds")
  }
  return yield* Effect.die(new Error(`the world has not come to rest in ${ROUNDS_MAX} rounds`))
})
