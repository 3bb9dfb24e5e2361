/**
 * The ticket sandbox's engine: what each request does to the stock.
 *
 * A hold lapses at its `holdUntil` without anybody doing anything: the next request of any kind writes `hold.lapsed`
 * first and goes on. An order that was released leaves a tombstone, so that a reserve that was still on its way
 * (reliability C3, F26) is refused; only a confirm, which stands for money, may take stock again (rule 3.7).
 */
import { DateTime, HashMap, Option, Result } from "effect"
import { type EventId, type OrderId, type TenantId, TicketId, type TicketTypeId } from "@tickettoken/order-domain/Ids"
import { type Step, stepWith } from "./Engine.ts"
import {
  type Allocation,
  type Availability,
  type Hold,
  type Release,
  type Ticket,
  type TicketFact,
  type TicketLine,
  TicketRefusal,
  type TicketType
} from "./TicketFacts.ts"
import { linesOf, quantities, sameLines, takeLines, takeTickets } from "./TicketLines.ts"
import { answerOf, availableOf, engine, orderOf, type OrderStock, type Stock, type TicketState } from "./TicketStock.ts"

type TicketStep<Reply> = Step<TicketState, TicketFact, Reply>

interface Decision<Reply> {
  readonly facts: ReadonlyArray<TicketFact>
  readonly reply: Reply
}

/** Who asks, under which key. */
interface Call {
  readonly tenantId: TenantId
  readonly key: string
}

interface OrderCall extends Call {
  readonly orderId: OrderId
}

const nothing = <Reply>(reply: Reply): Decision<Reply> => ({ facts: [], reply })

/** Lapses every hold whose time has come. */
const lapse = (state: TicketState, now: DateTime.Utc): TicketStep<void> => {
  const millis = DateTime.toEpochMillis(now)
  if (millis < state.quietUntil) return { state, facts: [], reply: undefined }
  const facts: Array<TicketFact> = []
  let quietUntil = Number.POSITIVE_INFINITY
  for (const { orderId, tenantId } of HashMap.values(state.open)) {
    const order = orderOf(state, tenantId, orderId)
    if (order?._tag !== "Held") continue
    const until = DateTime.toEpochMillis(order.holdUntil)
    if (until <= millis) facts.push({ kind: "hold.lapsed", tenantId, orderId, items: order.lines })
    else quietUntil = Math.min(quietUntil, until)
  }
  return stepWith(engine, { ...state, quietUntil }, facts, undefined)
}

/** Every request meets a stock without lapsed holds. */
const operation =
  <Request, Reply>(decide: (state: TicketState, request: Request, now: DateTime.Utc) => Decision<Reply>) =>
  (state: TicketState, request: Request, now: DateTime.Utc): TicketStep<Reply> => {
    const fresh = lapse(state, now)
    const { facts, reply } = decide(fresh.state, request, now)
    const { state: next } = stepWith(engine, fresh.state, facts, reply)
    return { state: next, facts: [...fresh.facts, ...facts], reply }
  }

const stockOf = (state: TicketState, tenantId: TenantId, ticketTypeId: TicketTypeId): Stock | undefined => {
  const stock = Option.getOrUndefined(HashMap.get(state.types, ticketTypeId))
  return stock?.ticketType.tenantId === tenantId ? stock : undefined
}

/** The first type, if any, of which there is not enough. */
const soldOut = (
  state: TicketState,
  tenantId: TenantId,
  lines: ReadonlyArray<TicketLine>
): TicketRefusal | undefined => {
  for (const [ticketTypeId, quantity] of quantities(lines)) {
    const stock = stockOf(state, tenantId, ticketTypeId)
    const available = stock === undefined ? 0 : availableOf(stock)
    if (available < quantity) {
      return new TicketRefusal({
        code: "TICKETS_SOLD_OUT",
        message: `${quantity} of ticket type ${ticketTypeId} were asked for, ${available} are left`,
        reason: "sold_out",
        ticketTypeId,
        available
      })
    }
  }
  return undefined
}

/** The first line, if any, that names something this event does not sell. */
const unsellable = (
  state: TicketState,
  { eventId, items, tenantId }: { tenantId: TenantId; eventId: EventId; items: ReadonlyArray<TicketLine> }
): TicketRefusal | undefined => {
  for (const { ticketPricingId, ticketTypeId } of items) {
    const ticketType = stockOf(state, tenantId, ticketTypeId)?.ticketType
    if (ticketType === undefined || ticketType.eventId !== eventId) {
      const message = `event ${eventId} has no ticket type ${ticketTypeId}`
      return new TicketRefusal({ code: "TICKET_TYPE_NOT_FOUND", message, ticketTypeId })
    }
    if (ticketPricingId !== undefined && !ticketType.pricings.some((pricing) => pricing.id === ticketPricingId)) {
      const message = `ticket type ${ticketTypeId} has no pricing ${ticketPricingId}`
      return new TicketRefusal({ code: "PRICING_MISMATCH", message, ticketTypeId })
    }
  }
  return undefined
}

