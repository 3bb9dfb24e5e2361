/**
 * Orders to test with: drafts of known price, ids that follow from one another, and commands put to `decide`.
 *
 * Nothing here draws chance or reads a clock but the two effects that say so, so a pure test gets the same order
 * every time, and a test on a shared database gets one that no other test has seen.
 */
import { DateTime, Effect, Random, Result } from "effect"
import { type Actor, systemActor } from "@tickettoken/order-domain/Actor"
import type { Currency } from "@tickettoken/order-domain/Currency"
import { orderAfter } from "@tickettoken/order-domain/Decision"
import { standard } from "@tickettoken/order-domain/FeeSchedule"
import { holdPolicy } from "@tickettoken/order-domain/Hold"
import {
  EventId,
  OrderId,
  OrderItemId,
  PaymentIntentId,
  RefundId,
  TenantId,
  TicketId,
  TicketPricingId,
  TicketTypeId,
  UserId
} from "@tickettoken/order-domain/Ids"
import { emptyMetadata, type Metadata } from "@tickettoken/order-domain/Metadata"
import { Cents } from "@tickettoken/order-domain/Money"
import type { AllocatedTicket, Order, OrderItem, OrderTerms } from "@tickettoken/order-domain/Order"
import type { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { type OrderDraft, placeOrder } from "@tickettoken/order-domain/OrderCreation"
import { decide } from "@tickettoken/order-domain/OrderDecision"
import { formatOrderNumber, ORDER_NUMBER_ALPHABET } from "@tickettoken/order-domain/OrderNumber"
import { priceLines } from "@tickettoken/order-domain/Pricing"
import { refundPolicy } from "@tickettoken/order-domain/RefundPolicy"
import { demo } from "./sandbox/catalogue.ts"

/** The nth fixed id, for tests that need no other test's company. */
export const fixedId = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

/** The nth id that follows from another one: always the same, and never another one's. */
export const derivedId = (id: string, n: number): string => `${n.toString(16).padStart(8, "0")}${id.slice(8)}`

/** A version 4 UUID in lower case, drawn from `Random`. */
export const randomUuid: Effect.Effect<string> = Effect.map(
  Effect.all(Array.from({ length: 32 }, () => Random.nextIntBetween(0, 15))),
  (digits) => {
    const hex = digits.map((digit) => digit.toString(16)).join("")
    const variant = (8 + ((digits[16] ?? 0) % 4)).toString(16)
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      variant + hex.slice(17, 20),
      hex.slice(20)
    ].join("-")
  }
)

/** Who buys what: the part of an order that quotas, lists and keys look at. */
export interface Buyer {
  readonly tenantId: TenantId
  readonly userId: UserId
  readonly eventId: EventId
}

/** The demo catalogue's buyer at the demo event. */
export const demoBuyer: Buyer = { tenantId: demo.tenantId, userId: demo.buyerId, eventId: demo.eventId }

/** A buyer in a tenant of its own, whom no other test knows. */
export const freshBuyer: Effect.Effect<Buyer> = Effect.map(randomUuid, (id) => ({
  tenantId: TenantId.make(id),
  userId: UserId.make(derivedId(id, 1)),
  eventId: EventId.make(derivedId(id, 2))
}))

/** One line of a draft. Type and pricing follow from the line's place unless they are given. */
export interface TestLine {
  readonly unitPrice: number
  readonly quantity: number
  readonly ticketTypeId?: TicketTypeId
  readonly ticketPricingId?: TicketPricingId
}

export interface DraftOptions extends Partial<Buyer> {
  readonly lines?: readonly [TestLine, ...Array<TestLine>]
  readonly currency?: Currency
  readonly vip?: boolean
  readonly terms?: Partial<OrderTerms>
  readonly metadata?: Metadata
  readonly idempotencyKey?: string | null
  readonly orderNumber?: OrderDraft["orderNumber"]
  /** From now until the event starts; it lasts three hours. */
  readonly startsInHours?: number
}

/** Two tickets of 100.00: 233.38 in all (rule 1.2). */
export const goldenLines: readonly [TestLine, ...Array<TestLine>] = [{ unitPrice: 10_000, quantity: 2 }]

/** Nothing to pay (rule 1.4). */
export const freeLines: readonly [TestLine, ...Array<TestLine>] = [{ unitPrice: 0, quantity: 1 }]

/** The terms in force when a tenant has none of its own. */
export const testTerms: OrderTerms = {
  fees: standard,
  refunds: refundPolicy,
  hold: holdPolicy,
  latePayment: "reacquire",
  declines: "keep-hold"
}

