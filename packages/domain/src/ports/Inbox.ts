/**
 * The messages that other services have sent us. Each is one row, whoever hands it out how often: the row ends in the
 * transaction of the message's effect, so that a message has one effect.
 *
 * What can not be handled yet, or ever, waits here and not at the bus: it keeps nobody behind it.
 */
import { Context, type DateTime, type Duration, type Effect } from "effect"
import type { TenantId } from "../Ids.ts"
import type { ClaimedDelivery, InboxLease, MessageKey, ReceivedMessage } from "../InboundMessage.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"
import type { LeaseLost } from "./OrderStore.ts"

/** How a message ends that changes no order: nothing is to be done, or it is set aside for a person. */
export type InboxEnd = { readonly _tag: "Unchanged" } | { readonly _tag: "Dead"; readonly why: string }

/** After which time it is due again, and why, for the operator. What is no try does not count as an attempt. */
export interface InboxRetry {
  readonly delay: Duration.Duration
  readonly why: string
  readonly isTry: boolean
}

/** A message that was set aside. */
export interface DeadMessage {
  readonly message: ReceivedMessage
  readonly attempts: number
  readonly why: string
  readonly receivedAt: DateTime.Utc
}

/** Which messages that were set aside: a tenant's, one or all, from an instant of receipt on. */
export interface DeadQuery {
  readonly tenantId: TenantId
  readonly messageId: string | null
  readonly since: DateTime.Utc | null
  readonly limit: number
}

export class Inbox extends Context.Service<
  Inbox,
  {
    /** Writes the message down, claimed by the caller; `null` if it is known already, however it stands. */
    readonly receive: (message: ReceivedMessage) => Effect.Effect<ClaimedDelivery | null, ServiceUnavailable>
    /** Claims up to `limit` messages whose time has come or whose lease has run out, the longest waiting first. */
    readonly claimDue: (limit: number) => Effect.Effect<ReadonlyArray<ClaimedDelivery>, ServiceUnavailable>
    /** Ends a message without a change of an order. With one, `OrderStore.commit` ends it. */
    readonly end: (lease: InboxLease, end: InboxEnd) => Effect.Effect<void, LeaseLost | ServiceUnavailable>
    /** Gives the message back for later. */
    readonly retry: (lease: InboxLease, how: InboxRetry) => Effect.Effect<void, LeaseLost | ServiceUnavailable>
    /** What was set aside, the oldest first. */
    readonly dead: (query: DeadQuery) => Effect.Effect<ReadonlyArray<DeadMessage>, ServiceUnavailable>
    /** Has messages that were set aside handled anew, the oldest first, with all their tries; answers which. */
    readonly revive: (query: DeadQuery) => Effect.Effect<ReadonlyArray<MessageKey>, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/Inbox") {}
