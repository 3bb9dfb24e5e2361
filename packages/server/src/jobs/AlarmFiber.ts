/**
 * Raises and ends the alarms that stand in the database for anybody to see, and tells monitoring how many are open.
 *
 * One replica looks for all; each tells its own monitoring. Alarms about work that its order refuses are raised by the
 * executor; here they end, if the executor could not say so itself. Those about messages that were set aside are raised by
 * whoever does that, and kept true here.
 */
import { keepAlarms, openAlarmsOf } from "@tickettoken/order-domain/keepAlarms"
import type { AlarmKind } from "@tickettoken/order-domain/ports/Alarms"
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { Duration, Effect, Layer, Schedule } from "effect"
import {
  openAlarms,
  openWork,
  overdueCompensations,
  paymentsInReview,
  unhandledMessages,
  unreadableWork
} from "../sql/AlarmFacts.ts"
import { onceFor, slotOf } from "../sql/ChoreSlots.ts"
import { setAlarmsOpen } from "../telemetry/Metrics.ts"
import { runChore } from "./chore.ts"

/** How long a matter may stand before somebody is told. */
const LOOK_EVERY = Duration.seconds(30)

const facts = [
  ["COMPENSATION_OVERDUE", overdueCompensations],
  ["WORK_UNREADABLE", unreadableWork],
  ["PAYMENT_REVIEW", paymentsInReview],
  ["MESSAGE_DEAD", unhandledMessages]
] as const satisfies ReadonlyArray<readonly [AlarmKind, unknown]>

/** Ends alarms about refused work that is done by now. */
const endRefusals = Effect.gen(function* () {
  const alarms = yield* Alarms
  // What is raised from here on is about work that nobody has looked at: it has its turn at the next look.
  const refused = yield* openAlarmsOf("WORK_REFUSED")
  const open = yield* openWork(refused.map(({ subject }) => subject))
  const over = refused.filter(({ subject }) => !open.has(subject))
  yield* Effect.forEach(over, alarms.clear, { discard: true })
})

/** One look at the facts. Each kind on its own: one that can not be looked at keeps no other. */
export const lookForAlarms = Effect.forEach(
  [
    ...facts.map(([kind, look]) => Effect.flatMap(look, ({ isAll, matters }) => keepAlarms(kind, matters, isAll))),
    endRefusals
  ],
  (look) => Effect.exit(look)
).pipe(Effect.flatMap(Effect.forEach((exit) => exit, { discard: true })), Effect.withSpan("AlarmFiber.lookForAlarms"))

const round = Effect.gen(function* () {
  if (yield* onceFor("alarms", yield* slotOf(LOOK_EVERY))) yield* lookForAlarms
  for (const { kind, open } of yield* openAlarms) yield* setAlarmsOpen(kind, open)
  return 0
})

export const layer = Layer.effectDiscard(
  runChore({ name: "alarms", round, full: 1, schedule: Schedule.spaced(LOOK_EVERY) })
)
