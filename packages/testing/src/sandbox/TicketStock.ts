/**
 * The state of the ticket sandbox: stock, holds, allocations and tombstones as a fold over {@link TicketFact}.
 */
import { DateTime, HashMap, Option, Result } from "effect"
import type { EventId, OrderId, TenantId, TicketId, TicketTypeId } from "@tickettoken/order-domain/Ids"
import { type Engine, scoped } from "./Engine.ts"
import type { Allocation, Release, Ticket, TicketFact, TicketLine, TicketRefusal, TicketType } from "./TicketFacts.ts"
import { linesOf, quantities } from "./TicketLines.ts"

/** A type with what is taken of it. `held` counts holds that are open, `allocated` tickets that are given for good. */
export interface Stock {
  readonly ticketType: TicketType
  readonly held: number
  readonly allocated: number
}

/**
 * What an order has here. `Lapsed` and `Released` remember the lines they once had, for a confirm that comes after
 * all; the tombstone of an order that was never seen has none. `issued` numbers an order's tickets and never goes back,
 * so a ticket id is never used twice.
 */
export type OrderStock =
  | {
      readonly _tag: "Held"
      readonly eventId: EventId
      readonly lines: ReadonlyArray<TicketLine>
      readonly holdUntil: DateTime.Utc
      readonly issued: number
    }
  | {
      readonly _tag: "Allocated"
      readonly eventId: EventId
      readonly tickets: ReadonlyArray<Ticket>
      readonly issued: number
    }
  | {
      readonly _tag: "Lapsed" | "Released"
      readonly eventId: EventId
      readonly lines: ReadonlyArray<TicketLine>
      readonly issued: number
    }
  | { readonly _tag: "NeverHeld" }

/** An answer that its idempotency key will repeat. */
export type Answer =
  | { readonly _tag: "Confirm"; readonly orderId: OrderId; readonly reply: Result.Result<Allocation, TicketRefusal> }
  | {
      readonly _tag: "Release"
      readonly orderId: OrderId
      readonly asked: ReadonlyArray<TicketLine> | null
      readonly reply: Release
    }

export interface TicketState {
  readonly types: HashMap.HashMap<TicketTypeId, Stock>
  /** By tenant and order. */
  readonly orders: HashMap.HashMap<string, OrderStock>
  /** The orders with an open hold. */
  readonly open: HashMap.HashMap<string, { readonly tenantId: TenantId; readonly orderId: OrderId }>
  /** By tenant, operation and idempotency key. */
  readonly answers: HashMap.HashMap<string, Answer>
  /** No open hold lapses before this instant. A cache: too early costs one look at the holds, too late never happens. */
  readonly quietUntil: number
}

const empty: TicketState = {
  types: HashMap.empty(),
  orders: HashMap.empty(),
  open: HashMap.empty(),
  answers: HashMap.empty(),
  quietUntil: Number.POSITIVE_INFINITY
}

export const orderOf = (state: TicketState, tenantId: TenantId, orderId: OrderId): OrderStock | undefined =>
  Option.getOrUndefined(HashMap.get(state.orders, scoped(tenantId, orderId)))

export const answerOf = <Tag extends Answer["_tag"]>(
  state: TicketState,
  tag: Tag,
  tenantId: TenantId,
  key: string
): Extract<Answer, { _tag: Tag }> | undefined => {
  const answer = Option.getOrUndefined(HashMap.get(state.answers, scoped(tenantId, tag, key)))
  const isAsked = (given: Answer): given is Extract<Answer, { _tag: Tag }> => given._tag === tag
  return answer !== undefined && isAsked(answer) ? answer : undefined
}

export const availableOf = (stock: Stock): number => stock.ticketType.capacity - stock.held - stock.allocated

const counted = (
  types: TicketState["types"],
  column: "held" | "allocated",
  sign: 1 | -1,
  lines: ReadonlyArray<TicketLine>
): TicketState["types"] => {
  let sums = types
  for (const [ticketTypeId, quantity] of quantities(lines)) {
    sums = HashMap.modify(sums, ticketTypeId, (stock) => ({ ...stock, [column]: stock[column] + sign * quantity }))
  }
  return sums
}

