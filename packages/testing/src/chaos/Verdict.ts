/**
 * Whether a run has kept its promises: what clients were told, what the other services have written down, and what the
 * database holds must be one story.
 *
 * Pure: evidence in, broken promises out, so that a test can show each kind of damage to it.
 */
import { HashMap } from "effect"
import type { OrderStatus } from "@tickettoken/order-domain/Order"
import { transitions } from "@tickettoken/order-domain/OrderTransitions"
import type { PaymentFact } from "../sandbox/PaymentFacts.ts"
import type { TicketFact } from "../sandbox/TicketFacts.ts"
import * as Stock from "../sandbox/TicketStock.ts"
import type { Acknowledged } from "./ClientLog.ts"

/** An order as the database holds it at the end. */
export interface FinalOrder {
  readonly tenantId: string
  readonly id: string
  readonly userId: string
  readonly key: string | null
  readonly status: OrderStatus
  readonly total: number
}

/** A refund as the database holds it at the end. */
export interface FinalRefund {
  readonly orderId: string
  readonly id: string
  readonly amount: number
}

export interface Evidence {
  readonly log: ReadonlyArray<Acknowledged>
  readonly payments: ReadonlyArray<PaymentFact>
  readonly tickets: ReadonlyArray<TicketFact>
  readonly orders: ReadonlyArray<FinalOrder>
  readonly refunds: ReadonlyArray<FinalRefund>
}

/** What was found, by promise: each list names what broke it, and is empty when it was kept. */
export interface Verdict {
  /** Acknowledged results that were looked at. */
  readonly checked: number
  readonly lost: ReadonlyArray<string>
  /** Also two orders where one was asked for. */
  readonly doubleCharges: ReadonlyArray<string>
  readonly doubleRefunds: ReadonlyArray<string>
  readonly oversold: ReadonlyArray<string>
  readonly crossTenant: ReadonlyArray<string>
}

/** Whether a status may have become another one in the end. */
const leadsTo = (from: OrderStatus, to: OrderStatus, seen: ReadonlySet<OrderStatus> = new Set()): boolean =>
  from === to || transitions[from].some((next) => !seen.has(next) && leadsTo(next, to, new Set([...seen, from])))

/** Acknowledged, and not there any more, or not as it was told. */
const lostOf = ({ log, orders, refunds }: Evidence): ReadonlyArray<string> => {
  const byId = new Map(orders.map((order) => [order.id, order]))
  const refundById = new Map(refunds.map((refund) => [refund.id, refund]))
  return log.flatMap((entry) => {
    if (entry.kind === "foreign") return []
    const order = byId.get(entry.orderId)
    if (order === undefined) return [`${entry.orderId} was acknowledged and is not there`]
    if (entry.kind === "refund") {
      const refund = refundById.get(entry.refundId)
      return refund?.orderId === entry.orderId && refund.amount === entry.amount
        ? []
        : [`refund ${entry.refundId} of ${entry.orderId} was acknowledged and is not there as it was told`]
    }
    if (!leadsTo(entry.status, order.status)) {
      return [`${entry.orderId} was shown as ${entry.status}, which never becomes ${order.status}`]
    }
    return entry.kind === "created" && (entry.total !== order.total || entry.key !== order.key)
      ? [`${entry.orderId} was acknowledged for ${entry.total} under ${entry.key}, and is ${order.total}, ${order.key}`]
      : []
  })
}

/** Groups of more than one. */
const repeated = <A>(items: ReadonlyArray<A>, keyOf: (item: A) => string): ReadonlyArray<readonly [string, number]> => {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return [...counts].filter(([, count]) => count > 1)
}

const chargesOf = ({ log, orders, payments }: Evidence): ReadonlyArray<string> => {
  const captures = payments.filter((fact) => fact.kind === "intent.captured")
  const intents = payments.filter((fact) => fact.kind === "intent.created")
  const known = new Set(orders.map(({ id }) => id))
  const created = log.filter((entry) => entry.kind === "created")
  const keyed = ({ key, tenantId, userId }: Pick<FinalOrder, "key" | "tenantId" | "userId">) =>
    `${tenantId} ${userId} ${key}`
  return [
    ...repeated(captures, ({ orderId }) => orderId).map(([id, count]) => `${id} was charged ${count} times`),
    ...repeated(intents, ({ key, tenantId }) => `${tenantId} ${key}`).map(([key, n]) => `${n} intents under ${key}`),
    ...captures
      .filter(({ orderId }) => !known.has(orderId))
      .map(({ amount, orderId }) => `${amount} was charged for ${orderId}, which is not there`),
    ...repeated(
      orders.filter(({ key }) => key !== null),
      keyed
    ).map(([key, count]) => `${count} orders under ${key}`),
    ...repeated([...new Map(created.map((entry) => [entry.orderId, entry])).values()], keyed).map(
      ([key, count]) => `${count} orders were acknowledged under ${key}`
    )
  ]
}

const refundsOf = ({ payments }: Evidence): ReadonlyArray<string> => {
  const created = payments.filter((fact) => fact.kind === "refund.created")
  const good = created.filter(({ status }) => status !== "failed")
  const captured = new Map<string, number>()
  for (const fact of payments) {
    if (fact.kind === "intent.captured") captured.set(fact.paymentIntentId, fact.amount)
  }
  const returned = new Map<string, number>()
  for (const { amount, paymentIntentId } of good) {
    returned.set(paymentIntentId, (returned.get(paymentIntentId) ?? 0) + amount)
  }
  return [
    ...repeated(created, ({ key, tenantId }) => `${tenantId} ${key}`).map(([key, n]) => `${n} refunds under ${key}`),
    ...repeated(good, ({ refundId }) => refundId).map(([id, count]) => `refund ${id} was paid ${count} times`),
    ...[...returned]
      .filter(([intent, amount]) => amount > (captured.get(intent) ?? 0))
      .map(([intent, amount]) => `${amount} came back of ${captured.get(intent) ?? 0} of ${intent}`)
  ]
}

/** The stock after every single fact: never less than nothing, never more than there is. */
const oversoldOf = ({ tickets }: Evidence): ReadonlyArray<string> => {
  const faults = new Set<string>()
  let state = Stock.engine.empty
  for (const fact of tickets) {
    state = Stock.engine.apply(state, fact)
    if (fact.kind === "ticket-type.added") continue
    for (const { allocated, held, ticketType } of HashMap.values(state.types)) {
      if (held < 0 || allocated < 0 || held + allocated > ticketType.capacity) {
        faults.add(`${ticketType.id}: ${held} held and ${allocated} sold of ${ticketType.capacity}`)
      }
    }
  }
  const ids = tickets.flatMap((fact) => (fact.kind === "tickets.allocated" ? fact.tickets.map(({ id }) => id) : []))
  return [...faults, ...repeated(ids, (id) => id).map(([id, count]) => `ticket ${id} was given ${count} times`)]
}

/** Looks at everything. */
export const judge = (evidence: Evidence): Verdict => ({
  checked: evidence.log.length,
  lost: lostOf(evidence),
  doubleCharges: chargesOf(evidence),
  doubleRefunds: refundsOf(evidence),
  oversold: oversoldOf(evidence),
  crossTenant: evidence.log.flatMap((entry) =>
    entry.kind === "foreign" ? [`${entry.orderId} was shown to tenant ${entry.tenantId}`] : []
  )
})
