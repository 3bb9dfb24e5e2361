/**
 * An order as the columns of its row and of its children's rows: what OrderWrites.ts hands to its statements.
 *
 * Everything is JSON whose keys are column names, so that one constant statement, prepared once, takes an order with
 * any number of lines.
 */
import type { Decision } from "@tickettoken/order-domain/Decision"
import type { IdempotencyClaim, StoredAnswer } from "@tickettoken/order-domain/Idempotency"
import type { InboxLease } from "@tickettoken/order-domain/InboundMessage"
import { capturedCents, isOpen, type Order, type OrderItem } from "@tickettoken/order-domain/Order"
import type { OrderEvent } from "@tickettoken/order-domain/OrderEvent"
import { announcement } from "@tickettoken/order-domain/OrderMessage"
import type { Refund } from "@tickettoken/order-domain/Refund"
import { Work, type WorkItem, type WorkLease } from "@tickettoken/order-domain/Work"
import { DateTime, Duration, Schema } from "effect"

const iso = (instant: DateTime.Utc | null): string | null => (instant === null ? null : DateTime.formatIso(instant))

/** What a decision may change of the order's row (the grant of migration 0004 names the same columns). */
export const changeColumns = (order: Order) => ({
  version: order.version,
  status: order.status,
  stage: isOpen(order) ? order.stage : null,
  captured_cents: capturedCents(order),
  idempotency_key: order.idempotencyKey,
  payment_intent_id: order.intent?.id ?? null,
  payment_client_secret: order.intent?.clientSecret ?? null,
  hold_expires_at: isOpen(order) ? iso(order.hold.expiresAt) : null,
  hold_limit_at: isOpen(order) ? iso(order.hold.limitAt) : null,
  hold_extended: isOpen(order) ? order.hold.extendedForPayment : null,
  updated_at: iso(order.updatedAt),
  ...endColumns(order)
})

const noEnd = {
  tickets: null,
  late: null,
  reacquiring: null,
  cancel_cause: null,
  end_reason: null,
  reserved_at: null,
  confirmed_at: null,
  completed_at: null,
  cancelled_at: null,
  expired_at: null,
  refunded_at: null
}

/** The columns that only some states have. */
const endColumns = (order: Order) => {
  if (order.status === "PENDING") return noEnd
  const reserved = { ...noEnd, reserved_at: iso(order.reservedAt) }
  switch (order.status) {
    case "RESERVED":
      return reserved
    case "CONFIRMED":
      return { ...reserved, confirmed_at: iso(order.confirmedAt), late: order.late, tickets: order.tickets }
    case "COMPLETED":
      return {
        ...reserved,
        confirmed_at: iso(order.confirmedAt),
        completed_at: iso(order.completedAt),
        late: order.late,
        tickets: order.tickets
      }
    case "CANCELLED":
      return {
        ...reserved,
        confirmed_at: iso(order.confirmedAt),
        cancelled_at: iso(order.cancelledAt),
        cancel_cause: order.cause,
        end_reason: order.reason
      }
    case "EXPIRED":
      return {
        ...reserved,
        expired_at: iso(order.expiredAt),
        end_reason: order.reason,
        reacquiring: order.reacquiring
      }
    case "REFUNDED":
      return {
        ...reserved,
        confirmed_at: iso(order.confirmedAt),
        cancelled_at: iso(order.cancelledAt),
        refunded_at: iso(order.refundedAt)
      }
  }
}

/** What is written once, with the order's first row. */
export const factColumns = (order: Order) => ({
  tenant_id: order.tenantId,
  id: order.id,
  order_number: order.orderNumber,
  user_id: order.userId,
  event_id: order.eventId,
  event_starts_at: iso(order.eventStartsAt),
  event_ends_at: iso(order.eventEndsAt),
  currency: order.currency,
  subtotal_cents: order.pricing.subtotal,
  platform_fee_cents: order.pricing.platformFee,
  processing_fee_cents: order.pricing.processingFee,
  tax_cents: order.pricing.tax,
  total_cents: order.pricing.total,
  terms: order.terms,
  vip: order.vip,
  metadata: order.metadata,
  hold_grace_minutes: order.terms.hold.graceMinutes,
  created_at: iso(order.createdAt)
})

