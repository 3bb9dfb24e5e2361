/**
 * Renews an order's hold (rule 3.3).
 */
import { DateTime, Effect } from "effect"
import { type OrderRequest, requireOwnerOrAdmin } from "../Access.ts"
import { changeOrder, dryRun, type Keyed, requireVersion } from "../changeOrder.ts"
import { downstreamHoldUntil } from "../Hold.ts"
import { isOpen, type Order, type OpenOrder } from "../Order.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { TicketsSoldOut } from "../OrderErrors.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import { Tickets } from "../ports/Tickets.ts"
import { ticketLines } from "../TicketLines.ts"

export interface ReserveOrderInput extends OrderRequest {
  readonly expectedVersion?: number | undefined
  readonly keyed?: Keyed<Order> | undefined
}

/**
 * Lengthens the ticket service's hold first and commits the new deadline second: a longer hold without a row is
 * harmless, because the order's own end releases it; a promised deadline without stock is not.
 *
 * Fails with `OrderNotFound`, `Forbidden`, `InvalidTransition`, `ReservationExpired`, `VersionConflict`,
 * `TicketsSoldOut` (the hold is gone) and `ServiceUnavailable`.
 */
export const reserveOrder = Effect.fn("reserveOrder")(function* (input: ReserveOrderInput) {
  const { caller, orderId } = input
  const store = yield* OrderStore
  const stored = yield* store.load(caller.tenantId, orderId)
  yield* requireOwnerOrAdmin(caller.actor, stored.order)
  yield* requireVersion(stored.order, input.expectedVersion)
  const signed = { actor: caller.actor, command: OrderCommand.Reserve() }
  const renewed = yield* dryRun(stored, signed)
  if (isOpen(renewed)) yield* lengthenHold(renewed)
  return yield* changeOrder({
    tenantId: caller.tenantId,
    orderId,
    command: ({ order }) => Effect.as(requireOwnerOrAdmin(caller.actor, order), signed),
    expectedVersion: input.expectedVersion,
    keyed: input.keyed
  })
})

const lengthenHold = Effect.fnUntraced(function* (order: OpenOrder) {
  const tickets = yield* Tickets
  const until = downstreamHoldUntil(order.hold.expiresAt, order.terms.hold)
  // The instant is part of the key: a renewal that was not committed must not answer for a later one.
  const key = `${order.id}:RENEW:${order.version}:${DateTime.toEpochMillis(until)}`
  const call = { tenantId: order.tenantId, orderId: order.id, key }
  yield* tickets
    .hold(call, order.eventId, ticketLines(order.items), until)
    .pipe(Effect.catchTag("HoldLost", () => Effect.fail(new TicketsSoldOut({ ticketTypeId: null }))))
})
