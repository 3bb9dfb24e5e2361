/**
 * Matters for people: what the service has noticed and can not settle alone.
 *
 * An alarm is a row and stays until what it is about is over, so that nobody has to have read a log at the right moment.
 * One kind and subject has one open alarm, however often it is noticed.
 */
import { Context, type DateTime, type Effect, Schema } from "effect"
import { TenantId } from "../Ids.ts"
import type { ServiceUnavailable } from "../OrderErrors.ts"

/**
 * - COMPENSATION_OVERDUE: a RELEASE, VOID or REFUND that is not done 15 minutes after it was asked for
 * - WORK_REFUSED: a step of work was refused for good by a service, or has brought news that its order refuses
 * - WORK_UNREADABLE: a row of work that can not be read
 * - MESSAGE_DEAD: a message from another service that could not be handled and was set aside, or that has not been
 *   handled for 15 minutes
 * - OUTBOX_STUCK: a message of ours that is not sent in time
 * - PAYMENT_REVIEW: late money that the tenant's policy leaves to a person (rule 3.7)
 * - BULK_FAILED: a bulk job in which orders failed
 * - INVARIANT_BROKEN: a check of `orders fsck` has found an offender
 */
export const AlarmKind = Schema.Literals([
  "COMPENSATION_OVERDUE",
  "WORK_REFUSED",
  "WORK_UNREADABLE",
  "MESSAGE_DEAD",
  "OUTBOX_STUCK",
  "PAYMENT_REVIEW",
  "BULK_FAILED",
  "INVARIANT_BROKEN"
])
export type AlarmKind = typeof AlarmKind.Type

/** The longest detail that is kept. */
export const DETAIL_CHARS_MAX = 2_000

/** What is wrong, and where. `tenantId: null` is a matter of the whole installation. */
export const Alarm = Schema.Struct({
  kind: AlarmKind,
  tenantId: Schema.NullOr(TenantId),
  /** The id of what it is about: a work row, a message, an order, a check. With kind and tenant it names the alarm. */
  subject: Schema.NonEmptyString.check(Schema.isMaxLength(255)),
  /** One sentence for a person; never a secret. */
  detail: Schema.String.check(Schema.isMaxLength(DETAIL_CHARS_MAX))
})
export type Alarm = typeof Alarm.Type

/** An alarm as it is kept. */
export interface KeptAlarm {
  readonly alarm: Alarm
  readonly raisedAt: DateTime.Utc
  /** When it was last noticed, and how often in all. */
  readonly seenAt: DateTime.Utc
  readonly seen: number
  /** `null` while it is open. */
  readonly clearedAt: DateTime.Utc | null
}

export interface AlarmQuery {
  /** `null`: of every tenant and of the installation. */
  readonly tenantId: TenantId | null
  readonly kind: AlarmKind | null
  /** Also those that are over. */
  readonly cleared: boolean
  /** Default: the newest first. */
  readonly oldestFirst?: boolean
  readonly limit: number
}

export class Alarms extends Context.Service<
  Alarms,
  {
    /** Raises the alarm; one that is open already is only noticed once more. */
    readonly raise: (alarm: Alarm) => Effect.Effect<void, ServiceUnavailable>
    /** Ends the alarm, because what it was about is over. Nothing happens where none is open. */
    readonly clear: (alarm: Pick<Alarm, "kind" | "tenantId" | "subject">) => Effect.Effect<void, ServiceUnavailable>
    /** The newest first, unless the oldest are asked for. */
    readonly list: (query: AlarmQuery) => Effect.Effect<ReadonlyArray<KeptAlarm>, ServiceUnavailable>
  }
>()("@tickettoken/order-domain/ports/Alarms") {}
