/**
 * Cancels every order of a cancelled event (rule 5).
 *
 * The event is closed in the transaction that begins the job: from then on no order of it is made or confirmed. Each order
 * is then cancelled in its own transaction, and the job's rows say how far it has come.
 */
import { Effect } from "effect"
import type { Caller } from "../Actor.ts"
import {
  addToPlan,
  BULK_ORDERS_IN_REQUEST_MAX,
  BULK_PAGE,
  type BulkCancelPlan,
  type BulkCancelResults,
  emptyPlan
} from "../BulkCancel.ts"
import { missingConfirmation } from "../BulkConfirmation.ts"
import type { BulkJob } from "../BulkJob.ts"
import { BulkJobId, type EventId, type OrderId } from "../Ids.ts"
import { BulkJobReads } from "../ports/BulkJobReads.ts"
import { BulkJobs, type OpenedBulkJob } from "../ports/BulkJobs.ts"
import { Identifiers } from "../ports/Identifiers.ts"
import { type CancellablePage, OrderReads } from "../ports/OrderReads.ts"
import { Policies } from "../ports/Policies.ts"
import { awaitBulkJob, runBulkJob } from "./RunBulkJob.ts"

export interface BulkCancelInput {
  readonly caller: Caller
  readonly eventId: EventId
  readonly reason: string
  /** Of a dry run: needed where more than the tenant's limit goes back. */
  readonly confirmation?: string | undefined
}

/**
 * What cancelling the event would do: counts and money, of the orders that can be read. Nothing is written. Fails with
 * `ServiceUnavailable`.
 */
export const planBulkCancel = Effect.fn("planBulkCancel")(function* ({
  caller,
  eventId
}: Pick<BulkCancelInput, "caller" | "eventId">) {
  const reads = yield* OrderReads
  let plan: BulkCancelPlan = emptyPlan
  let after: OrderId | null = null
  do {
    const page: CancellablePage = yield* reads.cancellableOfEvent(caller.tenantId, eventId, after, BULK_PAGE)
    plan = page.orders.reduce(addToPlan, plan)
    after = page.next
  } while (after !== null)
  return plan
})

/** A job that was begun, with the orders that it will meet, or one of this event that was running already. */
export interface BegunBulkCancel extends OpenedBulkJob {
  /** `null` for a job that is joined. */
  readonly planned: BulkCancelPlan | null
}

/**
 * Closes the event and begins the job that cancels its orders, or joins the one that is running. What it begins is
 * claimed by the caller, who is to run it.
 *
 * Fails with `ConfirmationRequired` and `ConfirmationStale` where more than the tenant's limit would go back, and with
 * `ServiceUnavailable`; then nothing has begun that the same call would not join.
 */
export const beginBulkCancel = Effect.fn("beginBulkCancel")(function* (input: BulkCancelInput) {
  const { caller, confirmation, eventId, reason } = input
  const { actor, tenantId } = caller
  const jobs = yield* BulkJobs
  const reads = yield* BulkJobReads
  const [running] = yield* reads.list({ tenantId, eventId, state: "RUNNING", limit: 1 })
  if (running !== undefined) return { job: running, lease: null, planned: null } satisfies BegunBulkCancel
  const planned = yield* planBulkCancel(input)
  const { bulkCancel } = yield* Effect.flatMap(Policies, (policies) => policies.of(tenantId))
  const missing = missingConfirmation({ tenantId, eventId }, planned, bulkCancel, confirmation)
  if (missing !== null) return yield* missing
  const id = BulkJobId.make(yield* Effect.flatMap(Identifiers, ({ uuid }) => uuid))
  const opened = yield* jobs.open({ tenantId, id, kind: "CANCEL_EVENT", eventId, reason, actor })
  return { ...opened, planned: opened.lease === null ? null : planned } satisfies BegunBulkCancel
})

/** What a job has come to, with the first of its failures. Fails with `ServiceUnavailable`. */
export const bulkResults = Effect.fn("bulkResults")(function* ({ id, tally, tenantId }: BulkJob) {
  const reads = yield* BulkJobReads
  const { failed, succeeded, total } = tally
  const { failures } =
    failed + tally.pending === 0
      ? { failures: [] }
      : yield* reads.failures({ tenantId, jobId: id, after: null, limit: BULK_ORDERS_IN_REQUEST_MAX })
  const errors = failures.map(({ error, orderId, orderNumber }) => ({ orderId, orderNumber, error }))
  return { total, succeeded, failed, errors } satisfies BulkCancelResults
})

/**
 * Closes the event and cancels its orders with full refunds, without review, to the end and here. An order that cannot
 * be cancelled, or not even read, is listed and does not stop the others.
 *
 * Fails as {@link beginBulkCancel} does, and with `ServiceUnavailable` when the database goes away on the way; the job goes
 * on by itself then, and calling it again joins it.
 */
export const bulkCancelEvent = Effect.fn("bulkCancelEvent")(function* (input: BulkCancelInput) {
  const begun = yield* beginBulkCancel(input)
  return yield* bulkResults(yield* awaitBulkJob(begun, (lease) => runBulkJob(lease)))
})
