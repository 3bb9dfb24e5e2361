/**
 * What is on sale in a run: three tenants, each with a long sale, a type that is scarce, and small events that are
 * called off one after the other.
 */
import { DateTime } from "effect"
import { EventId, TenantId, TicketPricingId, TicketTypeId, UserId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import type { Catalogue } from "../sandbox/catalogue.ts"
import type { Event } from "../sandbox/EventDirectory.ts"
import type { TicketType } from "../sandbox/TicketFacts.ts"
import { derivedId } from "../TestOrders.ts"

export const TENANTS = 3
/** Events of a tenant that are called off in the course of a run. */
export const CALLED_OFF = 6
/** Many want one of so few. */
const SCARCE_CAPACITY = 25
const PLENTY = 1_000_000

export interface ChaosOffer {
  readonly eventId: EventId
  readonly ticketTypeId: TicketTypeId
  readonly ticketPricingId: TicketPricingId
  readonly price: number
  readonly capacity: number
}

export interface ChaosTenant {
  readonly tenantId: TenantId
  readonly adminId: UserId
  readonly general: ChaosOffer
  readonly scarce: ChaosOffer
  readonly free: ChaosOffer
  /** One offer of each event that is called off. */
  readonly calledOff: ReadonlyArray<ChaosOffer>
}

const id = (kind: number, tenant: number, number: number): string =>
  derivedId("c0000000-0000-4000-8000-000000000000", kind * 1_000_000 + tenant * 10_000 + number)

const offerOf = (tenant: number, event: number, type: number, price: number, capacity: number): ChaosOffer => ({
  eventId: EventId.make(id(2, tenant, event)),
  ticketTypeId: TicketTypeId.make(id(3, tenant, type)),
  ticketPricingId: TicketPricingId.make(id(4, tenant, type)),
  price,
  capacity
})

const tenantAt = (tenant: number): ChaosTenant => ({
  tenantId: TenantId.make(id(1, tenant, 0)),
  adminId: UserId.make(id(5, tenant, 0)),
  general: offerOf(tenant, 0, 0, 10_000, PLENTY),
  scarce: offerOf(tenant, 0, 1, 5000, SCARCE_CAPACITY),
  free: offerOf(tenant, 0, 2, 0, PLENTY),
  calledOff: Array.from({ length: CALLED_OFF }, (_, n) => offerOf(tenant, n + 1, n + 10, 4000, PLENTY))
})

export const tenants: ReadonlyArray<ChaosTenant> = Array.from({ length: TENANTS }, (_, tenant) => tenantAt(tenant))

/** The buyer of this number: everybody is somebody else. */
export const buyerAt = (number: number): UserId =>
  UserId.make(derivedId("d0000000-0000-4000-8000-000000000000", number))

const offersOf = ({ calledOff, free, general, scarce }: ChaosTenant) => [general, scarce, free, ...calledOff]

/** All of it, given the instant of the first start: every process of a run is told the same. */
export const chaosCatalogue = (firstStart: DateTime.Utc): Catalogue => {
  const startsAt = DateTime.add(firstStart, { days: 60 })
  const event = (tenantId: TenantId, eventId: EventId): Event => ({
    id: eventId,
    tenantId,
    name: "Chaos Night",
    status: "ON_SALE",
    currency: "USD",
    timezone: "America/New_York",
    startsAt,
    endsAt: DateTime.add(startsAt, { hours: 3 })
  })
  const ticketType = (tenantId: TenantId, offer: ChaosOffer): TicketType => ({
    id: offer.ticketTypeId,
    tenantId,
    eventId: offer.eventId,
    name: "Seat",
    vip: false,
    capacity: offer.capacity,
    maxPerOrder: 20,
    pricings: [{ id: offer.ticketPricingId, price: Cents.make(offer.price), currency: "USD" }]
  })
  return {
    events: tenants.flatMap((tenant) =>
      [tenant.general, ...tenant.calledOff].map(({ eventId }) => event(tenant.tenantId, eventId))
    ),
    ticketTypes: tenants.flatMap((tenant) => offersOf(tenant).map((offer) => ticketType(tenant.tenantId, offer)))
  }
}
