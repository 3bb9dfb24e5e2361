/**
 * Counts what becomes of orders, at the one place where it commits: a store around the store.
 *
 * A commit whose outcome is unknown is not counted: it is tried again, and then it is.
 */
import type { Decision } from "@tickettoken/order-domain/Decision"
import type { Order } from "@tickettoken/order-domain/Order"
import { type Commit, OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import type { WorkLease } from "@tickettoken/order-domain/Work"
import { DateTime, Effect, Layer } from "effect"
import { messages, orders, work as workMetrics } from "./Metrics.ts"

const secondsBetween = (from: DateTime.Utc, to: DateTime.Utc): number =>
  Math.max(0, DateTime.toEpochMillis(to) - DateTime.toEpochMillis(from)) / 1000

const confirmed = ({ before, event, order }: Decision) => {
  const { currency, pricing } = order
  const paidAt = order.captures.at(-1)?.capturedAt
  return Effect.all(
    [
      orders.confirmed.record(1, { currency }),
      orders.revenue.record(pricing.total, { currency }),
      orders.fees.record(pricing.platformFee, { currency, part: "platform" }),
      orders.fees.record(pricing.processingFee, { currency, part: "processing" }),
      orders.fees.record(pricing.tax, { currency, part: "tax" }),
      before?.status === "EXPIRED" ? Effect.void : heldFor(order, event.at, "confirmed"),
      paidAt === undefined ? Effect.void : orders.processingSeconds.record(secondsBetween(paidAt, event.at), {})
    ],
    { discard: true }
  )
}

const heldFor = ({ createdAt }: Order, until: DateTime.Utc, outcome: "confirmed" | "cancelled" | "expired") =>
  orders.reservationSeconds.record(secondsBetween(createdAt, until), { outcome })

const isOpen = (order: Order | null): boolean => order?.status === "PENDING" || order?.status === "RESERVED"

/** What the fact itself says. */
const countFact = (decision: Decision): Effect.Effect<void> => {
  const { before, event, order } = decision
  switch (event.type) {
    case "ORDER_CREATED":
      return orders.created.record(1, { currency: order.currency })
    case "ORDER_CONFIRMED":
      return confirmed(decision)
    case "ORDER_COMPLETED":
      return orders.completed.record(1, {})
    case "ORDER_CANCELLED":
      return Effect.andThen(
        order.status === "CANCELLED" ? orders.cancelled.record(1, { cause: order.cause }) : Effect.void,
        isOpen(before) ? heldFor(order, event.at, "cancelled") : Effect.void
      )
    case "RESERVATION_EXPIRED":
      return Effect.andThen(orders.expired.record(1, {}), heldFor(order, event.at, "expired"))
    case "LATE_PAYMENT_CAPTURED":
      return orders.unusualPayments.record(1, { kind: "late" })
    case "LATE_PAYMENT_REFUNDED":
      return orders.unusualPayments.record(1, { kind: "late_refunded" })
    case "UNEXPECTED_PAYMENT":
      return orders.unusualPayments.record(1, { kind: "unexpected" })
    default:
      return Effect.void
  }
}

/** Whatever the fact is called: every refund that has reached another state. */
const countRefunds = ({ before, order }: Decision): Effect.Effect<void> => {
  if (order.refunds.length === 0) return Effect.void
  const known = new Map(before?.refunds.map(({ id, state }) => [id, state]))
  const moved = order.refunds.filter(({ id, state }) => known.get(id) !== state)
  return Effect.forEach(
    moved,
    ({ amount, state }) =>
      Effect.andThen(
        orders.refundsProcessed.record(1, { state }),
        state === "COMPLETED" ? orders.refunded.record(amount, { currency: order.currency }) : Effect.void
      ),
    { discard: true }
  )
}

/** Ids of work name their kind in the middle. */
export const kindOf = ({ id }: WorkLease): string => id.split(":")[1] ?? ""

const count = ({ decision, handles, settles }: Commit): Effect.Effect<void> =>
  Effect.all(
    [
      countFact(decision),
      countRefunds(decision),
      Effect.forEach(decision.work, (item) => workMetrics.asked.record(1, { kind: item.work._tag }), { discard: true }),
      settles === undefined ? Effect.void : workMetrics.done.record(1, { kind: kindOf(settles) }),
      handles === undefined ? Effect.void : messages.consumed.record(1, { outcome: "changed" })
    ],
    { discard: true }
  )

/** The store that it is given, with everything that commits counted. */
export const layer: Layer.Layer<OrderStore, never, OrderStore> = Layer.effect(
  OrderStore,
  Effect.map(OrderStore, (store) =>
    OrderStore.of({
      ...store,
      create: (commit, limits) =>
        store.create(commit, limits).pipe(
          Effect.tap(count(commit)),
          Effect.tapErrorTag("OrderLimitExceeded", ({ which }) => orders.refusedForQuota.record(1, { quota: which }))
        ),
      commit: (commit) =>
        store.commit(commit).pipe(
          Effect.tap(count(commit)),
          Effect.tapErrorTag("LeaseLost", () => workMetrics.lost.record(1, {}))
        )
    })
  )
)
