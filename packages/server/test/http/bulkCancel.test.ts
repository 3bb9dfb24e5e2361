/** Cancelling a whole event over HTTP: the dry run and its token, and the job behind an answer that can not wait. */
import { assert, layer } from "@effect/vitest"
import { BULK_ORDERS_IN_REQUEST_MAX } from "@tickettoken/order-domain/BulkCancel"
import { runDueBulkJob } from "@tickettoken/order-domain/workflows/RunBulkJob"
import { create } from "@tickettoken/order-testing/contracts/storeFixture"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { freshBuyer } from "@tickettoken/order-testing/TestOrders"
import { Duration, Effect } from "effect"
import { asService, confirmedOrder, createOrder, person } from "./support/buyer.ts"
import { eventually } from "./support/eventually.ts"
import { live, overEveryStore } from "./support/everyStore.ts"
import { INSTANT, UUID } from "./support/golden.ts"
import { at, listAt, textAt } from "./support/send.ts"
import { memoryServer } from "./support/testServer.ts"

const cancel = (body: object, options?: Parameters<typeof asService>[3]) =>
  asService("POST", "/internal/v1/orders/bulk/cancel", { reason: "called off", ...body }, options)

const show = (jobId: string, query = "", options?: Parameters<typeof asService>[3]) =>
  asService("GET", `/internal/v1/bulk-jobs/${jobId}${query}`, undefined, options)

const soonOrder = (quantity: number) => ({ eventId: demo.soonEventId, items: [{ ...demo.soon, quantity }] })
const euroOrder = { eventId: demo.euroEventId, items: [{ ...demo.euro, quantity: 1 }], currency: "EUR" }

const unconfirmed = { USD: 30_000 }

overEveryStore(
  "bulk cancellation",
  (it) => {
    it.effect("5 much money needs the token of a dry run, and one that covers it", () =>
      Effect.gen(function* () {
        const buyer = yield* person()
        yield* createOrder(buyer, soonOrder(1))
        yield* confirmedOrder(buyer, soonOrder(2))
        yield* confirmedOrder(buyer, soonOrder(1))
        const event = { eventId: demo.soonEventId }
        const missing = yield* cancel(event)
        assert.deepStrictEqual([missing.status, at(missing.json, "code")], [422, "CONFIRMATION_REQUIRED"])
        const planned = yield* cancel({ ...event, dryRun: true })
        assert.strictEqual(planned.status, 200)
        assert.deepStrictEqual(planned.json, {
          dryRun: true,
          eventId: demo.soonEventId,
          orders: 3,
          releases: 1,
          refunds: 2,
          refundCents: { USD: 23_338 + 11_685 },
          confirmationToken: `${demo.tenantId}:${demo.soonEventId}:3:USD=35023`
        })
        const confirmationToken = textAt(planned.json, "confirmationToken")
        // Somebody has bought in between: what was confirmed does not cover it. Nothing has happened yet.
        yield* createOrder(buyer, soonOrder(1))
        for (const token of [confirmationToken, confirmationToken.replace("224", "221"), "", "::::"]) {
          const stale = yield* cancel({ ...event, confirmationToken: token })
          assert.deepStrictEqual([stale.status, at(stale.json, "code")], [409, "CONFIRMATION_STALE"], token)
        }
        const again = yield* cancel({ ...event, dryRun: true })
        const done = yield* cancel({ ...event, confirmationToken: textAt(again.json, "confirmationToken") })
        assert.strictEqual(done.status, 200)
        assert.deepStrictEqual(at(done.json, "results"), { total: 4, succeeded: 4, failed: 0, errors: [] })
      })
    )

    it.effect("5 answers 202 on request, and shows the job to its tenant until it is done", () =>
      Effect.gen(function* () {
        const buyer = yield* person()
        const order = yield* createOrder(buyer, euroOrder)
        const started = yield* cancel({ eventId: demo.euroEventId, async: true })
        assert.strictEqual(started.status, 202)
        const id = textAt(started.json, "job", "id")
        assert.match(id, UUID)
        const running = {
          id,
          kind: "CANCEL_EVENT",
          eventId: demo.euroEventId,
          reason: "called off",
          state: "RUNNING",
          results: { total: 0, succeeded: 0, failed: 0, pending: 0 },
          refundCents: {},
          createdAt: textAt(started.json, "job", "createdAt"),
          finishedAt: null
        }
        assert.match(running.createdAt, INSTANT)
        assert.deepStrictEqual(started.json, { message: "Bulk cancellation goes on in the background", job: running })
        assert.deepStrictEqual((yield* show(id)).json, { ...running, failures: [], nextFailure: null })
        // The event is closed already, and the same call joins the job.
        assert.strictEqual(at((yield* buyer.post("/api/v1/orders", euroOrder)).json, "code"), "EVENT_CANCELLED")
        const joined = yield* cancel({ eventId: demo.euroEventId, async: true })
        assert.deepStrictEqual([joined.status, at(joined.json, "job", "id")], [202, id])
        yield* Effect.repeat(runDueBulkJob(), { while: (taken) => taken > 0 })
        const done = yield* show(id)
        assert.deepStrictEqual(
          [at(done.json, "state"), at(done.json, "results")],
          ["DONE", { total: 1, succeeded: 1, failed: 0, pending: 0 }]
        )
        assert.match(textAt(done.json, "finishedAt"), INSTANT)
        assert.strictEqual(at((yield* buyer.get(`/api/v1/orders/${order.id}`)).json, "status"), "CANCELLED")
        const absent = yield* show("22222222-2222-4222-8222-222222222299")
        assert.deepStrictEqual([absent.status, at(absent.json, "code")], [404, "BULK_JOB_NOT_FOUND"])
        const foreign = yield* show(id, "", { tenantId: demo.secondTenantId })
        assert.deepStrictEqual([foreign.status, at(foreign.json, "code")], [404, "BULK_JOB_NOT_FOUND"])
        assert.strictEqual((yield* show(id, "", { key: "reader" })).status, 403)
      })
    )

    it.effect("5 answers 200 for an event without orders", () =>
      Effect.gen(function* () {
        const { json, status } = yield* cancel({ eventId: demo.cancelledEventId })
        assert.deepStrictEqual([status, at(json, "results", "total")], [200, 0])
      })
    )
  },
  { policies: { bulkCancel: { unconfirmedCentsMax: unconfirmed } } }
)

