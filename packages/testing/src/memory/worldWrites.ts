/**
 * The writes that the in-memory ports are made of: pure functions from world to world, each with the promise that a
 * database would keep by a constraint.
 */
import { DateTime, HashMap, Option, Result } from "effect"
import type { Decision } from "@tickettoken/order-domain/Decision"
import {
  type IdempotencyClaim,
  IdempotencyConflict,
  IdempotencyKeyUsed,
  type StoredAnswer
} from "@tickettoken/order-domain/Idempotency"
import type { InboxLease, MessageKey } from "@tickettoken/order-domain/InboundMessage"
import { Cents } from "@tickettoken/order-domain/Money"
import {
  activeStatuses,
  capturedCents,
  causesOfRefusal,
  type Order,
  refundCommittedCents
} from "@tickettoken/order-domain/Order"
import type { OrderEvent } from "@tickettoken/order-domain/OrderEvent"
import { announcement, orderMessage, type OrderMessage } from "@tickettoken/order-domain/OrderMessage"
import { EventCancelled, PaymentMismatch } from "@tickettoken/order-domain/OrderErrors"
import { checkUserQuota, type OrderLimitExceeded, type OrderLimits } from "@tickettoken/order-domain/OrderLimits"
import { LeaseLost, OrderNumberTaken } from "@tickettoken/order-domain/ports/OrderStore"
import { RefundExceedsCaptured } from "@tickettoken/order-domain/RefundQuote"
import type { TenantId } from "@tickettoken/order-domain/Ids"
import { requesterOf } from "@tickettoken/order-domain/Refund"
import type { ClaimedWork, WorkItem, WorkLease } from "@tickettoken/order-domain/Work"
import {
  type Closure,
  type InboxRow,
  KEY_TTL_MINUTES,
  type KeyRow,
  LEASE_SECONDS,
  orderRow,
  type OutboxRow,
  rowOf,
  type WorkRow,
  type WorldState
} from "./MemoryWorld.ts"

/** Creating it was refused: no quota counts the order, and its key is free again. */
const wasRefused = (order: Order): boolean => order.status === "CANCELLED" && causesOfRefusal.includes(order.cause)

export const ordersOf = (world: WorldState): ReadonlyArray<Order> => HashMap.toValues(world.orders)

// ---- keys

export const keyRow = ({ key, operation, principal, tenantId }: IdempotencyClaim): string =>
  rowOf(tenantId, principal, operation, key)

/** The key's row while its time runs. */
export const liveKey = (world: WorldState, claim: IdempotencyClaim, now: DateTime.Utc): KeyRow | undefined => {
  const row = Option.getOrUndefined(HashMap.get(world.keys, keyRow(claim)))
  return row !== undefined && DateTime.isLessThan(now, row.expiresAt) ? row : undefined
}

const withKey = (world: WorldState, claim: IdempotencyClaim, row: KeyRow): WorldState => ({
  ...world,
  keys: HashMap.set(world.keys, keyRow(claim), row)
})

/** A key's row as a request leaves it: with its answer, or still running. */
export const writeKey = (
  world: WorldState,
  claim: IdempotencyClaim,
  row: { readonly orderId: KeyRow["orderId"]; readonly answer: StoredAnswer | null },
  now: DateTime.Utc
): WorldState =>
  withKey(world, claim, {
    ...row,
    tenantId: claim.tenantId,
    operation: claim.operation,
    fingerprint: claim.fingerprint,
    expiresAt: DateTime.add(now, { minutes: KEY_TTL_MINUTES })
  })

/** Claims the key for this order. A key that is taken is looked up again by the loser. */
export const claimKey = (
  world: WorldState,
  claim: IdempotencyClaim | undefined,
  order: Order,
  answer: StoredAnswer | undefined,
  now: DateTime.Utc
): Result.Result<WorldState, IdempotencyConflict> => {
  if (claim === undefined) return Result.succeed(world)
  return liveKey(world, claim, now) === undefined
    ? Result.succeed(writeKey(world, claim, { orderId: order.id, answer: answer ?? null }, now))
    : Result.fail(new IdempotencyConflict())
}

/** The order that this principal's key has made, in this tenant and for ever. */
export const orderOfKey = (world: WorldState, tenantId: TenantId, principal: string, key: string): Order | undefined =>
  ordersOf(world).find(
    (order) => order.tenantId === tenantId && order.userId === principal && order.idempotencyKey === key
  )

/** The order on which this principal's key has made a refund, in this tenant and for ever. */
export const orderOfRefundKey = (
  world: WorldState,
  tenantId: TenantId,
  principal: string,
  key: string
): Order | undefined =>
  ordersOf(world).find(
    (order) =>
      order.tenantId === tenantId &&
      order.refunds.some((refund) => refund.idempotencyKey === key && requesterOf(refund) === principal)
  )

