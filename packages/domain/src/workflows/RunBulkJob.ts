/**
 * Runs bulk jobs: meets the orders page by page, tries each, writes down what became of it, and goes on where an earlier
 * run has stopped.
 *
 * **Details**
 *
 * A run holds the job's lease and renews it. Whatever it writes is refused once another run has taken the job over, and
 * then it stops. So a run may die anywhere: before the first order, between an order's commit and the record of it, or
 * before the sums are written. The next one finds rows that say how far it came.
 *
 * One run works at a time, so a job's calls to other services keep to their pace on any number of replicas.
 */
import { Cause, Clock, Duration, Effect, Option, Ref } from "effect"
import {
  bulkRetryDelay,
  type BulkJob,
  type BulkJobKind,
  type BulkLease,
  BulkOutcome,
  BulkSettings,
  type OpenBulkItem,
  type RunningBulkJob
} from "../BulkJob.ts"
import { Alarms } from "../ports/Alarms.ts"
import { BulkJobReads } from "../ports/BulkJobReads.ts"
import { BulkJobs, type OpenedBulkJob, type RecordedOutcome } from "../ports/BulkJobs.ts"
import { WORK_LEASE_SECONDS } from "../Work.ts"
import { CALLS_PER_CANCELLED_ORDER, cancelOne, meetOrders } from "./CancelEventOrders.ts"

/** What each kind does. A new kind is a row here and a literal in BulkJob.ts. */
const kinds = {
  CANCEL_EVENT: { meet: meetOrders, perform: cancelOne, callsPerOrder: CALLS_PER_CANCELLED_ORDER }
} satisfies { readonly [Kind in BulkJobKind]: unknown }

/** How many orders are done side by side: enough to hide the round trips, few enough to leave room for buyers. */
const CONCURRENCY = 8

/** How many outcomes are written at once: what a crash leaves to be looked at again. */
const RECORD_BATCH = 16

/** A lease is renewed three times before it could run out. */
const RENEW_EVERY = Duration.seconds(WORK_LEASE_SECONDS / 3)

/** How often somebody who waits for a job looks how it stands. */
const LOOK_EVERY = Duration.millis(250)

const goOn = Effect.succeed(false)

/**
 * Runs the job until it is done, has nothing left but orders that wait for their next try, or is to stop, and answers
 * how it stands. It is interrupted and stopped without harm: the job is due again at once.
 *
 * Fails with `ServiceUnavailable`; the job's lease runs out then, and somebody goes on.
 */
export const runBulkJob = Effect.fn("runBulkJob")(function* (
  lease: BulkLease,
  isStopping: Effect.Effect<boolean> = goOn
) {
  const jobs = yield* BulkJobs
  return yield* Effect.raceFirst(runUnderLease(lease, isStopping), keepLease(lease)).pipe(
    Effect.onInterrupt(() => Effect.ignore(jobs.leave(lease))),
    Effect.catchTag("LeaseLost", (lost) =>
      Effect.andThen(Effect.logDebug("another run has taken the job over", lost), asItStands(lease))
    ),
    Effect.annotateLogs({ bulkJobId: lease.jobId, tenantId: lease.tenantId })
  )
})

// Nobody deletes a job.
const asItStands = ({ jobId, tenantId }: Pick<BulkLease, "tenantId" | "jobId">) =>
  Effect.flatMap(BulkJobReads, (reads) => reads.find(tenantId, jobId)).pipe(
    Effect.catchTag("BulkJobNotFound", Effect.die)
  )

const runUnderLease = Effect.fnUntraced(function* (lease: BulkLease, isStopping: Effect.Effect<boolean>) {
  const jobs = yield* BulkJobs
  const job = yield* jobs.renew(lease)
  const kind = kinds[job.kind]
  const pace = yield* makePace
  let { metAll, metUpTo } = job
  while (!(yield* isStopping)) {
    const due = yield* jobs.due(lease, RECORD_BATCH)
    if (due.length > 0) {
      const outcomes = yield* Effect.forEach(
        due,
        (item) => Effect.andThen(pace(kind.callsPerOrder), tryOne(job, item)),
        { concurrency: CONCURRENCY }
      )
      yield* jobs.record(lease, outcomes)
    } else if (metAll) {
      break
    } else {
      const page = yield* kind.meet(job, metUpTo)
      yield* jobs.meet(lease, page)
      metUpTo = page.next
      metAll = page.next === null
    }
  }
  if (metAll) yield* tellPeople(lease)
  return yield* jobs.leave(lease)
})

