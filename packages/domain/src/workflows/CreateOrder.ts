/**
 * Creates an order: checks it, writes it, then holds tickets and opens the payment intent.
 *
 * The order is written before anything is held, so that no crash leaves a hold or an intent that no row names.
 */
import { DateTime, Effect, Ref } from "effect"
import type { Caller } from "../Actor.ts"
import type { Keyed } from "../changeOrder.ts"
import type { Currency } from "../Currency.ts"
import { placeOrder } from "../OrderCreation.ts"
import { type EventId, OrderId, OrderItemId, type TicketPricingId, type TicketTypeId, UserId } from "../Ids.ts"
import type { Metadata } from "../Metadata.ts"
import { unsafeCents } from "../Money.ts"
import type { Order, OrderItem } from "../Order.ts"
import {
  CurrencyMismatch,
  EventCancelled,
  EventNotOnSale,
  PricingMismatch,
  type ServiceUnavailable,
  TicketsSoldOut
} from "../OrderErrors.ts"
import { checkQuantities } from "../OrderLimits.ts"
import { scheduleOf } from "../FeeSchedule.ts"
import { type CatalogEvent, EventCatalog } from "../ports/EventCatalog.ts"
import { Identifiers } from "../ports/Identifiers.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import { type OrderPolicies, Policies } from "../ports/Policies.ts"
import { type TicketAvailability, Tickets } from "../ports/Tickets.ts"
import { quoteOrder } from "../Quote.ts"
import { notReady, runWithinBudget } from "../RequestBudget.ts"

/** One line of a new order, as the buyer states it. Prices are the ticket service's alone (rule 1.8). */
export interface OrderLine {
  readonly ticketTypeId: TicketTypeId
  readonly ticketPricingId: TicketPricingId
  readonly quantity: number
}

export interface CreateOrderInput {
  readonly caller: Caller
  readonly eventId: EventId
  readonly items: ReadonlyArray<OrderLine>
  readonly currency: Currency
  readonly metadata: Metadata
  /** Claims the key with the order's first row. The answer is stored by the adapter, once the order is ready. */
  readonly claim?: Keyed<Order>["claim"] | undefined
}

/** How often a taken order number is drawn anew before giving up: numbers grow longer with each 20 tries. */
const NUMBER_TRIES_MAX = 60

/**
 * Creates the order and waits, within the request budget, until it is payable (or confirmed, when it is free).
 *
 * Refusals in the order in which they win: `QuantityRuleBroken`, `EventNotFound`, `EventCancelled`, `EventNotOnSale`,
 * `CurrencyMismatch`, `PricingMismatch`, the quote's errors, `TicketsSoldOut` at a first look, `OrderLimitExceeded`,
 * `TicketsSoldOut` by the hold. With a claim also `IdempotencyConflict` and `IdempotencyKeyUsed`. `ServiceUnavailable`: the outcome is not known yet.
 */
export const createOrder = Effect.fn("createOrder")(function* (input: CreateOrderInput) {
  const { caller } = input
  const policies = yield* Effect.flatMap(Policies, (service) => service.of(caller.tenantId))
  const priced = yield* priceNewOrder(input, policies)
  const { order, work } = yield* place(input, policies, priced)
  yield* runWithinBudget(work)
  const store = yield* OrderStore
  const stored = yield* store.load(order.tenantId, order.id)
  return yield* creationResult(stored.order)
})

/** A line with what the ticket service says of it: the price of one ticket in minor units, and its hold class. */
export interface MatchedLine {
  readonly line: OrderLine
  readonly unitPrice: number
  readonly vip: boolean
}

/** What checking and pricing an order yields, before anything is written. */
export interface PricedOrder {
  readonly event: CatalogEvent
  readonly lines: ReadonlyArray<MatchedLine>
  readonly pricing: Order["pricing"]
  readonly vip: boolean
  /** The store's clock when the order was looked at: a new order's hold runs from here. */
  readonly now: DateTime.Utc
}

/** Everything that can be said about an order before it exists: also what a quote answers. */
export const priceNewOrder = Effect.fnUntraced(function* (
  input: Pick<CreateOrderInput, "caller" | "eventId" | "items" | "currency">,
  policies: OrderPolicies
) {
  const { caller, currency, eventId, items } = input
  yield* Effect.fromResult(checkQuantities(items, policies.limits))
  const catalog = yield* EventCatalog
  const tickets = yield* Tickets
  const store = yield* OrderStore
  const now = yield* store.now
  // Asked side by side, judged one after the other: existence and state of the event come first.
  const [event, availability] = yield* Effect.all(
    [
      Effect.result(catalog.get(caller.tenantId, eventId)),
      Effect.result(
        tickets.availability(caller.tenantId, eventId, [...new Set(items.map((item) => item.ticketTypeId))])
      )
    ],
    { concurrency: 2 }
  )
  const known = yield* Effect.fromResult(event)
  yield* requireOnSale(known, now)
  if (known.currency !== currency) return yield* new CurrencyMismatch({ expected: known.currency, given: currency })
  const types = yield* Effect.fromResult(availability)
  const lines = yield* matchLines(items, eventId, currency, types)
  const { pricing } = yield* Effect.fromResult(
    quoteOrder({
      currency,
      fees: policies.fees,
      limits: policies.limits,
      lines: lines.map(({ line, unitPrice }) => ({ quantity: line.quantity, unitPrice: unsafeCents(unitPrice) }))
    })
  )
  yield* requireStock(items, types)
  const vip = caller.vip || lines.some((line) => line.vip)
  return { event: known, lines, pricing, vip, now } satisfies PricedOrder
})

