/**
 * Orders against the journal of the ticket service (I08, I09, I12).
 */
import { activeStatuses } from "@tickettoken/order-domain/Order"
import { quoted } from "../sql/migrations/quoted.ts"
import { type Offender, own } from "./Check.ts"
import type { TicketFact } from "./Journals.ts"

/** Tickets of an order, by type. */
type Counts = ReadonlyMap<string, number>

/** What the journal comes to. */
export interface GivenAway {
  /** By tenant and order, as {@link orderKey}: what is held or sold. */
  readonly byOrder: ReadonlyMap<string, Counts>
  readonly capacities: ReadonlyMap<string, { readonly tenantId: string; readonly capacity: number }>
  /** Calls that have taken effect twice. */
  readonly twice: ReadonlyArray<Offender>
}

export const orderKey = (of: { readonly tenantId: string; readonly orderId: string }): string =>
  `${of.tenantId} ${of.orderId}`

const countsOf = (lines: ReadonlyArray<{ readonly ticketTypeId: string; readonly quantity: number }>): Counts => {
  const counts = new Map<string, number>()
  for (const { quantity, ticketTypeId } of lines) counts.set(ticketTypeId, (counts.get(ticketTypeId) ?? 0) + quantity)
  return counts
}

/** Folds the journal. An effect is repeated when its key has had it before, or when the order has what it gives. */
export const giveAway = (facts: ReadonlyArray<TicketFact>): GivenAway => {
  const byOrder = new Map<string, Counts>()
  const sold = new Set<string>()
  const seen = new Set<string>()
  const capacities = new Map<string, { readonly tenantId: string; readonly capacity: number }>()
  const twice: Array<Offender> = []
  const once = (fact: Extract<TicketFact, { readonly key: string }>, isHeld: boolean) => {
    const effect = `${fact.kind} ${fact.tenantId} ${fact.key}`
    if (seen.has(effect) || isHeld) {
      twice.push({
        tenantId: fact.tenantId,
        orderId: fact.orderId,
        subject: fact.key,
        detail: `the ticket service has done ${fact.kind} more than once`
      })
    }
    seen.add(effect)
  }
  for (const fact of facts) {
    if (fact.kind === "ticket-type.added") {
      const { capacity, id, tenantId } = fact.ticketType
      capacities.set(id, { tenantId, capacity })
      continue
    }
    const key = orderKey(fact)
    switch (fact.kind) {
      case "hold.placed":
        once(fact, (byOrder.get(key)?.size ?? 0) > 0)
        byOrder.set(key, countsOf(fact.items))
        break
      case "hold.lapsed":
        byOrder.delete(key)
        break
      case "tickets.allocated":
        once(fact, sold.has(key))
        sold.add(key)
        byOrder.set(key, countsOf(fact.tickets.map(({ ticketTypeId }) => ({ ticketTypeId, quantity: 1 }))))
        break
      case "tickets.released":
        byOrder.set(key, countsOf(fact.left))
        if (fact.left.length === 0) sold.delete(key)
        break
      default:
        break
    }
  }
  return { byOrder, capacities, twice }
}

/** I09: what is given away of each type, against what there is. */
export const overCapacity = ({ byOrder, capacities }: GivenAway): ReadonlyArray<Offender> => {
  const given = new Map<string, number>()
  for (const counts of byOrder.values()) {
    for (const [type, quantity] of counts) given.set(type, (given.get(type) ?? 0) + quantity)
  }
  return [...given].flatMap(([type, quantity]) => {
    const known = capacities.get(type)
    return known === undefined || (quantity >= 0 && quantity <= known.capacity)
      ? []
      : [
          {
            tenantId: known.tenantId,
            orderId: null,
            subject: type,
            detail: `${quantity} tickets are given away of ${known.capacity}`
          }
        ]
  })
}

/** A row of {@link wantedStatement}. */
export interface WantedRow {
  readonly tenant_id: string
  readonly order_id: string
  readonly ticket_type_id: string
  readonly quantity: number
}

/**
 * What orders hold and own, by type. A line that came back as a whole before its order was completed is released; after
 * the event none is. `$1` is the tenant or null.
 */
export const wantedStatement = `
  select o.tenant_id, o.id as order_id, i.ticket_type_id, sum(i.quantity)::int as quantity
  from orders o join order_items i on i.tenant_id = o.tenant_id and i.order_id = o.id
  where ${own("o")} and o.status in ${quoted(activeStatuses)}
    and not (i.returned_quantity >= i.quantity and (o.status = 'CONFIRMED' or o.status = 'COMPLETED' and (
      select coalesce(sum((line ->> 'quantity')::int), 0) from order_refunds r, jsonb_array_elements(r.items) line
      where r.tenant_id = o.tenant_id and r.order_id = o.id and r.state = 'COMPLETED'
        and r.settled_at <= o.completed_at and line ->> 'itemId' = i.id::text) >= i.quantity))
  group by o.tenant_id, o.id, i.ticket_type_id`

/** I08: each order's tickets here and there. `isBusy` orders are between two of their steps. */
export const compareTickets = (
  { byOrder }: GivenAway,
  rows: ReadonlyArray<WantedRow>,
  isBusy: (key: string) => boolean
): ReadonlyArray<Offender> => {
  const wanted = new Map<string, Map<string, number>>()
  for (const { order_id, quantity, tenant_id, ticket_type_id } of rows) {
    const key = orderKey({ tenantId: tenant_id, orderId: order_id })
    wanted.set(key, (wanted.get(key) ?? new Map<string, number>()).set(ticket_type_id, quantity))
  }
  return [...new Set([...wanted.keys(), ...byOrder.keys()])].flatMap((key) => {
    const [tenantId = "", orderId = ""] = key.split(" ")
    const here = wanted.get(key) ?? new Map<string, number>()
    const there = byOrder.get(key) ?? new Map<string, number>()
    if (isBusy(key)) return []
    return [...new Set([...here.keys(), ...there.keys()])].flatMap((type) => {
      const [ours, theirs] = [here.get(type) ?? 0, there.get(type) ?? 0]
      return ours === theirs
        ? []
        : [
            {
              tenantId,
              orderId,
              subject: type,
              detail: `the order has ${ours} tickets, the ticket service gave ${theirs}`
            }
          ]
    })
  })
}
