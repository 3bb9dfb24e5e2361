/**
 * What the service needs of RabbitMQ, by name: declared with every session, so that a new broker is ready by itself and
 * one that lost something has it again.
 *
 * **Details**
 *
 * Declaring what is there already changes nothing. One of the same name with other settings is not touched: RabbitMQ
 * refuses, and its words say which setting it is.
 *
 * What our queue hands out no more goes to a queue of its own, from which the service takes it and sets it aside. On the
 * way it is kept until it has arrived (at-least-once).
 */
import { inboundTypes } from "@tickettoken/order-domain/InboundMessage"
import { DELIVERIES_MAX } from "@tickettoken/order-domain/ports/EventBus"
import { Effect } from "effect"
import { DEAD_LETTERS, EVENTS_EXCHANGE, INBOX_QUEUE } from "../contract/Messages.ts"
import { ask, type Session } from "./Session.ts"

export interface Names {
  /** A topic exchange: everybody's facts, by type. */
  readonly events: string
  /** Our queue: what others tell us. */
  readonly inbox: string
  /** The exchange of what our queue hands out no more, and its queue. */
  readonly dead: string
}

/** What other services know us by. */
export const names: Names = {
  events: EVENTS_EXCHANGE,
  inbox: INBOX_QUEUE,
  dead: DEAD_LETTERS
}

/** The exchange that we publish to. */
export const declareExchange = Effect.fnUntraced(function* ({ channel }: Pick<Session, "channel">, { events }: Names) {
  yield* ask(() => channel.assertExchange(events, "topic", { durable: true }))
})

/** All of it. */
export const declareAll = Effect.fnUntraced(function* (
  { channel }: Pick<Session, "channel">,
  { dead, events, inbox }: Names
) {
  yield* ask(() => channel.assertExchange(events, "topic", { durable: true }))
  yield* ask(() => channel.assertExchange(dead, "fanout", { durable: true }))
  yield* ask(() => channel.assertQueue(dead, { durable: true, arguments: { "x-queue-type": "quorum" } }))
  yield* ask(() => channel.bindQueue(dead, dead, ""))
  yield* ask(() =>
    channel.assertQueue(inbox, {
      durable: true,
      arguments: {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERIES_MAX,
        "x-dead-letter-exchange": dead,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish"
      }
    })
  )
  for (const type of inboundTypes) yield* ask(() => channel.bindQueue(inbox, events, type))
})
