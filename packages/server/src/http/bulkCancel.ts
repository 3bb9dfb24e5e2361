/**
 * The endpoint that cancels a whole event: answered with the results if they come in time, else with the job (rule 5).
 */
import { BULK_ORDERS_IN_REQUEST_MAX } from "@tickettoken/order-domain/BulkCancel"
import type { BulkLease } from "@tickettoken/order-domain/BulkJob"
import type { TenantId } from "@tickettoken/order-domain/Ids"
import { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import { RequestBudget } from "@tickettoken/order-domain/RequestBudget"
import {
  beginBulkCancel,
  type BegunBulkCancel,
  bulkResults,
  planBulkCancel
} from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { awaitBulkJob, runBulkJob } from "@tickettoken/order-domain/workflows/RunBulkJob"
import { Effect, Option } from "effect"
import type * as Requests from "../contract/Requests.ts"
import { Detached } from "./Detached.ts"
import { Health } from "./Health.ts"
import { callerFor } from "./serviceCaller.ts"
import { answering } from "./toProblem.ts"
import { bulkPlanView, bulkStartedView, bulkView } from "./toViews.ts"

export const bulkCancel = Effect.fnUntraced(function* (tenantId: TenantId, body: Requests.BulkCancelBody) {
  const { eventId, reason } = body
  const caller = yield* callerFor(tenantId)
  if (body.dryRun === true) {
    return bulkPlanView({ tenantId, eventId }, yield* answering(planBulkCancel({ caller, eventId })))
  }
  const detached = yield* Detached
  // A client that hangs up here would leave a closed event whose job nobody has been told of.
  const begun = yield* answering(
    detached.run(beginBulkCancel({ caller, eventId, reason, confirmation: body.confirmationToken }))
  )
  const isLarge = begun.planned !== null && begun.planned.orders > BULK_ORDERS_IN_REQUEST_MAX
  return yield* answering(body.async === true || isLarge ? leaveToJobs(begun) : inTime(begun))
})

/** Every replica looks for jobs that are due: one of them takes it up at once. */
const leaveToJobs = Effect.fnUntraced(function* ({ job, lease }: BegunBulkCancel) {
  const jobs = yield* BulkJobs
  if (lease === null) return bulkStartedView(job)
  const left = yield* Effect.catchTag(jobs.leave(lease), "LeaseLost", () => Effect.succeed(job))
  return bulkStartedView(left)
})

/** The run is the server's own: whether the caller waits, gives up or hangs up, it goes on. */
const inTime = Effect.fnUntraced(function* (begun: BegunBulkCancel) {
  const detached = yield* Detached
  const health = yield* Health
  const budget = yield* RequestBudget
  const run = (lease: BulkLease) => detached.run(runBulkJob(lease, health.isStopping))
  const done = yield* awaitBulkJob(begun, run).pipe(
    Effect.timeoutOption(budget),
    // The job is there all the same, and goes on when the database does.
    Effect.catchTag("ServiceUnavailable", (outage) =>
      Effect.as(Effect.logWarning(`bulk job ${begun.job.id} goes on later: ${outage.message}`), Option.none())
    )
  )
  if (Option.isSome(done)) return bulkView(yield* bulkResults(done.value))
  const reads = yield* BulkJobReads
  const now = yield* Effect.catch(reads.find(begun.job.tenantId, begun.job.id), () => Effect.succeed(begun.job))
  return bulkStartedView(now)
})
