/**
 * Every route of the service, over the ports: what a server serves and a test listens to.
 */
import { Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OrderServiceApi } from "../contract/Api.ts"
import * as AnalyticsHandlers from "./AnalyticsHandlers.ts"
import * as BearerAuthLive from "./BearerAuthLive.ts"
import * as BulkJobsHandlers from "./BulkJobsHandlers.ts"
import * as DocsRoutes from "./DocsRoutes.ts"
import * as HealthRoutes from "./HealthRoutes.ts"
import * as InternalHandlers from "./InternalHandlers.ts"
import * as MessagesHandlers from "./MessagesHandlers.ts"
import * as MetricsRoute from "./MetricsRoute.ts"
import * as OrderSearchHandlers from "./OrderSearchHandlers.ts"
import * as OrdersHandlers from "./OrdersHandlers.ts"
import * as QuotesHandlers from "./QuotesHandlers.ts"
import * as RateLimitsLive from "./RateLimitsLive.ts"
import * as requestMiddleware from "./requestMiddleware.ts"
import * as RequestShapeLive from "./RequestShapeLive.ts"
import * as ServiceKeyAuthLive from "./ServiceKeyAuthLive.ts"

const api = HttpApiBuilder.layer(OrderServiceApi, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide([
    OrdersHandlers.layer,
    QuotesHandlers.layer,
    InternalHandlers.layer,
    BulkJobsHandlers.layer,
    MessagesHandlers.layer,
    OrderSearchHandlers.layer,
    AnalyticsHandlers.layer
  ]),
  Layer.provide([RequestShapeLive.layer, BearerAuthLive.layer, ServiceKeyAuthLive.layer, RateLimitsLive.layer])
)

export const layer = Layer.mergeAll(
  api,
  HealthRoutes.layer,
  DocsRoutes.layer,
  MetricsRoute.layer,
  requestMiddleware.layer
)