// Rule 2.3. The event service has already answered for the tenant: a foreign event is not found.
const requireOnSale = (event: CatalogEvent, now: DateTime.Utc) => {
  if (event.status === "CANCELLED") return Effect.fail(new EventCancelled({ eventId: event.id }))
  if (event.status !== "ON_SALE") {
    return Effect.fail(new EventNotOnSale({ eventId: event.id, why: `the event is ${event.status}` }))
  }
  return DateTime.isLessThan(now, event.startsAt)
    ? Effect.void
    : Effect.fail(new EventNotOnSale({ eventId: event.id, why: "the event has started" }))
}

// Rules 1.8 and 2.1: a type must be of the event, a pricing of its type; the price is the ticket service's.
const matchLines = Effect.fnUntraced(function* (
  items: ReadonlyArray<OrderLine>,
  eventId: EventId,
  currency: Currency,
  availability: ReadonlyArray<TicketAvailability>
) {
  const matched: Array<MatchedLine> = []
  for (const [index, line] of items.entries()) {
    const type = availability.find((known) => known.ticketTypeId === line.ticketTypeId && known.eventId === eventId)
    if (type === undefined) {
      return yield* new PricingMismatch({
        path: `items[${index}].ticketTypeId`,
        why: "no ticket type of this event"
      })
    }
    const pricing = type.pricings.find((known) => known.id === line.ticketPricingId)
    if (pricing === undefined) {
      return yield* new PricingMismatch({
        path: `items[${index}].ticketPricingId`,
        why: "no pricing of this ticket type"
      })
    }
    if (pricing.currency !== currency)
      return yield* new CurrencyMismatch({ expected: pricing.currency, given: currency })
    matched.push({ line, unitPrice: pricing.price, vip: type.vip })
  }
  return matched
})

// A first look that spares a doomed order its rows; the hold itself decides.
const requireStock = (items: ReadonlyArray<OrderLine>, availability: ReadonlyArray<TicketAvailability>) => {
  const short = availability.find(
    (type) =>
      items.reduce((sum, item) => (item.ticketTypeId === type.ticketTypeId ? sum + item.quantity : sum), 0) >
      type.available
  )
  return short === undefined ? Effect.void : Effect.fail(new TicketsSoldOut({ ticketTypeId: short.ticketTypeId }))
}

const place = Effect.fnUntraced(function* (input: CreateOrderInput, policies: OrderPolicies, priced: PricedOrder) {
  const store = yield* OrderStore
  const identifiers = yield* Identifiers
  const { caller } = input
  const { now } = priced
  const fees = yield* Effect.fromResult(scheduleOf(policies.fees, input.currency))
  const [first, ...rest] = yield* Effect.forEach(priced.lines, ({ line, unitPrice }) =>
    Effect.map(
      identifiers.uuid,
      (id): OrderItem => ({
        id: OrderItemId.make(id),
        ticketTypeId: line.ticketTypeId,
        ticketPricingId: line.ticketPricingId,
        quantity: line.quantity,
        unitPrice: unsafeCents(unitPrice),
        subtotal: unsafeCents(unitPrice * line.quantity),
        returnedQuantity: 0
      })
    )
  )
  if (first === undefined) return yield* Effect.die(new Error("an order without lines has passed the quantity rules"))
  const id = OrderId.make(yield* identifiers.uuid)
  const attempts = yield* Ref.make(0)
  const create = Effect.gen(function* () {
    const attempt = yield* Ref.getAndUpdate(attempts, (n) => n + 1)
    const decision = placeOrder(
      {
        id,
        tenantId: caller.tenantId,
        orderNumber: yield* identifiers.orderNumber(now, attempt),
        userId: UserId.make(caller.actor.id),
        eventId: input.eventId,
        eventStartsAt: priced.event.startsAt,
        eventEndsAt: priced.event.endsAt,
        currency: input.currency,
        items: [first, ...rest],
        pricing: priced.pricing,
        terms: {
          fees,
          refunds: policies.refunds,
          hold: policies.hold,
          latePayment: policies.latePayment,
          declines: policies.declines
        },
        vip: priced.vip,
        metadata: input.metadata,
        idempotencyKey: input.claim?.key ?? null
      },
      caller.actor,
      now
    )
    return yield* store.create(
      { decision, ...(input.claim === undefined ? {} : { claim: input.claim }) },
      policies.limits
    )
  })
  return yield* create.pipe(
    Effect.retry({ times: NUMBER_TRIES_MAX, while: (error) => error._tag === "OrderNumberTaken" }),
    Effect.catchTag("OrderNumberTaken", () => Effect.fail(notReady("no free order number was found")))
  )
})

/**
 * What a created order answers: itself once it is payable or confirmed, the reason if it could not be set up, and
 * `ServiceUnavailable` while that is still open. A repeated request is answered by the same rule.
 */
export const creationResult = (order: Order): Effect.Effect<Order, TicketsSoldOut | ServiceUnavailable> => {
  if (order.status === "PENDING" && order.stage !== "AWAITING_PAYMENT") {
    return Effect.fail(notReady("the order is still being set up"))
  }
  if (order.status !== "CANCELLED") return Effect.succeed(order)
  switch (order.cause) {
    case "SOLD_OUT":
    case "STOCK_LOST":
      return Effect.fail(new TicketsSoldOut({ ticketTypeId: null }))
    case "CREATE_FAILED":
    case "CREATE_TIMEOUT":
      return Effect.fail(notReady(order.reason))
    default:
      return Effect.succeed(order)
  }
}
