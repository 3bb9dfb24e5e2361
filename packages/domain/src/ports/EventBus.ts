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
 * - refused: the bus has said that it can not keep it
 * - unconfirmed: no answer in time, or none at all; it may have arrived
 */
export type Published = "confirmed" | "returned" | "refused" | "unconfirmed"

/** A message as it came: its text, whatever that is. */
export interface Delivery {
  readonly body: string
}

/**
 * What the bus is to do with a delivery.
 *
 * - ack: it is ours now
 * - later: hand it out again after a while, because it could not even be written down
 * - reject: hand it out no more
 */
export type Verdict = "ack" | "later" | "reject"

/** Who takes what comes. Several deliveries are under way at a time. */
export interface Receiver {
  readonly take: (delivery: Delivery) => Effect.Effect<Verdict>
  /** Gets what is handed out no more: what was rejected, or never answered however often it was handed out. */
  readonly setAside: (delivery: Delivery) => Effect.Effect<Verdict>
}

/** What the bus can not do at this moment, each with the reason in a few words for an operator; `null`: it can. */
export interface BusStatus {
  readonly publishing: string | null
  readonly consuming: string | null
}

export class EventBus extends Context.Service<
  EventBus,
  {
    /** While the bus can not publish, nothing needs to be tried. */
    readonly status: Effect.Effect<BusStatus>
    /**
     * Publishes the messages in their order, and answers in a bounded time what became of each, in the same order.
     * Never fails: a bus that is away confirms nothing.
     */
    readonly publish: (messages: ReadonlyArray<OrderMessage>) => Effect.Effect<ReadonlyArray<Published>>
    /**
     * Hands every message that is sent to us to the receiver, until it is interrupted; what was not answered by then is
     * handed out again. Several consumers share what comes.
     */
    readonly consume: (receiver: Receiver) => Effect.Effect<never>
  }
>()("@tickettoken/order-domain/ports/EventBus") {}

/** How often a message is handed out at most to receivers that break over it, or die. */
export const DELIVERIES_MAX = 10
