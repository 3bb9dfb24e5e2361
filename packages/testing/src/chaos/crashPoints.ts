/**
 * The named crash points: every place between two lines of the write path where a process may end, as data.
 *
 * The rows are those of the reliability notes. C is creation, K payment, E expiry, RF refund, B a bulk job, O the outbox;
 * U is the undoing of what an order had, which every ending has in common. Each point says at which call of which port the process ends, what it
 * leaves behind, and who repairs that. `again` is where the one that repairs it ends in turn: the same place if the
 * repair comes by there, else the last one before it has done anything.
 */
import type { OrderEventType } from "@tickettoken/order-domain/OrderEvent"
import type { WorkKind } from "@tickettoken/order-domain/Work"

/** What a call of a port is about: the fact that a commit records, or the kind of work that is claimed or given back. */
export type CrashSubject = OrderEventType | WorkKind

/** A place at the boundary of a port: before a call, or after it took effect and before anybody has seen its answer. */
export interface CrashSite {
  readonly when: "before" | "after"
  readonly call: CrashCall
  /** Calls about anything else pass. */
  readonly about?: ReadonlyArray<CrashSubject>
}

export type CrashCall =
  | "store.create"
  | "store.commit"
  | "queue.claimDue"
  | "queue.claimExpired"
  | "queue.retry"
  | "keys.lookup"
  | "keys.finish"
  | "tickets.hold"
  | "tickets.allocate"
  | "tickets.release"
  | "payments.openIntent"
  | "payments.cancelIntent"
  | "payments.refund"
  | "bulk.open"
  | "bulk.claim"
  | "bulk.record"
  | "bulk.leave"
  | "outbox.sent"

export interface CrashPoint {
  /** The row, and a letter where the row has more than one place. */
  readonly id: string
  readonly where: string
  readonly site: CrashSite
  readonly again: CrashSite
  readonly left: string
  readonly repair: string
}

const before = (call: CrashCall, ...about: ReadonlyArray<CrashSubject>): CrashSite => ({ when: "before", call, about })
const after = (call: CrashCall, ...about: ReadonlyArray<CrashSubject>): CrashSite => ({ when: "after", call, about })

/** Claimed by the sweeper, and nothing done yet. */
const claimed = (kind: WorkKind): CrashSite => after("queue.claimDue", kind)

const creation: ReadonlyArray<CrashPoint> = [
  {
    id: "C1",
    where: "before the order is written",
    site: before("store.create"),
    again: before("store.create"),
    left: "nothing",
    repair: "the client's retry"
  },
  {
    id: "C2",
    where: "the order is written, nothing is held",
    site: after("store.create"),
    again: claimed("HOLD"),
    left: "PENDING with HOLD work",
    repair: "the sweeper after the lease: goes on if the order is younger than a minute, else cancels and releases"
  },
  {
    id: "C3",
    where: "tickets are held, the answer is lost",
    site: after("tickets.hold"),
    again: after("tickets.hold"),
    left: "a hold that no row knows of",
    repair: "the sweeper under the same key, or RELEASE by the order's id"
  },
  {
    id: "C4",
    where: "the hold is answered, not committed",
    site: before("store.commit", "HOLD_GRANTED"),
    again: before("store.commit", "HOLD_GRANTED"),
    left: "a hold, HOLD work under a lease",
    repair: "the sweeper: the same key answers the same hold"
  },
  {
    id: "C5",
    where: "the hold is committed, no intent asked for",
    site: after("store.commit", "HOLD_GRANTED"),
    again: claimed("INTENT"),
    left: "held, INTENT work",
    repair: "the sweeper runs INTENT"
  },
  {
    id: "C6",
    where: "the intent is open, the answer is lost",
    site: after("payments.openIntent"),
    again: after("payments.openIntent"),
    left: "an intent that no row knows of",
    repair: "the sweeper under the same key; on an abort VOID asks for it by that key"
  },
  {
    id: "C7a",
    where: "the intent is committed, the key has no answer yet",
    site: after("store.commit", "PAYMENT_INTENT_OPENED"),
    again: before("keys.finish"),
    left: "a complete order, its key running",
    repair: "the client's retry joins and finishes the key"
  },
  {
    id: "C7",
    where: "the answer is stored, and not given",
    site: after("keys.finish"),
    again: after("keys.lookup"),
    left: "a complete order with its answer",
    repair: "the client's retry is answered with the stored bytes"
  }
]

const payment: ReadonlyArray<CrashPoint> = [
  {
    id: "K1",
    where: "the payment is captured and announced, nothing is written",
    site: before("store.commit", "PAYMENT_CAPTURED"),
    again: before("store.commit", "PAYMENT_CAPTURED"),
    left: "money taken, the order still open",
    repair: "the next announcement, or the payment watch, or expiry"
  },
  {
    id: "K2",
    where: "the payment is committed, nothing is allocated",
    site: after("store.commit", "PAYMENT_CAPTURED"),
    again: claimed("FINALIZE"),
    left: "paid, FINALIZE work",
    repair: "the sweeper runs FINALIZE"
  },
  {
    id: "K2a",
    where: "tickets are allocated, the answer is lost",
    site: after("tickets.allocate"),
    again: after("tickets.allocate"),
    left: "tickets that no row knows of",
    repair: "the sweeper: the same key answers the same tickets"
  },
  {
    id: "K2b",
    where: "the allocation is answered, not committed",
    site: before("store.commit", "ORDER_CONFIRMED"),
    again: before("store.commit", "ORDER_CONFIRMED"),
    left: "paid with tickets, FINALIZE work under a lease",
    repair: "the sweeper: the same key answers the same tickets"
  }
]