const withOrder = (
  state: TicketState,
  { orderId, tenantId }: { readonly tenantId: TenantId; readonly orderId: OrderId },
  order: OrderStock
): TicketState => {
  const id = scoped(tenantId, orderId)
  return {
    ...state,
    orders: HashMap.set(state.orders, id, order),
    open: order._tag === "Held" ? HashMap.set(state.open, id, { tenantId, orderId }) : HashMap.remove(state.open, id)
  }
}

const withAnswer = (
  state: TicketState,
  { key, tenantId }: { readonly tenantId: TenantId; readonly key: string },
  answer: Answer
): TicketState => ({ ...state, answers: HashMap.set(state.answers, scoped(tenantId, answer._tag, key), answer) })

/** What a release leaves of an order: the rest of it, or a tombstone that remembers the last lines. */
const leftOver = (
  order: OrderStock | undefined,
  left: ReadonlyArray<TicketLine>,
  ticketIds: ReadonlyArray<TicketId>
): OrderStock => {
  switch (order?._tag) {
    case undefined:
    case "NeverHeld":
      return { _tag: "NeverHeld" }
    case "Released":
      return order
    case "Allocated": {
      const { eventId, issued, tickets } = order
      if (left.length === 0) return { _tag: "Released", eventId, lines: linesOf(tickets), issued }
      return { ...order, tickets: tickets.filter((ticket) => !ticketIds.includes(ticket.id)) }
    }
    case "Held":
    case "Lapsed": {
      const { eventId, issued, lines } = order
      return left.length === 0 ? { _tag: "Released", eventId, lines, issued } : { ...order, lines: left }
    }
  }
}

/** How one fact changes the state. A fact that does not fit its order (there is none in our journals) changes nothing. */
const apply = (state: TicketState, fact: TicketFact): TicketState => {
  if (fact.kind === "ticket-type.added") {
    const stock: Stock = { ticketType: fact.ticketType, held: 0, allocated: 0 }
    return { ...state, types: HashMap.set(state.types, fact.ticketType.id, stock) }
  }
  const order = orderOf(state, fact.tenantId, fact.orderId)
  switch (fact.kind) {
    case "hold.placed": {
      const { eventId, holdUntil, items: lines } = fact
      const issued = order === undefined || order._tag === "NeverHeld" ? 0 : order.issued
      return {
        ...withOrder(state, fact, { _tag: "Held", eventId, lines, holdUntil, issued }),
        types: counted(state.types, "held", 1, lines),
        quietUntil: Math.min(state.quietUntil, DateTime.toEpochMillis(holdUntil))
      }
    }
    case "hold.renewed":
      return order?._tag === "Held" ? withOrder(state, fact, { ...order, holdUntil: fact.holdUntil }) : state
    case "hold.lapsed": {
      if (order?._tag !== "Held") return state
      const { eventId, issued, lines } = order
      return {
        ...withOrder(state, fact, { _tag: "Lapsed", eventId, lines, issued }),
        types: counted(state.types, "held", -1, lines)
      }
    }
    case "tickets.allocated": {
      if (order === undefined || order._tag === "Allocated" || order._tag === "NeverHeld") return state
      const { orderId, tickets } = fact
      const { eventId, issued, lines } = order
      const free = order._tag === "Held" ? counted(state.types, "held", -1, lines) : state.types
      const allocated = withOrder(state, fact, {
        _tag: "Allocated",
        eventId,
        tickets,
        issued: issued + tickets.length
      })
      return {
        ...withAnswer(allocated, fact, { _tag: "Confirm", orderId, reply: Result.succeed({ orderId, tickets }) }),
        types: counted(free, "allocated", 1, linesOf(tickets))
      }
    }
    case "confirm.repeated": {
      const { orderId, tickets } = fact
      return withAnswer(state, fact, { _tag: "Confirm", orderId, reply: Result.succeed({ orderId, tickets }) })
    }
    case "confirm.refused":
      return withAnswer(state, fact, {
        _tag: "Confirm",
        orderId: fact.orderId,
        reply: Result.fail(fact.refusal)
      })
    case "tickets.released": {
      const { asked, left, orderId, released, ticketIds } = fact
      const column = order?._tag === "Allocated" ? "allocated" : "held"
      const kept = withOrder(state, fact, leftOver(order, left, ticketIds))
      return {
        ...withAnswer(kept, fact, { _tag: "Release", orderId, asked, reply: { orderId, released, ticketIds } }),
        types: counted(state.types, column, -1, released)
      }
    }
  }
}

export const engine: Engine<TicketState, TicketFact> = { empty, apply }
