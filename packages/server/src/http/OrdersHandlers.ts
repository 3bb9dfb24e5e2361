/**
 * The public endpoints: decode, send to the workflow, show what came of it.
 */
import type { OrderId, RefundId } from "@tickettoken/order-domain/Ids"
import { emptyMetadata } from "@tickettoken/order-domain/Metadata"
import { checkQuantities } from "@tickettoken/order-domain/OrderLimits"
import { RefundNotFound } from "@tickettoken/order-domain/OrderErrors"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { Policies } from "@tickettoken/order-domain/ports/Policies"
import { cancelOrder } from "@tickettoken/order-domain/workflows/CancelOrder"
import { createOrder, creationResult } from "@tickettoken/order-domain/workflows/CreateOrder"
import {
  getOrder,
  type ListOrdersInput,
  listOrders,
  orderHistory
} from "@tickettoken/order-domain/workflows/ReadOrders"
import { requestRefund } from "@tickettoken/order-domain/workflows/RequestRefund"
import { reserveOrder } from "@tickettoken/order-domain/workflows/ReserveOrder"
import { Effect, Option } from "effect"
import { HttpApiBuilder, HttpApiSchema } from "effect/http-api"
import { OrderServiceApi } from "../contract/Api.ts"
import { CurrentCaller } from "../contract/Auth.ts"
import type { CreateOrderBody, OrderListQuery, RefundOrderBody } from "../contract/Requests.ts"
import { CurrentRequest } from "./CurrentRequest.ts"
import { cursorAfter, listIdentity, readCursor } from "./Cursor.ts"
import { HttpSettings } from "./HttpSettings.ts"
import { answerOnce } from "./Idempotent.ts"
import { answerIfMatch, etagOf, expectedVersion } from "./IfMatch.ts"
import { providePorts } from "./Ports.ts"
import { refundRequestOf } from "./refundRequestOf.ts"
import { answering, notValid } from "./toProblem.ts"
import {
  cancellationAnswer,
  createdAnswer,
  orderEventView,
  orderView,
  refundAnswer,
  refundView,
  reservationAnswer,
  versionIn
} from "./toViews.ts"

export const layer = HttpApiBuilder.group(
  OrderServiceApi,
  "orders",
  Effect.fnUntraced(function* (handlers) {
    const withPorts = yield* providePorts
    return handlers.handleAll({
      create: ({ headers, payload }) => withPorts(create(payload, headers)),
      list: ({ query }) => withPorts(list(query)),
      get: ({ params }) => withPorts(get(params.orderId)),
      reserve: ({ headers, params, payload }) => withPorts(reserve(params.orderId, payload, headers)),
      cancel: ({ headers, params, payload }) => withPorts(cancel(params.orderId, payload, headers)),
      refund: ({ headers, params, payload }) => withPorts(refund(params.orderId, payload, headers)),
      events: ({ params }) => withPorts(events(params.orderId)),
      refunds: ({ params }) => withPorts(refunds(params.orderId)),
      refundById: ({ params }) => withPorts(refundById(params.orderId, params.refundId))
    })
  })
)

interface KeyHeader {
  readonly "idempotency-key"?: string
}

interface ChangeHeaders extends KeyHeader {
  readonly "if-match"?: string
}

const create = Effect.fnUntraced(function* (payload: CreateOrderBody, headers: KeyHeader) {
  const caller = yield* CurrentCaller
  const { defaultCurrency } = yield* HttpSettings
  const { eventId, items, metadata = emptyMetadata, currency = defaultCurrency } = payload
  // Rule 2.1 is the request's shape to the caller, so it is told before the key is looked at.
  const { limits } = yield* Effect.flatMap(Policies, (policies) => policies.of(caller.tenantId))
  yield* answering(Effect.fromResult(checkQuantities(items, limits)))
  return yield* answerOnce({
    caller,
    operation: "create",
    key: headers["idempotency-key"],
    route: "POST /api/v1/orders",
    body: payload,
    run: (keyed) =>
      createOrder({ caller, eventId, items, currency, metadata, claim: keyed?.claim }).pipe(
        Effect.tap(({ id }) => Effect.map(CurrentRequest, ({ about }) => about.set("orderId", id))),
        Effect.catchTag("OrderNotFound", Effect.die)
      ),
    render: createdAnswer,
    join: (orderId) =>
      Effect.gen(function* () {
        const store = yield* OrderStore
        const { order } = yield* Effect.catchTag(store.load(caller.tenantId, orderId), "OrderNotFound", Effect.die)
        if (order.status === "PENDING" && order.stage !== "AWAITING_PAYMENT") return null
        return yield* creationResult(order)
      }),
    headersOf: (body) => ({ etag: etagOf(versionIn(body)) })
  })
})

const get = Effect.fnUntraced(function* (orderId: OrderId) {
  const caller = yield* CurrentCaller
  const order = yield* answering(getOrder({ caller, orderId }))
  return HttpApiSchema.withHeaders({ body: orderView(order), headers: { etag: etagOf(order.version) } })
})

