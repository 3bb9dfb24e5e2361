/**
 * The whole HTTP interface as one value: server, typed client, OpenAPI file and command line come from it.
 */
import { HttpApi, OpenApi } from "effect/http-api"
import { AnalyticsApi } from "./AnalyticsApi.ts"
import { BulkJobsApi } from "./BulkJobsApi.ts"
import { InternalApi } from "./InternalApi.ts"
import { MessagesApi } from "./MessagesApi.ts"
import { OrderSearchApi } from "./OrderSearchApi.ts"
import { OrdersApi } from "./OrdersApi.ts"
import { QuotesApi } from "./QuotesApi.ts"
import { refineOpenApi } from "./refineOpenApi.ts"

export class OrderServiceApi extends HttpApi.make("order-service")
  .add(OrdersApi)
  .add(QuotesApi)
  .add(InternalApi)
  .add(BulkJobsApi)
  .add(MessagesApi)
  .add(OrderSearchApi)
  .add(AnalyticsApi)
  // Unknown fields and unknown query parameters are faults, and every fault of a request is told at once.
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error", errors: "all" })
  .annotate(HttpApi.QueryParseOptions, { onExcessProperty: "error", errors: "all" })
  .annotate(OpenApi.Transform, refineOpenApi)
  .annotateMerge(
    OpenApi.annotations({
      title: "TicketToken Orders",
      version: "1.0.0",
      description:
        "Orders of tickets: holds, payments, allocation, cancellations and refunds. Amounts are integer minor units. Problems are RFC 9457."
    })
  ) {}
