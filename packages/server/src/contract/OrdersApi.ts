/**
 * The public endpoints: what a signed-in person does with orders.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { BearerAuth } from "./Auth.ts"
import * as Problems from "./Problems.ts"
import { AddressLimit, CallerLimit, limited } from "./RateLimit.ts"
import * as Requests from "./Requests.ts"
import { RequestShape } from "./RequestShape.ts"
import * as Views from "./Views.ts"

/** A strong entity tag made of the order's version: give it back in `If-Match` to change exactly this version. */
const etag = { etag: Schema.String }

/** Answered for the rest of the key's window, to the byte, with `Idempotent-Replayed: true`. */
const keyed = [
  Problems.IdempotencyInProgressProblem,
  Problems.IdempotencyKeyUsedProblem,
  Problems.IdempotencyMismatchProblem
] as const

const changing = [
  Problems.ForbiddenProblem,
  Problems.OrderNotFoundProblem,
  Problems.InvalidTransitionProblem,
  Problems.VersionConflictProblem,
  Problems.PreconditionFailedProblem,
  Problems.ServiceUnavailableProblem
] as const

export class OrdersApi extends HttpApiGroup.make("orders")
  .add(
    HttpApiEndpoint.post("create", "/", {
      headers: Requests.KeyedHeaders,
      payload: Requests.CreateOrderBody,
      success: HttpApiSchema.WithHeaders(Views.CreatedOrderView.pipe(HttpApiSchema.status("Created")), etag),
      error: [
        ...keyed,
        Problems.EventNotFoundProblem,
        Problems.EventCancelledProblem,
        Problems.EventNotOnSaleProblem,
        Problems.CurrencyMismatchProblem,
        Problems.PricingMismatchProblem,
        Problems.OrderValueOutOfRangeProblem,
        Problems.OrderLimitExceededProblem,
        Problems.TicketsSoldOutProblem,
        Problems.ServiceUnavailableProblem
      ]
    })
      .annotateMerge(OpenApi.annotations({ summary: "Create an order, hold its tickets and open its payment" }))
      .annotateMerge(limited("create")),
    HttpApiEndpoint.get("list", "/", {
      query: Requests.ListOrdersQuery,
      success: Views.OrderListView,
      error: [Problems.ForbiddenProblem, Problems.ServiceUnavailableProblem]
    }).annotateMerge(OpenApi.annotations({ summary: "List orders, newest first" })),
    HttpApiEndpoint.get("get", "/:orderId", {
      params: Requests.OrderPath,
      success: HttpApiSchema.WithHeaders(Views.OrderView, etag),
      error: [Problems.OrderNotFoundProblem, Problems.ServiceUnavailableProblem]
    }).annotateMerge(OpenApi.annotations({ summary: "Get an order" })),
    HttpApiEndpoint.post("reserve", "/:orderId/reserve", {
      params: Requests.OrderPath,
      headers: Requests.ChangeHeaders,
      payload: Requests.ReserveOrderBody,
      success: Views.ReservationView,
      error: [...keyed, ...changing, Problems.ReservationExpiredProblem, Problems.TicketsSoldOutProblem]
    })
      .annotateMerge(OpenApi.annotations({ summary: "Renew the hold of an order" }))
      .annotateMerge(limited("reserve")),
    HttpApiEndpoint.post("cancel", "/:orderId/cancel", {
      params: Requests.OrderPath,
      headers: Requests.ChangeHeaders,
      payload: Requests.CancelOrderBody,
      success: Views.CancellationView,
      error: [...keyed, ...changing, Problems.CancellationWindowClosedProblem]
    })
      .annotateMerge(OpenApi.annotations({ summary: "Cancel an order and return what is due" }))
      .annotateMerge(limited("cancel")),
    HttpApiEndpoint.post("refund", "/:orderId/refund", {
      params: Requests.OrderPath,
      headers: Requests.ChangeHeaders,
      payload: Requests.RefundOrderBody,
      success: Views.RefundRequestedView,
      error: [...keyed, ...changing, Problems.CancellationWindowClosedProblem, Problems.RefundExceedsCapturedProblem]
    })
      .annotateMerge(OpenApi.annotations({ summary: "Ask for a refund without cancelling" }))
      .annotateMerge(limited("refund")),
    HttpApiEndpoint.get("events", "/:orderId/events", {
      params: Requests.OrderPath,
      success: Views.OrderEventListView,
      error: [Problems.OrderNotFoundProblem, Problems.ServiceUnavailableProblem]
    }).annotateMerge(OpenApi.annotations({ summary: "What has happened to an order, oldest first" })),
    HttpApiEndpoint.get("refunds", "/:orderId/refunds", {
      params: Requests.OrderPath,
      success: Views.RefundListView,
      error: [Problems.OrderNotFoundProblem, Problems.ServiceUnavailableProblem]
    }).annotateMerge(OpenApi.annotations({ summary: "The refunds of an order" })),
    HttpApiEndpoint.get("refundById", "/:orderId/refunds/:refundId", {
      params: Requests.RefundPath,
      success: Views.RefundView,
      error: [Problems.OrderNotFoundProblem, Problems.RefundNotFoundProblem, Problems.ServiceUnavailableProblem]
    }).annotateMerge(OpenApi.annotations({ summary: "One refund of an order" }))
  )
  // The last one is the outermost: credentials, rate limit and the shape of the request, in this order (rule 8).
  .middleware(RequestShape)
  .middleware(CallerLimit)
  .middleware(BearerAuth)
  .middleware(AddressLimit)
  .prefix("/api/v1/orders")
  .annotateMerge(OpenApi.annotations({ title: "Orders", description: "Buyers and staff; Authorization: Bearer" })) {}
