/**
 * Sends the messages that commits leave behind, on every replica: claims share them.
 *
 * **Details**
 *
 * Claim, publish, mark: a process that dies between any two of these leaves messages whose lease runs out, and they are
 * sent again with the same ids. At least once is the promise. Where there is no bus there is no relay: the messages wait
 * and nobody is alarmed.
 *
 * A message that the bus has not taken two minutes after it was written raises OUTBOX_STUCK. That is one alarm for the
 * installation, with the oldest such message: a bus that is away would else raise one for each.
 */
import { Alarms } from "@tickettoken/order-domain/ports/Alarms"
import { EventBus, type Published } from "@tickettoken/order-domain/ports/EventBus"
import { type ClaimedMessage, Outbox } from "@tickettoken/order-domain/ports/Outbox"
import { retryDelay } from "@tickettoken/order-domain/WorkExecutor"
import { Duration, Effect, Layer, Schedule } from "effect"
import { runChore } from "../jobs/chore.ts"

/** What is sent with one round trip; a lease outlasts the sending of it. */
const RELAY_BATCH = 64

/** How long a message may wait to be sent. */
const STUCK_AFTER = Duration.minutes(2)

/** How long a process that stops goes on sending what is left. */
const FLUSH_MAX = Duration.seconds(5)

/** The subject of the alarm. */
const SUBJECT = "outbox"

const reasons: { readonly [Outcome in Exclude<Published, "confirmed">]: string } = {
  returned: "nobody is bound to messages of this type",
  refused: "the bus has refused to keep it",
  unconfirmed: "the bus has not confirmed it in time"
}

/** Sends one batch; answers how many messages the bus has taken, so that a bus that takes none is left alone for a while. */
export const relayOnce = Effect.fn("OutboxRelay.relayOnce")(function* () {
  const bus = yield* EventBus
  const outbox = yield* Outbox
  if ((yield* bus.status).publishing !== null) return 0
  const claimed = yield* outbox.claim(RELAY_BATCH)
  if (claimed.length === 0) return 0
  const outcomes = yield* bus.publish(claimed.map(({ message }) => message))
  const left: Array<ClaimedMessage & { readonly why: string }> = []
  const taken: Array<ClaimedMessage> = []
  claimed.forEach((one, at) => {
    const outcome = outcomes[at] ?? "unconfirmed"
    if (outcome === "confirmed") taken.push(one)
    else left.push({ ...one, why: reasons[outcome] })
  })
  yield* outbox.sent(taken.map(({ lease }) => lease))
  if (left.length === 0) return taken.length
  const [first] = left
  yield* Effect.logWarning(
    `${left.length} messages were not sent, ${first?.message.id ?? ""} first: ${first?.why ?? ""}`
  )
  yield* outbox.postpone(left.map(({ attempts, lease, why }) => ({ lease, delay: retryDelay(attempts), why })))
  return taken.length
})

/** Raises the alarm while a message waits for too long, and ends it when none does. */
export const watchOutbox = Effect.fn("OutboxRelay.watchOutbox")(function* () {
  const alarms = yield* Alarms
  const outbox = yield* Outbox
  const alarm = { kind: "OUTBOX_STUCK", tenantId: null, subject: SUBJECT } as const
  const overdue = yield* outbox.overdue(STUCK_AFTER)
  if (overdue === null) return yield* alarms.clear(alarm)
  const { id, orderId, type, why } = overdue.oldest
  yield* alarms.raise({
    ...alarm,
    detail: `${overdue.messages} messages are not sent after ${Duration.toMinutes(STUCK_AFTER)} minutes; the oldest is ${type} ${id} of order ${orderId}: ${why ?? "nobody has sent it"}`
  })
})

const oftenASecond = Schedule.spaced("250 millis").pipe(Schedule.jittered)

const everyHalfMinute = Schedule.spaced("30 seconds").pipe(Schedule.jittered)

// Nobody writes anything new any more when this is reached, the executor least of all: what is left is sent, as far as
// time allows.
const flush = relayOnce().pipe(
  Effect.repeat({ while: (taken) => taken > 0 }),
  Effect.timeoutOption(FLUSH_MAX),
  Effect.catchCause((cause) => Effect.logWarning("the outbox could not be flushed and is left to others", cause))
)

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const context = yield* Effect.context<Alarms | EventBus | Outbox>()
    yield* Effect.addFinalizer(() => Effect.provideContext(flush, context))
    // A round that has begun comes to its end, or what it has claimed would wait for its lease.
    const round = Effect.uninterruptible(relayOnce())
    yield* runChore({ name: "relay", round, full: 1, schedule: oftenASecond })
    yield* runChore({ name: "outbox watch", round: Effect.as(watchOutbox(), 0), full: 1, schedule: everyHalfMinute })
  })
)
