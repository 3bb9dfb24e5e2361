/**
 * The invariants over the whole world in memory: what is stored, and what truly happened at the services.
 */
import { DateTime, Effect, HashMap, Option } from "effect"
import { type Order, isActive } from "@tickettoken/order-domain/Order"
import { always, atRest, breaksOf, type OrderRecord, quotaBreaks } from "./invariants.ts"
import { MemoryServices } from "./memory/MemoryServices.ts"
import { MemoryWorld, orderRow, type WorldState } from "./memory/MemoryWorld.ts"
import type { PaymentState } from "./sandbox/PaymentLedger.ts"
import { stockRows } from "./sandbox/TicketInventory.ts"
import type { TicketState } from "./sandbox/TicketStock.ts"

const recordOf = (world: WorldState, payments: PaymentState, order: Order): OrderRecord => {
  const row = orderRow(order)
  const intent =
    order.intent === null ? undefined : Option.getOrUndefined(HashMap.get(payments.intents, order.intent.id))
  return {
    order,
    versions: Option.getOrElse(HashMap.get(world.versions, row), () => []),
    facts: Option.getOrElse(HashMap.get(world.facts, row), () => []),
    openWork: HashMap.toValues(world.work)
      .filter(({ item, state }) => state !== "DONE" && item.orderId === order.id && item.tenantId === order.tenantId)
      .map(({ item }) => ({ kind: item.work._tag })),
    intentStatus: intent?.status ?? null
  }
}

/** A line that came back as a whole while the order was CONFIRMED has been released; after the event none is. */
const wasReleased = ({ versions }: OrderRecord, line: number): boolean =>
  versions.some(({ items, status }) => {
    const item = items[line]
    return status === "CONFIRMED" && item !== undefined && item.returnedQuantity >= item.quantity
  })

/** Tickets of this type that the order should have at the ticket service. */
const wantedOf = (record: OrderRecord, ticketTypeId: string): number =>
  isActive(record.order)
    ? record.order.items.reduce(
        (sum, item, line) =>
          item.ticketTypeId === ticketTypeId && !wasReleased(record, line) ? sum + item.quantity : sum,
        0
      )
    : 0

/** I08: what orders hold and own is what the ticket service has given away; I09: never more than there is. */
export const stockBreaks = (records: ReadonlyArray<OrderRecord>, tickets: TicketState): ReadonlyArray<string> =>
  stockRows(tickets).flatMap(({ allocated, held, ticketType }) => {
    const wanted = records.reduce((sum, record) => sum + wantedOf(record, ticketType.id), 0)
    return [
      ...(held + allocated > ticketType.capacity || held < 0 || allocated < 0
        ? [`I09 ${ticketType.name}: ${held} held and ${allocated} allocated of ${ticketType.capacity}`]
        : []),
      ...(held + allocated === wanted
        ? []
        : [`I08 ${ticketType.name}: orders want ${wanted}, the ticket service gave ${held} + ${allocated}`])
    ]
  })

/** I10: money that the payment service took is on an order, to the unit; I12: so is what it gave back. */
export const moneyBreaks = (orders: ReadonlyArray<Order>, payments: PaymentState): ReadonlyArray<string> =>
  HashMap.toValues(payments.intents).flatMap((intent) => {
    const captures = orders.flatMap((order) =>
      order.captures.filter(({ paymentIntentId }) => paymentIntentId === intent.id)
    )
    const taken = captures.reduce((sum, { amount }) => sum + amount, 0)
    const refunds = orders.flatMap((order) => order.refunds.filter((refund) => refund.paymentIntentId === intent.id))
    const back = refunds.reduce((sum, { amount, state }) => (state === "COMPLETED" ? sum + amount : sum), 0)
    return [
      ...(captures.length <= 1 && taken === intent.amountCaptured
        ? []
        : [`I10 ${intent.id}: ${intent.amountCaptured} was captured, ${taken} is on ${captures.length} orders`]),
      ...(back === intent.amountRefunded
        ? []
        : [`I12 ${intent.id}: ${intent.amountRefunded} was returned, ${back} is recorded as returned`])
    ]
  })

/** Breaks of what must be true at any time. */
export const breaksNow = Effect.gen(function* () {
  const world = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
  const payments = yield* Effect.flatMap(MemoryServices, (services) => services.payments.state)
  const orders = HashMap.toValues(world.orders)
  const records = orders.map((order) => recordOf(world, payments, order))
  return [...breaksOf(always, records, yield* DateTime.now), ...quotaBreaks(orders)]
})

/** Breaks of what must be true once everything has been done: of orders, of stock and of money. */
export const breaksAtRest = Effect.gen(function* () {
  const world = yield* Effect.flatMap(MemoryWorld, ({ snapshot }) => snapshot)
  const services = yield* MemoryServices
  const payments = yield* services.payments.state
  const orders = HashMap.toValues(world.orders)
  const records = orders.map((order) => recordOf(world, payments, order))
  return [
    ...(yield* breaksNow),
    ...breaksOf(atRest, records, yield* DateTime.now),
    ...stockBreaks(records, yield* services.tickets.state),
    ...moneyBreaks(orders, payments)
  ]
})
