/**
 * What every `BulkJobs` must do: a job and its event's closure are one, a job has one runner at a time, and an order that
 * has an outcome keeps it (rule 5).
 */
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, type Layer } from "effect"
import { BulkOutcome, type BulkTally, emptyTally } from "@tickettoken/order-domain/BulkJob"
import { BulkJobId, type OrderId } from "@tickettoken/order-domain/Ids"
import { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import { BulkJobs, type RecordedOutcome } from "@tickettoken/order-domain/ports/BulkJobs"
import { EventClosures } from "@tickettoken/order-domain/ports/EventClosures"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { type Buyer, freshBuyer, randomUuid } from "../TestOrders.ts"
import { newJob, openMet, openNew, pageOf } from "./bulkFixture.ts"
import { create, createConfirmed, tagOf } from "./storeFixture.ts"
import { type ContractOptions, suiteOptions, TestTime } from "./TestTime.ts"

/** Longer than any lease. */
const LEASE_MINUTES = 1

/** Longer than a test lets an order wait. */
const LONGEST_WAIT_MINUTES = 10

/** Three orders of a buyer, in id order. */
const threeOrders = Effect.fnUntraced(function* (buyer: Buyer) {
  const made = [(yield* create(buyer)).order, yield* createConfirmed(buyer), yield* createConfirmed(buyer)]
  const [first, second, third] = made.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  if (first === undefined || second === undefined || third === undefined) return yield* Effect.die("three were made")
  return [first, second, third] as const
})

/** Ends every job that an earlier test has left. */
const clear = Effect.gen(function* () {
  const jobs = yield* BulkJobs
  const time = yield* TestTime
  yield* time.passMinutes(LONGEST_WAIT_MINUTES)
  for (const lease of yield* jobs.claim({ limit: 100 })) {
    const open = yield* jobs.due(lease, 100)
    yield* jobs.record(
      lease,
      open.map(({ orderId }) => ({ orderId, outcome: BulkOutcome.Untouched() }))
    )
    yield* jobs.meet(lease, pageOf([]))
    yield* jobs.leave(lease)
  }
})

const succeeded = ({ id }: { readonly id: OrderId }, refundCents = 0): RecordedOutcome => ({
  orderId: id,
  outcome: BulkOutcome.Succeeded({ refundCents })
})

const tally = (changes: Partial<BulkTally>): BulkTally => ({ ...emptyTally, ...changes })

export const bulkJobsContract = <E>(
  name: string,
  bulkJobs: Layer.Layer<OrderStore | EventClosures | BulkJobs | BulkJobReads | TestTime, E>,
  options: ContractOptions = {}
): void =>
  layer(bulkJobs, suiteOptions(options))(`BulkJobs: ${name}`, (it) => {
    it.effect("5 begins a job and closes its event in one, claimed by the one who asks", () =>
      Effect.gen(function* () {
        const reads = yield* BulkJobReads
        const closures = yield* EventClosures
        const buyer = yield* freshBuyer
        const { job, lease } = yield* openNew(buyer)
        assert.isTrue(yield* closures.isClosed(buyer.tenantId, buyer.eventId))
        assert.strictEqual(tagOf(yield* Effect.exit(create(buyer))), "EventCancelled")
        assert.deepStrictEqual([job.state, job.tally, lease.jobId], ["RUNNING", emptyTally, job.id])
        const found = yield* reads.find(buyer.tenantId, job.id)
        assert.deepStrictEqual([found.reason, found.actor, found.eventId], ["rain", job.actor, buyer.eventId])
      })
    )

    it.effect("5 joins the running job of an event, however many ask at once; another tenant's is its own", () =>
      Effect.gen(function* () {
        const jobs = yield* BulkJobs
        const buyer = yield* freshBuyer
        const stranger = yield* freshBuyer
        const opened = yield* Effect.all(
          Array.from({ length: 6 }, () => Effect.flatMap(newJob(buyer), (job) => jobs.open(job))),
          { concurrency: "unbounded" }
        )
        assert.lengthOf(new Set(opened.map(({ job }) => job.id)), 1)
        assert.lengthOf(
          opened.filter(({ lease }) => lease !== null),
          1
        )
        yield* openNew({ ...buyer, tenantId: stranger.tenantId })
        yield* openNew({ ...buyer, eventId: stranger.eventId })
      })
    )

    it.effect("5 writes down what a job meets once, and what became of it once", () =>
      Effect.gen(function* () {
        const jobs = yield* BulkJobs
        const reads = yield* BulkJobReads
        const buyer = yield* freshBuyer
        const [first, second, third] = yield* threeOrders(buyer)
        const { job, lease } = yield* openNew(buyer)
        const fallen = yield* create(buyer).pipe(Effect.flip)
        assert.strictEqual(fallen._tag, "EventCancelled")
        const page = pageOf([first, second], second.id)
        yield* jobs.meet(lease, page)
        yield* jobs.meet(lease, page)
        const renewed = yield* jobs.renew(lease)
        assert.deepStrictEqual([renewed.metUpTo, renewed.metAll], [second.id, false])
        const due = yield* jobs.due(lease, 10)
        assert.sameMembers(
          due.map(({ orderId }) => orderId),
          [first.id, second.id]
        )
        assert.strictEqual((yield* jobs.due(lease, 1)).length, 1)
        yield* jobs.record(lease, [succeeded(first, 5)])
        // It has an outcome: another one comes too late.
        yield* jobs.record(lease, [{ orderId: first.id, outcome: BulkOutcome.Failed({ error: "late" }) }])
        assert.deepStrictEqual(
          (yield* jobs.due(lease, 10)).map(({ attempts, orderId }) => [orderId, attempts]),
          [[second.id, 0]]
        )
        yield* jobs.meet(lease, pageOf([third]))
        yield* jobs.record(lease, [
          { orderId: second.id, outcome: BulkOutcome.Untouched() },
          { orderId: third.id, outcome: BulkOutcome.Failed({ error: "no way" }) }
        ])
        const done = yield* jobs.leave(lease)
        assert.strictEqual(done.state, "DONE")
        const expected = tally({ total: 2, succeeded: 1, failed: 1, refundCents: { USD: 5 } })
        assert.deepStrictEqual(done.tally, expected)
        assert.deepStrictEqual((yield* reads.find(buyer.tenantId, job.id)).tally, expected)
      })
    )

    it.effect("5 an order that may go right later waits for its time, and is listed until it does", () =>
      Effect.gen(function* () {
        const jobs = yield* BulkJobs
        const reads = yield* BulkJobReads
        const time = yield* TestTime
        yield* clear
        const buyer = yield* freshBuyer
        const [first, second, third] = yield* threeOrders(buyer)
        const { job, lease } = yield* openMet(buyer, [first, second, third])
        const again = BulkOutcome.TryAgain({ error: "not now", delay: Duration.minutes(3) })
        yield* jobs.record(lease, [
          { orderId: first.id, outcome: again },
          succeeded(second),
          { orderId: third.id, outcome: BulkOutcome.Failed({ error: "never" }) }
        ])
        assert.deepStrictEqual(yield* jobs.due(lease, 10), [])
        const left = yield* jobs.leave(lease)
        assert.deepStrictEqual([left.state, left.tally.pending], ["RUNNING", 1])
        const query = { tenantId: buyer.tenantId, jobId: job.id, after: null, limit: 1 }
        const listed = yield* reads.failures(query)
        assert.deepStrictEqual(listed, {
          failures: [
            { orderId: first.id, orderNumber: first.orderNumber, state: "OPEN", attempts: 1, error: "not now" }
          ],
          next: first.id
        })
        const rest = yield* reads.failures({ ...query, after: first.id })
        assert.deepStrictEqual([rest.failures.map(({ orderId }) => orderId), rest.next], [[third.id], null])
        assert.deepStrictEqual(
          (yield* reads.failures({ ...query, tenantId: (yield* freshBuyer).tenantId })).failures,
          []
        )
        assert.deepStrictEqual(yield* jobs.claim({ limit: 10 }), [])
        yield* time.passMinutes(4)
        const [claimed] = yield* jobs.claim({ limit: 10 })
        if (claimed === undefined) return assert.fail("the job is due")
        assert.strictEqual(claimed.jobId, job.id)
        assert.deepStrictEqual(
          (yield* jobs.due(claimed, 10)).map(({ attempts, orderId }) => [orderId, attempts]),
          [[first.id, 1]]
        )
        yield* jobs.record(claimed, [succeeded(first)])
        assert.strictEqual((yield* jobs.leave(claimed)).state, "DONE")
        assert.lengthOf((yield* reads.failures({ ...query, limit: 10 })).failures, 1)
      })
    )

    it.effect("5 a job belongs to one runner: nobody else gets it before the lease has run out, or it was left", () =>
      Effect.gen(function* () {
        const jobs = yield* BulkJobs
        const time = yield* TestTime
        yield* clear
        const buyer = yield* freshBuyer
        const { job, lease } = yield* openNew(buyer)
        const only = { tenantId: buyer.tenantId, jobId: job.id }
        assert.deepStrictEqual(yield* jobs.claim({ limit: 10 }), [])
        assert.deepStrictEqual(yield* jobs.claim({ limit: 10, only }), [])
        yield* time.passMinutes(LEASE_MINUTES)
        const claims = yield* Effect.all(
          Array.from({ length: 5 }, () => jobs.claim({ limit: 10, only })),
          { concurrency: "unbounded" }
        )
        const [next, ...more] = claims.flat()
        if (next === undefined || more.length > 0) return assert.fail(`${claims.flat().length} have it`)
        assert.isAbove(next.token, lease.token)
        // Left before all orders are met, it is due at once.
        assert.strictEqual((yield* jobs.leave(next)).state, "RUNNING")
        assert.lengthOf(yield* jobs.claim({ limit: 10, only }), 1)
      })
    )

    it.effect("5 a late runner writes nothing: not what it meets, not what it has done, not the end", () =>
      Effect.gen(function* () {
        const jobs = yield* BulkJobs
        const reads = yield* BulkJobReads
        const time = yield* TestTime
        yield* clear
        const buyer = yield* freshBuyer
        const [first, second] = yield* threeOrders(buyer)
        const { job, lease } = yield* openNew(buyer)
        yield* jobs.meet(lease, pageOf([first], first.id))
        yield* time.passMinutes(LEASE_MINUTES)
        const [next] = yield* jobs.claim({ limit: 1 })
        if (next === undefined) return assert.fail("the job is due")
        const late = [
          jobs.renew(lease),
          jobs.meet(lease, pageOf([second])),
          jobs.due(lease, 1),
          jobs.record(lease, [{ orderId: first.id, outcome: BulkOutcome.Failed({ error: "late" }) }]),
          jobs.leave(lease)
        ]
        for (const write of late)
          assert.strictEqual(tagOf(yield* Effect.exit<unknown, { readonly _tag: string }, never>(write)), "LeaseLost")
        const untouched = yield* reads.find(buyer.tenantId, job.id)
        assert.deepStrictEqual(untouched.tally, tally({ total: 1, pending: 1 }))
        yield* jobs.record(next, [succeeded(first)])
        yield* jobs.meet(next, pageOf([]))
        assert.strictEqual((yield* jobs.leave(next)).state, "DONE")
        assert.strictEqual(tagOf(yield* Effect.exit(jobs.renew(next))), "LeaseLost")
      })
    )

    it.effect("5 a renewed lease runs on", () =>
      Effect.gen(function* () {
        const jobs = yield* BulkJobs
        const time = yield* TestTime
        yield* clear
        const { lease } = yield* openNew(yield* freshBuyer)
        yield* time.passMinutes(LEASE_MINUTES)
        yield* jobs.renew(lease)
        assert.deepStrictEqual(yield* jobs.claim({ limit: 10 }), [])
      })
    )

    it.effect("7.1 shows a tenant its own jobs, the newest first, by event and state", () =>
      Effect.gen(function* () {
        const jobs = yield* BulkJobs
        const reads = yield* BulkJobReads
        const buyer = yield* freshBuyer
        const other = { tenantId: buyer.tenantId, eventId: (yield* freshBuyer).eventId }
        const { job: first, lease } = yield* openMet(buyer, [])
        yield* jobs.leave(lease)
        const { job: second } = yield* openNew(buyer)
        const { job: third } = yield* openNew(other)
        const query = { tenantId: buyer.tenantId, eventId: null, state: null, limit: 10 }
        const idsOf = (found: ReadonlyArray<{ readonly id: BulkJobId }>) => found.map(({ id }) => id)
        assert.sameMembers([...idsOf(yield* reads.list(query))], [first.id, second.id, third.id])
        assert.lengthOf(yield* reads.list({ ...query, limit: 2 }), 2)
        assert.deepStrictEqual(idsOf(yield* reads.list({ ...query, eventId: other.eventId })), [third.id])
        assert.deepStrictEqual(idsOf(yield* reads.list({ ...query, state: "DONE" })), [first.id])
        const { tenantId: stranger } = yield* freshBuyer
        assert.deepStrictEqual(yield* reads.list({ ...query, tenantId: stranger }), [])
        assert.strictEqual(tagOf(yield* Effect.exit(reads.find(stranger, first.id))), "BulkJobNotFound")
        const nobodys = BulkJobId.make(yield* randomUuid)
        assert.strictEqual(tagOf(yield* Effect.exit(reads.find(buyer.tenantId, nobodys))), "BulkJobNotFound")
      })
    )
  })
