/**
 * The first decision of an order's life: what is written before anything is asked of another service.
 */
import type { DateTime } from "effect"
import type { Actor } from "./Actor.ts"
import type { Currency } from "./Currency.ts"
import { type Decision, eventOf, workOf } from "./Decision.ts"
import { downstreamHoldUntil, holdLimit, initialDeadline } from "./Hold.ts"
import type { EventId, OrderId, TenantId, UserId } from "./Ids.ts"
import type { Metadata } from "./Metadata.ts"
import type { OrderItem, OrderTerms, PendingOrder } from "./Order.ts"
import type { OrderNumber } from "./OrderNumber.ts"
import type { Pricing } from "./Pricing.ts"
import { ticketLines } from "./TicketLines.ts"

/** An order that has passed every check and is about to exist. */
export interface OrderDraft {
  readonly id: OrderId
  readonly tenantId: TenantId
  readonly orderNumber: OrderNumber
  readonly userId: UserId
  readonly eventId: EventId
  readonly eventStartsAt: DateTime.Utc
  readonly eventEndsAt: DateTime.Utc
  readonly currency: Currency
  readonly items: readonly [OrderItem, ...Array<OrderItem>]
  readonly pricing: Pricing
  readonly terms: OrderTerms
  readonly vip: boolean
  readonly metadata: Metadata
  readonly idempotencyKey: string | null
}

/**
 * Makes version 1: PENDING, nothing held yet, HOLD asked for (rule 3.1). The deadline runs from now, so that a slow
 * hold takes time from the buyer and not from the stock.
 */
export const placeOrder = (draft: OrderDraft, actor: Actor, now: DateTime.Utc): Decision => {
  const expiresAt = initialDeadline(draft.terms.hold, draft.vip, now)
  const order: PendingOrder = {
    ...draft,
    status: "PENDING",
    stage: "HOLDING",
    hold: { expiresAt, limitAt: holdLimit(draft.terms.hold, draft.vip, now), extendedForPayment: false },
    intent: null,
    captures: [],
    refunds: [],
    createdAt: now,
    updatedAt: now,
    version: 1
  }
  return {
    before: null,
    order,
    event: eventOf(
      order,
      { type: "ORDER_CREATED", actor, data: { total: order.pricing.total, currency: order.currency } },
      now
    ),
    work: workOf(
      order,
      [
        {
          _tag: "HOLD",
          requestedBy: actor,
          eventId: order.eventId,
          lines: ticketLines(order.items),
          holdUntil: downstreamHoldUntil(expiresAt, order.terms.hold)
        }
      ],
      now
    )
  }
}
