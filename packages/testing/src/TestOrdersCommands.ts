/**
 * Every command in every variant that may lead somewhere else, to be put to an order of any state.
 *
 * The mapped type makes a forgotten command a compile error. Instants are minutes after the creation of a sample whose
 * hold ends at 15, whose grace ends at 17 and whose event starts at 2880 (two days).
 */
import { Cents } from "@tickettoken/order-domain/Money"
import type { Order } from "@tickettoken/order-domain/Order"
import { type CancelMode, OrderCommand, type OrderCommandTag } from "@tickettoken/order-domain/OrderCommand"
import { nthRefundId, ownIntentId, strayIntentId } from "./TestOrders.ts"
import {
  allocateAll,
  allocationRefused,
  askRefund,
  cancelAs,
  captureOwn,
  openIntent,
  paymentFailed,
  refundNumbers,
  refundSettled,
  strayPayment
} from "./TestOrdersNews.ts"

export interface Variant {
  readonly name: string
  readonly minute: number
  readonly command: (order: Order) => OrderCommand
}

/** While everything runs. */
const EARLY = 5

/** Past deadline and grace of every sample, also of renewed and extended ones. */
const LATE = 120

/** Past the cutoff of 24 hours before the event. */
const AFTER_CUTOFF = 24 * 60 + 1

/** Past the event. */
const AFTER_EVENT = 4 * 24 * 60

/** The refund that cancelled and refunded samples have. */
const knownRefund = (order: Order) => nthRefundId(order.id, refundNumbers.cancel)

/** The number of a refund that no sample has. */
const NEW_REFUND = 9

const expired = OrderCommand.Expire({ reason: "the reservation ran out", intentClosed: false })

const refund = (order: Order, byAdmin: boolean): OrderCommand =>
  askRefund(order, { byAdmin, request: { _tag: "Amount", amount: 1000 } })

const cancelled = (order: Order, mode: CancelMode): OrderCommand => cancelAs(order, mode, NEW_REFUND)

export const commandVariants: { readonly [Tag in OrderCommandTag]: ReadonlyArray<Variant> } = {
  HoldGranted: [{ name: "HoldGranted", minute: EARLY, command: () => OrderCommand.HoldGranted() }],
  HoldRefused: [
    { name: "HoldRefused", minute: EARLY, command: () => OrderCommand.HoldRefused({ ticketTypeId: null }) }
  ],
  IntentOpened: [{ name: "IntentOpened", minute: EARLY, command: openIntent }],
  SetupAbandoned: [
    {
      name: "SetupAbandoned",
      minute: EARLY,
      command: () => OrderCommand.SetupAbandoned({ cause: "CREATE_TIMEOUT", why: "too slow" })
    }
  ],
  TicketsAllocated: [
    { name: "TicketsAllocated", minute: EARLY, command: (order) => allocateAll(order) },
    { name: "TicketsAll. no event", minute: EARLY, command: (order) => allocateAll(order, { eventCancelled: true }) }
  ],
  AllocationRefused: [
    {
      name: "AllocationRefused",
      minute: EARLY,
      command: allocationRefused
    }
  ],
  RefundSettled: [
    {
      name: "RefundSettled",
      minute: EARLY,
      command: (order) => refundSettled(order, refundNumbers.cancel, "Succeeded")
    }
  ],
  CaptureSeen: [
    { name: "CaptureSeen", minute: EARLY, command: (order) => captureOwn(order) },
    { name: "CaptureSeen late", minute: LATE, command: (order) => captureOwn(order) },
    { name: "CaptureSeen at expiry", minute: LATE, command: (order) => captureOwn(order, { foundByExpiry: true }) },
    { name: "CaptureSeen no event", minute: EARLY, command: (order) => captureOwn(order, { eventCancelled: true }) },
    { name: "CaptureSeen cheaper", minute: EARLY, command: (order) => captureOwn(order, { amount: Cents.make(1) }) },
    { name: "CaptureSeen in EUR", minute: EARLY, command: (order) => captureOwn(order, { currency: "EUR" }) },
    {
      name: "CaptureSeen stray",
      minute: EARLY,
      command: (order) => captureOwn(order, { paymentIntentId: strayIntentId(order.id) })
    }
  ],
  UnexpectedPayment: [
    { name: "UnexpectedPayment", minute: EARLY, command: (order) => strayPayment(order) },
    {
      name: "UnexpectedPayment own",
      minute: EARLY,
      command: (order) => strayPayment(order, { paymentIntentId: ownIntentId(order.id) })
    },
    { name: "UnexpectedPay. in EUR", minute: EARLY, command: (order) => strayPayment(order, { currency: "EUR" }) }
  ],
  PaymentFailed: [
    { name: "PaymentFailed", minute: EARLY, command: (order) => paymentFailed(order, false) },
    { name: "PaymentFailed retry", minute: EARLY, command: (order) => paymentFailed(order, true) },
    {
      name: "PaymentFailed stray",
      minute: EARLY,
      command: (order) => paymentFailed(order, false, strayIntentId(order.id))
    }
  ],
  PaymentProcessing: [{ name: "PaymentProcessing", minute: LATE, command: () => OrderCommand.PaymentProcessing() }],
  Reserve: [
    { name: "Reserve", minute: EARLY, command: () => OrderCommand.Reserve() },
    { name: "Reserve late", minute: LATE, command: () => OrderCommand.Reserve() }
  ],
  Cancel: [
    { name: "Cancel buyer", minute: EARLY, command: (order) => cancelled(order, "buyer") },
    { name: "Cancel buyer late", minute: AFTER_CUTOFF, command: (order) => cancelled(order, "buyer") },
    { name: "Cancel admin late", minute: AFTER_CUTOFF, command: (order) => cancelled(order, "admin") },
    { name: "Cancel organiser late", minute: AFTER_CUTOFF, command: (order) => cancelled(order, "organiser") }
  ],
  Expire: [
    { name: "Expire early", minute: EARLY, command: () => expired },
    { name: "Expire", minute: LATE, command: () => expired }
  ],
  Complete: [
    { name: "Complete early", minute: EARLY, command: () => OrderCommand.Complete() },
    { name: "Complete", minute: AFTER_EVENT, command: () => OrderCommand.Complete() }
  ],
  RequestRefund: [
    { name: "RequestRefund", minute: EARLY, command: (order) => refund(order, false) },
    { name: "RequestRefund late", minute: AFTER_CUTOFF, command: (order) => refund(order, false) },
    { name: "RequestRefund admin", minute: AFTER_CUTOFF, command: (order) => refund(order, true) }
  ],
  ApproveRefund: [
    {
      name: "ApproveRefund",
      minute: EARLY,
      command: (order) => OrderCommand.ApproveRefund({ refundId: knownRefund(order) })
    }
  ],
  RejectRefund: [
    {
      name: "RejectRefund",
      minute: EARLY,
      command: (order) => OrderCommand.RejectRefund({ refundId: knownRefund(order), reason: "no" })
    }
  ],
  RetryRefund: [
    {
      name: "RetryRefund",
      minute: EARLY,
      command: (order) => OrderCommand.RetryRefund({ refundId: knownRefund(order) })
    }
  ]
}

/** All variants, in the order of the commands. */
export const everyVariant: ReadonlyArray<Variant> = Object.values(commandVariants).flat()
