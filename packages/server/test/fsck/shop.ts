/** A busy shop: the whole core over PostgreSQL, with the services in memory, and buyers who do all that buyers do. */
import type { Caller } from "@tickettoken/order-domain/Actor"
import { UserId } from "@tickettoken/order-domain/Ids"
import { emptyMetadata } from "@tickettoken/order-domain/Metadata"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { bulkCancelEvent } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { completeEndedOrders } from "@tickettoken/order-domain/workflows/CompleteOrders"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { createOrder } from "@tickettoken/order-domain/workflows/CreateOrder"
import { expireDueOrders } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { requestRefund } from "@tickettoken/order-domain/workflows/RequestRefund"
import { reserveOrder } from "@tickettoken/order-domain/workflows/ReserveOrder"
import { reviewRefund } from "@tickettoken/order-domain/workflows/ReviewRefund"
import type { Acknowledged } from "@tickettoken/order-server/fsck/Journals"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import * as EventCatalogMemory from "@tickettoken/order-testing/memory/EventCatalogMemory"
import * as IdentifiersMemory from "@tickettoken/order-testing/memory/IdentifiersMemory"
import { MemoryServices, layer as memoryServices } from "@tickettoken/order-testing/memory/MemoryServices"
import * as PaymentsMemory from "@tickettoken/order-testing/memory/PaymentsMemory"
import * as PoliciesMemory from "@tickettoken/order-testing/memory/PoliciesMemory"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import * as TicketsMemory from "@tickettoken/order-testing/memory/TicketsMemory"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import {
  admin,
  offers,
  type OfferName,
  openStray,
  pay,
  paymentService
} from "@tickettoken/order-testing/scenarioActors"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Cause, Effect, Exit, Layer, Option, References, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { layerStore } from "../sql/database.ts"

const services = Layer.mergeAll(
  TicketsMemory.layer,
  PaymentsMemory.layer,
  EventCatalogMemory.layer,
  ControlsMemory.layer
).pipe(Layer.provideMerge(Layer.merge(memoryServices, ScriptedFaults.layer)))

const ports = Layer.mergeAll(services, IdentifiersMemory.layer, PoliciesMemory.layerWith({})).pipe(
  Layer.provideMerge(layerStore)
)

/** The shop with its doors closed. What goes wrong in it is meant to. */
export const layerShop = WorkExecutor.layer.pipe(
  Layer.provideMerge(ports),
  Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
)

const freshUser = Effect.map(
  randomUuid,
  (id): Caller => ({ tenantId: demo.tenantId, actor: { kind: "user", id: UserId.make(id), ip: null }, vip: false })
)

const reserve = Effect.fnUntraced(function* (caller: Caller, quantity: number = 2, offer: OfferName = "general") {
  const { currency, eventId, ticketPricingId, ticketTypeId } = offers[offer]
  const items = [{ ticketTypeId, ticketPricingId, quantity }] as const
  return yield* createOrder({ caller, eventId, currency, items, metadata: emptyMetadata })
})

const intentOf = ({ id, intent }: Order) =>
  intent === null ? Effect.die(new Error(`order ${id} has no intent`)) : Effect.succeed(intent.id)

const confirm = Effect.fnUntraced(function* (caller: Caller, order: Order) {
  const paymentIntentId = yield* intentOf(order)
  return yield* confirmOrder({ caller, orderId: order.id, paymentIntentId })
})

const buy = Effect.fnUntraced(function* (caller: Caller, quantity: number = 2, offer: OfferName = "general") {
  const order = yield* reserve(caller, quantity, offer)
  yield* pay(yield* intentOf(order))
  return yield* confirm(caller, order)
})

/** Does what is left to do, until nothing is. */
const sweep = Effect.gen(function* () {
  const queue = yield* WorkQueue
  const executor = yield* WorkExecutor
  yield* expireDueOrders()
  for (let due = yield* queue.claimDue(16); due.length > 0; due = yield* queue.claimDue(16)) {
    yield* executor.runInBackground(due)
  }
})

/** What the shop has seen. */
export interface Day {
  readonly answers: ReadonlyArray<Acknowledged>
  readonly orders: number
}

