/**
 * The ticket sandbox in words: what can be asked, what is answered, what is refused, and the facts of its journal.
 */
import { Schema } from "effect"
import { EventId, OrderId, TenantId, TicketId, TicketPricingId, TicketTypeId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { CurrencyCode, IdempotencyKey } from "./Engine.ts"

/** Far above what an order may hold (rule 2.1): the order service's own limit must be the one that bites. */
const LINES_MAX = 200
const QUANTITY_MAX = 100_000

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000_000 }))

export const TicketPricing = Schema.Struct({ id: TicketPricingId, price: Cents, currency: CurrencyCode })
export type TicketPricing = typeof TicketPricing.Type

/** A kind of ticket on sale. `maxPerOrder` is told, not enforced: the order service keeps it. */
export const TicketType = Schema.Struct({
  id: TicketTypeId,
  tenantId: TenantId,
  eventId: EventId,
  name: Schema.NonEmptyString,
  vip: Schema.Boolean,
  capacity: Count,
  maxPerOrder: Count,
  pricings: Schema.Array(TicketPricing)
})
export type TicketType = typeof TicketType.Type

export const TicketLine = Schema.Struct({
  ticketTypeId: TicketTypeId,
  ticketPricingId: Schema.optionalKey(TicketPricingId),
  quantity: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: QUANTITY_MAX }))
})
export type TicketLine = typeof TicketLine.Type

const TicketLines = Schema.Array(TicketLine).check(Schema.isMinLength(1), Schema.isMaxLength(LINES_MAX))

export const Ticket = Schema.Struct({
  id: TicketId,
  ticketTypeId: TicketTypeId,
  ticketPricingId: Schema.optionalKey(TicketPricingId)
})
export type Ticket = typeof Ticket.Type

export const AvailabilityRequest = Schema.Struct({
  eventId: EventId,
  ticketTypeIds: Schema.Array(TicketTypeId).check(Schema.isMaxLength(LINES_MAX))
})

export const ReserveRequest = Schema.Struct({
  orderId: OrderId,
  eventId: EventId,
  items: TicketLines,
  holdUntil: Schema.DateTimeUtcFromString
})

export const ConfirmRequest = Schema.Struct({ orderId: OrderId })

/** No `items`: everything the order has. */
export const ReleaseRequest = Schema.Struct({ orderId: OrderId, items: Schema.optionalKey(TicketLines) })

/** A type's row in the answer to an availability request: the id, its event, and what is free right now. */
export const Availability = Schema.Struct({
  ticketTypeId: TicketTypeId,
  eventId: EventId,
  name: Schema.String,
  available: Count,
  vip: Schema.Boolean,
  maxPerOrder: Count,
  pricings: Schema.Array(TicketPricing)
})
export type Availability = typeof Availability.Type

/** `allocated`: the order already has its tickets, so a late repeat of a reserve changes nothing. */
export const Hold = Schema.Struct({
  orderId: OrderId,
  eventId: EventId,
  status: Schema.Literals(["held", "allocated"]),
  items: Schema.Array(TicketLine),
  holdUntil: Schema.DateTimeUtcFromString
})
export type Hold = typeof Hold.Type

export const Allocation = Schema.Struct({ orderId: OrderId, tickets: Schema.Array(Ticket) })
export type Allocation = typeof Allocation.Type

/** `released` is what this release gave back, which may be less than what was asked for. */
export const Release = Schema.Struct({
  orderId: OrderId,
  released: Schema.Array(TicketLine),
  ticketIds: Schema.Array(TicketId)
})
export type Release = typeof Release.Type

/** Why the ticket service says no. */
export const TicketRefusalCode = Schema.Literals([
  "TICKETS_SOLD_OUT",
  "HOLD_RELEASED",
  "HOLD_MISMATCH",
  "HOLD_UNTIL_PAST",
  "HOLD_NOT_FOUND",
  "TICKET_TYPE_NOT_FOUND",
  "TICKET_TYPE_EXISTS",
  "PRICING_MISMATCH",
  "IDEMPOTENCY_MISMATCH"
])

export class TicketRefusal extends Schema.TaggedError<TicketRefusal>()("TicketRefusal", {
  code: TicketRefusalCode,
  message: Schema.String,
  /** `released`: the order was released before; `sold_out`: there is no stock. */
  reason: Schema.optionalKey(Schema.Literals(["released", "sold_out"])),
  ticketTypeId: Schema.optionalKey(TicketTypeId),
  available: Schema.optionalKey(Count)
}) {}

const ofOrder = { tenantId: TenantId, orderId: OrderId }
const answered = { ...ofOrder, key: IdempotencyKey }

/** What has happened, in the order in which it happened. `kind` is the word on the wire. */
export const TicketFact = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("ticket-type.added"), ticketType: TicketType }),
  Schema.Struct({
    kind: Schema.Literal("hold.placed"),
    ...answered,
    eventId: EventId,
    items: TicketLines,
    holdUntil: Schema.DateTimeUtcFromString
  }),
  Schema.Struct({ kind: Schema.Literal("hold.renewed"), ...answered, holdUntil: Schema.DateTimeUtcFromString }),
  Schema.Struct({ kind: Schema.Literal("hold.lapsed"), ...ofOrder, items: TicketLines }),
  Schema.Struct({
    kind: Schema.Literal("tickets.allocated"),
    ...answered,
    tickets: Schema.Array(Ticket),
    /** `stock`: the hold was gone, and there was enough left to take the tickets anew. */
    from: Schema.Literals(["hold", "stock"])
  }),
  Schema.Struct({ kind: Schema.Literal("confirm.repeated"), ...answered, tickets: Schema.Array(Ticket) }),
  Schema.Struct({ kind: Schema.Literal("confirm.refused"), ...answered, refusal: TicketRefusal }),
  Schema.Struct({
    kind: Schema.Literal("tickets.released"),
    ...answered,
    /** What the caller named; `null` is everything. */
    asked: Schema.NullOr(TicketLines),
    /** What came back to the stock. */
    released: Schema.Array(TicketLine),
    ticketIds: Schema.Array(TicketId),
    /** What the order keeps; with nothing left, a tombstone stays. */
    left: Schema.Array(TicketLine)
  })
])
export type TicketFact = typeof TicketFact.Type
