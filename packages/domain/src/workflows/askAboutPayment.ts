/**
 * Asks how the payment of one order stands, and tells the order (rule 3.13): whoever should have told us may have died,
 * and so may we have when we were told. One payment that can not be told does not stop the others.
 */
import { Effect } from "effect"
import { systemActor } from "../Actor.ts"
import { changeOrder } from "../changeOrder.ts"
import type { OrderId, TenantId } from "../Ids.ts"
import { isOpen, type Order } from "../Order.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import { Payments } from "../ports/Payments.ts"
import { ownCapture } from "../RefundDue.ts"
import { WorkExecutor } from "../WorkExecutor.ts"
import { confirmOrder } from "./ConfirmOrder.ts"

/** How many are asked about side by side, and how long each waits after its answer: at most 100 in a second. */
export const ASKED_AT_ONCE = 4
const PACE_MILLIS = 40

const watch = systemActor("payment-watch")

/** Whether the payment service has answered. What the order makes of the answer is told where it is decided. */
export const askAboutPayment = ({ orderId, tenantId }: { readonly tenantId: TenantId; readonly orderId: OrderId }) =>
  Effect.gen(function* () {
    const store = yield* OrderStore
    const { order } = yield* store.load(tenantId, orderId)
    yield* tell(order)
    return true
  }).pipe(
    Effect.catchTag("PaymentMismatch", (fault) =>
      Effect.as(Effect.logError(`the payment of an order does not fit it: ${fault.message}`), true)
    ),
    // A definite no is an answer. Expiry asks again, and raises the alarm.
    Effect.catchTag("PaymentRefused", ({ message }) =>
      Effect.as(Effect.logWarning(`a payment is not shown to us: ${message}`), true)
    ),
    // The order has ended: its money has been recorded, and goes back.
    Effect.catchTags({
      ReservationExpired: (elsewhere) => Effect.as(Effect.logDebug(elsewhere.message), true),
      EventCancelled: (elsewhere) => Effect.as(Effect.logDebug(elsewhere.message), true),
      InvalidTransition: (elsewhere) => Effect.as(Effect.logDebug(elsewhere.message), true)
    }),
    Effect.catchCause((cause) => Effect.as(Effect.logWarning("a payment could not be asked about", cause), false)),
    Effect.tap(() => Effect.sleep(PACE_MILLIS)),
    Effect.annotateLogs({ orderId, tenantId })
  )

/** Whether the order would like to hear of its payment: it waits for it, or has ended without it. */
const isUnpaid = (order: Order): boolean =>
  isOpen(order)
    ? order.stage === "AWAITING_PAYMENT"
    : (order.status === "CANCELLED" || order.status === "EXPIRED") && ownCapture(order) === undefined

const tell = Effect.fnUntraced(function* (order: Order) {
  if (order.intent === null || !isUnpaid(order)) return
  const payments = yield* Payments
  const intent = yield* payments.getIntent(order.tenantId, order.intent.id)
  switch (intent.status) {
    case "succeeded":
      yield* confirmOrder({
        caller: { tenantId: order.tenantId, actor: watch, vip: false },
        orderId: order.id,
        paymentIntentId: intent.id
      })
      return
    case "canceled":
      return isOpen(order) ? yield* tellFailure(order, intent.id) : undefined
    case "processing":
    case "requires_payment":
      return
  }
})

const tellFailure = Effect.fnUntraced(function* (order: Order, paymentIntentId: NonNullable<Order["intent"]>["id"]) {
  const executor = yield* WorkExecutor
  const command = OrderCommand.PaymentFailed({
    paymentIntentId,
    retryable: false,
    reason: "the payment service has cancelled the payment"
  })
  const changed = yield* changeOrder({
    tenantId: order.tenantId,
    orderId: order.id,
    command: () => Effect.succeed({ actor: watch, command })
  })
  yield* executor.start(changed.work)
})
