/**
 * The demo catalogue: what the sandbox sells on its first start, under ids that never change (contract, section 4).
 *
 * A catalogue is a function of the instant of the first start, because events lie a fixed time ahead of it. Tests give
 * their own, or change this one.
 */
import { DateTime } from "effect"
import { EventId, TenantId, TicketPricingId, TicketTypeId, UserId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import type { Event } from "./EventDirectory.ts"
import type { TicketType } from "./TicketFacts.ts"

export interface Catalogue {
  readonly events: ReadonlyArray<Event>
  readonly ticketTypes: ReadonlyArray<TicketType>
}

const eventId = (digit: number) => EventId.make(`22222222-2222-4222-8222-22222222222${digit}`)
const ticketTypeId = (digit: number) => TicketTypeId.make(`33333333-3333-4333-8333-33333333333${digit}`)
const pricingId = (digit: number) => TicketPricingId.make(`44444444-4444-4444-8444-44444444444${digit}`)
const userId = (digit: number) => UserId.make(`55555555-5555-4555-8555-55555555555${digit}`)

/** A ticket type of the demo and the one pricing it is sold at. */
const offer = (digit: number) => ({ ticketTypeId: ticketTypeId(digit), ticketPricingId: pricingId(digit) })

/** The fixed ids of the demo. */
export const demo = {
  tenantId: TenantId.make("11111111-1111-4111-8111-111111111111"),
  secondTenantId: TenantId.make("11111111-1111-4111-8111-111111111112"),
  buyerId: userId(1),
  secondBuyerId: userId(2),
  adminId: userId(9),
  /** USD, on sale, 60 days ahead. */
  eventId: eventId(1),
  euroEventId: eventId(2),
  cancelledEventId: eventId(3),
  /** Starts 12 hours after the first start: inside every cancellation cutoff. */
  soonEventId: eventId(4),
  general: offer(1),
  vip: offer(2),
  /** Capacity 1. */
  lastSeat: offer(3),
  free: offer(4),
  euro: offer(5),
  soon: offer(6),
  cancelled: offer(7)
} as const

/** The order service's own limit for one type (rule 2.1), so that the two never disagree. */
const MAX_PER_ORDER = 20

/** The catalogue that the contract names. */
export const demoCatalogue = (firstStart: DateTime.Utc): Catalogue => {
  const event = (
    id: EventId,
    name: string,
    startsIn: { readonly days: number } | { readonly hours: number },
    more: Pick<Event, "currency" | "status" | "timezone">
  ): Event => {
    const startsAt = DateTime.add(firstStart, startsIn)
    return { id, tenantId: demo.tenantId, name, startsAt, endsAt: DateTime.add(startsAt, { hours: 3 }), ...more }
  }
  const ticketType = (
    { ticketPricingId, ticketTypeId: id }: ReturnType<typeof offer>,
    eventOfType: EventId,
    name: string,
    { capacity, currency = "USD", price, vip = false }: TypeTerms
  ): TicketType => ({
    id,
    tenantId: demo.tenantId,
    eventId: eventOfType,
    name,
    vip,
    capacity,
    maxPerOrder: MAX_PER_ORDER,
    pricings: [{ id: ticketPricingId, price: Cents.make(price), currency }]
  })
  const newYork = { currency: "USD", timezone: "America/New_York" } as const
  return {
    events: [
      event(demo.eventId, "Demo Night", { days: 60 }, { ...newYork, status: "ON_SALE" }),
      event(
        demo.euroEventId,
        "Demo Night Berlin",
        { days: 60 },
        { currency: "EUR", timezone: "Europe/Berlin", status: "ON_SALE" }
      ),
      event(demo.cancelledEventId, "Called Off", { days: 60 }, { ...newYork, status: "CANCELLED" }),
      event(demo.soonEventId, "Tonight", { hours: 12 }, { ...newYork, status: "ON_SALE" })
    ],
    ticketTypes: [
      ticketType(demo.general, demo.eventId, "General", { price: 10_000, capacity: 10_000 }),
      ticketType(demo.vip, demo.eventId, "VIP", { price: 25_000, capacity: 100, vip: true }),
      ticketType(demo.lastSeat, demo.eventId, "Last seat", { price: 5000, capacity: 1 }),
      ticketType(demo.free, demo.eventId, "Free", { price: 0, capacity: 1000 }),
      ticketType(demo.euro, demo.euroEventId, "General", { price: 9000, capacity: 1000, currency: "EUR" }),
      ticketType(demo.soon, demo.soonEventId, "General", { price: 10_000, capacity: 1000 }),
      ticketType(demo.cancelled, demo.cancelledEventId, "General", { price: 10_000, capacity: 1000 })
    ]
  }
}

interface TypeTerms {
  readonly price: number
  readonly capacity: number
  readonly currency?: string
  readonly vip?: boolean
}
