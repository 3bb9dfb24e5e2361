/**
 * `OrderReads` in memory.
 */
import { DateTime, Effect, HashMap, Layer, Option, Order as Ordering, Result } from "effect"
import { isOpen, type Order } from "@tickettoken/order-domain/Order"
import { OrderNotFound } from "@tickettoken/order-domain/OrderErrors"
import {
  type ExpiringOrder,
  type ExpiringQuery,
  type OrderQuery,
  OrderReads,
  type OrderSearch
} from "@tickettoken/order-domain/ports/OrderReads"
import { MemoryWorld, rowOf, type WorldState } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { ordersOf } from "./worldWrites.ts"

interface Place {
  readonly createdAt: DateTime.Utc
  readonly id: string
}

const byId = Ordering.mapInput(Ordering.String, ({ id }: { readonly id: string }) => id)

/** Creation time and, for orders of one instant, the id: a place that no two orders share. */
const byPlace = Ordering.combine(
  Ordering.mapInput(DateTime.Order, ({ createdAt }: Place) => createdAt),
  byId
)

const newestFirst = Ordering.flip(byPlace)

const fits = ({ metadata = {}, ...wanted }: OrderSearch) => {
  const is = <A>(asked: A | undefined, value: A): boolean => asked === undefined || asked === value
  return (order: Order): boolean =>
    order.tenantId === wanted.tenantId &&
    is(wanted.id, order.id) &&
    is(wanted.orderNumber, order.orderNumber) &&
    is(wanted.userId, order.userId) &&
    is(wanted.eventId, order.eventId) &&
    is(wanted.status, order.status) &&
    is(wanted.currency, order.currency) &&
    (wanted.paymentIntentId === undefined ||
      order.intent?.id === wanted.paymentIntentId ||
      order.captures.some(({ paymentIntentId }) => paymentIntentId === wanted.paymentIntentId)) &&
    order.pricing.total >= (wanted.totalMin ?? 0) &&
    order.pricing.total <= (wanted.totalMax ?? Number.POSITIVE_INFINITY) &&
    (wanted.createdFrom === undefined || DateTime.isGreaterThanOrEqualTo(order.createdAt, wanted.createdFrom)) &&
    (wanted.createdBefore === undefined || DateTime.isLessThan(order.createdAt, wanted.createdBefore)) &&
    Object.entries(metadata).every(
      ([key, value]) => Object.hasOwn(order.metadata, key) && order.metadata[key] === value
    )
}

const found = (query: OrderSearch) => (world: WorldState) => {
  const { after, limit } = query
  const rest = ordersOf(world)
    .filter(fits(query))
    .filter((order) => after === null || byPlace(order, after) < 0)
    .toSorted(newestFirst)
  return { orders: rest.slice(0, limit), hasMore: rest.length > limit }
}

const page = (query: OrderQuery) => (world: WorldState) => {
  const { after, eventId, limit, offset, status, tenantId, userId } = query
  const matching = ordersOf(world)
    .filter(
      (order) =>
        order.tenantId === tenantId &&
        (userId === null || order.userId === userId) &&
        (status === null || order.status === status) &&
        (eventId === null || order.eventId === eventId)
    )
    .toSorted(newestFirst)
  const rest = after === null ? matching.slice(offset) : matching.filter((order) => byPlace(order, after) < 0)
  return { orders: rest.slice(0, limit), total: matching.length, hasMore: rest.length > limit }
}

const expiringSoon =
  ({ limit, minutes, tenantId }: ExpiringQuery) =>
  (world: WorldState, now: DateTime.Utc) => {
    const until = DateTime.add(now, { minutes })
    const orders = ordersOf(world)
      .filter(isOpen)
      .filter(
        ({ hold, ...order }) =>
          order.tenantId === tenantId && DateTime.between(hold.expiresAt, { minimum: now, maximum: until })
      )
      .map(({ hold, id }) => ({ id, expiresAt: hold.expiresAt }))
      .toSorted(
        Ordering.combine(
          Ordering.mapInput(DateTime.Order, ({ expiresAt }: ExpiringOrder) => expiresAt),
          byId
        )
      )
      .slice(0, limit)
    return { orders, now }
  }

const isCancellable = (order: Order): boolean => isOpen(order) || order.status === "CONFIRMED"

export const layer = Layer.effect(
  OrderReads,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    const read = <A>(look: (world: WorldState, now: DateTime.Utc) => A) =>
      faults.around(
        "reads",
        world.transact((state, now) => Result.succeed([look(state, now), state] as const))
      )
    return OrderReads.of({
      list: Effect.fn("OrderReads.list")(function* (query) {
        return yield* read(page(query))
      }),
      search: Effect.fn("OrderReads.search")(function* (query) {
        return yield* read(found(query))
      }),
      history: Effect.fn("OrderReads.history")(function* (tenantId, orderId) {
        const facts = yield* read(({ facts: all }) => Option.getOrUndefined(HashMap.get(all, rowOf(tenantId, orderId))))
        if (facts === undefined) return yield* new OrderNotFound({ orderId })
        return facts.map((event) => ({ id: `${orderId}:${event.version}`, event }))
      }),
      expiring: Effect.fn("OrderReads.expiring")(function* (query) {
        return yield* read(expiringSoon(query))
      }),
      cancellableOfEvent: Effect.fn("OrderReads.cancellableOfEvent")(function* (tenantId, eventId, after, limit) {
        return yield* read((state) => {
          const rest = ordersOf(state)
            .filter(
              (order) =>
                order.tenantId === tenantId &&
                order.eventId === eventId &&
                isCancellable(order) &&
                (after === null || order.id > after)
            )
            .toSorted(byId)
          const orders = rest.slice(0, limit)
          return { orders, unreadable: [], next: rest.length > limit ? (orders.at(-1)?.id ?? null) : null }
        })
      })
    })
  })
)
