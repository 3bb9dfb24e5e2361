/**
 * One step per kind of work: the call to the port, and what its answer means.
 */
import { Data, DateTime, Duration, Effect } from "effect"
import { captureCommand, unexpectedPaymentCommand } from "./CaptureReport.ts"
import { isOpen, type Order } from "./Order.ts"
import { OrderCommand } from "./OrderCommand.ts"
import { ServiceUnavailable } from "./OrderErrors.ts"
import { unreachableUntil } from "./Hold.ts"
import { captureFault } from "./PaymentDecisions.ts"
import { expiryVerdict } from "./PaymentRaces.ts"
import { EventClosures } from "./ports/EventClosures.ts"
import { type Identifiers, newRefundId } from "./ports/Identifiers.ts"
import { aroundOrder } from "./ports/OrderLock.ts"
import { OrderStore } from "./ports/OrderStore.ts"
import { type PaymentIntent, Payments } from "./ports/Payments.ts"
import { Tickets } from "./ports/Tickets.ts"
import { WorkQueue } from "./ports/WorkQueue.ts"
import { ticketCount } from "./TicketLines.ts"
import { type ClaimedWork, intentWorkId, STEP_SECONDS_MAX, type Work, type WorkItem } from "./Work.ts"

/**
 * What came of a call.
 *
 * - Done: nothing to tell the order
 * - News: tell the order, and the work is done with it
 * - StillRunning: tell the order, and ask again later
 * - Later: no answer, or none that we understand; repeat with the same key
 * - Refused: a definite no to a step that can not be left undone; a matter for people
 */
export type Report = Data.TaggedEnum<{
  Done: object
  News: { readonly command: OrderCommand }
  StillRunning: { readonly command: OrderCommand }
  Later: { readonly why: string }
  Refused: { readonly why: string }
}>
export const Report = Data.taggedEnum<Report>()

/** An order that could not be set up within this time is given up; its buyer is long gone (reliability C2). */
const SETUP_SECONDS_MAX = 60

type Step<K extends Work["_tag"]> = (
  item: WorkItem,
  work: Extract<Work, { readonly _tag: K }>
) => Effect.Effect<Report, ServiceUnavailable, StepPorts>

type StepPorts = OrderStore | WorkQueue | Tickets | Payments | EventClosures | Identifiers

const news = (command: OrderCommand): Report => Report.News({ command })

/** Performs one work item. An outage is a `Later`; only the store itself being away fails. */
export const performWork = ({ attempts, item }: ClaimedWork): Effect.Effect<Report, ServiceUnavailable, StepPorts> =>
  Effect.gen(function* () {
    if (attempts > 1 && (item.work._tag === "HOLD" || item.work._tag === "INTENT")) {
      const overdue = yield* setupOverdue(item)
      if (overdue !== null) return overdue
    }
    return yield* step(item)
  }).pipe(
    Effect.timeoutOrElse({
      duration: Duration.seconds(STEP_SECONDS_MAX),
      orElse: () => Effect.succeed(Report.Later({ why: "no answer in time" }))
    }),
    Effect.catchTag("ServiceUnavailable", (outage) =>
      outage.service === "database" ? Effect.fail(outage) : Effect.succeed(Report.Later({ why: outage.message }))
    ),
    Effect.withSpan(`Work.${item.work._tag}`, { attributes: { "order.id": item.orderId, "work.id": item.id } })
  )

const step = (item: WorkItem): Effect.Effect<Report, ServiceUnavailable, StepPorts> => {
  const { work } = item
  switch (work._tag) {
    case "HOLD":
      return hold(item, work)
    case "INTENT":
      return intent(item, work)
    case "FINALIZE":
      return finalize(item, work)
    case "RELEASE":
      return release(item, work)
    case "VOID":
      return voidIntent(item, work)
    case "REFUND":
      return refund(item, work)
    case "EXPIRE":
      return expire(item, work)
  }
}

// A renewal of an order that is already set up is no setup: only HOLDING and OPENING_INTENT are given up.
const setupOverdue = Effect.fnUntraced(function* (item: WorkItem) {
  const store = yield* OrderStore
  const now = yield* store.now
  if (DateTime.isLessThan(now, DateTime.add(item.createdAt, { seconds: SETUP_SECONDS_MAX }))) return null
  const stored = yield* loadOrNull(item)
  const inSetup =
    stored !== null &&
    stored.order.status === "PENDING" &&
    (stored.order.stage === "HOLDING" || stored.order.stage === "OPENING_INTENT")
  return inSetup
    ? news(OrderCommand.SetupAbandoned({ cause: "CREATE_TIMEOUT", why: "the order could not be set up in time" }))
    : null
})

