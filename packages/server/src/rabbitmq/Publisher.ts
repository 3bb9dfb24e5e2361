/**
 * Publishes to RabbitMQ, and believes nothing but its confirms.
 *
 * **Details**
 *
 * A confirm alone is no proof that anybody has the message: one that no queue is bound for is confirmed as well. So
 * messages are `mandatory`, and RabbitMQ returns such a one before it confirms it. All messages leave by one channel, in
 * the order in which they were given.
 *
 * A broker that is short of memory or disk says so, takes nothing, and confirms nothing for as long as that lasts:
 * meanwhile nothing is given to it. What is under way is bounded, whatever the broker says or does not say.
 *
 * **Gotchas**
 *
 * A message that was not confirmed in time may still arrive, before or after it is published again.
 */
import { messageJson, type OrderMessage } from "@tickettoken/order-domain/OrderMessage"
import type { Published } from "@tickettoken/order-domain/ports/EventBus"
import type { ConfirmChannel } from "amqplib"
import { DateTime, type Duration, Effect } from "effect"
import { absent, keepSessions, present, type RabbitAddress } from "./Session.ts"
import { declareExchange, type Names } from "./Topology.ts"

/** Messages without an answer: more of them would only wait longer. */
const UNANSWERED_MAX = 2_000

const MILLIS_PER_SECOND = 1000

/** The channel of the session that is there. */
interface Open {
  readonly channel: ConfirmChannel
  /** How often a message was returned whose confirm is still to come, by its id. */
  readonly returned: Map<string, number>
  unanswered: number
  /** Why the broker takes nothing at this moment. */
  blocked: string | null
}

export interface PublisherOptions {
  readonly address: RabbitAddress
  readonly names: Names
  readonly confirmTimeout: Duration.Duration
}

const NAME = "publisher"

/** Has sessions until the scope ends. */
export const make = Effect.fnUntraced(function* ({ address, confirmTimeout, names }: PublisherOptions) {
  const presence = absent()
  let open: Open | null = null

  yield* keepSessions(address, NAME, presence, (session) =>
    Effect.gen(function* () {
      const { channel, model } = session
      const mine: Open = { channel, returned: new Map(), unanswered: 0, blocked: null }
      channel.on("return", ({ properties: { messageId } }) => count(mine.returned, String(messageId), 1))
      model.on("blocked", (reason) => {
        mine.blocked = reason
      })
      model.on("unblocked", () => {
        mine.blocked = null
      })
      yield* declareExchange(session, names)
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          open = mine
        }),
        () =>
          Effect.sync(() => {
            open = null
          })
      )
      yield* present(presence, NAME)
      return yield* Effect.never
    })
  ).pipe(Effect.forkScoped)

  /** Why nothing can be published now. */
  const whyNot = (): string | null => {
    if (open === null) return presence.why ?? "the connection is gone"
    if (open.blocked !== null) return `it takes nothing at the moment: ${open.blocked}`
    return open.unanswered >= UNANSWERED_MAX ? `${open.unanswered} messages are without an answer` : null
  }

  const publish = (messages: ReadonlyArray<OrderMessage>): Effect.Effect<ReadonlyArray<Published>> =>
    Effect.suspend(() => {
      const outcomes = messages.map((): Published => "unconfirmed")
      const via = open
      if (via === null || whyNot() !== null || messages.length === 0) return Effect.succeed(outcomes)
      return Effect.callback<void>((resume) => {
        let left = messages.length
        messages.forEach((message, at) =>
          send(via, names.events, message, (outcome) => {
            outcomes[at] = outcome
            left -= 1
            if (left === 0) resume(Effect.void)
          })
        )
      }).pipe(
        Effect.timeoutOption(confirmTimeout),
        // What is answered later changes nothing of what was said.
        Effect.map(() => [...outcomes])
      )
    })

  return { publish, whyNot: Effect.sync(whyNot) }
})

const count = (counts: Map<string, number>, id: string, by: number): number => {
  const now = (counts.get(id) ?? 0) + by
  if (now > 0) counts.set(id, now)
  else counts.delete(id)
  return now
}

/** Sends one message and says once what became of it. */
const send = (via: Open, exchange: string, message: OrderMessage, answered: (outcome: Published) => void): void => {
  const { id, traceparent, type } = message
  const properties = {
    mandatory: true,
    persistent: true,
    messageId: id,
    type,
    appId: message.source,
    contentType: "application/cloudevents+json",
    contentEncoding: "utf-8",
    timestamp: Math.floor(DateTime.toEpochMillis(message.time) / MILLIS_PER_SECOND),
    headers: traceparent === undefined ? {} : { traceparent }
  }
  try {
    via.channel.publish(exchange, type, Buffer.from(messageJson(message)), properties, (error: unknown) => {
      via.unanswered -= 1
      answered(outcomeOf(via, id, error))
    })
    via.unanswered += 1
  } catch {
    // The channel is gone, and nothing has left.
    answered("unconfirmed")
  }
}

const outcomeOf = ({ returned }: Open, id: string, error: unknown): Published => {
  if (returned.has(id)) {
    count(returned, id, -1)
    return "returned"
  }
  if (error === null) return "confirmed"
  return error instanceof Error && error.message === "message nacked" ? "refused" : "unconfirmed"
}
