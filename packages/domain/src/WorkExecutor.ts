/**
 * Runs work: calls a port, turns the answer into a command, and commits that with the work item's end.
 *
 * One executor, two drivers: a request runs its own work at once, the sweeper runs what was left behind, through the
 * same code. Work runs in the executor's own scope: a caller that goes away is a crash point, not another code path.
 */
import { Cause, Clock, Context, Duration, Effect, Fiber, FiberSet, Layer, Semaphore } from "effect"
import { type Actor, systemActor } from "./Actor.ts"
import { changeOrder } from "./changeOrder.ts"
import type { OrderCommand } from "./OrderCommand.ts"
import type { ServiceUnavailable } from "./OrderErrors.ts"
import { type Alarm, Alarms, DETAIL_CHARS_MAX } from "./ports/Alarms.ts"
import type { EventClosures } from "./ports/EventClosures.ts"
import type { Identifiers } from "./ports/Identifiers.ts"
import type { OrderStore } from "./ports/OrderStore.ts"
import type { Payments } from "./ports/Payments.ts"
import type { Tickets } from "./ports/Tickets.ts"
import { WorkQueue } from "./ports/WorkQueue.ts"
import { type ClaimedWork, WORK_LEASE_SECONDS } from "./Work.ts"
import { performWork, type Report } from "./WorkSteps.ts"

/** The name under which work results are written to the audit history. */
export const executorActor = systemActor("work-executor")

/**
 * Backoff of work that could not be done: 1 s, 2 s, 4 s ... at most half a minute, from the number of attempts alone. The
 * work that closes an intent finds late money with it, which is to be answered within a minute (rule 3.7).
 */
export const retryDelay = (attempts: number): Duration.Duration =>
  Duration.seconds(Math.min(30, 2 ** Math.min(10, Math.max(0, attempts - 1))))

/** For so many attempts refused work is tried as often as any other: ten minutes, as long as expiry asks (rule 3.5). */
const REFUSED_OFTEN = 20

/** The longest pause of work that is refused: a person has to mend something first. */
const REFUSED_PAUSE_SECONDS_MAX = 900

/** Backoff of work that is refused: half a minute at first, in the end a quarter of an hour. */
export const refusedDelay = (attempts: number): Duration.Duration =>
  Duration.seconds(Math.min(REFUSED_PAUSE_SECONDS_MAX, 30 * 2 ** Math.min(10, Math.max(0, attempts - REFUSED_OFTEN))))

/** How many items of requests one process works on at a time, so that a burst does not drown the other services. */
export const REQUEST_LANE = 32

/**
 * How many left-over and expired items it works on besides: a lane of their own, so that no backlog keeps a buyer
 * waiting. No more may be claimed at once, or their leases would run out in the queue.
 */
export const BACKGROUND_LANE = 16

/** How many items of bulk jobs it works on besides: two calls for each order that a job does side by side. */
const BULK_LANE = 16

/**
 * How long an item of a bulk job waits for its place: then it is left to the sweeper, with most of its lease unspent. A job
 * writes faster than a slow service answers, so a longer queue would only be one of leases that run out.
 */
const BULK_LANE_WAIT = Duration.seconds(2)

/** How long closing waits for running work: longer than a call to a port may take. */
const DRAIN_MAX = Duration.seconds(10)

/** How long to wait before asking again about a refund that the payment service is still working on. */
const REFUND_POLL = Duration.seconds(30)

export class WorkExecutor extends Context.Service<
  WorkExecutor,
  {
    /**
     * Runs leased work and everything that follows from it. Completes when all of it has settled or has been given
     * back for later; never fails. Interrupting the wait does not interrupt the work.
     */
    readonly run: (work: ReadonlyArray<ClaimedWork>) => Effect.Effect<void>
    /** As `run`, without waiting. */
    readonly start: (work: ReadonlyArray<ClaimedWork>) => Effect.Effect<void>
    /** As `run`, in the lane of jobs; at most {@link BACKGROUND_LANE} items of them at a time. */
    readonly runInBackground: (work: ReadonlyArray<ClaimedWork>) => Effect.Effect<void>
    /** As `run`, in the lane of bulk jobs: what finds no place there in two seconds is left to the sweeper. */
    readonly runInBulk: (work: ReadonlyArray<ClaimedWork>) => Effect.Effect<void>
  }
