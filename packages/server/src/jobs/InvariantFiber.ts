/**
 * Looks for broken invariants every few minutes: raises and ends their alarms, and tells monitoring how many there are.
 *
 * Only the checks that look at open and rare rows, so that the look costs the same however many orders there are; the
 * others are for `orders fsck`. One replica looks for all; each tells its own monitoring what the alarms say.
 */
import { type InvariantId, invariantIds } from "@tickettoken/order-domain/Invariants"
import { keepAlarms } from "@tickettoken/order-domain/keepAlarms"
import { Alarms, DETAIL_CHARS_MAX } from "@tickettoken/order-domain/ports/Alarms"
import { Duration, Effect, Layer, Schedule } from "effect"
import * as Fsck from "../fsck/Fsck.ts"
import { onceFor, slotOf } from "../sql/ChoreSlots.ts"
import { setInvariantBroken } from "../telemetry/Metrics.ts"
import { runChore } from "./chore.ts"

const LOOK_EVERY = Duration.minutes(3)

/** One alarm for each invariant, of the whole installation: what breaks one for one order breaks it for many. */
const matterOf = (check: InvariantId, findings: ReadonlyArray<Fsck.Finding>) => {
  const first = findings[0]
  const detail = `${findings.length} offenders or more, such as ${first === undefined ? "none" : Fsck.lineOf(first)}`
  return { tenantId: null, subject: check, detail: detail.slice(0, DETAIL_CHARS_MAX) }
}

/** Looks, and keeps the alarms. Where a check took too long nobody knows whether its alarm is over: none is ended. */
export const lookForBreaks = Effect.gen(function* () {
  const results = yield* Fsck.inspect({ cheap: true })
  const findings = results.flatMap((result) => result.findings)
  const broken = Map.groupBy(findings, ({ check }) => check)
  yield* keepAlarms(
    "INVARIANT_BROKEN",
    [...broken].map(([check, found]) => matterOf(check, found)),
    !results.some(({ isTimedOut }) => isTimedOut)
  )
}).pipe(Effect.withSpan("InvariantFiber.lookForBreaks"))

const round = Effect.gen(function* () {
  if (yield* onceFor("invariants", yield* slotOf(LOOK_EVERY))) yield* lookForBreaks
  const alarms = yield* Alarms
  const open = yield* alarms.list({ tenantId: null, kind: "INVARIANT_BROKEN", cleared: false, limit: 1_000 })
  const broken = new Set(open.map(({ alarm }) => alarm.subject))
  for (const check of invariantIds) yield* setInvariantBroken(check, broken.has(check))
  return 0
})

export const layer = Layer.effectDiscard(
  runChore({ name: "invariants", round, full: 1, schedule: Schedule.spaced(LOOK_EVERY) })
)
