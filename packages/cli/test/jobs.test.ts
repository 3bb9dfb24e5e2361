/** Bulk jobs at the terminal: begun, joined, left by Ctrl-C, gone on with, and looked at. */
import { assert, describe, it } from "@effect/vitest"
import { BulkJobId } from "@tickettoken/order-domain/Ids"
import { BulkJobs } from "@tickettoken/order-domain/ports/BulkJobs"
import type { Ports } from "@tickettoken/order-cli/Backend"
import { Policies } from "@tickettoken/order-domain/ports/Policies"
import { defaultPolicies } from "@tickettoken/order-testing/memory/PoliciesMemory"
import { openNew } from "@tickettoken/order-testing/contracts/bulkFixture"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Context, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { jsonOf, orders, world } from "./support/commandLine.ts"
import { buy, reload, reserve } from "./support/sale.ts"

const Ran = Schema.Struct({ jobId: BulkJobId, total: Schema.Int, succeeded: Schema.Int, failed: Schema.Int })

const Shown = Schema.Struct({
  id: BulkJobId,
  state: Schema.String,
  results: Schema.Struct({ total: Schema.Int, succeeded: Schema.Int, failed: Schema.Int, pending: Schema.Int })
})

const cancelEvent = ["cancel-event", demo.eventId, "--yes", "-o", "json"] as const

/** Ctrl-C comes while outcomes are being written down. */
const interruptedAtRecord = (ports: Context.Context<Ports>) =>
  Context.add(ports, BulkJobs, BulkJobs.of({ ...Context.get(ports, BulkJobs), record: () => Effect.interrupt }))

/** More than 100.00 needs a confirmation. */
const carefulTenant = (ports: Context.Context<Ports>) =>
  Context.add(
    ports,
    Policies,
    Policies.of({
      of: () => Effect.succeed({ ...defaultPolicies, bulkCancel: { unconfirmedCentsMax: { USD: 10_000 } } })
    })
  )

describe("orders cancel-event and its job", () => {
  it.effect("5 Ctrl-C leaves a job that is named, and job-resume goes on with it", () =>
    Effect.gen(function* () {
      const bought = yield* buy()
      yield* reserve()
      const cut = yield* orders(cancelEvent, { ports: interruptedAtRecord })
      assert.deepStrictEqual([cut.code, cut.stdout], [130, ""])
      const named = /^orders: job (\S+) is not done: a running server goes on with it, or 'orders job-resume \1'$/m
      const [, jobId = ""] = named.exec(cut.stderr) ?? []
      const left = yield* jsonOf(Shown, yield* orders(["job-show", jobId, "-o", "json"]))
      assert.deepStrictEqual([left.state, left.results.pending], ["RUNNING", 2])
      const resumed = yield* orders(["job-resume", jobId, "-o", "json"])
      assert.deepStrictEqual(yield* jsonOf(Ran, resumed), { jobId: left.id, total: 2, succeeded: 2, failed: 0 })
      assert.deepStrictEqual([resumed.code, resumed.stderr], [0, ""])
      assert.strictEqual((yield* reload(bought)).status, "REFUNDED")
      const again = yield* orders(["job-resume", jobId])
      assert.deepStrictEqual([again.code, again.stdout.split("\n").at(-1)], [0, "total  2       2 cancelled, 0 failed"])
    }).pipe(Effect.provide(world))
  )

  it.effect("5 joins the job of the event that is running already", () =>
    Effect.gen(function* () {
      yield* reserve()
      const { job } = yield* openNew({ tenantId: demo.tenantId, eventId: demo.eventId })
      // Whoever began it is dead: its lease has run out.
      yield* TestClock.adjust("1 minute")
      const joined = yield* orders(cancelEvent)
      assert.strictEqual(joined.stderr, `orders: job ${job.id} of this event is running already`)
      assert.deepStrictEqual(yield* jsonOf(Ran, joined), { jobId: job.id, total: 1, succeeded: 1, failed: 0 })
    }).pipe(Effect.provide(world))
  )

  it.effect("5 --yes alone does not return much money; the confirmation of a dry run does", () =>
    Effect.gen(function* () {
      yield* buy()
      const refused = yield* orders(cancelEvent, { ports: carefulTenant })
      assert.deepStrictEqual([refused.code, refused.stdout], [2, ""])
      assert.match(refused.stderr, /^orders: cancelling 1 orders returns more than the limit: make a dry run/)
      const { confirmationToken } = yield* jsonOf(
        Schema.Struct({ confirmationToken: Schema.String }),
        yield* orders(["cancel-event", demo.eventId, "--dry-run", "-o", "json"])
      )
      const done = yield* orders([...cancelEvent, "--confirmation", confirmationToken], { ports: carefulTenant })
      assert.deepStrictEqual([done.code, (yield* jsonOf(Ran, done)).succeeded], [0, 1])
    }).pipe(Effect.provide(world))
  )
})

describe("orders jobs", () => {
  it.effect("lists the jobs of the tenant, by event and state", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* orders(["jobs"]), { code: 0, stdout: "", stderr: "orders: no bulk jobs" })
      const { jobId } = yield* jsonOf(Ran, yield* orders(["cancel-event", demo.euroEventId, "--yes", "-o", "json"]))
      const { stdout } = yield* orders(["jobs", "--event", demo.euroEventId])
      assert.match(stdout, /^JOB +KIND +EVENT +STATE +DONE +FAILED +CREATED\n/)
      assert.include(stdout, `${jobId}  CANCEL_EVENT  ${demo.euroEventId}  DONE   0 of 0  0`)
      assert.strictEqual((yield* orders(["jobs", "--event", demo.eventId])).stdout, "")
      assert.strictEqual((yield* orders(["jobs", "--state", "RUNNING"])).stdout, "")
    }).pipe(Effect.provide(world))
  )

  it.effect("says that there is no such job", () =>
    Effect.gen(function* () {
      for (const command of ["job-show", "job-resume"]) {
        const { code, stderr } = yield* orders([command, "99999999-9999-4999-8999-999999999999"])
        assert.deepStrictEqual(
          [code, stderr],
          [3, "orders: bulk job 99999999-9999-4999-8999-999999999999 does not exist"]
        )
      }
    }).pipe(Effect.provide(world))
  )
})
