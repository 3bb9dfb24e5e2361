/** Clients who wait for what becomes of their request, however long the processes behind it take. */
import { Effect, Schedule } from "effect"
import type { Answer } from "./send.ts"

/** Not the end yet: it goes on without the one who asks (202), somebody else is at it (409), or it takes too long (503). */
const isLater = ({ status, text }: Answer): boolean =>
  status === 202 || status === 503 || (status === 409 && text.includes("IDEMPOTENCY_IN_PROGRESS"))

/** A client that asks until it is answered: with the same key, as clients are told to. */
export const untilAnswered = <A extends Answer | null, R>(ask: Effect.Effect<A, never, R>) =>
  Effect.repeat(ask, {
    while: (answer) => answer !== null && isLater(answer),
    schedule: Schedule.spaced("200 millis").pipe(Schedule.upTo({ times: 600 }))
  })
