/**
 * What the ticket service answers (contract, section 2). Fields that we do not use are not looked at.
 */
import { Currency } from "@tickettoken/order-domain/Currency"
import { EventId, OrderId, TicketTypeId } from "@tickettoken/order-domain/Ids"
import { AllocatedTicket } from "@tickettoken/order-domain/Order"
import { TicketPricing } from "@tickettoken/order-domain/ports/Tickets"
import { Schema } from "effect"

/** The service may sell in currencies that we do not: such a pricing is not for us, and no reason to refuse the rest. */
const WirePricing = Schema.Struct({ ...TicketPricing.fields, currency: Schema.String })

export const AvailabilityAnswer = Schema.Struct({
  ticketTypes: Schema.Array(
    Schema.Struct({
      ticketTypeId: TicketTypeId,
      eventId: EventId,
      available: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
      vip: Schema.Boolean,
      maxPerOrder: Schema.optionalKey(Schema.NullOr(Schema.Int)),
      pricings: Schema.Array(WirePricing)
    })
  )
})

const isOurs = Schema.is(Currency)

/** The pricings that we can sell at. */
export const ownPricings = (pricings: ReadonlyArray<typeof WirePricing.Type>): ReadonlyArray<TicketPricing> =>
  pricings.flatMap(({ currency, id, price }) => (isOurs(currency) ? [{ id, price, currency }] : []))

export const HoldAnswer = Schema.Struct({ orderId: OrderId })

/** Tickets that are ours for good: never none, no order is empty. */
export const AllocationAnswer = Schema.Struct({
  orderId: Schema.optionalKey(OrderId),
  tickets: Schema.NonEmptyArray(AllocatedTicket)
})

/** Why nothing is held. */
export const HoldRefusal = Schema.Struct({
  reason: Schema.optionalKey(Schema.String),
  ticketTypeId: Schema.optionalKey(TicketTypeId)
})