const released = (orderId: OrderId): TicketRefusal =>
  new TicketRefusal({
    code: "HOLD_RELEASED",
    message: `order ${orderId} has been released, so nothing is held for it any more`,
    reason: "released"
  })

const otherRequest = (key: string): TicketRefusal =>
  new TicketRefusal({ code: "IDEMPOTENCY_MISMATCH", message: `the key "${key}" was used for another request` })

/** Puts a type on sale. */
export const addTicketType = operation(
  (state, { ticketType }: { readonly ticketType: TicketType }): Decision<Result.Result<TicketType, TicketRefusal>> => {
    if (HashMap.has(state.types, ticketType.id)) {
      const message = `ticket type ${ticketType.id} is already on sale`
      return nothing(
        Result.fail(new TicketRefusal({ code: "TICKET_TYPE_EXISTS", message, ticketTypeId: ticketType.id }))
      )
    }
    return { facts: [{ kind: "ticket-type.added", ticketType }], reply: Result.succeed(ticketType) }
  }
)

/** What is free of each type. A type that this tenant does not have is absent; one of another event says so. */
export const availability = operation(
  (
    state,
    request: { readonly tenantId: TenantId; readonly ticketTypeIds: ReadonlyArray<TicketTypeId> }
  ): Decision<ReadonlyArray<Availability>> =>
    nothing(
      request.ticketTypeIds.flatMap((ticketTypeId) => {
        const stock = stockOf(state, request.tenantId, ticketTypeId)
        if (stock === undefined) return []
        const { eventId, maxPerOrder, name, pricings, vip } = stock.ticketType
        return [{ ticketTypeId, eventId, name, available: availableOf(stock), vip, maxPerOrder, pricings }]
      })
    )
)

/** Holds all lines or none. The same order is answered its hold again, for the longer of the two times. */
export const reserve = operation(
  (
    state,
    request: OrderCall & {
      readonly eventId: EventId
      readonly items: ReadonlyArray<TicketLine>
      readonly holdUntil: DateTime.Utc
    },
    now
  ): Decision<Result.Result<Hold, TicketRefusal>> => {
    const { eventId, holdUntil, items, key, orderId, tenantId } = request
    const order = orderOf(state, tenantId, orderId)
    const refuse = (refusal: TicketRefusal) => nothing(Result.fail(refusal))
    const hold = (until: DateTime.Utc, status: Hold["status"]): Hold => ({
      orderId,
      eventId,
      status,
      items,
      holdUntil: until
    })
    switch (order?._tag) {
      case "Released":
      case "NeverHeld":
        return refuse(released(orderId))
      case "Held":
      case "Allocated": {
        const lines = order._tag === "Held" ? order.lines : linesOf(order.tickets)
        if (order.eventId !== eventId || !sameLines(lines, items)) {
          const message = `order ${orderId} already holds other tickets`
          return refuse(new TicketRefusal({ code: "HOLD_MISMATCH", message }))
        }
        if (order._tag === "Allocated") return nothing(Result.succeed(hold(holdUntil, "allocated")))
        if (DateTime.isLessThanOrEqualTo(holdUntil, order.holdUntil)) {
          return nothing(Result.succeed(hold(order.holdUntil, "held")))
        }
        const renewed = { kind: "hold.renewed", tenantId, orderId, key, holdUntil } as const
        return { facts: [renewed], reply: Result.succeed(hold(holdUntil, "held")) }
      }
      case "Lapsed":
      case undefined: {
        const refusal = unsellable(state, request) ?? soldOut(state, tenantId, items)
        if (refusal !== undefined) return refuse(refusal)
        if (DateTime.isLessThanOrEqualTo(holdUntil, now)) {
          const message = `a hold until ${DateTime.formatIso(holdUntil)} would be over already`
          return refuse(new TicketRefusal({ code: "HOLD_UNTIL_PAST", message }))
        }
        const placed = { kind: "hold.placed", tenantId, orderId, key, eventId, items, holdUntil } as const
        return { facts: [placed], reply: Result.succeed(hold(holdUntil, "held")) }
      }
    }
  }
)

