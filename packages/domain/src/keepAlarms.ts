/**
 * Keeps the alarms of a kind as a look at the facts finds them: raises what is found, and ends what is not found any more.
 */
import { Effect } from "effect"
import { type Alarm, type AlarmKind, Alarms } from "./ports/Alarms.ts"

/** How many open alarms of a kind one look compares; the rest have their turn at the next. */
const OPEN_ALARMS_MAX = 1_000

const isSame = (one: Alarm, other: Alarm): boolean => one.tenantId === other.tenantId && one.subject === other.subject

/** The open alarms of the kind, oldest first, so that those behind the limit move up as others end. */
export const openAlarmsOf = Effect.fn("openAlarmsOf")(function* (kind: AlarmKind) {
  const alarms = yield* Alarms
  const open = yield* alarms.list({ tenantId: null, kind, cleared: false, oldestFirst: true, limit: OPEN_ALARMS_MAX })
  return open.map(({ alarm }) => alarm)
})

/** `found` is everything of this kind that is wrong now, or `isAll` is false: then nothing is ended. */
export const keepAlarms = Effect.fn("keepAlarms")(function* (
  kind: AlarmKind,
  found: ReadonlyArray<Omit<Alarm, "kind">>,
  isAll: boolean
) {
  const alarms = yield* Alarms
  const wrong = found.map((alarm): Alarm => ({ ...alarm, kind }))
  yield* Effect.forEach(wrong, alarms.raise, { discard: true })
  if (!isAll) return
  const over = (yield* openAlarmsOf(kind)).filter((alarm) => !wrong.some((known) => isSame(known, alarm)))
  yield* Effect.forEach(over, alarms.clear, { discard: true })
})
