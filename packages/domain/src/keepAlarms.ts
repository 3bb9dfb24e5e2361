/**
 * Keeps the alarms of a kind as a look at the facts finds them: raises what is found, and ends what is not found any more.
 */
import { Effect } from "effect"
import { type Alarm, type AlarmKind, Alarms } from "./ports/Alarms.ts"

/** How many open alarms of a kind one look compares; the rest have their turn at the next. */
const OPEN_ALARMS_MAX = 1_000

const isSame = (one: Alarm, other: Alarm): boolean => one.tenantId === other.tenantId && one.subject === other.subject

/** Ends the open alarms of the kind whose matter is over. */
export const endAlarms = Effect.fn("endAlarms")(function* (kind: AlarmKind, isOver: (alarm: Alarm) => boolean) {
  const alarms = yield* Alarms
  const open = yield* alarms.list({ tenantId: null, kind, cleared: false, limit: OPEN_ALARMS_MAX })
  yield* Effect.forEach(
    open.filter(({ alarm }) => isOver(alarm)),
    ({ alarm }) => alarms.clear(alarm),
    { discard: true }
  )
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
  if (isAll) yield* endAlarms(kind, (alarm) => !wrong.some((known) => isSame(known, alarm)))
})
