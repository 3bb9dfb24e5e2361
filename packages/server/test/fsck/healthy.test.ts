/** A database in which everything has happened that rules speak of, and nothing went wrong, has no offender. */
import { assert, layer } from "@effect/vitest"
import * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { busyDay, eventsEnd, journals, layerShop, publishAll } from "./shop.ts"

const linesOf = (results: ReadonlyArray<Fsck.CheckResult>): ReadonlyArray<string> =>
  results.flatMap(({ findings }) => findings).map(Fsck.lineOf)

layer(layerShop, { excludeTestServices: true, timeout: "300 seconds" })("fsck of a healthy database", (it) => {
  it.effect("finds nothing, with every check done", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { answers, orders } = yield* busyDay
      const evidence = { journals: yield* journals, clientLog: answers, captured: yield* publishAll, atRest: true }
      const results = yield* Fsck.inspect(evidence)
      assert.deepStrictEqual(linesOf(results), [])
      assert.deepStrictEqual(
        results.filter(({ notChecked }) => notChecked !== null),
        []
      )
      // It was a busy day: every state is there.
      const states = yield* sql<{ status: string; n: number }>`
        select status, count(*)::int as n from orders group by status order by status`
      assert.isAbove(orders, 20)
      assert.deepStrictEqual(
        states.map(({ status }) => status),
        ["CANCELLED", "CONFIRMED", "EXPIRED", "REFUNDED"]
      )

      yield* eventsEnd
      const [row] = yield* sql<{ n: number }>`select count(*)::int as n from orders where status = 'COMPLETED'`
      assert.isAbove(row?.n ?? 0, 5)
      const later = yield* Fsck.inspect({ ...evidence, captured: yield* publishAll })
      assert.deepStrictEqual(linesOf(later), [])
    })
  )

  it.effect("says what it has not checked where the evidence is not given", () =>
    Effect.gen(function* () {
      const results = yield* Fsck.inspect()
      const open = results.filter(({ notChecked }) => notChecked !== null)
      assert.deepStrictEqual(
        open.map(({ check, notChecked, part }) => `${check} ${part}: ${notChecked}`),
        [
          "I08 tickets: without the journal of the ticket service",
          "I09 capacity: without the journal of the ticket service",
          "I12 tickets: without the journal of the ticket service",
          "I10 payments: without the journal of the payment service",
          "I11 returned: without the journal of the payment service",
          "I12 payments: without the journal of the payment service",
          "I22 intent: without the journal of the payment service",
          "I15 answers: without what clients were answered",
          "I19 messages: without what was published"
        ]
      )
    })
  )
})
