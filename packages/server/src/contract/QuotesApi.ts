/**
 * Dry runs: what an order would cost and what a cancellation or refund would return. Nothing is written.
 */
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { BearerAuth } from "./Auth.ts"
import * as Problems from "./Problems.ts"
import { AddressLimit } from "./RateLimit.ts"
import * as Requests from "./Requests.ts"
import { RequestShape } from "./RequestShape.ts"
import * as Views from "./Views.ts"

const ofAnOrder = [
  Problems.ForbiddenProblem,
  Problems.OrderNotFoundProblem,
  Problems.InvalidTransitionProblem,
  Problems.CancellationWindowClosedProblem,
  Problems.ServiceUnavailableProblem
] as const

export class QuotesApi extends HttpApiGroup.make("quotes")
  .add(
    HttpApiEndpoint.post("order", "/order", {
      payload: Requests.QuoteOrderBody,
      success: Views.OrderQuoteView,
      error: [
        Problems.EventNotFoundProblem,
        Problems.EventCancelledProblem,
        Problems.EventNotOnSaleProblem,
        Problems.CurrencyMismatchProblem,
        Problems.PricingMismatchProblem,
        Problems.OrderValueOutOfRangeProblem,
        Problems.TicketsSoldOutProblem,
        Problems.ServiceUnavailableProblem
      ]
    }).annotateMerge(OpenApi.annotations({ summary: "What an order would cost" })),
    HttpApiEndpoint.post("cancel", "/cancel", {
      payload: Requests.QuoteCancelBody,
      success: Views.RefundQuoteView,
      error: ofAnOrder
    }).annotateMerge(OpenApi.annotations({ summary: "What a cancellation would return" })),
    HttpApiEndpoint.post("refund", "/refund", {
      payload: Requests.QuoteRefundBody,
      success: Views.RefundQuoteView,
      error: [...ofAnOrder, Problems.RefundExceedsCapturedProblem]
    }).annotateMerge(OpenApi.annotations({ summary: "What a refund would return" }))
  )
  .middleware(RequestShape)
  .middleware(BearerAuth)
  .middleware(AddressLimit)
  .prefix("/api/v1/quotes")
  .annotateMerge(OpenApi.annotations({ title: "Quotes", description: "Dry runs; Authorization: Bearer" })) {}
