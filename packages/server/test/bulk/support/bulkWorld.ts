/** A core over either store with services in memory, and events with orders to cancel in it. */
import { layer, type Vitest } from "@effect/vitest"
import type { Caller } from "@tickettoken/order-domain/Actor"
import { systemActor } from "@tickettoken/order-domain/Actor"
import { BulkSettings, bulkSettings } from "@tickettoken/order-domain/BulkJob"
import { EventId, TicketPricingId, TicketTypeId, UserId } from "@tickettoken/order-domain/Ids"
import { emptyMetadata } from "@tickettoken/order-domain/Metadata"
import { Cents } from "@tickettoken/order-domain/Money"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { createOrder } from "@tickettoken/order-domain/workflows/CreateOrder"
import { ServiceControls } from "@tickettoken/order-testing/contracts/ServiceControls"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import * as EventCatalogMemory from "@tickettoken/order-testing/memory/EventCatalogMemory"
import * as IdentifiersMemory from "@tickettoken/order-testing/memory/IdentifiersMemory"
import * as MemoryServices from "@tickettoken/order-testing/memory/MemoryServices"
import * as PaymentsMemory from "@tickettoken/order-testing/memory/PaymentsMemory"
import * as PoliciesMemory from "@tickettoken/order-testing/memory/PoliciesMemory"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import * as TicketsMemory from "@tickettoken/order-testing/memory/TicketsMemory"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import * as Directory from "@tickettoken/order-testing/sandbox/EventDirectory"
import * as Inventory from "@tickettoken/order-testing/sandbox/TicketInventory"
import { buyerActor, randomUuid } from "@tickettoken/order-testing/TestOrders"
import { DateTime, Effect, HashMap, Layer, References } from "effect"
import { live } from "../../http/support/everyStore.ts"
import { memoryStore, type StorePorts } from "../../http/support/testServer.ts"
import { layerStore } from "../../sql/database.ts"

/** Enough for an order of two tickets at 100.00. */
export const PAID_CENTS = 23_338

const CALLS_PER_SECOND = 100_000

const worldOver = <E, R>(store: Layer.Layer<StorePorts, E, R>) =>
  WorkExecutor.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        TicketsMemory.layer,
        PaymentsMemory.layer,
        EventCatalogMemory.layer,
        ControlsMemory.layer,
        IdentifiersMemory.layer,
        PoliciesMemory.layerWith({ bulkCancel: { unconfirmedCentsMax: { USD: Number.MAX_SAFE_INTEGER } } })
      )
    ),
    Layer.provideMerge(MemoryServices.layer),
    Layer.provideMerge(store),
    Layer.provideMerge(Layer.succeed(BulkSettings, { ...bulkSettings, callsPerSecond: CALLS_PER_SECOND })),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )

export type BulkWorld = Layer.Success<ReturnType<typeof worldOver>>

/** Runs one suite over the store in memory and over PostgreSQL. */
export const overBothStores = (name: string, suite: (it: Vitest.MethodsNonLive<BulkWorld>) => void): void => {
  layer(worldOver(memoryStore), live)(`${name}, in memory`, suite)
  layer(worldOver(Layer.merge(layerStore, ScriptedFaults.layer)), live)(`${name}, on PostgreSQL`, suite)
}

/** The service that asks for the cancellation. */
export const organiser: Caller = { tenantId: demo.tenantId, actor: systemActor("organiser"), vip: false }

export interface Show {
  readonly eventId: EventId
  readonly offer: { readonly ticketTypeId: TicketTypeId; readonly ticketPricingId: TicketPricingId }
}

