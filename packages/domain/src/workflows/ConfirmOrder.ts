/**
 * Confirms an order because its payment is said to have succeeded (rules 3.6, 3.7).
 *
 * The saying is not believed: amount, currency and status are read from the payment service. Messages and the confirm
 * endpoint come through here alike.
 */
import { Duration, Effect, Schedule } from "effect"
import type { OrderRequest } from "../Access.ts"
import { changeOrder } from "../changeOrder.ts"
import type { PaymentIntentId } from "../Ids.ts"
import { isOpen, type Order } from "../Order.ts"
import {
  EventCancelled,
  InvalidTransition,
  OrderAlreadyConfirmed,
  PaymentMismatch,
  ReservationExpired
} from "../OrderErrors.ts"
import { aroundOrder } from "../ports/OrderLock.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import { type PaymentIntent, Payments } from "../ports/Payments.ts"
import { RequestBudget, runWithinBudget } from "../RequestBudget.ts"
import { captureCommand, unexpectedPaymentCommand } from "../CaptureReport.ts"

export interface ConfirmOrderInput extends OrderRequest {
  readonly paymentIntentId: PaymentIntentId
}

/**
 * Answers the order: CONFIRMED (or COMPLETED) with its tickets, or still open when the allocation goes on without us.
 * Repeating it with the same intent answers the same.
 *
 * Fails with `OrderNotFound`; `PaymentMismatch` for an intent that is not this order's, is not captured, or has another
 * amount or currency; `OrderAlreadyConfirmed` for another intent on a confirmed order; `ReservationExpired`,
 * `EventCancelled` or `InvalidTransition` when the money was recorded and goes back because the order has ended;
 * `ServiceUnavailable`.
 */
export const confirmOrder = Effect.fn("confirmOrder")(function* (input: ConfirmOrderInput) {
  const { caller, orderId } = input
  const { changed, order } = yield* aroundOrder(orderId, capture(input))
  if (isConfirmed(order) && changed === null) return order
  yield* changed?.moved === true ? runWithinBudget(changed.work) : waitForOthers(order)
  const store = yield* OrderStore
  const { order: settled } = yield* store.load(caller.tenantId, orderId)
  return yield* confirmationResult(settled)
})

const isConfirmed = ({ status }: Order): boolean => status === "CONFIRMED" || status === "COMPLETED"

/** Asks for the payment and records it. `null`: it has been recorded already, and nobody needs to be asked. */
const capture = Effect.fnUntraced(function* (input: ConfirmOrderInput) {
  const { caller, orderId, paymentIntentId } = input
  const store = yield* OrderStore
  const { order } = yield* store.load(caller.tenantId, orderId)
  const isOwn = order.intent?.id === paymentIntentId
  if (isOwn && (isConfirmed(order) || isBeingConfirmed(order))) return { order, changed: null }
  const intent = yield* readIntent(order, paymentIntentId).pipe(
    Effect.catchTag("PaymentMismatch", (mismatch) =>
      Effect.fail(isConfirmed(order) ? new OrderAlreadyConfirmed({ orderId }) : mismatch)
    )
  )
  if (!isOwn) yield* recordUnexpected(input, order, intent)
  const changed = yield* changeOrder({
    tenantId: caller.tenantId,
    orderId,
    command: (stored) =>
      Effect.map(captureCommand(stored.order, intent, false), (command) => ({ actor: caller.actor, command }))
  })
  return { order, changed }
})

/** How often an order is looked at that somebody else is confirming. */
const LOOK_EVERY = Duration.millis(100)

/** The payment is recorded and its tickets are on their way. */
const isBeingConfirmed = (order: Order): boolean =>
  (isOpen(order) && order.stage === "ALLOCATING") || (order.status === "EXPIRED" && order.reacquiring)

// Several may tell of one payment at once: all of them are answered what becomes of it, within the budget.
const waitForOthers = Effect.fnUntraced(function* ({ id, tenantId }: Order) {
  const store = yield* OrderStore
  yield* store
    .load(tenantId, id)
    .pipe(
      Effect.repeat({ while: ({ order }) => isBeingConfirmed(order), schedule: Schedule.spaced(LOOK_EVERY) }),
      Effect.timeoutOption(yield* RequestBudget)
    )
})

const readIntent = Effect.fnUntraced(function* (order: Order, paymentIntentId: PaymentIntentId) {
  const payments = yield* Payments
  const mismatch = (why: string) => Effect.fail(new PaymentMismatch({ orderId: order.id, why }))
  const intent = yield* payments.getIntent(order.tenantId, paymentIntentId).pipe(
    Effect.tapErrorTag("PaymentRefused", (refused) => Effect.logWarning("a payment is not shown to us", refused)),
    Effect.catchTags({
      PaymentIntentNotFound: () => mismatch("the payment service knows no such payment"),
      PaymentRefused: () => mismatch("the payment service refuses to show this payment")
    })
  )
  return yield* intent.status === "succeeded"
    ? Effect.succeed(intent)
    : mismatch(`the payment has not been captured: ${intent.status}`)
})

// Another intent never confirms. If its money was taken for this order it is recorded and returned (rule 3.6).
const recordUnexpected = Effect.fnUntraced(function* (input: ConfirmOrderInput, order: Order, intent: PaymentIntent) {
  if (intent.orderId !== order.id) return
  const command = yield* unexpectedPaymentCommand(intent)
  const changed = yield* changeOrder({
    tenantId: order.tenantId,
    orderId: order.id,
    command: () => Effect.succeed({ actor: input.caller.actor, command })
  })
  yield* runWithinBudget(changed.work)
})

/** What a confirmation answers for the order as it stands after the payment was recorded. */
export const confirmationResult = (
  order: Order
): Effect.Effect<Order, ReservationExpired | EventCancelled | InvalidTransition> => {
  switch (order.status) {
    case "EXPIRED":
      return order.reacquiring
        ? Effect.succeed(order)
        : Effect.fail(new ReservationExpired({ orderId: order.id, expiredAt: order.expiredAt }))
    case "CANCELLED":
      return Effect.fail(
        order.cause === "ORGANISER"
          ? new EventCancelled({ eventId: order.eventId })
          : new InvalidTransition({ orderId: order.id, from: order.status, command: "Confirm", why: null })
      )
    case "REFUNDED":
      return Effect.fail(
        new InvalidTransition({ orderId: order.id, from: order.status, command: "Confirm", why: null })
      )
    default:
      return Effect.succeed(order)
  }
}
