/** A bulk job whose process dies, wherever it is: the next one goes on, and the end is that of a run without a death. */
import { assert } from "@effect/vitest"
import { BulkJobReads } from "@tickettoken/order-domain/ports/BulkJobReads"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { bulkCancelEvent } from "@tickettoken/order-domain/workflows/BulkCancelEvent"
import { runDueBulkJob } from "@tickettoken/order-domain/workflows/RunBulkJob"
import { Effect } from "effect"
import {
  freshShow,
  organiser,
  outcomeOf,
  overBothStores,
  PAID_CENTS,
  sell,
  type Show,
  sweep
} from "./support/bulkWorld.ts"
import { type Call, type Death, mortal } from "./support/mortal.ts"

const ORDERS = 5

/** The crash points of reliability.md, 2.1, by the calls that they lie between. */
const named: { readonly [point: string]: string } = {
  "open after": "B1, the job's row is written",
  "commit after": "B2, an order is cancelled and that is not written down",
  "leave before": "B3, before the sums"
}

const calls: ReadonlyArray<Call> = ["open", "renew", "meet", "due", "record", "leave", "commit"]

const deaths: ReadonlyArray<Death> = calls.flatMap((at) => [
  { at, when: "before", nth: at === "commit" ? 2 : 1 } as const,
  { at, when: "after", nth: at === "commit" ? 2 : 1 } as const
])

const nameOf = ({ at, when }: Death): string => named[`${at} ${when}`] ?? `${when} ${at}`

const jobsOf = ({ eventId }: Show) =>
  Effect.flatMap(BulkJobReads, (reads) => reads.list({ tenantId: demo.tenantId, eventId, state: null, limit: 10 }))

const ask = ({ eventId }: Show) => bulkCancelEvent({ caller: organiser, eventId, reason: "rain" })

/** The client asks once; then processes live and die one after the other, until one is left that does not. */
const livesAndDeaths = Effect.fnUntraced(function* (show: Show, death: Death, times: number) {
  const time = yield* TestTime
  let died = 0
  for (let life = 0; life < times; life++) {
    const { died: hasDied, live } = yield* mortal(death)
    const [begun] = yield* jobsOf(show)
    // Where nothing was begun, the client, who got no answer, asks again.
    yield* live(begun === undefined ? Effect.asVoid(ask(show)) : Effect.asVoid(runDueBulkJob()))
    died += hasDied() ? 1 : 0
    yield* time.passMinutes(1)
  }
  yield* Effect.repeat(Effect.andThen(time.passMinutes(1), runDueBulkJob()), { while: (taken) => taken > 0 })
  if ((yield* jobsOf(show)).length === 0) yield* ask(show)
  return died
})

overBothStores("a bulk job whose process dies", (it) => {
  for (const times of [1, 2]) {
    for (const death of deaths) {
      it.effect(`5 ends as if nothing had been: ${nameOf(death)}, ${times === 1 ? "once" : "twice in a row"}`, () =>
        Effect.gen(function* () {
          const show = yield* freshShow
          const { orders, paid } = yield* sell(show, ORDERS)
          const died = yield* livesAndDeaths(show, death, times)
          // What has taken effect is not done again by the next life.
          const comesOnce = death.when === "after" && ["open", "meet", "record", "leave"].includes(death.at)
          assert.strictEqual(died, comesOnce ? 1 : times)
          const jobs = yield* jobsOf(show)
          assert.deepStrictEqual(
            jobs.map(({ state }) => state),
            ["DONE"]
          )
          assert.deepStrictEqual(jobs[0]?.tally, {
            total: ORDERS,
            succeeded: ORDERS,
            failed: 0,
            pending: 0,
            refundCents: { USD: paid * PAID_CENTS }
          })
          yield* sweep
          assert.deepStrictEqual(yield* outcomeOf(orders), {
            statuses: { CANCELLED: ORDERS - paid, REFUNDED: paid },
            cancelledTwice: 0,
            refunds: paid,
            refundCents: paid * PAID_CENTS
          })
        })
      )
    }
  }
})
