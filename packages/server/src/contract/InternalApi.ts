/**
 * The endpoints for other services: each asks for a scope of the caller's key and for the tenant (rule 7.3).
 */
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RequiredScope, ServiceKeyAuth } from "./Auth.ts"
import * as Problems from "./Problems.ts"
import { AddressLimit } from "./RateLimit.ts"
import * as Requests from "./Requests.ts"
import { RequestShape } from "./RequestShape.ts"
import * as Views from "./Views.ts"

export class InternalApi extends HttpApiGroup.make("internal")
  .add(
    HttpApiEndpoint.get("expiring", "/expiring", {
      headers: Requests.TenantHeaders,
      query: Requests.ExpiringQuery,
      success: Views.ExpiringOrdersView,
      error: Problems.ServiceUnavailableProblem
    })
      .annotate(RequiredScope, "orders:read")
      .annotateMerge(
        OpenApi.annotations({ summary: "Orders whose hold ends soon; a look ahead that expires nothing" })
      ),
    HttpApiEndpoint.post("bulkCancel", "/bulk/cancel", {
      headers: Requests.TenantHeaders,
      payload: Requests.BulkCancelBody,
      success: [
        Views.AllCancelledView,
        Views.BulkCancelPlanView,
        Views.SomeCancelledView,
        Views.NoneCancelledView,
        Views.BulkCancelStartedView
      ],
      error: [
        Problems.ConfirmationRequiredProblem,
        Problems.ConfirmationStaleProblem,
        Problems.ServiceUnavailableProblem
      ]
    })
      .annotate(RequiredScope, "orders:bulk-cancel")
      .annotateMerge(OpenApi.annotations({ summary: "Close an event and cancel its orders with full refunds" })),
    HttpApiEndpoint.post("confirm", "/:orderId/confirm", {
      params: Requests.OrderPath,
      headers: Requests.TenantHeaders,
      payload: Requests.ConfirmOrderBody,
      success: [Views.ConfirmedView, Views.ConfirmingView],
      error: [
        Problems.OrderNotFoundProblem,
        Problems.InvalidTransitionProblem,
        Problems.ReservationExpiredProblem,
        Problems.OrderAlreadyConfirmedProblem,
        Problems.PaymentMismatchProblem,
        Problems.EventCancelledProblem,
        Problems.RefundExceedsCapturedProblem,
        Problems.VersionConflictProblem,
        Problems.ServiceUnavailableProblem
      ]
    })
      .annotate(RequiredScope, "orders:confirm")
      .annotateMerge(OpenApi.annotations({ summary: "Confirm an order whose payment has been captured" })),
    HttpApiEndpoint.post("expire", "/:orderId/expire", {
      params: Requests.OrderPath,
      headers: Requests.TenantHeaders,
      payload: Requests.ExpireOrderBody,
      success: Views.ExpiredView,
      error: [Problems.OrderNotFoundProblem, Problems.InvalidTransitionProblem, Problems.ServiceUnavailableProblem]
    })
      .annotate(RequiredScope, "orders:expire")
      .annotateMerge(OpenApi.annotations({ summary: "Expire an order whose deadline and grace have passed" }))
  )
  .middleware(RequestShape)
  .middleware(ServiceKeyAuth)
  .middleware(AddressLimit)
  .prefix("/internal/v1/orders")
  .annotateMerge(OpenApi.annotations({ title: "Internal", description: "Services; Authorization: Service-Key" })) {}
