/**
 * What must be true of every order, whatever happened to the processes that worked on it: one sentence for each, by the
 * ids of reliability.md, section 4. How each is checked is said where it is checked: in SQL by `orders fsck`, in memory
 * by the simulations.
 */
export const invariants = {
  I01: "the total is the sum of its parts and nothing is negative",
  I02: "the subtotal is the sum of its lines",
  I03: "refunds that hold on to money never pass what was captured, in all and per payment",
  I04: "one fact per version, without gap or repeat, and the order is as its facts say",
  I05: "every fact has its message, and no message waits for long",
  I06: "every state follows the one before by the table",
  I07: "no unpaid order outlives its grace by more than one sweep",
  I08: "orders hold and own the tickets that the ticket service has given away",
  I09: "the ticket service has never given away more tickets than there are",
  I10: "every payment that was taken is on one order, to the unit",
  I11: "what is kept of the money is what the state allows",
  I12: "no call to another service has taken effect twice",
  I13: "whatever is to be done has somebody at it, or an alarm",
  I14: "a key has made one order, and names it",
  I15: "what was acknowledged to a client is there, and was true",
  I16: "no user has more orders than allowed, and the counters are right",
  I17: "every message from another service has come to something, once",
  I18: "no row belongs to another tenant than its order",
  I19: "the messages of an order were published in its order, without gap",
  I20: "a confirmed order is paid in full and has a ticket for each that it is for",
  I21: "no order of a cancelled event is left",
  I22: "an order that has ended has given its tickets back and has no open intent",
  I23: "the audit history is as it was written",
  I24: "the database keeps tenants apart by itself",
  I25: "nothing is held by the dead",
  I26: "the sales figures are what the orders add up to"
} as const

export type InvariantId = keyof typeof invariants

const isInvariantId = (text: string): text is InvariantId => Object.hasOwn(invariants, text)

/** All of them, in order. */
export const invariantIds: ReadonlyArray<InvariantId> = Object.keys(invariants).filter(isInvariantId)
