/**
 * The messages that are written and not sent yet. Every commit of an order leaves one, in the same transaction.
 */
import { Context, type DateTime, type Duration, type Effect } from "effect"
import type { OrderId, TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"
import type { OrderMessage } from "../OrderMessage.ts"

/** The right to say what became of a message. */
export interface OutboxLease {
  readonly tenantId: TenantId
  readonly orderId: OrderId
  readonly version: number
  readonly token: number
}

/** `attempts` counts claims, this one included. */
export interface ClaimedMessage {
  readonly message: OrderMessage
  readonly lease: OutboxLease
  readonly attempts: number
}

/** A message that is given back. */
export interface Postponed {
  readonly lease: OutboxLease
  readonly delay: Duration.Duration
  readonly why: string
}

/** How many messages wait for longer than they should, and the one that has waited longest. */
export interface Overdue {
  readonly messages: number
  readonly oldest: {
    readonly id: string
    readonly type: string
    readonly orderId: OrderId
    readonly why: string | null
  }
}

/** Which messages that were sent are sent once more: a tenant's, of one order or of all, from an instant on. */
export interface ReplayRequest {
  readonly tenantId: TenantId
  readonly orderId: OrderId | null
  readonly since: DateTime.Utc | null
  /** Only what was sent up to this instant: what the replay itself sends again is not its business. */
  readonly sentUntil: DateTime.Utc
  readonly limit: number
}

export class Outbox extends Context.Service<
  Outbox,
  {
    /**
     * Claims up to `limit` messages that are due, the longest waiting first. Of an order only the lowest version that
     * is not sent, so that its messages leave in their order, whoever sends them.
     */
    readonly claim: (limit: number) => Effect.Effect<ReadonlyArray<ClaimedMessage>, ServiceUnavailable>
    /** The bus has these. Answers how many were still this holder's: another one has sent the rest again. */
    readonly sent: (leases: ReadonlyArray<OutboxLease>) => Effect.Effect<number, ServiceUnavailable>
    /** The bus has not taken these: each is due again after its delay. Answers how many were still this holder's. */
    readonly postpone: (messages: ReadonlyArray<Postponed>) => Effect.Effect<number, ServiceUnavailable>
    /** What was written longer ago than `age` and is not sent; `null` if there is nothing. */
    readonly overdue: (age: Duration.Duration) => Effect.Effect<Overdue | null, ServiceUnavailable>
    /** Makes messages due once more, with the same ids, the oldest first; answers how many. */
    readonly replay: (request: ReplayRequest) => Effect.Effect<number, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/Outbox") {}