>()("@tickettoken/order-domain/WorkExecutor") {
  static readonly layer = Layer.effect(
    WorkExecutor,
    Effect.gen(function* () {
      const context = yield* Effect.context<WorkPorts>()
      const running = yield* FiberSet.make<void>()
      const requests = yield* makeLane(REQUEST_LANE)
      const background = yield* makeLane(BACKGROUND_LANE)
      const bulk = yield* makeLane(BULK_LANE, BULK_LANE_WAIT)
      // Closing lets running work end; what does not is interrupted, and its lease runs out.
      yield* Effect.addFinalizer(() => Effect.timeoutOption(FiberSet.awaitEmpty(running), DRAIN_MAX))
      const launch = (lane: Lane, work: ReadonlyArray<ClaimedWork>) =>
        Effect.forEach(work, (claimed) =>
          FiberSet.run(running, Effect.provideContext(inLane(lane, settle(claimed)), context))
        )
      const join = (fibers: ReadonlyArray<Fiber.Fiber<void>>) => Effect.forEach(fibers, Fiber.await, { discard: true })
      return WorkExecutor.of({
        run: Effect.fn("WorkExecutor.run")(function* (work: ReadonlyArray<ClaimedWork>) {
          yield* join(yield* launch(requests, work))
        }),
        start: Effect.fn("WorkExecutor.start")(function* (work: ReadonlyArray<ClaimedWork>) {
          yield* launch(requests, work)
        }),
        runInBackground: Effect.fn("WorkExecutor.runInBackground")(function* (work: ReadonlyArray<ClaimedWork>) {
          yield* join(yield* launch(background, work))
        }),
        runInBulk: Effect.fn("WorkExecutor.runInBulk")(function* (work: ReadonlyArray<ClaimedWork>) {
          yield* join(yield* launch(bulk, work))
        })
      })
    })
  )
}

interface Lane {
  readonly places: Semaphore.Semaphore
  /** Who has waited so long does not start any more. */
  readonly waitNanos: bigint
}

const makeLane = (places: number, wait = Duration.seconds(WORK_LEASE_SECONDS)): Effect.Effect<Lane> =>
  Effect.map(Semaphore.make(places), (semaphore) => ({ places: semaphore, waitNanos: Duration.toNanosUnsafe(wait) }))

/**
 * Waits for a place in the lane. Work that has waited until its lease was over is another's by then: it is let go, so that
 * the lane does not spend its places on a queue that has been overtaken.
 */
const inLane = Effect.fnUntraced(function* <R>({ places, waitNanos }: Lane, run: Effect.Effect<void, never, R>) {
  const asked = yield* Clock.monotonicTimeNanos
  yield* places.withPermits(1)(
    Effect.flatMap(Clock.monotonicTimeNanos, (now) => (now - asked < waitNanos ? run : Effect.void))
  )
})

/** Everything that running work needs. */
export type WorkPorts = OrderStore | WorkQueue | Tickets | Payments | EventClosures | Identifiers | Alarms

// A defect or an outage while committing leaves the row leased: whoever claims it next repeats the same key.
const settle = (claimed: ClaimedWork): Effect.Effect<void, never, WorkPorts> =>
  runOne(claimed).pipe(
    Effect.catchTag("LeaseLost", (lost) => Effect.logDebug("late result dropped", lost)),
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.logError(`work ${claimed.item.id} could not be settled`, cause)
    ),
    Effect.annotateLogs({ orderId: claimed.item.orderId, tenantId: claimed.item.tenantId })
  )

const runOne = Effect.fnUntraced(function* (claimed: ClaimedWork) {
  const report = yield* performWork(claimed)
  yield* record(claimed, report)
})

const record = Effect.fnUntraced(function* (claimed: ClaimedWork, report: Report) {
  const queue = yield* WorkQueue
  switch (report._tag) {
    case "Done":
      yield* queue.settle(claimed.lease)
      return yield* noLongerRefused(claimed)
    case "Later":
      yield* Effect.logWarning(`${claimed.item.work._tag} will be tried again: ${report.why}`)
      return yield* queue.retry(claimed.lease, retryDelay(claimed.attempts), report.why)
    case "Refused":
      return yield* giveBack(claimed, `was refused for good: ${report.why}`)
    case "News":
      return yield* tell(claimed, report.command)
    case "StillRunning":
      yield* apply(claimed, report.command, false)
      return yield* queue.retry(claimed.lease, REFUND_POLL, "the payment service is still working on it")
  }
})