const list = Effect.fnUntraced(function* (query: OrderListQuery) {
  const caller = yield* CurrentCaller
  const { requestId } = yield* CurrentRequest
  const { cursor, eventId, limit, offset, status, userId } = query
  const identity = listIdentity(caller, { userId, status, eventId })
  const after = cursor === undefined ? Option.none() : readCursor(identity, cursor)
  if (cursor !== undefined && (Option.isNone(after) || offset > 0)) {
    const message = offset > 0 ? "stands in place of offset" : "is not a cursor of this list"
    return yield* notValid([{ path: "query.cursor", message }], requestId)
  }
  const input: ListOrdersInput = { caller, userId, status, eventId, limit, offset, after: Option.getOrNull(after) }
  const { hasMore, orders, total } = yield* answering(listOrders(input))
  const last = orders[orders.length - 1]
  return {
    orders: orders.map(orderView),
    pagination: {
      total,
      limit,
      offset,
      hasMore,
      nextCursor: hasMore && last !== undefined ? cursorAfter(identity, last) : null
    }
  }
})

const reserve = Effect.fnUntraced(function* (orderId: OrderId, body: object | null, headers: ChangeHeaders) {
  const caller = yield* CurrentCaller
  const version = expectedVersion(headers["if-match"])
  return yield* answerOnce({
    caller,
    operation: "reserve",
    key: headers["idempotency-key"],
    route: `POST /api/v1/orders/${orderId}/reserve`,
    body: body ?? {},
    run: (keyed) =>
      reserveOrder({ caller, orderId, expectedVersion: version, keyed }).pipe(
        Effect.map((changed) => changed.order),
        Effect.catchTag(neverForReserve, Effect.die),
        answerIfMatch(version)
      ),
    render: reservationAnswer
  })
})

const cancel = Effect.fnUntraced(function* (
  orderId: OrderId,
  body: { readonly reason?: string } | null,
  headers: ChangeHeaders
) {
  const caller = yield* CurrentCaller
  const version = expectedVersion(headers["if-match"])
  return yield* answerOnce({
    caller,
    operation: "cancel",
    key: headers["idempotency-key"],
    route: `POST /api/v1/orders/${orderId}/cancel`,
    body: body ?? {},
    run: (keyed) =>
      cancelOrder({ caller, orderId, reason: body?.reason ?? null, expectedVersion: version, keyed }).pipe(
        Effect.catchTag(neverForCancel, Effect.die),
        answerIfMatch(version)
      ),
    render: cancellationAnswer
  })
})

const refund = Effect.fnUntraced(function* (orderId: OrderId, body: RefundOrderBody, headers: ChangeHeaders) {
  const caller = yield* CurrentCaller
  const version = expectedVersion(headers["if-match"])
  const { reason } = body
  return yield* answerOnce({
    caller,
    operation: "refund",
    key: headers["idempotency-key"],
    route: `POST /api/v1/orders/${orderId}/refund`,
    body,
    run: (keyed) =>
      requestRefund({
        caller,
        orderId,
        request: refundRequestOf(body),
        reason,
        expectedVersion: version,
        keyed
      }).pipe(Effect.catchTag(neverForRefund, Effect.die), answerIfMatch(version)),
    render: refundAnswer
  })
})

// What `decide` refuses other commands with: meeting one of these here is a bug.
const neverForReserve = [
  "AmountOutOfRange",
  "CancellationWindowClosed",
  "LeaseLost",
  "OrderAlreadyConfirmed",
  "PaymentMismatch",
  "RefundExceedsCaptured",
  "RefundNotFound",
  "RefundRequestInvalid",
  "RefundStateConflict"
] as const
const neverForCancel = [
  "AmountOutOfRange",
  "LeaseLost",
  "OrderAlreadyConfirmed",
  "PaymentMismatch",
  "RefundExceedsCaptured",
  "RefundNotFound",
  "RefundRequestInvalid",
  "RefundStateConflict",
  "ReservationExpired"
] as const
const neverForRefund = [
  "AmountOutOfRange",
  "LeaseLost",
  "OrderAlreadyConfirmed",
  "PaymentMismatch",
  "RefundNotFound",
  "RefundStateConflict",
  "ReservationExpired"
] as const

const events = Effect.fnUntraced(function* (orderId: OrderId) {
  const caller = yield* CurrentCaller
  const recorded = yield* answering(orderHistory({ caller, orderId }))
  return { events: recorded.map(orderEventView) }
})

const refunds = Effect.fnUntraced(function* (orderId: OrderId) {
  const caller = yield* CurrentCaller
  const order = yield* answering(getOrder({ caller, orderId }))
  return { refunds: order.refunds.map((each) => refundView(order, each)) }
})

const refundById = Effect.fnUntraced(function* (orderId: OrderId, refundId: RefundId) {
  const caller = yield* CurrentCaller
  const order = yield* answering(getOrder({ caller, orderId }))
  const found = order.refunds.find(({ id }) => id === refundId)
  return found === undefined ? yield* answering(new RefundNotFound({ refundId })) : refundView(order, found)
})
