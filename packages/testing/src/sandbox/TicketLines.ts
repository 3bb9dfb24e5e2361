/**
 * Arithmetic on ticket lines: sums per type, taking some lines away from others, tickets seen as lines.
 */
import type { TicketTypeId } from "@tickettoken/order-domain/Ids"
import type { Ticket, TicketLine } from "./TicketFacts.ts"

/** How many tickets of each type the lines ask for. */
export const quantities = (lines: ReadonlyArray<TicketLine>): ReadonlyMap<TicketTypeId, number> => {
  const sums = new Map<TicketTypeId, number>()
  for (const { quantity, ticketTypeId } of lines) {
    sums.set(ticketTypeId, (sums.get(ticketTypeId) ?? 0) + quantity)
  }
  return sums
}

const sameKind = (left: Ticket | TicketLine, right: Ticket | TicketLine): boolean =>
  left.ticketTypeId === right.ticketTypeId && left.ticketPricingId === right.ticketPricingId

/** One line per type and pricing, in a stable order. */
export const merged = (lines: ReadonlyArray<TicketLine>): ReadonlyArray<TicketLine> => {
  const rows: Array<TicketLine> = []
  for (const line of lines) {
    const at = rows.findIndex((row) => sameKind(row, line))
    const row = rows[at]
    if (row === undefined) rows.push(line)
    else rows[at] = { ...row, quantity: row.quantity + line.quantity }
  }
  const name = (line: TicketLine) => `${line.ticketTypeId} ${line.ticketPricingId ?? ""}`
  return rows.toSorted((left, right) => (name(left) < name(right) ? -1 : 1))
}

/** The same tickets, however the lines are cut and ordered. */
export const sameLines = (left: ReadonlyArray<TicketLine>, right: ReadonlyArray<TicketLine>): boolean => {
  const rows = merged(left)
  const others = merged(right)
  return (
    rows.length === others.length &&
    rows.every((row, index) => {
      const other = others[index]
      return other !== undefined && sameKind(row, other) && row.quantity === other.quantity
    })
  )
}

/** The lines that these tickets make. */
export const linesOf = (tickets: ReadonlyArray<Ticket>): ReadonlyArray<TicketLine> =>
  merged(tickets.map(({ id: _, ...line }) => ({ ...line, quantity: 1 })))

/** A line that names no pricing means any pricing of its type. */
const wants = (asked: TicketLine, row: Ticket | TicketLine): boolean =>
  asked.ticketPricingId === undefined ? asked.ticketTypeId === row.ticketTypeId : sameKind(asked, row)

/** Takes what is asked for away from the lines, as far as it is there. */
export const takeLines = (
  lines: ReadonlyArray<TicketLine>,
  asked: ReadonlyArray<TicketLine>
): { readonly taken: ReadonlyArray<TicketLine>; readonly left: ReadonlyArray<TicketLine> } => {
  const taken: Array<TicketLine> = []
  let left = lines
  for (const want of asked) {
    let missing = want.quantity
    left = left.flatMap((line) => {
      const quantity = wants(want, line) ? Math.min(missing, line.quantity) : 0
      if (quantity === 0) return [line]
      missing -= quantity
      taken.push({ ...line, quantity })
      return quantity === line.quantity ? [] : [{ ...line, quantity: line.quantity - quantity }]
    })
  }
  return { taken: merged(taken), left }
}

/** Picks the tickets that are asked for, as far as they are there: the last ones first. */
export const takeTickets = (
  tickets: ReadonlyArray<Ticket>,
  asked: ReadonlyArray<TicketLine>
): { readonly taken: ReadonlyArray<Ticket>; readonly left: ReadonlyArray<Ticket> } => {
  const taken = new Set<Ticket>()
  for (const want of asked) {
    const matching = tickets.filter((ticket) => !taken.has(ticket) && wants(want, ticket))
    for (const ticket of matching.slice(-want.quantity)) taken.add(ticket)
  }
  return { taken: tickets.filter((ticket) => taken.has(ticket)), left: tickets.filter((ticket) => !taken.has(ticket)) }
}
