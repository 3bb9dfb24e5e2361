/**
 * What a message of another service leads to (contract, section 3).
 *
 * **Details**
 *
 * A message changes nothing by its own word: it is a reason to ask the service that knows, and what that one says is
 * told to the order. So a forged message, one that comes late, twice or out of order leads to what is true. The row of
 * the message ends in the transaction of the change, and a change that comes too late is dropped.
 *
 * **Gotchas**
 *
 * A payment service can not be asked whether a card was declined and may be tried again. Where a tenant's orders end
 * with every decline (rule 3.8) the message is believed about that, and about no money.
 */
import { Data, Effect } from "effect"
import { systemActor } from "../Actor.ts"
import { captureCommand, unexpectedPaymentCommand } from "../CaptureReport.ts"
import { type Change, changeOrder } from "../changeOrder.ts"
import type { InboundMessage, InboxLease } from "../InboundMessage.ts"
import { isOpen, type Order } from "../Order.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { PaymentMismatch } from "../OrderErrors.ts"
import { refundWork } from "../OrderSteps.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import { type PaymentIntent, Payments } from "../ports/Payments.ts"
import { canRefundBecome } from "../RefundPolicy.ts"
import { runWithinBudget } from "../RequestBudget.ts"
import { workId } from "../Work.ts"

/** The name under which messages are told to orders. */
export const inboxActor = systemActor("inbox")

/**
 * What came of a message.
 *
 * - Changed: the order has changed, and the message has ended with it
 * - Unchanged: there is nothing (more) to do
 * - Early: what it is about is not there yet
 * - Refused: it does not fit what is there, or nobody confirms it
 */
export type Handling = Data.TaggedEnum<{
  Changed: object
  Unchanged: object
  Early: { readonly why: string }
  Refused: { readonly why: string }
}>
export const Handling = Data.taggedEnum<Handling>()

type PaymentNews = Extract<InboundMessage, { readonly type: "payment.succeeded" | "payment.failed" }>
type RefundNews = Extract<InboundMessage, { readonly type: "payment.refund.succeeded" | "payment.refund.failed" }>

/** Handles one message under its lease. Fails with `ServiceUnavailable`, and with `LeaseLost` when it is too late. */
export const handleMessage = Effect.fn("handleMessage")(
  function* (message: InboundMessage, lease: InboxLease) {
    switch (message.type) {
      case "payment.succeeded":
      case "payment.failed":
        return yield* payment(message, lease)
      case "payment.refund.succeeded":
      case "payment.refund.failed":
        return yield* refund(message, lease)
      case "ticket.allocated":
        // The order's own FINALIZE work asks for its tickets until it has them.
        return yield* Effect.as(loadOrder(message.data.orderId, lease), Handling.Unchanged())
    }
  },
  (effect) =>
    Effect.catchTags(effect, {
      OrderNotFound: ({ message: why }) => Effect.succeed(Handling.Early({ why })),
      PaymentRefused: refused,
      PaymentMismatch: refused,
      OrderAlreadyConfirmed: refused,
      InvalidTransition: refused,
      ReservationExpired: refused,
      RefundNotFound: refused,
      RefundStateConflict: refused,
      RefundExceedsCaptured: refused,
      RefundRequestInvalid: refused,
      AmountOutOfRange: refused,
      CancellationWindowClosed: refused
    })
)

const refused = ({ message: why }: { readonly message: string }) => Effect.succeed(Handling.Refused({ why }))

const loadOrder = Effect.fnUntraced(function* (orderId: Order["id"], { tenantId }: InboxLease) {
  const store = yield* OrderStore
  return (yield* store.load(tenantId, orderId)).order
})

/** Changes the order and ends the message with it; what the order asks for in turn is run at once. */
const change = Effect.fnUntraced(function* <E, R>(
  orderId: Order["id"],
  lease: InboxLease,
  command: (order: Order) => Effect.Effect<OrderCommand, E, R>
) {
  const build: Change<E, R>["command"] = ({ order }) =>
    Effect.map(command(order), (built) => ({ actor: inboxActor, command: built }))
  const changed = yield* changeOrder({ tenantId: lease.tenantId, orderId, command: build, handles: lease })
  if (!changed.moved) return Handling.Unchanged()
  yield* runWithinBudget(changed.work)
  return Handling.Changed()
})

const payment = Effect.fnUntraced(function* (message: PaymentNews, lease: InboxLease) {
  const { orderId, paymentIntentId } = message.data
  const order = yield* loadOrder(orderId, lease)
  // The intent's answer may still be on its way to us: its money must not be taken for somebody else's.
  if (order.intent === null && isOpen(order)) return Handling.Early({ why: "the order has no payment yet" })
  const payments = yield* Payments
  const intent = yield* payments
    .getIntent(lease.tenantId, paymentIntentId)
    .pipe(Effect.catchTag("PaymentIntentNotFound", () => Effect.succeed(null)))
  if (intent === null) return Handling.Refused({ why: "the payment service knows no such payment" })
  return yield* change(orderId, lease, (stored) => paymentCommand(stored, intent, message))
})

/** The command that says what the payment service says, whatever the message does. */
const paymentCommand = Effect.fnUntraced(function* (order: Order, intent: PaymentIntent, message: PaymentNews) {
  const isOwn = order.intent?.id === intent.id
  if (intent.status === "succeeded") {
    if (isOwn) return yield* captureCommand(order, intent, false)
    if (intent.orderId === order.id) return yield* unexpectedPaymentCommand(intent)
    return yield* new PaymentMismatch({ orderId: order.id, why: "the payment belongs to another order" })
  }
  const reason = message.type === "payment.failed" ? message.data.reason : "the payment was cancelled"
  if (isOwn && intent.status === "canceled") {
    return OrderCommand.PaymentFailed({ paymentIntentId: intent.id, retryable: false, reason })
  }
  if (message.type === "payment.failed") {
    return OrderCommand.PaymentFailed({ paymentIntentId: intent.id, retryable: true, reason })
  }
  return yield* new PaymentMismatch({ orderId: order.id, why: `the payment has not been captured: ${intent.status}` })
})

// The same key asks how the same refund stands. Its REFUND work finds it settled when it asks for itself.
const refund = Effect.fnUntraced(function* (message: RefundNews, lease: InboxLease) {
  const { orderId, refundId } = message.data
  const order = yield* loadOrder(orderId, lease)
  const known = order.refunds.find(({ id }) => id === refundId)
  if (known === undefined) return Handling.Refused({ why: "the order has no such refund" })
  if (!canRefundBecome(known.state, "COMPLETED")) return Handling.Unchanged()
  const { amount, attempt, paymentIntentId, reason } = known
  const payments = yield* Payments
  const key = workId(orderId, order.version, refundWork(known))
  const outcome = yield* payments.refund({
    tenantId: lease.tenantId,
    orderId,
    refundId,
    key,
    paymentIntentId,
    amount,
    reason
  })
  return yield* change(orderId, lease, () => Effect.succeed(OrderCommand.RefundSettled({ refundId, attempt, outcome })))
})
