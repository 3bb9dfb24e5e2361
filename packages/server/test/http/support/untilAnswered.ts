/** Clients who wait for what becomes of their request, however long the processes behind it take. */
import { Duration, Effect, Schedule } from "effect"
import type { Answer } from "./send.ts"

/** Not the end yet: it goes on without the one who asks (202), somebody else is at it (409), or it takes too long (503). */
const isLater = ({ status, text }: Answer): boolean =>
  status === 202 || status === 503 || (status === 409 && text.includes("IDEMPOTENCY_IN_PROGRESS"))

/** As long as the service asks for with Retry-After: many who ask more often keep a slow machine busy with them alone. */
const PAUSE_MAX = Duration.seconds(2)

/** A client that asks until it is answered: with the same key, as clients are told to. */
export const untilAnswered = <A extends Answer | null, R>(ask: Effect.Effect<A, never, R>) =>
  Effect.repeat(ask, {
    while: (answer) => answer !== null && isLater(answer),
    schedule: Schedule.exponential("100 millis").pipe(
      Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, PAUSE_MAX))),
      Schedule.upTo({ times: 120 })
    )
  })
