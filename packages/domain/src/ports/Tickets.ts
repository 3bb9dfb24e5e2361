/**
 * The ticket service: the only one that knows prices and stock.
 *
 * Every call is keyed: the same key has one effect however often it is sent. An answer that does not arrive or does not
 * decode is `ServiceUnavailable`, and then the outcome is unknown.
 */
import { Context, type DateTime, type Effect, Schema } from "effect"
import { Currency } from "../Currency.ts"
import { EventId, type OrderId, type TenantId, TicketPricingId, TicketTypeId } from "../Ids.ts"
import { Cents } from "../Money.ts"
import type { AllocatedTicket } from "../Order.ts"
import type { ServiceUnavailable, TicketsSoldOut } from "../OrderErrors.ts"
import type { TicketLine } from "../Work.ts"

/** The price of a ticket type: the only truth about prices (rule 1.8). */
export const TicketPricing = Schema.Struct({ id: TicketPricingId, price: Cents, currency: Currency })
export type TicketPricing = typeof TicketPricing.Type

export const TicketAvailability = Schema.Struct({
  ticketTypeId: TicketTypeId,
  eventId: EventId,
  available: Schema.Int,
  vip: Schema.Boolean,
  maxPerOrder: Schema.NullOr(Schema.Int),
  pricings: Schema.Array(TicketPricing)
})
export type TicketAvailability = typeof TicketAvailability.Type

/** The order may not hold or allocate: released before (a tombstone), or gone and not free any more. */
export class HoldLost extends Schema.TaggedError<HoldLost>()("HoldLost", { why: Schema.String }) {
  override get message(): string {
    return this.why
  }
}

/** Identity of a call: who asks, about which order, under which key. */
export interface TicketCall {
  readonly tenantId: TenantId
  readonly orderId: OrderId
  readonly key: string
}

export class Tickets extends Context.Service<
  Tickets,
  {
    /** Types that the service does not know are absent from the answer. */
    readonly availability: (
      tenantId: TenantId,
      eventId: EventId,
      ticketTypeIds: ReadonlyArray<TicketTypeId>
    ) => Effect.Effect<ReadonlyArray<TicketAvailability>, ServiceUnavailable>
    /** Holds all lines or none; the same order answers the same hold and lengthens it. */
    readonly hold: (
      call: TicketCall,
      eventId: EventId,
      lines: ReadonlyArray<TicketLine>,
      holdUntil: DateTime.Utc
    ) => Effect.Effect<void, TicketsSoldOut | HoldLost | ServiceUnavailable>
    /** Allocates for good, taking stock again when the hold is gone and stock is free. */
    readonly allocate: (
      call: TicketCall
    ) => Effect.Effect<ReadonlyArray<AllocatedTicket>, HoldLost | ServiceUnavailable>
    /** Gives back these lines, or everything, and refuses a hold of this order that arrives later. */
    readonly release: (
      call: TicketCall,
      lines: ReadonlyArray<TicketLine> | null
    ) => Effect.Effect<void, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/Tickets") {}
