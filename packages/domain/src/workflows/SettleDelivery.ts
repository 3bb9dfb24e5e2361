/**
 * Takes a claimed message to an end: handled, tried again later, or set aside for a person.
 *
 * **Details**
 *
 * Whatever can not be handled gets {@link TRIES_MAX} tries, from a second to five minutes apart: an order that is not
 * there yet has that long to appear, and a new release may know what an old one did not. Then the message is dead: it
 * stays as a row that can be listed and handled anew, and an alarm says so. An outage of a service that is asked uses up no
 * try; a process that dies over the message does.
 */
import { Cause, Duration, Effect, Result } from "effect"
import type { ClaimedDelivery, InboundMessage, InboxLease, MessageKey } from "../InboundMessage.ts"
import { nobody, readMessage } from "../InboundMessage.ts"
import { type Alarm, Alarms, DETAIL_CHARS_MAX } from "../ports/Alarms.ts"
import { Inbox } from "../ports/Inbox.ts"
import { STEP_SECONDS_MAX } from "../Work.ts"
import { Handling } from "./HandleMessage.ts"

/** The pauses between the tries of a message that can not be handled. */
const PAUSES_SECONDS = [1, 10, 60, 300] as const

/** How often a message that can not be handled is tried. */
export const TRIES_MAX = PAUSES_SECONDS.length + 1

/** How soon to ask again after an outage. */
const OUTAGE_PAUSE = Duration.seconds(10)

/** What a handler answers, or fails with. */
export type Handler<E, R> = (message: InboundMessage, lease: InboxLease) => Effect.Effect<Handling, E, R>

/** The alarm about a message that was set aside. One that names no tenant is a matter of the installation. */
export const alarmOf = ({ messageId, source, tenantId }: MessageKey): Pick<Alarm, "kind" | "tenantId" | "subject"> => ({
  kind: "MESSAGE_DEAD",
  tenantId: tenantId === nobody ? null : tenantId,
  subject: `${source}#${messageId}`
})

/** `Handling`, or: it was somebody else's by then, or nobody could say. */
type Ending = Handling | { readonly _tag: "Late" } | { readonly _tag: "Outage"; readonly why: string }

/**
 * Handles a message and writes down what came of it. Never fails: what can not be written down is found again by its
 * lease, which runs out.
 */
export const settleDelivery = Effect.fn("settleDelivery")(function* <E extends { readonly _tag: string }, R>(
  claimed: ClaimedDelivery,
  handle: Handler<E, R>
) {
  yield* attempt(claimed, handle).pipe(
    Effect.flatMap((ending) => record(claimed, ending)),
    Effect.catchTag("LeaseLost", (lost) => Effect.logDebug("late result of a message dropped", lost)),
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.logError(`message ${claimed.message.messageId} could not be settled`, cause)
    ),
    Effect.annotateLogs({ messageType: claimed.message.type, tenantId: claimed.message.tenantId })
  )
})

const attempt = <E extends { readonly _tag: string }, R>(
  { attempts, lease, message }: ClaimedDelivery,
  handle: Handler<E, R>
): Effect.Effect<Ending, never, R> => {
  if (attempts > TRIES_MAX) return Effect.succeed(Handling.Refused({ why: "whoever tried did not come to an end" }))
  const read = readMessage(message)
  if (Result.isFailure(read)) return Effect.succeed(Handling.Refused({ why: read.failure }))
  return handle(read.success, lease).pipe(
    Effect.timeoutOrElse({
      duration: Duration.seconds(STEP_SECONDS_MAX),
      orElse: () => Effect.succeed<Ending>({ _tag: "Outage", why: "no answer in time" })
    }),
    Effect.catch((error: E) => Effect.succeed(endingOf(error))),
    // What a bug says may quote the message: its name is enough here, the log has the rest.
    Effect.catchDefect((defect) =>
      Effect.as(
        Effect.logError(`the handler of ${message.type} is broken`, Cause.die(defect)),
        Handling.Refused({ why: "the handler is broken" })
      )
    )
  )
}

const endingOf = (error: { readonly _tag: string }): Ending => {
  if (error._tag === "LeaseLost") return { _tag: "Late" }
  const why = error instanceof Error ? error.message : error._tag
  return error._tag === "ServiceUnavailable" || error._tag === "VersionConflict"
    ? { _tag: "Outage", why }
    : Handling.Refused({ why })
}

const record = Effect.fnUntraced(function* (claimed: ClaimedDelivery, ending: Ending) {
  const inbox = yield* Inbox
  const { attempts, lease } = claimed
  switch (ending._tag) {
    case "Changed":
    case "Late":
      return
    case "Unchanged":
      return yield* inbox.end(lease, { _tag: "Unchanged" })
    case "Outage":
      return yield* inbox.retry(lease, { delay: OUTAGE_PAUSE, why: ending.why, isTry: false })
    default: {
      const pause = PAUSES_SECONDS[attempts - 1]
      yield* Effect.logWarning(`message ${lease.messageId} can not be handled: ${ending.why}`)
      return yield* pause === undefined
        ? setAside(claimed, ending.why)
        : inbox.retry(lease, { delay: Duration.seconds(pause), why: ending.why, isTry: true })
    }
  }
})

/**
 * Sets a claimed message aside for a person. Fails with `LeaseLost` and `ServiceUnavailable`; the alarm comes first: a
 * message that is dead without one would be forgotten.
 */
export const setAside = Effect.fn("setAside")(function* ({ lease, message }: ClaimedDelivery, why: string) {
  const alarms = yield* Alarms
  const inbox = yield* Inbox
  yield* alarms.raise({
    ...alarmOf(lease),
    detail: `a ${message.type} message could not be handled: ${why}`.slice(0, DETAIL_CHARS_MAX)
  })
  yield* inbox.end(lease, { _tag: "Dead", why })
})