const offers = [demo.general, demo.vip, demo.lastSeat, demo.free, demo.euro, demo.soon, demo.cancelled]

const itemOf = (orderId: OrderId, line: TestLine, at: number): OrderItem => ({
  id: OrderItemId.make(derivedId(orderId, 16 + at)),
  ticketTypeId: line.ticketTypeId ?? offers[at]?.ticketTypeId ?? TicketTypeId.make(fixedId(1000 + at)),
  ticketPricingId: line.ticketPricingId ?? offers[at]?.ticketPricingId ?? TicketPricingId.make(fixedId(2000 + at)),
  quantity: line.quantity,
  unitPrice: Cents.make(line.unitPrice),
  subtotal: Cents.make(line.unitPrice * line.quantity),
  returnedQuantity: 0
})

const suffixOf = (id: string): string =>
  id
    .slice(-8)
    .split("")
    .map((digit) => ORDER_NUMBER_ALPHABET.charAt(Number.parseInt(digit, 16)))
    .join("")

/** An order that is about to exist. Ids, order number and price follow from the order's id and its lines. */
export const draftOf = (orderId: OrderId, now: DateTime.Utc, options: DraftOptions = {}): OrderDraft => {
  const terms = { ...testTerms, ...options.terms }
  const [first, ...rest] = options.lines ?? goldenLines
  const eventStartsAt = DateTime.add(now, { hours: options.startsInHours ?? 60 * 24 })
  return {
    id: orderId,
    tenantId: options.tenantId ?? demoBuyer.tenantId,
    orderNumber: options.orderNumber ?? formatOrderNumber(now, suffixOf(orderId)),
    userId: options.userId ?? demoBuyer.userId,
    eventId: options.eventId ?? demoBuyer.eventId,
    eventStartsAt,
    eventEndsAt: DateTime.add(eventStartsAt, { hours: 3 }),
    currency: options.currency ?? "USD",
    items: [itemOf(orderId, first, 0), ...rest.map((line, at) => itemOf(orderId, line, at + 1))],
    pricing: Result.getOrThrow(priceLines(terms.fees, [first, ...rest])),
    terms,
    vip: options.vip ?? false,
    metadata: options.metadata ?? emptyMetadata,
    idempotencyKey: options.idempotencyKey ?? null
  }
}

/** A draft under an id that nobody has seen. */
export const freshDraft = (now: DateTime.Utc, options: DraftOptions = {}): Effect.Effect<OrderDraft> =>
  Effect.map(randomUuid, (id) => draftOf(OrderId.make(id), now, options))

export const buyerActor = (userId: UserId): Actor => ({ kind: "user", id: userId, ip: "192.0.2.1" })

export const adminActor: Actor = { kind: "admin", id: demo.adminId, ip: "192.0.2.9" }

/** One of our own jobs. */
export const jobActor: Actor = systemActor("test")

/** The order's own intent, in tests that ask no payment service. */
export const ownIntentId = (orderId: OrderId): PaymentIntentId => PaymentIntentId.make(`pi_${orderId}`)

/** An intent that the order never asked for. */
export const strayIntentId = (orderId: OrderId): PaymentIntentId => PaymentIntentId.make(`pi_stray_${orderId}`)

/** The order's nth refund, in tests that draw no chance. */
export const nthRefundId = (orderId: OrderId, n: number): RefundId => RefundId.make(derivedId(orderId, 64 + n))

/** One ticket for each that the order is for. */
export const ticketsFor = (order: Pick<Order, "id" | "items">): ReadonlyArray<AllocatedTicket> =>
  order.items.flatMap((item, line) =>
    Array.from({ length: item.quantity }, (_, n) => ({
      id: TicketId.make(`tkt_${order.id}_${line + 1}_${n + 1}`),
      ticketTypeId: item.ticketTypeId
    }))
  )

/** Version 1 of the draft. */
export const placed = (draft: OrderDraft, now: DateTime.Utc): Order =>
  placeOrder(draft, buyerActor(draft.userId), now).order

/** The order after a command that must not be refused. */
export const after = (order: Order, command: OrderCommand, now: DateTime.Utc, actor: Actor = jobActor): Order =>
  Result.match(decide(order, { actor, command }, now), {
    onFailure: (error) => {
      throw new Error(`${command._tag} was refused: ${error.message}`, { cause: error })
    },
    onSuccess: orderAfter
  })
