/**
 * The endpoints for other services: confirm, expire, look ahead, cancel a whole event.
 */
import type { OrderId, PaymentIntentId, TenantId } from "@tickettoken/order-domain/Ids"
import { RequestBudget } from "@tickettoken/order-domain/RequestBudget"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { expireOrder } from "@tickettoken/order-domain/workflows/ExpireOrder"
import { expiringOrders } from "@tickettoken/order-domain/workflows/ReadOrders"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OrderServiceApi } from "../contract/Api.ts"
import { bulkCancel } from "./bulkCancel.ts"
import { CurrentRequest } from "./CurrentRequest.ts"
import { Detached } from "./Detached.ts"
import { providePorts } from "./Ports.ts"
import { callerFor } from "./serviceCaller.ts"
import { answering } from "./toProblem.ts"

export const layer = HttpApiBuilder.group(
  OrderServiceApi,
  "internal",
  Effect.fnUntraced(function* (handlers) {
    const withPorts = yield* providePorts
    return handlers.handleAll({
      expiring: ({ headers, query }) => withPorts(expiring(headers["x-tenant-id"], query)),
      bulkCancel: ({ headers, payload }) => withPorts(bulkCancel(headers["x-tenant-id"], payload)),
      confirm: ({ headers, params, payload }) =>
        withPorts(confirm(headers["x-tenant-id"], params.orderId, payload.paymentIntentId)),
      expire: ({ headers, params, payload }) =>
        withPorts(expire(headers["x-tenant-id"], params.orderId, payload.reason))
    })
  })
)

const expiring = Effect.fnUntraced(function* (
  tenantId: TenantId,
  query: { readonly minutes: number; readonly limit: number }
) {
  const { about } = yield* CurrentRequest
  about.set("tenantId", tenantId)
  const orders = yield* answering(expiringOrders({ tenantId, ...query }))
  return {
    orders: orders.map(({ expiresAt, id, minutesUntilExpiration }) => ({
      id,
      reservationExpiresAt: expiresAt,
      minutesUntilExpiration
    }))
  }
})

const confirm = Effect.fnUntraced(function* (tenantId: TenantId, orderId: OrderId, paymentIntentId: PaymentIntentId) {
  const detached = yield* Detached
  const caller = yield* callerFor(tenantId)
  const order = yield* answering(
    detached.runFor(
      yield* RequestBudget,
      confirmOrder({ caller, orderId, paymentIntentId }).pipe(Effect.catchTag(neverForConfirm, Effect.die))
    )
  )
  const { status } = order
  return status === "CONFIRMED" || status === "COMPLETED"
    ? { orderId, status, confirmedAt: order.confirmedAt }
    : { orderId, status, confirmedAt: null }
})

const expire = Effect.fnUntraced(function* (tenantId: TenantId, orderId: OrderId, reason: string) {
  const detached = yield* Detached
  const caller = yield* callerFor(tenantId)
  yield* answering(
    detached.runFor(
      yield* RequestBudget,
      expireOrder({ caller, orderId, reason }).pipe(Effect.catchTag(neverForExpire, Effect.die))
    )
  )
  return { message: "Order expired successfully" as const }
})

// What `decide` refuses other commands with, and the changes that carry no key: meeting one of these here is a bug.
const neverForConfirm = [
  "AmountOutOfRange",
  "CancellationWindowClosed",
  "IdempotencyConflict",
  "IdempotencyKeyUsed",
  "LeaseLost",
  "RefundNotFound",
  "RefundRequestInvalid",
  "RefundStateConflict"
] as const
const neverForExpire = [
  "AmountOutOfRange",
  "CancellationWindowClosed",
  // A service may expire any order of its tenant.
  "Forbidden",
  "OrderAlreadyConfirmed",
  "PaymentMismatch",
  "RefundExceedsCaptured",
  "RefundNotFound",
  "RefundRequestInvalid",
  "RefundStateConflict",
  "ReservationExpired"
] as const
