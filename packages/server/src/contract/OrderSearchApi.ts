/**
 * Search over all orders of a tenant, for its admins.
 */
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { BearerAuth } from "./Auth.ts"
import * as Problems from "./Problems.ts"
import { AddressLimit } from "./RateLimit.ts"
import * as Requests from "./Requests.ts"
import { RequestShape } from "./RequestShape.ts"
import * as Views from "./Views.ts"

export class OrderSearchApi extends HttpApiGroup.make("orderSearch")
  .add(
    HttpApiEndpoint.get("search", "/search", {
      query: Requests.SearchOrdersQuery,
      success: Views.OrderSearchView,
      error: [Problems.ForbiddenProblem, Problems.ServiceUnavailableProblem]
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Orders by number, id, user, payment, event, status, total, creation and metadata, newest first"
      })
    )
  )
  .middleware(RequestShape)
  .middleware(BearerAuth)
  .middleware(AddressLimit)
  .prefix("/api/v1/admin/orders")
  .annotateMerge(OpenApi.annotations({ title: "Order search", description: "Admins; Authorization: Bearer" })) {}
