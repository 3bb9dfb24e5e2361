/**
 * `SalesReads` in memory: every question is a recount of all orders, so there is nothing that could be out of date.
 */
import { DateTime, Effect, Layer, Order as Ordering, Result } from "effect"
import { Currency } from "@tickettoken/order-domain/Currency"
import type { EventId, TenantId } from "@tickettoken/order-domain/Ids"
import { isOpen, type Order } from "@tickettoken/order-domain/Order"
import {
  type BucketSums,
  type EventSales,
  type MinuteSales,
  type OpenHolds,
  type SalesQuery,
  SalesReads
} from "@tickettoken/order-domain/ports/SalesReads"
import { addSums, noSums, type SalesPart, salesPartsOf } from "@tickettoken/order-domain/SalesMeasures"
import { MemoryWorld, type WorldState } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { ordersOf } from "./worldWrites.ts"

const ordersIn = (world: WorldState, tenantId: TenantId): ReadonlyArray<Order> =>
  ordersOf(world).filter((order) => order.tenantId === tenantId)

const partsIn = (world: WorldState, { from, tenantId, until }: SalesQuery): ReadonlyArray<SalesPart> =>
  ordersIn(world, tenantId)
    .flatMap(salesPartsOf)
    .filter(({ at }) => DateTime.isGreaterThanOrEqualTo(at, from) && DateTime.isLessThan(at, until))

const byCurrency = Ordering.mapInput(Ordering.Number, ({ currency }: BucketSums) => Currency.literals.indexOf(currency))

const byStart = Ordering.mapInput(DateTime.Order, ({ startsAt }: BucketSums) => startsAt)

/** The sums of each currency within each bucket. */
const bucketsOf = (parts: ReadonlyArray<SalesPart>, startOf: (at: DateTime.Utc) => DateTime.Utc) => {
  const known = new Map<string, BucketSums>()
  for (const { at, currency, sums } of parts) {
    const startsAt = startOf(at)
    const key = `${DateTime.toEpochMillis(startsAt)} ${currency}`
    known.set(key, { startsAt, currency, sums: addSums(known.get(key)?.sums ?? noSums, sums) })
  }
  return [...known.values()].toSorted(Ordering.combine(byStart, byCurrency))
}

const eventsOf = (parts: ReadonlyArray<SalesPart>, limit: number): ReadonlyArray<EventSales> => {
  const known = new Map<string, EventSales>()
  for (const { currency, eventId, sums } of parts) {
    const key = `${eventId} ${currency}`
    const before = known.get(key) ?? emptyEvent(eventId, currency)
    known.set(key, {
      ...before,
      orders: before.orders + (sums.sales ?? 0),
      tickets: before.tickets + (sums.tickets ?? 0),
      revenue: before.revenue + (sums.revenue ?? 0),
      refunded: before.refunded + (sums.refundedCents ?? 0)
    })
  }
  const ranked = [...known.values()].filter(({ orders }) => orders > 0).toSorted(bestFirst)
  return Currency.literals.flatMap((currency) => ranked.filter((event) => event.currency === currency).slice(0, limit))
}

const emptyEvent = (eventId: EventId, currency: Currency): EventSales => ({
  eventId,
  currency,
  orders: 0,
  tickets: 0,
  revenue: 0,
  refunded: 0
})

const bestFirst = Ordering.combine(
  Ordering.flip(Ordering.mapInput(Ordering.Number, ({ revenue }: EventSales) => revenue)),
  Ordering.mapInput(Ordering.String, ({ eventId }: EventSales) => eventId)
)

const liveIn =
  (tenantId: TenantId, minutes: number) =>
  (world: WorldState, now: DateTime.Utc): ReadonlyArray<MinuteSales> => {
    const from = DateTime.subtract(DateTime.startOf(now, "minute"), { minutes: minutes - 1 })
    const parts = partsIn(world, { tenantId, from, until: DateTime.add(now, { milliseconds: 1 }) })
    return bucketsOf(parts, (at) => DateTime.startOf(at, "minute"))
      .filter(({ sums }) => sums.sales > 0)
      .map(({ currency, startsAt, sums }) => ({ startsAt, currency, orders: sums.sales, revenue: sums.revenue }))
  }

const holdsIn =
  (tenantId: TenantId) =>
  (world: WorldState, now: DateTime.Utc): OpenHolds => {
    const deadlines = ordersIn(world, tenantId)
      .filter(isOpen)
      .map(({ hold }) => hold.expiresAt)
    const dueWithin = (minutes: number): number =>
      deadlines.filter((at) => DateTime.between(at, { minimum: now, maximum: DateTime.add(now, { minutes }) })).length
    return {
      now,
      open: deadlines.length,
      overdue: deadlines.filter((at) => DateTime.isLessThan(at, now)).length,
      within1Minute: dueWithin(1),
      within5Minutes: dueWithin(5),
      within15Minutes: dueWithin(15)
    }
  }

export const layer = Layer.effect(
  SalesReads,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    const read = <A>(look: (world: WorldState, now: DateTime.Utc) => A) =>
      faults.around(
        "reads",
        world.transact((state, now) => Result.succeed([look(state, now), state] as const))
      )
    return SalesReads.of({
      totals: Effect.fn("SalesReads.totals")(function* (query) {
        return yield* read((state, asOf) => ({ asOf, totals: bucketsOf(partsIn(state, query), () => query.from) }))
      }),
      series: Effect.fn("SalesReads.series")(function* (query) {
        return yield* read((state, asOf) => ({
          asOf,
          buckets: bucketsOf(partsIn(state, query), (at) => DateTime.startOf(at, query.interval))
        }))
      }),
      topEvents: Effect.fn("SalesReads.topEvents")(function* (query) {
        const { currency, limit } = query
        return yield* read((state, asOf) => ({
          asOf,
          events: eventsOf(
            partsIn(state, query).filter((part) => currency === null || part.currency === currency),
            limit
          )
        }))
      }),
      live: Effect.fn("SalesReads.live")(function* (tenantId, minutes) {
        const look = liveIn(tenantId, minutes)
        return yield* read((state, now) => ({ now, sales: look(state, now) }))
      }),
      holds: Effect.fn("SalesReads.holds")(function* (tenantId) {
        return yield* read(holdsIn(tenantId))
      })
    })
  })
)
