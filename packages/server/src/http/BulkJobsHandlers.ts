/**
 * The endpoint that shows a bulk job.
 */
import type { BulkJobId, OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { OrderServiceApi } from "../contract/Api.ts"
import { CurrentRequest } from "./CurrentRequest.ts"
import { providePorts } from "./Ports.ts"
import { answering } from "./toProblem.ts"
import { bulkJobDetailsView } from "./toViews.ts"

export const layer = HttpApiBuilder.group(
  OrderServiceApi,
  "bulkJobs",
  Effect.fnUntraced(function* (handlers) {
    const withPorts = yield* providePorts
    return handlers.handleAll({
      show: ({ headers, params, query }) => withPorts(show(headers["x-tenant-id"], params.jobId, query))
    })
  })
)

const show = Effect.fnUntraced(function* (
  tenantId: TenantId,
  jobId: BulkJobId,
  { after = null, limit }: { readonly limit: number; readonly after?: OrderId | null }
) {
  const reads = yield* BulkJobReads
  const { about } = yield* CurrentRequest
  about.set("tenantId", tenantId)
  const job = yield* answering(reads.find(tenantId, jobId))
  return bulkJobDetailsView(job, yield* answering(reads.failures({ tenantId, jobId, after, limit })))
})
