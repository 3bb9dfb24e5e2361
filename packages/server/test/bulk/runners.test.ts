/** Bulk jobs under everybody at once: two runners of one job, runners that are interrupted all the time, and buyers. */
import { assert } from "@effect/vitest"
import type { BulkLease } from "@tickettoken/order-domain/BulkJob"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import { ServiceUnavailable } from "@tickettoken/order-domain/OrderErrors"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import { BulkSettings, bulkSettings } from "@tickettoken/order-domain/BulkJob"
import { beginBulkCancel, bulkCancelEvent } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { confirmOrder } from "@tickettoken/order-domain/workflows/ConfirmOrder"
import { runBulkJob, runDueBulkJob } from "@tickettoken/order-domain/workflows/RunBulkJob"
import { tagOf } from "@tickettoken/order-testing/contracts/storeFixture"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Deferred, Effect, Fiber } from "effect"
import {
  type BulkWorld,
  confirm,
  freshShow,
  organiser,
  outcomeOf,
  overBothStores,
  PAID_CENTS,
  pay,
  reserve,
  sell,
  type Show,
  sweep
} from "./support/bulkWorld.ts"
import { mortal } from "./support/mortal.ts"

const input = ({ eventId }: Show) => ({ caller: organiser, eventId, reason: "rain" })

const jobOf = ({ eventId }: Show) =>
  Effect.gen(function* () {
    const reads = yield* BulkJobReads
    const [job, ...more] = yield* reads.list({ tenantId: demo.tenantId, eventId, state: null, limit: 10 })
    assert.lengthOf(more, 0)
    return job === undefined ? yield* Effect.die(new Error("no job")) : job
  })

/** The first call with this is held up until the gate opens, and then ends as it says. */
const heldUp = <A, E>(first: Effect.Effect<A, E>) => {
  let calls = 0
  return <B, F>(call: Effect.Effect<B, F>): Effect.Effect<A | B, E | F> =>
    Effect.suspend((): Effect.Effect<A | B, E | F> => {
      calls += 1
      return calls === 1 ? first : call
    })
}

/**
 * A runner freezes in the middle of an order, past its lease; another one takes the job over and does that order. Then
 * the first wakes up and writes down that its order has failed, just before the second writes down that it is done.
 */
const frozenAndWoken = Effect.fnUntraced(function* (show: Show, fence: "on" | "off") {
  const jobs = yield* BulkJobs
  const store = yield* OrderStore
  const time = yield* TestTime
  const frozen = yield* Deferred.make<void>()
  const woken = yield* Deferred.make<void>()
  const takenOver = yield* Deferred.make<BulkLease>()
  const lateWrite = yield* Deferred.make<void>()
  const begun = yield* beginBulkCancel(input(show))
  if (begun.lease === null) return yield* Effect.die(new Error("the job is new"))

  const freeze = heldUp(
    Effect.andThen(
      Effect.andThen(Deferred.succeed(frozen, undefined), Deferred.await(woken)),
      Effect.die(new Error("it woke up in another world"))
    )
  )
  const firstRunner = runBulkJob(begun.lease).pipe(
    Effect.provideService(OrderStore, OrderStore.of({ ...store, commit: (commit) => freeze(store.commit(commit)) })),
    Effect.provideService(
      BulkJobs,
      BulkJobs.of({
        ...jobs,
        record: (own, outcomes) =>
          Effect.flatMap(fence === "on" ? Effect.succeed(own) : Deferred.await(takenOver), (lease) =>
            jobs.record(lease, outcomes)
          ).pipe(Effect.ensuring(Deferred.succeed(lateWrite, undefined)))
      })
    )
  )
  const secondRunner = Effect.gen(function* () {
    const [lease] = yield* jobs.claim({ limit: 1, only: { tenantId: demo.tenantId, jobId: begun.job.id } })
    if (lease === undefined) return yield* Effect.die(new Error("the lease has run out"))
    yield* Deferred.succeed(takenOver, lease)
    return yield* runBulkJob(lease).pipe(
      Effect.provideService(
        BulkJobs,
        BulkJobs.of({
          ...jobs,
          record: (own, outcomes) =>
            Effect.andThen(
              Effect.andThen(Deferred.succeed(woken, undefined), Deferred.await(lateWrite)),
              jobs.record(own, outcomes)
            )
        })
      )
    )
  })
  const first = yield* Effect.forkChild(Effect.exit(firstRunner), { startImmediately: true })
  yield* Deferred.await(frozen)
  yield* time.passMinutes(1)
  yield* secondRunner
  yield* Fiber.join(first)
})

const MANY = 60
const DEATHS_MIN = 5
/** Every so many commits one fails. */
const COMMIT_FAILS_EVERY = 19

