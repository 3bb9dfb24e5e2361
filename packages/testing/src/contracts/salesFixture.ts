/**
 * Orders with a past: played through `decide` into a store, each step at an instant that the test names.
 */
import { DateTime, Effect, Result } from "effect"
import { Outcome } from "@tickettoken/order-domain/Decision"
import { OrderId, type TenantId, UserId } from "@tickettoken/order-domain/Ids"
import type { Order } from "@tickettoken/order-domain/Order"
import type { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { placeOrder } from "@tickettoken/order-domain/OrderCreation"
import { decide } from "@tickettoken/order-domain/OrderDecision"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { buyerActor, type DraftOptions, draftOf, jobActor, randomUuid } from "../TestOrders.ts"
import type { PathStep } from "../TestOrdersByState.ts"

/** A new order, created then by a buyer of its own. */
export const begin = Effect.fnUntraced(function* (
  createdAt: DateTime.Utc,
  options: DraftOptions & { readonly tenantId: TenantId }
) {
  const store = yield* OrderStore
  const userId = UserId.make(yield* randomUuid)
  const draft = draftOf(OrderId.make(yield* randomUuid), createdAt, { userId, ...options })
  return (yield* store.create({ decision: placeOrder(draft, buyerActor(userId), createdAt) }, orderLimits)).order
})

/** The order after the command, as it is stored; as it was where that is refused or changes nothing. */
export const happen = Effect.fnUntraced(function* (order: Order, command: OrderCommand, at: DateTime.Utc) {
  const store = yield* OrderStore
  const outcome = decide(order, { actor: jobActor, command }, at)
  if (Result.isFailure(outcome) || !Outcome.$is("Changed")(outcome.success)) return order
  return yield* store.commit({ decision: outcome.success.decision }).pipe(
    Effect.map((written) => written.order),
    Effect.catch(() => Effect.succeed(order))
  )
})

/** An order that has gone a path. */
export const play = Effect.fnUntraced(function* (
  createdAt: DateTime.Utc,
  path: ReadonlyArray<PathStep>,
  options: DraftOptions & { readonly tenantId: TenantId }
) {
  let order = yield* begin(createdAt, options)
  for (const { command, minute } of path) {
    const next = yield* happen(order, command(order), DateTime.add(createdAt, { minutes: minute }))
    if (next === order) return yield* Effect.die(new Error(`${command(order)._tag} leads nowhere`))
    order = next
  }
  return order
})