const expiry: ReadonlyArray<CrashPoint> = [
  {
    id: "E1",
    where: "expiry is claimed, the payment service not asked",
    site: after("queue.claimExpired", "EXPIRE"),
    again: claimed("EXPIRE"),
    left: "EXPIRE work under a lease",
    repair: "the next sweeper, with a new token"
  },
  {
    id: "E2",
    where: "the intent is cancelled, the answer is lost",
    site: after("payments.cancelIntent", "EXPIRE"),
    again: before("store.commit", "RESERVATION_EXPIRED"),
    left: "an open order with a dead intent",
    repair: "the next sweeper: cancelled is final, EXPIRED is written"
  },
  {
    id: "E2a",
    where: "the end is known, EXPIRED is not written",
    site: before("store.commit", "RESERVATION_EXPIRED"),
    again: before("store.commit", "RESERVATION_EXPIRED"),
    left: "an open order with a dead intent",
    repair: "the next sweeper"
  },
  {
    id: "E3",
    where: "the payment service does not answer, and expiry has given its work back",
    site: after("queue.retry", "EXPIRE"),
    again: after("queue.retry", "EXPIRE"),
    left: "the hold stays",
    repair: "asked again for 10 minutes, then EXPIRED, RELEASE and VOID anyway"
  }
]

const refunding: ReadonlyArray<CrashPoint> = [
  {
    id: "RF1",
    where: "the refund is committed, the payment service not asked",
    site: after("store.commit", "REFUND_REQUESTED", "ORDER_CANCELLED"),
    again: claimed("REFUND"),
    left: "an approved refund, REFUND work",
    repair: "the sweeper"
  },
  {
    id: "RF2",
    where: "the money is returned, the answer is lost",
    site: after("payments.refund"),
    again: after("payments.refund"),
    left: "a refund whose outcome nobody knows",
    repair: "the sweeper under the same key; never under a new one"
  },
  {
    id: "RF3",
    where: "the refund is refused for good, FAILED is not written",
    site: before("store.commit", "REFUND_FAILED"),
    again: before("store.commit", "REFUND_FAILED"),
    left: "an approved refund, REFUND work under a lease",
    repair: "the sweeper is told the same refusal: FAILED, and the money may be asked for again"
  }
]

const undoing: ReadonlyArray<CrashPoint> = [
  {
    id: "U1",
    where: "the end is committed, nothing is undone",
    site: after("store.commit", "ORDER_CANCELLED", "RESERVATION_EXPIRED"),
    again: claimed("RELEASE"),
    left: "RELEASE work, and VOID work where an intent is open",
    repair: "the sweeper"
  },
  {
    id: "U2",
    where: "the tickets are given back, the answer is lost",
    site: after("tickets.release"),
    again: after("tickets.release"),
    left: "RELEASE work under a lease",
    repair: "the sweeper under the same key"
  },
  {
    id: "U3",
    where: "the intent of an ended order is cancelled, the answer is lost",
    site: after("payments.cancelIntent", "VOID"),
    again: after("payments.cancelIntent", "VOID"),
    left: "VOID work under a lease",
    repair: "the sweeper: cancelled is final"
  }
]

const bulk: ReadonlyArray<CrashPoint> = [
  {
    id: "B1",
    where: "the job is written and its event closed, no order is met",
    site: after("bulk.open"),
    again: after("bulk.claim"),
    left: "a job under a lease",
    repair: "any replica claims the job and meets the orders"
  },
  {
    id: "B2",
    where: "an order is cancelled, and not recorded with the job",
    site: after("store.commit", "ORDER_CANCELLED"),
    again: before("bulk.record"),
    left: "a job under a lease, an open item whose order is done",
    repair: "any replica claims the job: the order has nothing left to do, and is recorded"
  },
  {
    id: "B3",
    where: "every order has its outcome, the sums are not written",
    site: before("bulk.leave"),
    again: before("bulk.leave"),
    left: "a job under a lease, all items done",
    repair: "any replica claims the job and writes the sums"
  }
]

const publishing: ReadonlyArray<CrashPoint> = [
  {
    id: "O1",
    where: "messages are published, not marked as sent",
    site: before("outbox.sent"),
    again: before("outbox.sent"),
    left: "messages under a lease",
    repair: "the next relay sends them again under the same ids; who takes them drops what he has had"
  }
]

/** Every named point. */
export const crashPoints: ReadonlyArray<CrashPoint> = [
  ...creation,
  ...payment,
  ...expiry,
  ...refunding,
  ...undoing,
  ...bulk,
  ...publishing
]

/** The point of that id; an id that is none is a mistake of the one who asks. */
export const crashPoint = (id: string): CrashPoint => {
  const point = crashPoints.find((known) => known.id === id)
  if (point === undefined) throw new Error(`there is no crash point ${id}`)
  return point
}
