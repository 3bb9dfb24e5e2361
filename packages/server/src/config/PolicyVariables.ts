/**
 * The variables that make the policies under which orders are sold: fees, holds, limits and refunds.
 */
import { BULK_UNCONFIRMED_CENTS_MAX } from "@tickettoken/order-domain/BulkConfirmation"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { LOOK_BACK_DAYS_MAX } from "@tickettoken/order-domain/ports/PaymentLooks"
import * as Kind from "./ConfigKinds.ts"
import { withDefault } from "./Variable.ts"

const HOLD_SECONDS_MAX = 24 * 60 * 60

/** By the name under which the server knows each one. */
export const policyVariables = {
  defaultCurrency: withDefault({
    name: "DEFAULT_CURRENCY",
    section: "Money",
    kind: Kind.currency,
    default: "USD",
    description: "The currency of an order that names none. Must be supported."
  }),
  supportedCurrencies: withDefault({
    name: "SUPPORTED_CURRENCIES",
    section: "Money",
    kind: Kind.currencies,
    default: "USD,EUR,GBP,CAD,AUD",
    description: "Each gets its own row of fees, limits and thresholds, with the numbers below as its minor units."
  }),
  platformFee: withDefault({
    name: "PLATFORM_FEE_PERCENTAGE",
    section: "Money",
    kind: Kind.percentage,
    default: "5.0",
    description: "Platform fee, of the subtotal."
  }),
  processingFee: withDefault({
    name: "PROCESSING_FEE_PERCENTAGE",
    section: "Money",
    kind: Kind.percentage,
    default: "2.9",
    description: "Processing fee, of the subtotal."
  }),
  processingFeeFixed: withDefault({
    name: "PROCESSING_FEE_FIXED_CENTS",
    section: "Money",
    kind: Kind.cents,
    default: "30",
    description: "Processing fee, fixed part of an order."
  }),
  taxRate: withDefault({
    name: "DEFAULT_TAX_RATE",
    section: "Money",
    kind: Kind.percentage,
    default: "8.0",
    description: "Tax in percent, of subtotal and fees."
  }),
  holdLength: withDefault({
    name: "RESERVATION_DURATION_MINUTES",
    section: "Holds",
    kind: Kind.minutes(1, HOLD_SECONDS_MAX),
    default: "15",
    description: "How long an order holds its tickets."
  }),
  vipHoldLength: withDefault({
    name: "VIP_RESERVATION_DURATION_MINUTES",
    section: "Holds",
    kind: Kind.minutes(1, HOLD_SECONDS_MAX),
    default: "30",
    description: "The same for VIP customers and VIP tickets."
  }),
  grace: withDefault({
    name: "RESERVATION_GRACE_PERIOD_MINUTES",
    section: "Holds",
    kind: Kind.minutes(0, 60 * 60),
    default: "2",
    description: "From the deadline that the buyer sees to the moment the order expires; a payment still confirms it."
  }),
  expiryInterval: withDefault({
    name: "EXPIRATION_CHECK_INTERVAL_MINUTES",
    section: "Holds",
    kind: Kind.minutes(1, 60 * 60),
    default: "1",
    description: "How often orders past their deadline are looked for."
  }),
  paymentLooks: withDefault({
    name: "ORDER_PAYMENT_LOOK_BACK_MINUTES",
    section: "Holds",
    kind: Kind.risingMinutes(10, LOOK_BACK_DAYS_MAX * 24 * 60 * 60 - 1),
    default: "5,60,1440",
    description:
      "How long after its end an unpaid order is asked about once more: the payment service may have taken money for an intent that it has called cancelled."
  }),
  latePayment: withDefault({
    name: "ORDER_LATE_PAYMENT_POLICY",
    section: "Holds",
    kind: Kind.oneOf("reacquire", "refund", "review"),
    default: "reacquire",
    description:
      "What a payment after expiry does: take the tickets again if they are free, go back, or wait for review."
  }),
  declines: withDefault({
    name: "ORDER_DECLINE_POLICY",
    section: "Holds",
    kind: Kind.oneOf("keep-hold", "cancel"),
    default: "keep-hold",
    description: "What a payment that failed does: a retryable one keeps the hold, or every one cancels the order."
  }),
  totalMin: withDefault({
    name: "MIN_ORDER_VALUE_CENTS",
    section: "Limits",
    kind: Kind.cents,
    default: "100",
    description: "The smallest total of an order that is not free."
  }),
  totalMax: withDefault({
    name: "MAX_ORDER_VALUE_CENTS",
    section: "Limits",
    kind: Kind.cents,
    default: "10000000",
    description: "The largest total of an order."
  }),
  freeOrders: withDefault({
    name: "ORDER_FREE_ORDERS",
    section: "Limits",
    kind: Kind.flag,
    default: "true",
    description: "Whether orders of nothing but free tickets are taken."
  }),
  linesMax: withDefault({
    name: "MAX_ITEMS_PER_ORDER",
    section: "Limits",
    kind: Kind.whole("lines", 1, 100),
    default: String(orderLimits.linesMax),
    description: "Lines of an order."
  }),
  quantityPerLineMax: withDefault({
    name: "MAX_QUANTITY_PER_ITEM",
    section: "Limits",
    kind: Kind.whole("tickets", 1, 10_000),
    default: String(orderLimits.quantityPerLineMax),
    description: "Tickets of a line."
  }),
  quantityPerTypeMax: withDefault({
    name: "ORDER_MAX_QUANTITY_PER_TICKET_TYPE",
    section: "Limits",
    kind: Kind.whole("tickets", 1, 10_000),
    default: String(orderLimits.quantityPerTypeMax),
    description: "Tickets of one type over all lines of an order."
  }),
  quantityPerOrderMax: withDefault({
    name: "ORDER_MAX_QUANTITY_PER_ORDER",
    section: "Limits",
    kind: Kind.whole("tickets", 1, 10_000),
    default: String(orderLimits.quantityPerOrderMax),
    description: "Tickets of an order."
  }),
  ordersPerUserPerDayMax: withDefault({
    name: "MAX_ORDERS_PER_USER_PER_DAY",
    section: "Limits",
    kind: Kind.whole("orders", 1, 10_000),
    default: String(orderLimits.ordersPerUserPerDayMax),
    description: "Orders that a user may create in 24 hours."
  }),
  ordersPerUserPerEventMax: withDefault({
    name: "MAX_ORDERS_PER_USER_PER_EVENT",
    section: "Limits",
    kind: Kind.whole("orders", 1, 10_000),
    default: String(orderLimits.ordersActivePerUserPerEventMax),
    description: "Active orders that a user may have for an event."
  }),
  refundCutoffHours: withDefault({
    name: "REFUND_CUTOFF_HOURS",
    section: "Refunds",
    kind: Kind.whole("hours", 0, 24 * 365),
    default: "24",
    description: "How long before the event a buyer may still cancel or ask for a refund."
  }),
  refundRetention: withDefault({
    name: "REFUND_PROCESSING_FEE_RETENTION",
    section: "Refunds",
    kind: Kind.percentage,
    default: "2.5",
    description: "Kept of a voluntary refund, in percent of the refunded subtotal."
  }),
  refundRetentionFixed: withDefault({
    name: "ORDER_REFUND_RETENTION_FIXED_CENTS",
    section: "Refunds",
    kind: Kind.cents,
    default: "30",
    description: "Kept once of the voluntary refunds of an order."
  }),
  refundAutoApproveBelow: withDefault({
    name: "REFUND_AUTO_APPROVE_THRESHOLD_CENTS",
    section: "Refunds",
    kind: Kind.cents,
    default: "50000",
    description: "Refunds of an order that together stay below this need no review."
  }),
  bulkUnconfirmedCentsMax: withDefault({
    name: "ORDER_BULK_UNCONFIRMED_CENTS_MAX",
    section: "Refunds",
    kind: Kind.cents,
    default: String(BULK_UNCONFIRMED_CENTS_MAX),
    description: "The most that cancelling an event may return without the confirmation token of a dry run."
  })
}
