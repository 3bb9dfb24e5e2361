/**
 * The ticket sandbox's HTTP face: contract, section 2, plus a control that puts a ticket type on sale.
 */
import { Effect, Result, Schema } from "effect"
import { EventId, TenantId, TicketPricingId, TicketTypeId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { demo } from "./catalogue.ts"
import { CurrencyCode } from "./Engine.ts"
import type { Journal } from "./Journal.ts"
import { control, post, type Route } from "./Routes.ts"
import {
  Allocation,
  Availability,
  AvailabilityRequest,
  ConfirmRequest,
  Hold,
  Release,
  ReleaseRequest,
  ReserveRequest,
  type TicketFact,
  TicketType
} from "./TicketFacts.ts"
import * as Inventory from "./TicketInventory.ts"
import type { TicketState } from "./TicketStock.ts"
import { replying } from "./Wire.ts"

/** A type to put on sale; what is left out is the demo's: a general ticket of the demo event for 100.00 USD. */
export const NewTicketType = Schema.Struct({
  id: Schema.optionalKey(TicketTypeId),
  tenantId: Schema.optionalKey(TenantId),
  eventId: Schema.optionalKey(EventId),
  name: Schema.optionalKey(Schema.NonEmptyString),
  vip: Schema.optionalKey(Schema.Boolean),
  capacity: TicketType.fields.capacity,
  maxPerOrder: Schema.optionalKey(TicketType.fields.maxPerOrder),
  pricings: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        id: Schema.optionalKey(TicketPricingId),
        price: Cents,
        currency: Schema.optionalKey(CurrencyCode)
      })
    )
  )
})
export type NewTicketType = typeof NewTicketType.Type

/** Fills in what a new type leaves out. `uuid` makes ids. */
export const completeTicketType = Effect.fnUntraced(function* (given: NewTicketType, uuid: Effect.Effect<string>) {
  const prices = given.pricings ?? [{ price: Cents.make(10_000) }]
  const pricings = yield* Effect.forEach(prices, (pricing) =>
    Effect.map(uuid, (id) => ({ currency: "USD", ...pricing, id: pricing.id ?? TicketPricingId.make(id) }))
  )
  const ticketType: TicketType = {
    tenantId: demo.tenantId,
    eventId: demo.eventId,
    name: "General",
    vip: false,
    maxPerOrder: 20,
    ...given,
    id: given.id ?? TicketTypeId.make(yield* uuid),
    pricings
  }
  return ticketType
})

const Availabilities = Schema.Struct({ ticketTypes: Schema.Array(Availability) })

export const ticketRoutes = (
  { perform }: Journal<TicketState, TicketFact>,
  uuid: Effect.Effect<string>
): ReadonlyArray<Route> => [
  post("tickets.availability", "/internal/tickets/availability", AvailabilityRequest, ({ body, tenantId }) =>
    perform((state, now) => Inventory.availability(state, { tenantId, ...body }, now)).pipe(
      Effect.map((ticketTypes) => replying(Availabilities)(Result.succeed({ ticketTypes })))
    )
  ),
  post("tickets.reserve", "/internal/tickets/reserve", ReserveRequest, ({ body, key, tenantId }) =>
    perform((state, now) => Inventory.reserve(state, { tenantId, key, ...body }, now)).pipe(Effect.map(replying(Hold)))
  ),
  post("tickets.confirm", "/internal/tickets/confirm", ConfirmRequest, ({ body, key, tenantId }) =>
    perform((state, now) => Inventory.confirm(state, { tenantId, key, ...body }, now)).pipe(
      Effect.map(replying(Allocation))
    )
  ),
  post("tickets.release", "/internal/tickets/release", ReleaseRequest, ({ body, key, tenantId }) =>
    perform((state, now) => Inventory.release(state, { tenantId, key, ...body }, now)).pipe(
      Effect.map(replying(Release))
    )
  ),
  control("POST", "/sandbox/ticket-types", NewTicketType, ({ body }) =>
    Effect.flatMap(completeTicketType(body, uuid), (ticketType) =>
      perform((state, now) => Inventory.addTicketType(state, { ticketType }, now)).pipe(
        Effect.map(replying(TicketType, (encoded) => ({ ticketType: encoded })))
      )
    )
  )
]