const loadOrNull = Effect.fnUntraced(function* (item: WorkItem) {
  const store = yield* OrderStore
  return yield* store
    .load(item.tenantId, item.orderId)
    .pipe(Effect.catchTag("OrderNotFound", () => Effect.succeed(null)))
})

const callOf = ({ id, orderId, tenantId }: WorkItem) => ({ tenantId, orderId, key: id })

const hold: Step<"HOLD"> = (item, work) =>
  Effect.flatMap(Tickets, (tickets) => tickets.hold(callOf(item), work.eventId, work.lines, work.holdUntil)).pipe(
    Effect.as(news(OrderCommand.HoldGranted())),
    Effect.catchTags({
      TicketsSoldOut: ({ ticketTypeId }) => Effect.succeed(news(OrderCommand.HoldRefused({ ticketTypeId }))),
      HoldLost: () => Effect.succeed(news(OrderCommand.HoldRefused({ ticketTypeId: null })))
    })
  )

const intent: Step<"INTENT"> = (item, { amount, currency, userId }) =>
  Effect.flatMap(Payments, (payments) => payments.openIntent({ ...callOf(item), userId, amount, currency })).pipe(
    Effect.map(({ clientSecret, id }) => news(OrderCommand.IntentOpened({ paymentIntentId: id, clientSecret }))),
    Effect.catchTag("PaymentRefused", ({ why }) =>
      Effect.succeed(news(OrderCommand.SetupAbandoned({ cause: "CREATE_FAILED", why })))
    )
  )

/** The order still wants its tickets: paid or free and open, or expired with late money on it. */
const wantsTickets = (order: Order): boolean =>
  (isOpen(order) && order.stage === "ALLOCATING") || (order.status === "EXPIRED" && order.reacquiring)

const finalize: Step<"FINALIZE"> = Effect.fnUntraced(
  function* (item) {
    const stored = yield* loadOrNull(item)
    if (stored === null || !wantsTickets(stored.order)) return Report.Done()
    const { eventId, items, tenantId } = stored.order
    const closures = yield* EventClosures
    const refundId = yield* newRefundId
    if (yield* closures.isClosed(tenantId, eventId)) {
      return news(OrderCommand.AllocationRefused({ refundId, why: "the event was cancelled" }))
    }
    // An old release that came later would give the new tickets away.
    const queue = yield* WorkQueue
    if (yield* queue.hasOpenRelease(tenantId, item.orderId)) {
      return Report.Later({ why: "the tickets of the ended hold are still being given back" })
    }
    const tickets = yield* Effect.flatMap(Tickets, (service) => service.allocate(callOf(item)))
    if (tickets.length !== ticketCount(items)) {
      return Report.Later({ why: `the ticket service allocated ${tickets.length} tickets of ${ticketCount(items)}` })
    }
    // Asked again: an event that is cancelled from here on finds the order in the run that cancels it.
    const eventCancelled = yield* closures.isClosed(tenantId, eventId)
    return news(OrderCommand.TicketsAllocated({ refundId, tickets, eventCancelled }))
  },
  Effect.catchTag("HoldLost", ({ why }) =>
    Effect.map(newRefundId, (refundId) => news(OrderCommand.AllocationRefused({ refundId, why })))
  )
)

const release: Step<"RELEASE"> = (item, { lines }) =>
  Effect.flatMap(Tickets, (tickets) => tickets.release(callOf(item), lines)).pipe(Effect.as(Report.Done()))

// An intent whose id never reached us is asked for once more under its own key: the same key answers the same intent.
const voidIntent: Step<"VOID"> = Effect.fnUntraced(
  function* (item, { amount, currency, paymentIntentId, userId }) {
    const payments = yield* Payments
    const { orderId, tenantId } = item
    const lost = payments.openIntent({ tenantId, orderId, userId, amount, currency, key: intentWorkId(orderId) }).pipe(
      Effect.map(({ id }) => id),
      Effect.catchTag("PaymentRefused", () => Effect.succeed(null))
    )
    const known = paymentIntentId ?? (yield* lost)
    if (known === null) return Report.Done()
    const closed = yield* payments.cancelIntent(tenantId, known, item.id)
    switch (closed.status) {
      case "canceled":
        return Report.Done()
      case "succeeded":
        return yield* captureNews(item, closed, false)
      default:
        return Report.Later({ why: `the payment intent is still ${closed.status}` })
    }
  },
  Effect.catchTags({
    PaymentRefused: ({ why }) => Effect.succeed(Report.Refused({ why })),
    PaymentIntentNotFound: () => Effect.succeed(Report.Done())
  })
)

