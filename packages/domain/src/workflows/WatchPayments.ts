/**
 * Asks the payment service how the payments stand that orders wait for (rule 3.13): whoever should have told us may have
 * died, and so may we have when we were told.
 */
import { Effect } from "effect"
import { systemActor } from "../Actor.ts"
import { changeOrder } from "../changeOrder.ts"
import { isOpen, type Order } from "../Order.ts"
import { OrderCommand } from "../OrderCommand.ts"
import { type AwaitedPayment, AwaitedPayments } from "../ports/AwaitedPayments.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import { Payments } from "../ports/Payments.ts"
import { WorkExecutor } from "../WorkExecutor.ts"
import { confirmOrder } from "./ConfirmOrder.ts"

/** How many payments are looked up at once. */
const WATCH_PAGE = 20

/** How many pages one round asks about, so that it ends; the next one goes on behind them. */
const WATCH_PAGES_MAX = 25

/** How many are asked about side by side, and how long each waits after its answer: at most 100 in a second. */
const CONCURRENCY = 4
const PACE_MILLIS = 40

const watch = systemActor("payment-watch")

/**
 * One round, from behind `after`: a captured payment is confirmed as if it had been announced, a cancelled one has
 * failed for good (rule 3.8), any other is left alone; deadlines never move. Answers where the next round goes on,
 * `null` for the beginning. One payment that can not be told does not stop the others; a service that answers about
 * nobody ends the round.
 *
 * Fails with `ServiceUnavailable` when the database is away.
 */
export const watchPayments = Effect.fn("watchPayments")(function* (after: AwaitedPayment | null) {
  const awaited = yield* AwaitedPayments
  let last = after
  for (let page = 0; page < WATCH_PAGES_MAX; page++) {
    const due: ReadonlyArray<AwaitedPayment> = yield* awaited.due(WATCH_PAGE, last)
    const answered = yield* Effect.forEach(due, askAbout, { concurrency: CONCURRENCY })
    if (due.length < WATCH_PAGE) return null
    last = due.at(-1) ?? null
    if (!answered.includes(true)) return last
  }
  return last
})

// Whether the payment service has answered. What the order makes of the answer is told where it is decided.
const askAbout = ({ orderId, tenantId }: AwaitedPayment) =>
  Effect.gen(function* () {
    const store = yield* OrderStore
    const { order } = yield* store.load(tenantId, orderId)
    yield* tell(order)
    return true
  }).pipe(
    Effect.catchTag("PaymentMismatch", (fault) =>
      Effect.as(Effect.logError(`the payment of an open order does not fit it: ${fault.message}`), true)
    ),
    // The order has ended in between: its money has been recorded, and goes back.
    Effect.catchTags({
      ReservationExpired: (elsewhere) => Effect.as(Effect.logDebug(elsewhere.message), true),
      EventCancelled: (elsewhere) => Effect.as(Effect.logDebug(elsewhere.message), true),
      InvalidTransition: (elsewhere) => Effect.as(Effect.logDebug(elsewhere.message), true)
    }),
    Effect.catchCause((cause) => Effect.as(Effect.logWarning("a payment could not be asked about", cause), false)),
    Effect.tap(() => Effect.sleep(PACE_MILLIS)),
    Effect.annotateLogs({ orderId, tenantId })
  )

const tell = Effect.fnUntraced(function* (order: Order) {
  if (order.intent === null || !isOpen(order) || order.stage !== "AWAITING_PAYMENT") return
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
      return yield* tellFailure(order, intent.id)
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
