/**
 * The endpoint that shows a bulk job to the service that has begun it (rule 5).
 */
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RequiredScope, ServiceKeyAuth } from "./Auth.ts"
import * as Problems from "./Problems.ts"
import { AddressLimit } from "./RateLimit.ts"
import * as Requests from "./Requests.ts"
import { RequestShape } from "./RequestShape.ts"
import * as Views from "./Views.ts"

export class BulkJobsApi extends HttpApiGroup.make("bulkJobs")
  .add(
    HttpApiEndpoint.get("show", "/:jobId", {
      params: Requests.BulkJobPath,
      headers: Requests.TenantHeaders,
      query: Requests.BulkJobQuery,
      success: Views.BulkJobDetailsView,
      error: [Problems.BulkJobNotFoundProblem, Problems.ServiceUnavailableProblem]
    })
      .annotate(RequiredScope, "orders:bulk-cancel")
      .annotateMerge(OpenApi.annotations({ summary: "How a bulk job stands, with the orders that it could not do" }))
  )
  .middleware(RequestShape)
  .middleware(ServiceKeyAuth)
  .middleware(AddressLimit)
  .prefix("/internal/v1/bulk-jobs")
  .annotateMerge(OpenApi.annotations({ title: "Bulk jobs", description: "Services; Authorization: Service-Key" })) {}