// Before the job is done: a process that dies in between leaves a job that tells again. A later job of the event in which
// nothing fails ends the matter.
const tellPeople = Effect.fnUntraced(function* (lease: BulkLease) {
  const alarms = yield* Alarms
  const { eventId: subject, id, kind, tally, tenantId } = yield* asItStands(lease)
  if (tally.pending > 0) return
  const { failed, total } = tally
  const alarm = { kind: "BULK_FAILED", tenantId, subject } as const
  if (failed === 0) return yield* alarms.clear(alarm)
  yield* alarms.raise({ ...alarm, detail: `${kind}: ${failed} of ${total} orders failed, see bulk job ${id}` })
})

// Ends with the run, or with its lease.
const keepLease = Effect.fnUntraced(function* (lease: BulkLease) {
  const jobs = yield* BulkJobs
  for (;;) {
    yield* Effect.sleep(RENEW_EVERY)
    yield* jobs
      .renew(lease)
      .pipe(Effect.catchTag("ServiceUnavailable", (outage) => Effect.logWarning(`not renewed: ${outage.message}`)))
  }
})

/** Lets calls through at the configured pace; a second's worth of them at once. */
const makePace = Effect.gen(function* () {
  const { callsPerSecond } = yield* BulkSettings
  const free = yield* Ref.make(Number.NEGATIVE_INFINITY)
  return Effect.fnUntraced(function* (calls: number) {
    const now = yield* Clock.currentTimeMillis
    const start = yield* Ref.modify(free, (earliest) => {
      const begin = Math.max(earliest, now - 1000)
      return [begin, begin + (calls * 1000) / callsPerSecond]
    })
    if (start > now) yield* Effect.sleep(Duration.millis(start - now))
  })
})

/** What is wrong now and may be right in a moment. */
const passing: ReadonlySet<string> = new Set(["ServiceUnavailable", "VersionConflict"])

// An order that fails does not stop the others.
const tryOne = (job: RunningBulkJob, item: OpenBulkItem) =>
  kinds[job.kind].perform(job, item).pipe(
    Effect.catchCause((cause) => failureOf(item, cause)),
    Effect.map((outcome): RecordedOutcome => ({ orderId: item.orderId, outcome }))
  )

const failureOf = Effect.fnUntraced(function* (
  { attempts, orderId }: OpenBulkItem,
  cause: Cause.Cause<{ readonly _tag: string; readonly message: string }>
) {
  const { attemptsMax } = yield* BulkSettings
  const failure = Cause.findErrorOption(cause)
  // A defect says nothing to the caller: it is in the log.
  const error = Option.match(failure, { onNone: () => "unexpected failure", onSome: ({ message }) => message })
  const mayPass = Option.exists(failure, ({ _tag }) => passing.has(_tag)) && attempts + 1 < attemptsMax
  if (mayPass) {
    yield* Effect.logWarning(`order ${orderId} will be tried again: ${error}`)
    return BulkOutcome.TryAgain({ error, delay: bulkRetryDelay(attempts + 1) })
  }
  yield* Effect.logError(`order ${orderId} could not be done with its job`, cause)
  return BulkOutcome.Failed({ error })
})

/**
 * Waits until the job is done, running it with `run` whenever it is due and nobody else is at it. Waiting has no end of
 * its own, and interrupting it does not end the job. Fails as `run` and `BulkJobs` do.
 */
export const awaitBulkJob = Effect.fn("awaitBulkJob")(function* <E, R>(
  { job: opened, lease: first }: OpenedBulkJob,
  run: (lease: BulkLease) => Effect.Effect<BulkJob, E, R>
) {
  const jobs = yield* BulkJobs
  const { id: jobId, tenantId } = opened
  let job = opened
  let lease = first
  while (job.state === "RUNNING") {
    if (lease !== null) {
      job = yield* run(lease)
      lease = null
      continue
    }
    const [claimed] = yield* jobs.claim({ limit: 1, only: { tenantId, jobId } })
    lease = claimed ?? null
    if (lease !== null) continue
    job = yield* asItStands({ tenantId, jobId })
    if (job.state === "RUNNING") yield* Effect.sleep(LOOK_EVERY)
  }
  return job
})

/**
 * One round of the chore: takes a job that nobody is at and runs it. Answers how many it took. Fails as
 * {@link runBulkJob} does.
 */
export const runDueBulkJob = Effect.fn("runDueBulkJob")(function* (isStopping: Effect.Effect<boolean> = goOn) {
  const jobs = yield* BulkJobs
  const claimed = yield* jobs.claim({ limit: 1 })
  yield* Effect.forEach(claimed, (lease) => runBulkJob(lease, isStopping), { discard: true })
  return claimed.length
})
