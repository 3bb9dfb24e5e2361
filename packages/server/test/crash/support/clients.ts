/** People in a story who wait for what becomes of their request, however long the processes behind it take. */
import { Effect, Schedule } from "effect"
import type { Answer } from "../../http/support/send.ts"

/** Not the end yet: it goes on without the one who asks (202), somebody else is at it (409), or it takes too long (503). */
const laterStatuses: ReadonlyArray<number> = [202, 409, 503]

const isFinal = (answer: Answer | null): boolean => answer === null || !laterStatuses.includes(answer.status)

/** A client that asks until it is answered: with the same key, as clients are told to. */
export const untilAnswered = <R>(ask: Effect.Effect<Answer | null, never, R>) =>
  Effect.repeat(ask, { until: isFinal, schedule: Schedule.spaced("200 millis").pipe(Schedule.upTo({ times: 600 })) })
