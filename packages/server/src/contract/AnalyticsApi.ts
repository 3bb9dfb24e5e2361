/**
 * What staff ask about sales: figures, series for charts, the best events, the last hour, holds that run out.
 */
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { BearerAuth } from "./Auth.ts"
import * as Problems from "./Problems.ts"
import { AddressLimit } from "./RateLimit.ts"
import * as Requests from "./Requests.ts"
import { RequestShape } from "./RequestShape.ts"
import * as Views from "./SalesViews.ts"

const error = [Problems.ForbiddenProblem, Problems.ServiceUnavailableProblem] as const

export class AnalyticsApi extends HttpApiGroup.make("analytics")
  .add(
    HttpApiEndpoint.get("summary", "/summary", {
      query: Requests.SalesRangeQuery,
      success: Views.SalesSummaryView,
      error
    }).annotateMerge(OpenApi.annotations({ summary: "The sales figures of some days" })),
    HttpApiEndpoint.get("series", "/series", {
      query: Requests.SalesSeriesQuery,
      success: Views.SalesSeriesView,
      error
    }).annotateMerge(OpenApi.annotations({ summary: "Orders, revenue and refunds by the day or by the hour" })),
    HttpApiEndpoint.get("topEvents", "/top-events", {
      query: Requests.TopEventsQuery,
      success: Views.TopEventsView,
      error
    }).annotateMerge(OpenApi.annotations({ summary: "The events with the most revenue, for each currency" })),
    HttpApiEndpoint.get("live", "/live", {
      success: Views.LiveSalesView,
      error
    }).annotateMerge(OpenApi.annotations({ summary: "Sales of the last hour, minute by minute, up to now" })),
    HttpApiEndpoint.get("holds", "/holds", {
      query: Requests.OpenHoldsQuery,
      success: Views.OpenHoldsView,
      error
    }).annotateMerge(OpenApi.annotations({ summary: "Open holds by how soon they run out" }))
  )
  .middleware(RequestShape)
  .middleware(BearerAuth)
  .middleware(AddressLimit)
  .prefix("/api/v1/admin/analytics")
  .annotateMerge(OpenApi.annotations({ title: "Analytics", description: "Staff; Authorization: Bearer" })) {}