/** Refuses a second order or refund under one permanent key (rule 6). */
export const checkPermanentKeys = (
  world: WorldState,
  { before, order }: Decision
): Result.Result<void, IdempotencyKeyUsed> => {
  const { idempotencyKey, tenantId, userId } = order
  const used: Array<Order | undefined> = []
  if (before === null && idempotencyKey !== null) used.push(orderOfKey(world, tenantId, userId, idempotencyKey))
  const known = new Set(before?.refunds.map((refund) => refund.id))
  for (const refund of order.refunds) {
    if (!known.has(refund.id) && refund.idempotencyKey !== null) {
      used.push(orderOfRefundKey(world, tenantId, requesterOf(refund), refund.idempotencyKey))
    }
  }
  const first = used.find((owner) => owner !== undefined)
  return first === undefined ? Result.void : Result.fail(new IdempotencyKeyUsed({ orderId: first.id }))
}

// ---- bounds

export const checkNotClosed = (world: WorldState, { eventId, tenantId }: Order): Result.Result<void, EventCancelled> =>
  HashMap.has(world.closures, rowOf(tenantId, eventId)) ? Result.fail(new EventCancelled({ eventId })) : Result.void

/** Closes an event for good: the first closure stays. */
export const closeEvent = (world: WorldState, closure: Closure): WorldState => {
  const row = rowOf(closure.tenantId, closure.eventId)
  return HashMap.has(world.closures, row) ? world : { ...world, closures: HashMap.set(world.closures, row, closure) }
}

/** Counts the user's orders in the same step as the new one is written (rule 2.2). */
export const checkQuota = (
  world: WorldState,
  order: Order,
  limits: OrderLimits,
  now: DateTime.Utc
): Result.Result<void, OrderLimitExceeded> => {
  const dayAgo = DateTime.subtract(now, { hours: 24 })
  const own = ordersOf(world).filter(({ tenantId, userId }) => tenantId === order.tenantId && userId === order.userId)
  return checkUserQuota(
    {
      createdLast24h: own.filter((known) => !wasRefused(known) && DateTime.isGreaterThan(known.createdAt, dayAgo))
        .length,
      activeForEvent: own.filter(({ eventId, status }) => eventId === order.eventId && activeStatuses.includes(status))
        .length
    },
    limits
  )
}

export const checkOrderNumber = (world: WorldState, order: Order): Result.Result<void, OrderNumberTaken> =>
  ordersOf(world).some(({ orderNumber, tenantId }) => tenantId === order.tenantId && orderNumber === order.orderNumber)
    ? Result.fail(new OrderNumberTaken())
    : Result.void

/** Refunds that hold on to money never pass what was captured (rule 4.4). */
export const checkRefundBound = (before: Order, order: Order): Result.Result<void, RefundExceedsCaptured> => {
  const captured = capturedCents(order)
  if (refundCommittedCents(order) <= captured) return Result.void
  const refundable = Cents.make(Math.max(0, captured - refundCommittedCents(before)))
  const requested = Cents.make(refundCommittedCents(order) - refundCommittedCents(before))
  return Result.fail(new RefundExceedsCaptured({ requested, refundable }))
}

/** One payment is never booked twice, nor asked for by two orders (rule 3.6). */
export const checkIntents = (world: WorldState, order: Order): Result.Result<void, PaymentMismatch> => {
  const booked = new Set(order.captures.map(({ paymentIntentId }) => paymentIntentId))
  return ordersOf(world).some(
    ({ captures, id, intent, tenantId }) =>
      tenantId === order.tenantId &&
      id !== order.id &&
      ((intent !== null && intent.id === order.intent?.id) ||
        captures.some(({ paymentIntentId }) => booked.has(paymentIntentId)))
  )
    ? Result.fail(new PaymentMismatch({ orderId: order.id, why: "the payment belongs to another order" }))
    : Result.void
}

// ---- orders and work

export const leaseUntil = (now: DateTime.Utc): DateTime.Utc => DateTime.add(now, { seconds: LEASE_SECONDS })

/** Adds a work item that belongs to the asker at once. */
export const addLeased = (world: WorldState, item: WorkItem, now: DateTime.Utc): readonly [ClaimedWork, WorldState] =>
  claim(world, { item, token: 0, attempts: 0, place: HashMap.size(world.work) }, now)

