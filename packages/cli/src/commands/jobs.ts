/**
 * The commands about bulk jobs: jobs, job-show, job-resume.
 */
import { BulkJobState } from "@tickettoken/order-domain/BulkJob"
import { BulkJobId, EventId, OrderId } from "@tickettoken/order-domain/Ids"
import { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { jobDetails, jobTable } from "../BulkTables.ts"
import { Operator } from "../Operator.ts"
import { print } from "../Output.ts"
import { runJob } from "../RunJob.ts"
import { withOperator } from "../WithOperator.ts"
import { common } from "./common.ts"

/** How many jobs, or failures of one, are shown at a time. */
const PAGE = 50

const jobArgument = Argument.String("job-id").pipe(
  Argument.withDescription("The job's id, as 'orders jobs' prints it"),
  Argument.withSchema(BulkJobId)
)

const list = Command.make(
  "jobs",
  {
    ...common,
    event: Flag.String("event").pipe(
      Flag.withDescription("Only jobs of this event"),
      Flag.withSchema(EventId),
      Flag.optional
    ),
    state: Flag.Literals("state", BulkJobState.literals).pipe(
      Flag.withDescription("Only jobs in this state"),
      Flag.optional
    )
  },
  Effect.fn(function* ({ event, output, state }) {
    const { tenantId } = yield* Operator
    const reads = yield* BulkJobReads
    const query = { tenantId, eventId: Option.getOrNull(event), state: Option.getOrNull(state), limit: PAGE }
    yield* print(output, jobTable(yield* reads.list(query)))
  })
).pipe(Command.withDescription("List bulk jobs, the newest first"), withOperator)

const show = Command.make(
  "job-show",
  {
    ...common,
    jobId: jobArgument,
    after: Flag.String("after").pipe(
      Flag.withDescription("Show failures behind this order"),
      Flag.withSchema(OrderId),
      Flag.optional
    )
  },
  Effect.fn(function* ({ after, jobId, output }) {
    const { tenantId } = yield* Operator
    const reads = yield* BulkJobReads
    const job = yield* reads.find(tenantId, jobId)
    const failures = yield* reads.failures({ tenantId, jobId, after: Option.getOrNull(after), limit: PAGE })
    yield* print(output, jobDetails(job, failures))
  })
).pipe(Command.withDescription("Show a bulk job and the orders that it could not do"), withOperator)

const resume = Command.make(
  "job-resume",
  { ...common, jobId: jobArgument },
  Effect.fn(function* ({ jobId, output }) {
    const { tenantId } = yield* Operator
    const reads = yield* BulkJobReads
    yield* runJob({ job: yield* reads.find(tenantId, jobId), lease: null }, output)
  })
).pipe(Command.withDescription("Go on with a bulk job here, or wait for the one who runs it"), withOperator)

export const jobCommands = [list, show, resume] as const
