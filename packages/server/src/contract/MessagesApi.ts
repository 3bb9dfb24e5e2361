/**
 * The endpoint with which a service asks for messages once more.
 */
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RequiredScope, ServiceKeyAuth } from "./Auth.ts"
import * as Problems from "./Problems.ts"
import { AddressLimit } from "./RateLimit.ts"
import * as Requests from "./Requests.ts"
import { RequestShape } from "./RequestShape.ts"
import * as Views from "./Views.ts"

export class MessagesApi extends HttpApiGroup.make("messages")
  .add(
    HttpApiEndpoint.post("replay", "/replay", {
      headers: Requests.TenantHeaders,
      payload: Requests.ReplayBody,
      success: Views.ReplayedView,
      error: Problems.ServiceUnavailableProblem
    })
      .annotate(RequiredScope, "events:replay")
      .annotateMerge(
        OpenApi.annotations({
          summary: "Send messages once more with the same ids, or handle anew those that were set aside"
        })
      )
  )
  .middleware(RequestShape)
  .middleware(ServiceKeyAuth)
  .middleware(AddressLimit)
  .prefix("/internal/v1/events")
  .annotateMerge(OpenApi.annotations({ title: "Messages", description: "Services; Authorization: Service-Key" })) {}
