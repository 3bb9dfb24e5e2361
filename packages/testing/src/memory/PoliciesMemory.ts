/**
 * `Policies` in memory: the defaults of the domain for every tenant, or what a test says instead.
 */
import { Effect, Layer } from "effect"
import { bulkCancelPolicy } from "@tickettoken/order-domain/BulkConfirmation"
import { feeSchedules } from "@tickettoken/order-domain/FeeSchedule"
import { holdPolicy } from "@tickettoken/order-domain/Hold"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { type OrderPolicies, Policies } from "@tickettoken/order-domain/ports/Policies"
import { refundPolicy } from "@tickettoken/order-domain/RefundPolicy"

/** What every tenant sells under that has nothing of its own. */
export const defaultPolicies: OrderPolicies = {
  fees: feeSchedules,
  limits: orderLimits,
  hold: holdPolicy,
  refunds: refundPolicy,
  latePayment: "reacquire",
  declines: "keep-hold",
  bulkCancel: bulkCancelPolicy
}

/** Every tenant sells under the defaults, with these policies instead. */
export const layerWith = (overrides: Partial<OrderPolicies>) =>
  Layer.succeed(Policies, Policies.of({ of: () => Effect.succeed({ ...defaultPolicies, ...overrides }) }))

export const layer = layerWith({})
