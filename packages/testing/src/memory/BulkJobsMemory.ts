/**
 * `BulkJobs` and `BulkJobReads` in memory.
 */
import { DateTime, Effect, HashMap, Layer, Option, Order as Ordering, Result } from "effect"
import { type BulkJob, type BulkLease, BulkOutcome, emptyTally, tallyOf } from "@tickettoken/order-domain/BulkJob"
import { OrderId } from "@tickettoken/order-domain/Ids"
import { BulkJobNotFound, type BulkJobQuery, BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import {
  type BulkClaim,
  BulkJobs,
  type MetOrders,
  type NewBulkJob,
  type OpenedBulkJob,
  type RecordedOutcome
} from "@tickettoken/order-domain/ports/BulkJobs"
import { LeaseLost } from "@tickettoken/order-domain/ports/OrderStore"
import { type BulkItemRow, type BulkJobRow, MemoryWorld, rowOf, type WorldState, type Written } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { closeEvent, leaseUntil } from "./worldWrites.ts"

const itemsOf = (row: BulkJobRow): ReadonlyArray<BulkItemRow> => HashMap.toValues(row.items)

const byId = Ordering.mapInput(Ordering.String, ({ orderId }: BulkItemRow) => orderId)

const longestWaiting = Ordering.combine(
  Ordering.mapInput(DateTime.Order, ({ dueAt }: BulkItemRow) => dueAt),
  byId
)

/** The job as it is shown: its sums are those of its orders. */
const shown = (row: BulkJobRow): BulkJob => ({
  ...row.job,
  tally: tallyOf(itemsOf(row).map(({ cents, currency, state }) => ({ state, currency, orders: 1, cents })))
})

const keep = (world: WorldState, row: BulkJobRow): WorldState => ({
  ...world,
  bulkJobs: HashMap.set(world.bulkJobs, rowOf(row.job.tenantId, row.job.id), row)
})

const leaseOf = ({ job, token }: BulkJobRow): BulkLease => ({ tenantId: job.tenantId, jobId: job.id, token })

const open =
  (asked: NewBulkJob) =>
  (world: WorldState, now: DateTime.Utc): Written<OpenedBulkJob> => {
    const { actor, eventId, kind, reason, tenantId } = asked
    const closed = closeEvent(world, { tenantId, eventId, reason, actor, closedAt: now })
    const running = HashMap.toValues(world.bulkJobs).find(
      ({ job }) => job.state === "RUNNING" && job.tenantId === tenantId && job.kind === kind && job.eventId === eventId
    )
    if (running !== undefined) return Result.succeed([{ job: shown(running), lease: null }, closed])
    const row: BulkJobRow = {
      job: {
        ...asked,
        state: "RUNNING",
        createdAt: now,
        finishedAt: null,
        metUpTo: null,
        metAll: false,
        tally: emptyTally
      },
      leased: true,
      token: 1,
      dueAt: leaseUntil(now),
      place: HashMap.size(world.bulkJobs),
      items: HashMap.empty()
    }
    return Result.succeed([{ job: row.job, lease: leaseOf(row) }, keep(closed, row)])
  }

const longestOverdue = Ordering.combine(
  Ordering.mapInput(DateTime.Order, ({ dueAt }: BulkJobRow) => dueAt),
  Ordering.mapInput(Ordering.Number, ({ place }: BulkJobRow) => place)
)

const claim =
  ({ limit, only }: BulkClaim) =>
  (world: WorldState, now: DateTime.Utc): Written<ReadonlyArray<BulkLease>> => {
    const claimed = HashMap.toValues(world.bulkJobs)
      .filter(({ dueAt, job }) => job.state === "RUNNING" && DateTime.isLessThanOrEqualTo(dueAt, now))
      .filter(({ job }) => only === undefined || (job.tenantId === only.tenantId && job.id === only.jobId))
      .toSorted(longestOverdue)
      .slice(0, limit)
      .map((row): BulkJobRow => ({ ...row, leased: true, token: row.token + 1, dueAt: leaseUntil(now) }))
    return Result.succeed([claimed.map(leaseOf), claimed.reduce(keep, world)])
  }

/** Writes under the lease, or finds that it is another one's by now. */
const underLease =
  <A>(lease: BulkLease, write: (row: BulkJobRow, now: DateTime.Utc) => readonly [A, BulkJobRow]) =>
  (world: WorldState, now: DateTime.Utc): Written<A, LeaseLost> => {
    const row = Option.getOrUndefined(HashMap.get(world.bulkJobs, rowOf(lease.tenantId, lease.jobId)))
    if (row === undefined || !row.leased || row.token !== lease.token) {
      return Result.fail(new LeaseLost({ workId: lease.jobId }))
    }
    const [answer, next] = write(row, now)
    return Result.succeed([answer, keep(world, next)])
  }

const meet =
  ({ failed, next, orders }: MetOrders) =>
  (row: BulkJobRow, now: DateTime.Utc): readonly [void, BulkJobRow] => {
    const met: ReadonlyArray<BulkItemRow> = [
      ...orders.map(({ currency, orderId, orderNumber, plannedCents }) => ({
        orderId,
        orderNumber,
        currency,
        cents: plannedCents,
        ...({
          state: "OPEN",
          attempts: 0,
          error: null,
          dueAt: now
        } as const)
      })),
      ...failed.map(({ error, orderId, orderNumber }) => ({
        orderId,
        orderNumber,
        error,
        currency: null,
        cents: 0,
        ...({
          state: "FAILED",
          attempts: 0,
          dueAt: now
        } as const)
      }))
    ]
    const items = met.reduce(
      (known, item) => (HashMap.has(known, item.orderId) ? known : HashMap.set(known, item.orderId, item)),
      row.items
    )
    if (row.job.state !== "RUNNING") return [undefined, row]
    return [undefined, { ...row, items, job: { ...row.job, metUpTo: next ?? row.job.metUpTo, metAll: next === null } }]
  }

const afterTry = (item: BulkItemRow, outcome: BulkOutcome, now: DateTime.Utc): BulkItemRow => {
  const tried = { ...item, attempts: item.attempts + 1, dueAt: now }
  return BulkOutcome.$match(outcome, {
    Succeeded: ({ refundCents }) => ({ ...tried, state: "SUCCEEDED", error: null, cents: refundCents }) as const,
    Untouched: () => ({ ...tried, state: "UNTOUCHED", error: null, cents: 0 }) as const,
    Failed: ({ error }) => ({ ...tried, state: "FAILED", error, cents: 0 }) as const,
    TryAgain: ({ delay, error }) => ({ ...tried, error, dueAt: DateTime.addDuration(now, delay) })
  })
}

const record =
  (outcomes: ReadonlyArray<RecordedOutcome>) =>
  (row: BulkJobRow, now: DateTime.Utc): readonly [void, BulkJobRow] => {
    const items = outcomes.reduce((known, { orderId, outcome }) => {
      const item = Option.getOrUndefined(HashMap.get(known, orderId))
      return item?.state === "OPEN" ? HashMap.set(known, orderId, afterTry(item, outcome, now)) : known
    }, row.items)
    return [undefined, { ...row, items }]
  }

const leave = (row: BulkJobRow, now: DateTime.Utc): readonly [BulkJob, BulkJobRow] => {
  const { job } = row
  if (job.state !== "RUNNING") return [shown(row), row]
  const [first] = itemsOf(row)
    .filter(({ state }) => state === "OPEN")
    .toSorted(longestWaiting)
  if (first !== undefined || !job.metAll) {
    const left: BulkJobRow = { ...row, leased: false, dueAt: job.metAll && first !== undefined ? first.dueAt : now }
    return [shown(left), left]
  }
  const { metAll, metUpTo, ...facts } = job
  const done: BulkJobRow = { ...row, leased: false, job: { ...facts, state: "DONE", finishedAt: now } }
  return [shown(done), done]
}

const jobs = Layer.effect(
  BulkJobs,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return BulkJobs.of({
      open: Effect.fn("BulkJobs.open")((job) => faults.around("bulk.open", world.transact(open(job)))),
      claim: Effect.fn("BulkJobs.claim")((asked) => faults.around("bulk.claim", world.transact(claim(asked)))),
      renew: Effect.fn("BulkJobs.renew")((lease) =>
        faults.around(
          "bulk.renew",
          world.transact(
            underLease(lease, (row, now) => {
              const { job } = row
              if (job.state !== "RUNNING") throw new Error("a leased job is running")
              return [job, { ...row, dueAt: leaseUntil(now) }]
            })
          )
        )
      ),
      meet: Effect.fn("BulkJobs.meet")((lease, page) =>
        faults.around("bulk.meet", world.transact(underLease(lease, meet(page))))
      ),
      due: Effect.fn("BulkJobs.due")((lease, limit) =>
        faults.around(
          "bulk.due",
          world.transact(
            underLease(lease, (row, now) => [
              itemsOf(row)
                .filter(({ dueAt, state }) => state === "OPEN" && DateTime.isLessThanOrEqualTo(dueAt, now))
                .toSorted(longestWaiting)
                .slice(0, limit)
                .map(({ attempts, cents, orderId, orderNumber }) => ({
                  orderId: OrderId.make(orderId),
                  orderNumber,
                  attempts,
                  plannedCents: cents
                })),
              row
            ])
          )
        )
      ),
      record: Effect.fn("BulkJobs.record")((lease, outcomes) =>
        faults.around("bulk.record", world.transact(underLease(lease, record(outcomes))))
      ),
      leave: Effect.fn("BulkJobs.leave")((lease) =>
        faults.around("bulk.leave", world.transact(underLease(lease, leave)))
      )
    })
  })
)