layer(memoryServer({ requestBudget: Duration.millis(300) }), live)("bulk cancellation that takes long", (it) => {
  it.effect("5 answers 202 when the budget has run out, and the run goes on without the caller", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      const order = yield* createOrder(yield* person(), soonOrder(1))
      const { letGo, reached } = yield* faults.stopNext("tickets.release")
      const started = yield* cancel({ eventId: demo.soonEventId })
      yield* reached
      assert.strictEqual(started.status, 202)
      const id = textAt(started.json, "job", "id")
      const pending = { total: 1, succeeded: 0, failed: 0, pending: 1 }
      assert.deepStrictEqual(at((yield* show(id)).json, "results"), pending)
      yield* letGo
      const done = yield* eventually(show(id), ({ json }) => at(json, "state") === "DONE")
      assert.strictEqual(at(done.json, "results", "succeeded"), 1)
      assert.match(order.id, UUID)
    })
  )

  it.effect("5 is not lost with the database, and lists what is tried again", () =>
    Effect.gen(function* () {
      const faults = yield* ScriptedFaults
      yield* createOrder(yield* person())
      yield* createOrder(yield* person())
      yield* faults.always(["store.commit"], "failBefore")
      const started = yield* cancel({ eventId: demo.eventId })
      assert.strictEqual(started.status, 202)
      const id = textAt(started.json, "job", "id")
      const waiting = yield* eventually(show(id, "?limit=1"), ({ json }) => typeof at(json, "nextFailure") === "string")
      const [failure] = listAt(waiting.json, "failures")
      assert.deepStrictEqual(
        [at(failure, "state"), at(failure, "attempts"), at(failure, "error")],
        ["OPEN", 1, "the database service is not available: store.commit did not happen"]
      )
      const next = yield* show(id, `?limit=1&after=${textAt(waiting.json, "nextFailure")}`)
      assert.deepStrictEqual([listAt(next.json, "failures").length, at(next.json, "nextFailure")], [1, null])
      yield* faults.heal
      const done = yield* eventually(
        Effect.andThen(runDueBulkJob(), show(id)),
        ({ json }) => at(json, "state") === "DONE"
      )
      assert.deepStrictEqual(at(done.json, "results"), { total: 2, succeeded: 2, failed: 0, pending: 0 })
    })
  )

  it.effect("5 more orders than fit into a request are a job at once", () =>
    Effect.gen(function* () {
      const buyer = yield* freshBuyer
      yield* Effect.forEach(Array.from({ length: BULK_ORDERS_IN_REQUEST_MAX + 1 }), () =>
        Effect.flatMap(freshBuyer, ({ userId }) => create({ ...buyer, userId }))
      )
      const { tenantId } = buyer
      const started = yield* cancel({ eventId: buyer.eventId }, { tenantId })
      assert.strictEqual(started.status, 202)
      yield* Effect.repeat(runDueBulkJob(), { while: (taken) => taken > 0 })
      const done = yield* show(textAt(started.json, "job", "id"), "", { tenantId })
      assert.deepStrictEqual(at(done.json, "results"), {
        total: BULK_ORDERS_IN_REQUEST_MAX + 1,
        succeeded: BULK_ORDERS_IN_REQUEST_MAX + 1,
        failed: 0,
        pending: 0
      })
    })
  )
})
