/**
 * Takes what our queue holds, and what it hands out no more.
 *
 * **Details**
 *
 * A delivery stays ours until the receiver has decided about it. "Later" is not told to RabbitMQ, which would count it as
 * a failure and give up on the message after a few: the delivery is held and given to the receiver again, and while so
 * many are held nothing new comes. So an outage of our database leaves the messages where they are.
 *
 * A receiver that breaks over a message gives it back, and so does a session that is lost: RabbitMQ counts those, and hands
 * the message out no more after a few. Then it is to be set aside.
 */
import type { Receiver, Verdict } from "@tickettoken/order-domain/ports/EventBus"
import type { ConfirmChannel, ConsumeMessage } from "amqplib"
import { Effect, Queue } from "effect"
import { ask, keepSessions, type Presence, present, type RabbitAddress, type Session } from "./Session.ts"
import { declareAll, type Names } from "./Topology.ts"

export interface ConsumerOptions {
  readonly address: RabbitAddress
  readonly names: Names
  /** How many deliveries are under way at a time. */
  readonly prefetch: number
}

interface Handed {
  readonly message: ConsumeMessage
  /** It is handed out no more. */
  readonly isOver: boolean
}

/** How soon a receiver is asked again that has said "later". */
const PAUSE = "1 second"

/** How soon one that is broken. */
const RECOVERY = "200 millis"

/** The same where a message can not even be set aside: nobody else takes it. */
const PATIENCE = "10 seconds"

const NAME = "consumer"

/** Consumes for ever; `presence` says whether it does at this moment. */
export const consume = ({ address, names, prefetch }: ConsumerOptions, receiver: Receiver, presence: Presence) =>
  keepSessions(address, NAME, presence, (session) =>
    Effect.gen(function* () {
      const deliveries = yield* Queue.unbounded<Handed>()
      yield* declareAll(session, names)
      yield* ask(() => session.channel.prefetch(prefetch))
      yield* subscribe(session, names.inbox, (message) => Queue.offerUnsafe(deliveries, { message, isOver: false }))
      yield* subscribe(session, names.dead, (message) => Queue.offerUnsafe(deliveries, { message, isOver: true }))
      yield* present(presence, NAME)
      yield* Effect.forEach(
        Array.from({ length: prefetch }),
        () => Effect.forever(Effect.flatMap(Queue.take(deliveries), (handed) => handle(session, handed, receiver))),
        { concurrency: "unbounded", discard: true }
      )
      return yield* Effect.never
    })
  )

const subscribe = ({ channel, lose }: Session, queue: string, take: (message: ConsumeMessage) => void) =>
  ask(() =>
    channel.consume(queue, (message) => (message === null ? lose(`the queue ${queue} is gone`) : take(message)))
  )

/** What has been decided is answered, also when the consumer ends at this moment. */
const handle = ({ channel }: Session, { isOver, message }: Handed, receiver: Receiver): Effect.Effect<void> =>
  Effect.uninterruptibleMask((restore) => {
    const delivery = { body: message.content.toString("utf8") }
    const deciding = isOver ? keepTrying(decided(receiver.setAside(delivery))) : taken(decided(receiver.take(delivery)))
    return Effect.flatMap(restore(deciding), (verdict) => answer(channel, message, verdict))
  })

const taken = (asked: Effect.Effect<Verdict>): Effect.Effect<Verdict> =>
  Effect.catchDefect(asked, (defect) =>
    Effect.logError("a receiver is broken and goes on", defect).pipe(
      Effect.andThen(Effect.sleep(RECOVERY)),
      Effect.as<Verdict>("later")
    )
  )

const decided = (asked: Effect.Effect<Verdict>): Effect.Effect<Verdict> =>
  Effect.flatMap(asked, (verdict) =>
    verdict === "later" ? Effect.andThen(Effect.sleep(PAUSE), decided(asked)) : Effect.succeed(verdict)
  )

const keepTrying = (asked: Effect.Effect<Verdict>): Effect.Effect<Verdict> =>
  Effect.catchDefect(asked, (defect) =>
    Effect.logError("a message can not be set aside and is kept", defect).pipe(
      Effect.andThen(Effect.sleep(PATIENCE)),
      Effect.andThen(keepTrying(asked))
    )
  )

/** What the channel can not be told any more is handed out again, and known. */
const answer = (channel: ConfirmChannel, message: ConsumeMessage, verdict: Verdict): Effect.Effect<void> =>
  Effect.sync(() => {
    try {
      if (verdict === "ack") channel.ack(message)
      else channel.nack(message, false, verdict === "later")
    } catch {
      // Its session is gone.
    }
  })
