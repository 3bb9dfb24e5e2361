/**
 * Runs a bulk job at the terminal to its end, or tells how to go on with it.
 */
import { bulkOutcome } from "@tickettoken/order-domain/BulkCancel"
import type { OpenedBulkJob } from "@tickettoken/order-domain/ports/BulkJobs"
import { bulkResults } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { awaitBulkJob, runBulkJob } from "@tickettoken/order-domain/workflows/RunBulkJob"
import { Effect } from "effect"
import { bulkDetails } from "./BulkTables.ts"
import { CommandFailed } from "./ExitCode.ts"
import { type OutputFormat, print, say } from "./Output.ts"

/** Whoever it is that ends it: the job's rows are there, and the next one goes on. */
const goesOn = (jobId: string): string =>
  `job ${jobId} is not done: a running server goes on with it, or 'orders job-resume ${jobId}'`

/** Runs the job here, or waits for the one who runs it, and prints the results. Partial success has an exit code of its own. */
export const runJob = Effect.fnUntraced(function* (opened: OpenedBulkJob, output: OutputFormat) {
  const jobId = opened.job.id
  const done = yield* awaitBulkJob(opened, (lease) => runBulkJob(lease)).pipe(
    Effect.onInterrupt(() => say(goesOn(jobId))),
    Effect.tapError(() => say(goesOn(jobId)))
  )
  const results = yield* bulkResults(done)
  yield* print(output, bulkDetails(done, results))
  const outcome = bulkOutcome(results)
  if (outcome === "all") return
  return yield* new CommandFailed({
    code: outcome === "some" ? "partial" : "failure",
    message: `${results.failed} of ${results.total} orders could not be cancelled; run it again`
  })
})