overBothStores("bulk jobs and everybody else", (it) => {
  it.effect("5 two runners of one job: the late one's word does not count, and no order is done twice", () =>
    Effect.gen(function* () {
      const show = yield* freshShow
      const { orders, paid } = yield* sell(show, 5)
      yield* frozenAndWoken(show, "on")
      const { state, tally } = yield* jobOf(show)
      assert.deepStrictEqual([state, tally.succeeded, tally.failed], ["DONE", 5, 0])
      yield* sweep
      const outcome = yield* outcomeOf(orders)
      assert.deepStrictEqual([outcome.cancelledTwice, outcome.refunds], [0, paid])
    })
  )

  it.effect("twin: without the fence the late one's word counts, and a cancelled order is reported as failed", () =>
    Effect.gen(function* () {
      const show = yield* freshShow
      const { orders, paid } = yield* sell(show, 5)
      yield* frozenAndWoken(show, "off")
      const { tally } = yield* jobOf(show)
      assert.isAbove(tally.failed, 0)
      yield* sweep
      // The order that "failed" is cancelled all the same: the report is wrong, the money is not.
      const { refunds, statuses } = yield* outcomeOf(orders)
      assert.deepStrictEqual([statuses, refunds], [{ CANCELLED: 5 - paid, REFUNDED: paid }, paid])
    })
  )

  it.effect("F35 5 a runner interrupted again and again, with failing services: each order once, all sums match", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const store = yield* OrderStore
      const time = yield* TestTime
      const show = yield* freshShow
      const { orders, paid } = yield* sell(show, MANY)
      const { job, lease } = yield* beginBulkCancel(input(show))
      if (lease === null) return assert.fail("the job is new")
      yield* Effect.flatMap(BulkJobs, (jobs) => jobs.leave(lease))
      const broken = ["payments.refund", "payments.cancelIntent", "tickets.release"] as const
      yield* faults.roll({
        seed: 35,
        rules: broken.map((operation) => ({ operation, failBefore: 0.05, failAfter: 0.05 }))
      })
      let commits = 0
      let failed = 0
      const shaky = OrderStore.of({
        ...store,
        commit: (commit) =>
          Effect.suspend(() => {
            commits += 1
            if (commits % COMMIT_FAILS_EVERY !== 0) return store.commit(commit)
            failed += 1
            return Effect.fail(new ServiceUnavailable({ service: "database", why: "not now", retryAfterSeconds: 1 }))
          })
      })
      let deaths = 0
      for (let life = 1; (yield* jobOf(show)).state === "RUNNING"; life++) {
        if (life > MANY) return assert.fail("it does not come to an end")
        const at = life % 2 === 0 ? "commit" : "record"
        const { died, live } = yield* Effect.provideService(
          mortal({ at, when: life % 3 === 0 ? "before" : "after", nth: at === "commit" ? 3 : 1 }),
          OrderStore,
          shaky
        )
        yield* live(runDueBulkJob())
        deaths += died() ? 1 : 0
        yield* time.passMinutes(1)
      }
      assert.isAtLeast(deaths, DEATHS_MIN)
      assert.isAbove(failed, 0)
      const hits = yield* Effect.forEach(broken, faults.hits)
      assert.isAbove(
        hits.reduce((sum, one) => sum + one, 0),
        0
      )
      yield* faults.heal
      yield* sweep
      yield* sweep
      const done = yield* jobOf(show)
      assert.strictEqual(done.id, job.id)
      assert.deepStrictEqual(done.tally, {
        total: MANY,
        succeeded: MANY,
        failed: 0,
        pending: 0,
        refundCents: { USD: paid * PAID_CENTS }
      })
      assert.deepStrictEqual(yield* outcomeOf(orders), {
        statuses: { CANCELLED: MANY - paid, REFUNDED: paid },
        cancelledTwice: 0,
        refunds: paid,
        refundCents: paid * PAID_CENTS
      })
    })
  )

  it.effect("F36 I21 5 creates and confirms while the job runs are refused, and no order is left active", () =>
    Effect.gen(function* () {
      const jobs = yield* BulkJobs
      const show = yield* freshShow
      const { orders } = yield* sell(show, 6)
      const toConfirm = yield* reserve(show)
      const refused: Array<string> = []
      const world = yield* Effect.context<BulkWorld>()
      const busy = BulkJobs.of({
        ...jobs,
        meet: (lease, page) =>
          Effect.andThen(
            Effect.gen(function* () {
              refused.push(tagOf(yield* Effect.exit(reserve(show))))
              const paymentIntentId = yield* pay(toConfirm)
              const confirmed = confirmOrder({ caller: organiser, orderId: toConfirm.id, paymentIntentId })
              refused.push(tagOf(yield* Effect.exit(confirmed)))
            }).pipe(Effect.provideContext(world), Effect.orDie),
            jobs.meet(lease, page)
          )
      })
      yield* Effect.provideService(bulkCancelEvent(input(show)), BulkJobs, busy)
      // Money that comes now goes back: the order ends, before or by the job.
      assert.strictEqual(refused[0], "EventCancelled")
      assert.include(["EventCancelled", "InvalidTransition"], refused[1])
      // And with everybody at once, around the moment of the closure.
      const crowded = yield* freshShow
      const sold = yield* sell(crowded, 6)
      const [, created, confirmed] = yield* Effect.all(
        [
          bulkCancelEvent(input(crowded)),
          Effect.forEach(Array.from({ length: 10 }), () => Effect.exit(reserve(crowded)), { concurrency: 5 }),
          Effect.forEach(
            sold.orders.filter(({ status }) => status === "PENDING"),
            (order) => Effect.exit(confirm(order)),
            { concurrency: 2 }
          )
        ],
        { concurrency: "unbounded" }
      )
      assert.lengthOf(created, 10)
      assert.lengthOf(confirmed, 2)
      assert.strictEqual(tagOf(yield* Effect.exit(reserve(crowded))), "EventCancelled")
      const made = created.flatMap((exit) => (exit._tag === "Success" ? [exit.value] : []))
      yield* sweep
      yield* sweep
      for (const all of [
        [...orders, toConfirm],
        [...sold.orders, ...made]
      ]) {
        const { statuses } = yield* outcomeOf(all)
        const ended = ["CANCELLED", "REFUNDED", "EXPIRED"].reduce((sum, status) => sum + (statuses[status] ?? 0), 0)
        assert.strictEqual(ended, all.length, JSON.stringify(statuses))
      }
    })
  )

  it.effect("5 failed orders raise an alarm that stays until a run leaves none", () =>
    Effect.gen(function* () {
      const alarms = yield* Alarms
      const store = yield* OrderStore
      const show = yield* freshShow
      yield* sell(show, 2)
      const broken = OrderStore.of({ ...store, commit: () => Effect.die(new Error("a bug")) })
      const results = yield* Effect.provideService(bulkCancelEvent(input(show)), OrderStore, broken)
      assert.deepStrictEqual([results.failed, results.errors[0]?.error], [2, "unexpected failure"])
      const open = Effect.map(
        alarms.list({ tenantId: demo.tenantId, kind: "BULK_FAILED", cleared: false, limit: 100 }),
        (list) => list.filter(({ alarm }) => alarm.subject === show.eventId)
      )
      assert.match((yield* open)[0]?.alarm.detail ?? "", /^CANCEL_EVENT: 2 of 2 orders failed/)
      assert.strictEqual((yield* bulkCancelEvent(input(show))).succeeded, 2)
      assert.deepStrictEqual(yield* open, [])
    })
  )

  it.effect("5 an order that goes on failing is tried so often and then given up, and is listed meanwhile", () =>
    Effect.gen(function* () {
      const reads = yield* BulkJobReads
      const store = yield* OrderStore
      const time = yield* TestTime
      const show = yield* freshShow
      yield* sell(show, 1)
      let tries = 0
      const away = OrderStore.of({
        ...store,
        commit: () =>
          Effect.suspend(() => {
            tries += 1
            return Effect.fail(new ServiceUnavailable({ service: "database", why: "away", retryAfterSeconds: 1 }))
          })
      })
      const { job, lease } = yield* beginBulkCancel(input(show))
      if (lease === null) return assert.fail("the job is new")
      const listed = Effect.map(
        reads.failures({ tenantId: demo.tenantId, jobId: job.id, after: null, limit: 10 }),
        ({ failures }) => failures.map(({ attempts, state }) => [attempts, state])
      )
      yield* Effect.provideService(runBulkJob(lease), OrderStore, away)
      assert.deepStrictEqual(yield* listed, [[1, "OPEN"]])
      for (let round = 0; round < 10; round++) {
        yield* time.passMinutes(1)
        yield* Effect.provideService(runDueBulkJob(), OrderStore, away)
      }
      assert.strictEqual(tries, bulkSettings.attemptsMax)
      assert.deepStrictEqual(yield* listed, [[bulkSettings.attemptsMax, "FAILED"]])
      assert.strictEqual((yield* jobOf(show)).state, "DONE")
    })
  )

  it.effect("5 a job keeps to its pace, and one that is to stop is left for the next", () =>
    Effect.gen(function* () {
      const show = yield* freshShow
      yield* sell(show, 3)
      const { lease } = yield* beginBulkCancel(input(show))
      if (lease === null) return assert.fail("the job is new")
      const stopped = yield* runBulkJob(lease, Effect.succeed(true))
      assert.deepStrictEqual([stopped.state, stopped.tally.total], ["RUNNING", 0])
      // Two calls an order: the first order is let through at once, the next ones wait for a minute and more.
      const slow = runDueBulkJob().pipe(
        Effect.provideService(BulkSettings, { ...bulkSettings, callsPerSecond: 1 / 60 }),
        Effect.timeoutOption("2 seconds")
      )
      yield* slow
      const { state, tally } = yield* jobOf(show)
      assert.deepStrictEqual([state, tally.succeeded], ["RUNNING", 0])
      yield* runDueBulkJob()
      assert.strictEqual((yield* jobOf(show)).tally.succeeded, 3)
    })
  )
})