/** A day on which everything happens that rules speak of, with nothing left to do at its end. */
export const busyDay = Effect.gen(function* () {
  const time = yield* TestTime
  const controls = yield* ServiceControls
  const answers: Array<Acknowledged> = []
  const told = <E, R>(effect: Effect.Effect<Order, E, R>) =>
    Effect.tap(effect, ({ id, pricing, status, tenantId }) =>
      Effect.sync(() => answers.push({ tenantId, orderId: id, totalCents: pricing.total, status }))
    )
  const refused = Effect.fnUntraced(function* <A, E extends { readonly _tag: string }, R>(
    effect: Effect.Effect<A, E, R>,
    tag: string
  ) {
    const exit = yield* Effect.exit(effect)
    const found = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause))?._tag : "ok"
    if (found !== tag) return yield* Effect.die(new Error(`expected ${tag}, not ${found}`))
  })

  // Holds that run out, one of them paid afterwards; a renewal; a payment on its way at the deadline.
  const [late, gone, slow, kept] = [yield* freshUser, yield* freshUser, yield* freshUser, yield* freshUser]
  const lateOrder = yield* told(reserve(late))
  yield* told(reserve(gone))
  const slowOrder = yield* told(reserve(slow))
  yield* controls.startProcessing(yield* intentOf(slowOrder))
  const keptOrder = yield* told(reserve(kept))
  yield* time.passMinutes(10)
  yield* told(Effect.map(reserveOrder({ caller: kept, orderId: keptOrder.id }), ({ order }) => order))
  yield* time.passMinutes(10)
  yield* sweep
  yield* pay(yield* intentOf(lateOrder))
  yield* told(
    confirmOrder({ caller: paymentService, orderId: lateOrder.id, paymentIntentId: yield* intentOf(lateOrder) })
  )
  yield* pay(yield* intentOf(slowOrder))
  yield* told(confirm(slow, slowOrder))
  yield* pay(yield* intentOf(keptOrder))
  yield* told(confirm(kept, keptOrder))

  // Cancelled before and after paying; refunded in part and whole; reviewed; free; for a VIP.
  const buyer = yield* freshUser
  const unpaid = yield* told(reserve(buyer))
  yield* told(cancelOrder({ caller: buyer, orderId: unpaid.id, reason: "no time" }))
  const paid = yield* told(buy(buyer))
  yield* told(cancelOrder({ caller: buyer, orderId: paid.id, reason: "ill" }))
  const [partly, wholly] = [yield* told(buy(buyer, 3)), yield* told(buy(buyer, 1))]
  for (const [order, quantity] of [
    [partly, 1],
    [wholly, 1]
  ] as const) {
    const request = { _tag: "Items", items: [{ itemId: order.items[0].id, quantity }] } as const
    yield* requestRefund({ caller: buyer, orderId: order.id, request, reason: "one is ill" })
  }
  const many = yield* freshUser
  for (const verdict of [{ _tag: "Approve" }, { _tag: "Reject", reason: "not ours" }] as const) {
    const large = yield* told(buy(many, 5))
    const request = { _tag: "Everything" } as const
    const { refund } = yield* requestRefund({ caller: many, orderId: large.id, request, reason: "all of it" })
    yield* reviewRefund({ caller: admin, orderId: large.id, refundId: refund.id, verdict })
  }
  yield* told(reserve(yield* freshUser, 1, "free"))
  yield* told(buy(yield* freshUser, 1, "vip"))

  // A second payment for an order that is paid; one that fails for good; the last seat for two.
  const doubled = yield* freshUser
  const single = yield* told(buy(doubled))
  const stray = yield* openStray(single)
  yield* pay(stray)
  yield* refused(confirmOrder({ caller: doubled, orderId: single.id, paymentIntentId: stray }), "OrderAlreadyConfirmed")
  yield* told(reserve(yield* freshUser, 1, "last seat"))
  yield* refused(reserve(yield* freshUser, 1, "last seat"), "TicketsSoldOut")

  // A refund that the bank refuses at first.
  const patient = yield* freshUser
  yield* controls.nextRefunds("failed")
  const failing = yield* told(buy(patient))
  yield* told(cancelOrder({ caller: patient, orderId: failing.id, reason: "ill" }))
  const store = yield* OrderStore
  const [failed] = yield* store.load(failing.tenantId, failing.id).pipe(
    Effect.map(({ order }) => order.refunds.filter(({ state }) => state === "FAILED")),
    Effect.repeat({ until: (refunds) => refunds.length > 0, schedule: Schedule.spaced("10 millis") })
  )
  if (failed === undefined) return yield* Effect.die(new Error("the bank has refused it"))
  yield* reviewRefund({ caller: admin, orderId: failing.id, refundId: failed.id, verdict: { _tag: "Retry" } })

  // A whole event is cancelled, with orders in every state.
  for (let n = 0; n < 3; n++) yield* told(buy(yield* freshUser, 1, "euro"))
  yield* told(reserve(yield* freshUser, 1, "euro"))
  yield* bulkCancelEvent({ caller: admin, eventId: demo.euroEventId, reason: "rain" })
  yield* refused(reserve(yield* freshUser, 1, "euro"), "EventCancelled")

  // What is still open runs out; work that is due runs.
  yield* time.passMinutes(40)
  yield* sweep
  yield* time.passMinutes(2)
  yield* sweep
  return { answers, orders: answers.length } satisfies Day
})

/** The events take place: what is confirmed is completed. */
export const eventsEnd = Effect.gen(function* () {
  const time = yield* TestTime
  yield* time.passMinutes(365 * 24 * 60)
  yield* completeEndedOrders()
})

/** What the services say has happened. */
export const journals = Effect.gen(function* () {
  const { payments, tickets } = yield* MemoryServices
  return { tickets: yield* tickets.facts, payments: yield* payments.facts }
})

/** Every message is sent, and this is what came. */
export const publishAll = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ tenantId: string; orderId: string; messageId: string; version: number }>`
    select tenant_id as "tenantId", order_id as "orderId", message_id as "messageId", version from outbox
    order by order_id, version`
  yield* sql`update outbox set state = 'SENT', sent_at = clock_timestamp() where state = 'NEW'`
  return rows
})