/** An event of its own, on sale. */
export const freshShow = Effect.gen(function* () {
  const { events, tickets } = yield* MemoryServices.MemoryServices
  const eventId = EventId.make(yield* randomUuid)
  const offer = {
    ticketTypeId: TicketTypeId.make(yield* randomUuid),
    ticketPricingId: TicketPricingId.make(yield* randomUuid)
  }
  const startsAt = DateTime.add(yield* DateTime.now, { days: 60 })
  const times = { startsAt, endsAt: DateTime.add(startsAt, { hours: 3 }) }
  const terms = { tenantId: demo.tenantId, name: "Show", currency: "USD", timezone: "UTC", status: "ON_SALE" } as const
  yield* events.perform((state) => Directory.addEvent(state, { event: { id: eventId, ...times, ...terms } }))
  const pricings = [{ id: offer.ticketPricingId, price: Cents.make(10_000), currency: "USD" }]
  const kind = { name: "General", vip: false, capacity: 100_000, maxPerOrder: 20, pricings }
  yield* tickets.perform((state, now) =>
    Inventory.addTicketType(
      state,
      { ticketType: { id: offer.ticketTypeId, tenantId: demo.tenantId, eventId, ...kind } },
      now
    )
  )
  return { eventId, offer } satisfies Show
})

/** Two tickets for a buyer of their own, held and payable. */
export const reserve = Effect.fnUntraced(function* ({ eventId, offer }: Show) {
  const actor = buyerActor(UserId.make(yield* randomUuid))
  return yield* createOrder({
    caller: { tenantId: demo.tenantId, actor, vip: false },
    eventId,
    items: [{ ...offer, quantity: 2 }],
    currency: "USD",
    metadata: emptyMetadata
  })
})

/** The buyer pays. */
export const pay = Effect.fnUntraced(function* ({ intent }: Order) {
  if (intent === null) return yield* Effect.die(new Error("an order that costs something has an intent"))
  const controls = yield* ServiceControls
  yield* controls.pay(intent.id)
  return intent.id
})

export const confirm = (order: Order) =>
  Effect.flatMap(pay(order), (paymentIntentId) =>
    confirmOrder({ caller: organiser, orderId: order.id, paymentIntentId })
  )

/** Orders for a show: every third one held, the others paid. */
export const sell = Effect.fnUntraced(function* (show: Show, count: number) {
  const orders = yield* Effect.forEach(
    Array.from({ length: count }, (_, at) => at),
    (at) => Effect.flatMap(reserve(show), (order) => (at % 3 === 0 ? Effect.succeed(order) : confirm(order))),
    { concurrency: 4 }
  )
  return { orders, paid: count - Math.ceil(count / 3) }
})

/** Everything that orders have asked for is done, as sweepers do it. */
export const sweep = Effect.gen(function* () {
  const queue = yield* WorkQueue
  const executor = yield* WorkExecutor
  const time = yield* TestTime
  yield* time.passMinutes(2)
  for (let due = yield* queue.claimDue(100); due.length > 0; due = yield* queue.claimDue(100)) {
    yield* executor.runInBackground(due)
  }
})

/** How the orders of a show have ended, how often each was cancelled, and what the payment service has returned. */
export const outcomeOf = Effect.fnUntraced(function* (orders: ReadonlyArray<Order>) {
  const store = yield* OrderStore
  const reads = yield* OrderReads
  const { payments } = yield* MemoryServices.MemoryServices
  const statuses: Record<string, number> = {}
  let cancelledTwice = 0
  for (const { id, tenantId } of orders) {
    const { order } = yield* store.load(tenantId, id)
    statuses[order.status] = (statuses[order.status] ?? 0) + 1
    const facts = yield* reads.history(tenantId, id)
    if (facts.filter(({ event }) => event.type === "ORDER_CANCELLED").length !== 1) cancelledTwice += 1
  }
  const mine = new Set(orders.map(({ id }) => id))
  const returned = HashMap.toValues((yield* payments.state).refunds).filter(
    ({ orderId, status }) => mine.has(orderId) && status === "succeeded"
  )
  return {
    statuses,
    cancelledTwice,
    refunds: returned.length,
    refundCents: returned.reduce((sum, { amount }) => sum + amount, 0)
  }
})