/** Tickets for these lines, numbered on from those that the order was ever issued. */
const issue = (orderId: OrderId, issued: number, lines: ReadonlyArray<TicketLine>): ReadonlyArray<Ticket> =>
  lines
    .flatMap(({ quantity, ...kind }) => Array.from({ length: quantity }, () => kind))
    .map((kind, index) => ({ id: TicketId.make(`tkt_${orderId}_${issued + index + 1}`), ...kind }))

/** Turns the hold into tickets, or takes them from the stock when the hold is gone. */
export const confirm = operation(
  (state, { key, orderId, tenantId }: OrderCall): Decision<Result.Result<Allocation, TicketRefusal>> => {
    const given = answerOf(state, "Confirm", tenantId, key)
    if (given !== undefined) {
      return nothing(given.orderId === orderId ? given.reply : Result.fail(otherRequest(key)))
    }
    const order = orderOf(state, tenantId, orderId)
    const refuse = (refusal: TicketRefusal): Decision<Result.Result<Allocation, TicketRefusal>> => ({
      facts: [{ kind: "confirm.refused", tenantId, orderId, key, refusal }],
      reply: Result.fail(refusal)
    })
    if (order === undefined) {
      const message = `nothing was ever held for order ${orderId}`
      return nothing(Result.fail(new TicketRefusal({ code: "HOLD_NOT_FOUND", message })))
    }
    if (order._tag === "NeverHeld") return refuse(released(orderId))
    if (order._tag === "Allocated") {
      const { tickets } = order
      return {
        facts: [{ kind: "confirm.repeated", tenantId, orderId, key, tickets }],
        reply: Result.succeed({ orderId, tickets })
      }
    }
    const refusal = order._tag === "Held" ? undefined : soldOut(state, tenantId, order.lines)
    if (refusal !== undefined) return refuse(refusal)
    const tickets = issue(orderId, order.issued, order.lines)
    const from = order._tag === "Held" ? "hold" : "stock"
    return {
      facts: [{ kind: "tickets.allocated", tenantId, orderId, key, tickets, from }],
      reply: Result.succeed({ orderId, tickets })
    }
  }
)

/** What a release of an order gives back and what it leaves. */
const giveBack = (
  order: OrderStock | undefined,
  asked: ReadonlyArray<TicketLine> | null
): Pick<Extract<TicketFact, { kind: "tickets.released" }>, "released" | "ticketIds" | "left"> => {
  switch (order?._tag) {
    case undefined:
    case "NeverHeld":
    case "Released":
      return { released: [], ticketIds: [], left: [] }
    case "Lapsed":
      // Nothing to give back, but the order must not take it again either.
      return { released: [], ticketIds: [], left: asked === null ? [] : takeLines(order.lines, asked).left }
    case "Held": {
      if (asked === null) return { released: order.lines, ticketIds: [], left: [] }
      const { left, taken } = takeLines(order.lines, asked)
      return { released: taken, ticketIds: [], left }
    }
    case "Allocated": {
      const { left, taken } = asked === null ? { left: [], taken: order.tickets } : takeTickets(order.tickets, asked)
      return { released: linesOf(taken), ticketIds: taken.map(({ id }) => id), left: linesOf(left) }
    }
  }
}

/** Gives holds and tickets back, all or some. Never refused: more than there is gives back what there is. */
export const release = operation(
  (
    state,
    request: OrderCall & { readonly items?: ReadonlyArray<TicketLine> }
  ): Decision<Result.Result<Release, TicketRefusal>> => {
    const { key, orderId, tenantId } = request
    const asked = request.items ?? null
    const given = answerOf(state, "Release", tenantId, key)
    if (given !== undefined) {
      const same =
        given.orderId === orderId &&
        (asked === null || given.asked === null ? asked === given.asked : sameLines(asked, given.asked))
      return nothing(same ? Result.succeed(given.reply) : Result.fail(otherRequest(key)))
    }
    const back = giveBack(orderOf(state, tenantId, orderId), asked)
    return {
      facts: [{ kind: "tickets.released", tenantId, orderId, key, asked, ...back }],
      reply: Result.succeed({ orderId, released: back.released, ticketIds: back.ticketIds })
    }
  }
)

/** The stock of every type as plain rows, for invariants: capacity is never less than held and allocated together. */
export const stockRows = (state: TicketState): ReadonlyArray<Stock> =>
  HashMap.toValues(state.types).toSorted((left, right) => (left.ticketType.id < right.ticketType.id ? -1 : 1))
