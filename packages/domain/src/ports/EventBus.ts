/**
 * The event bus: where facts of orders are told to others, and where others tell us theirs.
 *
 * It makes the service connected, never correct: whatever is published is a row first, and whatever is received becomes
 * one. So a bus may lose its connection, hand out a message twice or out of order, and nothing is lost.
 */
import { Context, type Effect } from "effect"
import type { OrderMessage } from "../OrderMessage.ts"

/**
 * What became of a message.
 *
 * - confirmed: the bus has it for good
 * - returned: nobody is bound to its type, so the bus has thrown it away
 * - unconfirmed: no answer in time, or none at all; it may have arrived
 */
export type Published = "confirmed" | "returned" | "unconfirmed"

/** A message as it came: its text, whatever that is. */
export interface Delivery {
  readonly body: string
}

/**
 * What the bus is to do with a delivery.
 *
 * - ack: it is ours now
 * - later: hand it out again after a while, because it could not even be written down
 * - reject: throw it away, or to where its operator keeps such things
 */
export type Verdict = "ack" | "later" | "reject"

export class EventBus extends Context.Service<
  EventBus,
  {
    /** Whether the bus can be spoken to at this moment. While it can not, nothing needs to be tried. */
    readonly isUp: Effect.Effect<boolean>
    /**
     * Publishes the messages in their order, and answers what became of each, in the same order. Never fails: a bus
     * that is away confirms nothing.
     */
    readonly publish: (messages: ReadonlyArray<OrderMessage>) => Effect.Effect<ReadonlyArray<Published>>
    /**
     * Hands every message that is sent to us to the handler, several at a time, until it is interrupted; what was not
     * answered by then is handed out again. Several consumers share what comes.
     */
    readonly consume: (handler: (delivery: Delivery) => Effect.Effect<Verdict>) => Effect.Effect<never>
  }
>()("@tickettoken/order-domain/ports/EventBus") {}