/** What a step was asked to bring about: done on the account of the one who asked. Everything else is our own finding. */
const carriedOut: ReadonlySet<OrderCommand["_tag"]> = new Set([
  "HoldGranted",
  "IntentOpened",
  "TicketsAllocated",
  "Expire"
])

const actorOf = ({ item: { work } }: ClaimedWork, command: OrderCommand): Actor =>
  "requestedBy" in work && carriedOut.has(command._tag) ? work.requestedBy : executorActor

const apply = (claimed: ClaimedWork, command: OrderCommand, settles: boolean) =>
  changeOrder({
    tenantId: claimed.item.tenantId,
    orderId: claimed.item.orderId,
    command: () => Effect.succeed({ actor: actorOf(claimed, command), command }),
    ...(settles ? { settles: claimed.lease } : {})
  })

// The news is committed with the end of the work item; what the order asks for in turn is run at once.
const tell = (claimed: ClaimedWork, command: OrderCommand): Effect.Effect<void, SettleError, WorkPorts> =>
  Effect.gen(function* () {
    const queue = yield* WorkQueue
    const changed = yield* apply(claimed, command, true)
    if (!changed.moved) yield* queue.settle(claimed.lease)
    yield* noLongerRefused(claimed)
    yield* Effect.forEach(changed.work, settle, { concurrency: "unbounded", discard: true })
  }).pipe(
    // The deadline was moved, or the order is paid, while we asked: expiry has nothing to do any more.
    Effect.catchTag("InvalidTransition", (refused) =>
      command._tag === "Expire"
        ? Effect.andThen(
            Effect.flatMap(WorkQueue, (queue) => queue.settle(claimed.lease)),
            noLongerRefused(claimed)
          )
        : newsRefused(claimed, refused)
    ),
    Effect.catchTags({
      PaymentMismatch: (refused) => newsRefused(claimed, refused),
      OrderAlreadyConfirmed: (refused) => newsRefused(claimed, refused),
      RefundExceedsCaptured: (refused) => newsRefused(claimed, refused)
    })
  )

type SettleError = Effect.Error<ReturnType<typeof apply>> | Effect.Error<ReturnType<WorkQueue["Service"]["settle"]>>

const newsRefused = (claimed: ClaimedWork, { message }: { readonly message: string }) =>
  giveBack(claimed, `brought news that the order refuses: ${message}`)

// What is refused is a matter for people: the row stays, with the reason, and is tried again, more and more seldom.
const giveBack = Effect.fnUntraced(function* (claimed: ClaimedWork, why: string) {
  const queue = yield* WorkQueue
  const detail = `${claimed.item.work._tag} of order ${claimed.item.orderId} ${why}`
  yield* aboutRefusal((alarms) => alarms.raise({ ...refusalOf(claimed), detail: detail.slice(0, DETAIL_CHARS_MAX) }))
  yield* queue.retry(claimed.lease, refusedDelay(claimed.attempts), why)
})

const refusalOf = ({ item }: ClaimedWork): Omit<Alarm, "detail"> => ({
  kind: "WORK_REFUSED",
  tenantId: item.tenantId,
  subject: item.id
})

// What is refused is given back, so work that settles at its first attempt has no alarm to end.
const noLongerRefused = (claimed: ClaimedWork): Effect.Effect<void, never, Alarms> =>
  claimed.attempts > 1 ? aboutRefusal((alarms) => alarms.clear(refusalOf(claimed))) : Effect.void

// The work itself does not wait for its alarm: the next attempt raises it again, and a look at all alarms ends it.
const aboutRefusal = (tell: (alarms: Alarms["Service"]) => Effect.Effect<void, ServiceUnavailable>) =>
  Effect.flatMap(Alarms, tell).pipe(
    Effect.catch((outage) => Effect.logWarning(`the alarm about refused work was not kept: ${outage.message}`))
  )