const newestFirst = Ordering.flip(
  Ordering.combine(
    Ordering.mapInput(DateTime.Order, ({ job }: BulkJobRow) => job.createdAt),
    Ordering.mapInput(Ordering.String, ({ job }: BulkJobRow) => job.id)
  )
)

const list =
  ({ eventId, limit, state, tenantId }: BulkJobQuery) =>
  ({ bulkJobs }: WorldState) =>
    HashMap.toValues(bulkJobs)
      .filter(({ job }) => job.tenantId === tenantId)
      .filter(({ job }) => (eventId === null || job.eventId === eventId) && (state === null || job.state === state))
      .toSorted(newestFirst)
      .slice(0, limit)
      .map(shown)

const reads = Layer.effect(
  BulkJobReads,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return BulkJobReads.of({
      find: Effect.fn("BulkJobReads.find")(function* (tenantId, jobId) {
        const { bulkJobs } = yield* faults.around("reads", world.snapshot)
        return yield* Option.match(HashMap.get(bulkJobs, rowOf(tenantId, jobId)), {
          onNone: () => Effect.fail(new BulkJobNotFound({ jobId })),
          onSome: (row) => Effect.succeed(shown(row))
        })
      }),
      list: Effect.fn("BulkJobReads.list")((query) => faults.around("reads", Effect.map(world.snapshot, list(query)))),
      failures: Effect.fn("BulkJobReads.failures")(function* ({ after, jobId, limit, tenantId }) {
        const { bulkJobs } = yield* faults.around("reads", world.snapshot)
        const row = HashMap.get(bulkJobs, rowOf(tenantId, jobId))
        const found = Option.match(row, { onNone: () => [], onSome: itemsOf })
          .toSorted(byId)
          .filter(({ orderId }) => after === null || orderId > after)
          .flatMap(({ attempts, error, orderId, orderNumber, state }) =>
            error !== null && (state === "OPEN" || state === "FAILED")
              ? [{ orderId, orderNumber, state, attempts, error }]
              : []
          )
        const failures = found.slice(0, limit)
        return { failures, next: found.length > limit ? (failures.at(-1)?.orderId ?? null) : null }
      })
    })
  })
)

export const layer = Layer.merge(jobs, reads)