/** Gives a work item to whoever asks now: a new token, so that every earlier holder is late. */
export const claim = (
  world: WorldState,
  row: Pick<WorkRow, "item" | "token" | "attempts" | "place">,
  now: DateTime.Utc
): readonly [ClaimedWork, WorldState] => {
  const { attempts, item, place, token } = { ...row, token: row.token + 1, attempts: row.attempts + 1 }
  const leased: WorkRow = { item, state: "DOING", token, attempts, dueAt: leaseUntil(now), why: null, place }
  return [
    { item, lease: { id: item.id, token }, attempts },
    { ...world, work: HashMap.set(world.work, item.id, leased) }
  ]
}

/** Gives several work items to whoever asks now. */
export const claimAll = (
  world: WorldState,
  rows: ReadonlyArray<WorkRow>,
  now: DateTime.Utc
): readonly [ReadonlyArray<ClaimedWork>, WorldState] =>
  rows.reduce<readonly [ReadonlyArray<ClaimedWork>, WorldState]>(
    ([claimed, left], row) => {
      const [one, next] = claim(left, row, now)
      return [[...claimed, one], next]
    },
    [[], world]
  )

/** Ends or gives back a work item, if this lease is still the last one (the fence). */
export const finishWork = (
  world: WorldState,
  lease: WorkLease | undefined,
  end: Partial<WorkRow>
): Result.Result<WorldState, LeaseLost> => {
  if (lease === undefined) return Result.succeed(world)
  const row = Option.getOrUndefined(HashMap.get(world.work, lease.id))
  return row?.state === "DOING" && row.token === lease.token
    ? Result.succeed({ ...world, work: HashMap.set(world.work, lease.id, { ...row, ...end }) })
    : Result.fail(new LeaseLost({ workId: lease.id }))
}

/** The claim that this order's create has made, while it has no answer yet. */
const isClaimOf = ({ id, tenantId }: Order, key: KeyRow): boolean =>
  key.tenantId === tenantId && key.orderId === id && key.operation === "create" && key.answer === null

export const outboxRow = ({ orderversion, subject, tenantid }: OrderMessage): string =>
  rowOf(tenantid, subject, String(orderversion))

/** The message about a fact, as it is written with it. */
const messageOf = (order: Order, event: OrderEvent, place: number, now: DateTime.Utc): OutboxRow => ({
  message: orderMessage({
    id: `${order.id}:${place}`,
    tenantId: order.tenantId,
    orderId: order.id,
    version: event.version,
    at: now,
    traceparent: null,
    ...announcement(order, event)
  }),
  state: "NEW",
  token: 0,
  isHeld: false,
  attempts: 0,
  dueAt: now,
  why: null,
  waitsSince: now,
  sentAt: null
})

export const inboxRow = ({ messageId, source, tenantId }: MessageKey): string => rowOf(tenantId, source, messageId)

/** Ends or gives back a message, if this lease is still the last one (the fence). */
export const finishMessage = (
  world: WorldState,
  lease: InboxLease | undefined,
  end: Partial<InboxRow> | ((row: InboxRow) => Partial<InboxRow>)
): Result.Result<WorldState, LeaseLost> => {
  if (lease === undefined) return Result.succeed(world)
  const row = Option.getOrUndefined(HashMap.get(world.inbox, inboxRow(lease)))
  if (row?.isHeld !== true || row.token !== lease.token) {
    return Result.fail(new LeaseLost({ workId: lease.messageId }))
  }
  const ended: InboxRow = { ...row, isHeld: false, ...(typeof end === "function" ? end(row) : end) }
  return Result.succeed({ ...world, inbox: HashMap.set(world.inbox, inboxRow(lease), ended) })
}

/** Writes order, audit fact, message and work of a decision. An order whose creation was refused gives its key back. */
export const writeDecision = (
  world: WorldState,
  { event, order, work }: Decision,
  now: DateTime.Utc
): readonly [ReadonlyArray<ClaimedWork>, WorldState] => {
  const row = orderRow(order)
  const facts = Option.getOrElse(HashMap.get(world.facts, row), (): ReadonlyArray<typeof event> => [])
  const versions = Option.getOrElse(HashMap.get(world.versions, row), (): ReadonlyArray<Order> => [])
  const message = messageOf(order, event, facts.length + 1, now)
  let next: WorldState = {
    ...world,
    outbox: HashMap.set(world.outbox, outboxRow(message.message), message),
    orders: HashMap.set(world.orders, row, order),
    facts: HashMap.set(world.facts, row, [...facts, event]),
    versions: HashMap.set(world.versions, row, [...versions, order]),
    keys: wasRefused(order) ? HashMap.filter(world.keys, (key) => !isClaimOf(order, key)) : world.keys
  }
  const claimed: Array<ClaimedWork> = []
  for (const item of work) {
    const [leased, written] = addLeased(next, item, now)
    claimed.push(leased)
    next = written
  }
  return [claimed, next]
}