const refund: Step<"REFUND"> = Effect.fnUntraced(function* (item, work) {
  const { amount, attempt, paymentIntentId, reason, refundId } = work
  const payments = yield* Payments
  const outcome = yield* payments.refund({ ...callOf(item), refundId, paymentIntentId, amount, reason })
  const command = OrderCommand.RefundSettled({ refundId, attempt, outcome })
  return outcome._tag === "Pending" ? Report.StillRunning({ command }) : news(command)
})

// Claimed and committed before we ask; decided again under the version check after we have asked (rule 3.5).
const expire: Step<"EXPIRE"> = (item, work) => aroundOrder(item.orderId, expireAlone(item, work))

const expireAlone: Step<"EXPIRE"> = Effect.fnUntraced(function* (item, { reason }) {
  const stored = yield* loadOrNull(item)
  if (stored === null || !isOpen(stored.order) || stored.order.stage === "ALLOCATING") return Report.Done()
  const { now, order } = stored
  const giveUp = !DateTime.isLessThan(now, unreachableUntil(order.terms.hold, item.createdAt))
  return yield* lastWord(item, order, reason).pipe(
    // A service that is too slow to ask is as good as away.
    Effect.timeoutOrElse({
      duration: Duration.seconds(LAST_WORD_SECONDS_MAX),
      orElse: () => Effect.fail(unanswered)
    }),
    // Late money is dealt with when it comes (rule 3.7): stock is not kept for ever.
    Effect.catchTags({
      ServiceUnavailable: (outage) =>
        giveUp && outage.service === "payments" ? Effect.succeed(expireNow(reason, false)) : Effect.fail(outage),
      PaymentRefused: ({ why }) => Effect.succeed(giveUp ? expireNow(reason, false) : Report.Refused({ why }))
    })
  )
})

/** For all that expiry asks: within a step, so that giving up is decided here. */
const LAST_WORD_SECONDS_MAX = STEP_SECONDS_MAX - 1

const unanswered = new ServiceUnavailable({
  service: "payments",
  why: "no answer in time",
  retryAfterSeconds: LAST_WORD_SECONDS_MAX
})

const expireNow = (reason: string, intentClosed: boolean): Report => news(OrderCommand.Expire({ reason, intentClosed }))

const lastWord = Effect.fnUntraced(
  function* (item: WorkItem, order: Order, reason: string) {
    if (order.intent === null || !isOpen(order)) return expireNow(reason, false)
    const payments = yield* Payments
    const intent = yield* payments.getIntent(item.tenantId, order.intent.id)
    switch (expiryVerdict(intent.status, order.hold.extendedForPayment)) {
      case "confirm":
        return yield* captureAtExpiry(item, order, intent, reason)
      case "extend":
        return news(OrderCommand.PaymentProcessing())
      case "expire":
        return expireNow(reason, true)
      case "close-intent": {
        const closed = yield* payments.cancelIntent(item.tenantId, order.intent.id, item.id)
        return closed.status === "succeeded"
          ? yield* captureAtExpiry(item, order, closed, reason)
          : expireNow(reason, closed.status === "canceled")
      }
    }
  },
  (effect, _item, _order, reason) =>
    Effect.catchTag(effect, "PaymentIntentNotFound", () => Effect.succeed(expireNow(reason, true)))
)

// Money that can not be this order's payment does not keep it open: it expires, and VOID keeps asking for people.
const captureAtExpiry = Effect.fnUntraced(function* (
  item: WorkItem,
  order: Order,
  captured: PaymentIntent,
  reason: string
) {
  const fault = captureFault(order, {
    paymentIntentId: captured.id,
    amount: captured.amountCaptured,
    currency: captured.currency
  })
  if (fault === null) return yield* captureNews(item, captured, true)
  yield* Effect.logError(`the payment of an expiring order does not fit it: ${fault}`)
  return expireNow(reason, false)
})

const captureNews = Effect.fnUntraced(function* (item: WorkItem, captured: PaymentIntent, foundByExpiry: boolean) {
  const stored = yield* loadOrNull(item)
  if (stored === null) return Report.Done()
  const { order } = stored
  return order.intent?.id === captured.id
    ? news(yield* captureCommand(order, captured, foundByExpiry))
    : news(yield* unexpectedPaymentCommand(captured))
})