const itemColumns = (item: OrderItem, position: number) => ({
  id: item.id,
  position,
  ticket_type_id: item.ticketTypeId,
  ticket_pricing_id: item.ticketPricingId,
  quantity: item.quantity,
  unit_price_cents: item.unitPrice,
  subtotal_cents: item.subtotal,
  returned_quantity: item.returnedQuantity
})

const refundColumns = (refund: Refund, position: number) => ({
  id: refund.id,
  position,
  amount_cents: refund.amount,
  cause: refund.cause,
  reason: refund.reason,
  state: refund.state,
  payment_intent_id: refund.paymentIntentId,
  items: refund.items,
  retained_cents: refund.retained,
  fixed_retention: refund.fixedRetention,
  attempt: refund.attempt,
  failure_reason: refund.failureReason,
  requested_by: refund.requestedBy,
  requested_at: iso(refund.requestedAt),
  estimated_arrival_at: iso(refund.estimatedArrivalAt),
  settled_at: iso(refund.settledAt),
  idempotency_key: refund.idempotencyKey
})

/** The lines, captures and refunds that are new or not as they were. Captures are never changed. */
const childRows = ({ before, order }: Decision) => ({
  items: order.items.flatMap((item, position) =>
    before?.items[position]?.returnedQuantity === item.returnedQuantity ? [] : [itemColumns(item, position)]
  ),
  payments: order.captures.flatMap((capture, position) =>
    before !== null && position < before.captures.length
      ? []
      : [
          {
            payment_intent_id: capture.paymentIntentId,
            position,
            amount_cents: capture.amount,
            captured_at: iso(capture.capturedAt)
          }
        ]
  ),
  refunds: order.refunds.flatMap((refund, position) =>
    before?.refunds[position] === refund ? [] : [refundColumns(refund, position)]
  )
})

const eventColumns = ({ actor, at, data, type, version }: OrderEvent) => ({
  version,
  type,
  actor_kind: actor.kind,
  actor_id: actor.id,
  ip: actor.ip,
  data,
  at: iso(at)
})

const encodeWork = Schema.encodeSync(Schema.toCodecJson(Work))

const workColumns = (item: WorkItem) => ({
  id: item.id,
  kind: item.work._tag,
  payload: encodeWork(item.work),
  created_at: iso(item.createdAt)
})

/** What a request writes about its key. */
export interface ClaimedKey {
  readonly claim: IdempotencyClaim
  readonly answer: StoredAnswer | null
  readonly timeToLive: Duration.Duration
}

const claimColumns = ({ answer, claim, timeToLive }: ClaimedKey) => ({
  principal: claim.principal,
  operation: claim.operation,
  key: claim.key,
  fingerprint: claim.fingerprint,
  answer_status: answer?.status ?? null,
  answer_body: answer?.body ?? null,
  ttl_millis: Duration.toMillis(timeToLive)
})

/** All rows of one commit. */
export const commitRows = (
  decision: Decision,
  claimed: ClaimedKey | null,
  ends: { readonly settles: WorkLease | null; readonly handles: InboxLease | null },
  traceparent: string | null
) => {
  const { before, event, order, work } = decision
  const { handles, settles } = ends
  const { data: payload, type } = announcement(order, event)
  const keyReturned = before !== null && before.idempotencyKey !== null && order.idempotencyKey === null
  return {
    tenant_id: order.tenantId,
    order_id: order.id,
    expected_version: before?.version ?? null,
    order: before === null ? { ...factColumns(order), ...changeColumns(order) } : changeColumns(order),
    ...childRows(decision),
    event: eventColumns(event),
    message: { type, payload, traceparent },
    work: work.map(workColumns),
    claims: claimed === null ? [] : [claimColumns(claimed)],
    settles_id: settles?.id ?? null,
    settles_token: settles?.token ?? null,
    handles_source: handles?.source ?? null,
    handles_id: handles?.messageId ?? null,
    handles_token: handles?.token ?? null,
    key_returned: keyReturned
  }
}

/**
 * JSON that PostgreSQL can store. Texts of other services may hold a NUL or half a surrogate pair, which it refuses:
 * those are dropped, because a refund must not hang on the spelling of its reason.
 */
export const storableJson = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text.includes("\\u0000") || text.includes("\\ud")
    ? JSON.stringify(value, (_key, part: unknown) => (typeof part === "string" ? storableText(part) : part))
    : text
}

/** A text that PostgreSQL can store. */
export const storableText = (text: string): string => text.replaceAll("\u0000", "").toWellFormed()
