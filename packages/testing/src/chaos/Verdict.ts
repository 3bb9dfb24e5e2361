/**
 * Whether a run has kept its promises: what clients were told, what the other services have written down, and what the
 * database holds must be one story.
 *
 * `orders fsck` compares the database with the journals and with what was acknowledged; it is handed in as findings. What
 * only a client or a whole journal can tell is looked at here: pure, evidence in and broken promises out.
 */
import type { PaymentFact } from "../sandbox/PaymentFacts.ts"
import type { TicketFact } from "../sandbox/TicketFacts.ts"
import type { Acknowledged } from "./ClientLog.ts"

/** An order as the database holds it at the end. */
export interface FinalOrder {
  readonly tenantId: string
  readonly id: string
  readonly userId: string
  readonly key: string | null
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

/** An offender that `orders fsck` has found. */
export interface Finding {
  /** The invariant's id. */
  readonly check: string
  /** Which part of it. */
  readonly part: string
  /** The whole of it as a sentence. */
  readonly line: string
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
  /** Everything else that must be true at rest. */
  readonly untrue: ReadonlyArray<string>
}

/** Which promise an invariant stands for; the others are for `untrue`. */
const promiseOf = ({ check, part }: Finding): Exclude<keyof Verdict, "checked"> => {
  switch (check) {
    case "I15":
      return "lost"
    case "I10":
    case "I14":
      return "doubleCharges"
    case "I03":
    case "I11":
      return "doubleRefunds"
    case "I12":
      return part === "tickets" ? "oversold" : "doubleCharges"
    case "I08":
    case "I09":
      return "oversold"
    case "I18":
    case "I24":
      return "crossTenant"
    default:
      return "untrue"
  }
}

/** Refunds that were accepted, and are not there any more or not as they were told. */
const lostRefunds = ({ log, refunds }: Evidence): ReadonlyArray<string> => {
  const byId = new Map(refunds.map((refund) => [refund.id, refund]))
  return log.flatMap((entry) => {
    if (entry.kind !== "refund") return []
    const refund = byId.get(entry.refundId)
    return refund?.orderId === entry.orderId && refund.amount === entry.amount
      ? []
      : [`refund ${entry.refundId} of ${entry.orderId} was acknowledged and is not there as it was told`]
  })
}

/** Groups of more than one. */
const repeated = <A>(items: ReadonlyArray<A>, keyOf: (item: A) => string): ReadonlyArray<readonly [string, number]> => {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return [...counts].filter(([, count]) => count > 1)
}

/** Two charges of one order, or two orders of one key: by the journal, and by what clients were told. */
const chargesOf = ({ log, orders, payments }: Evidence): ReadonlyArray<string> => {
  const captures = payments.filter((fact) => fact.kind === "intent.captured")
  const created = log.filter((entry) => entry.kind === "created")
  const keyed = ({ key, tenantId, userId }: Pick<FinalOrder, "key" | "tenantId" | "userId">) =>
    `${tenantId} ${userId} ${key}`
  return [
    ...repeated(captures, ({ orderId }) => orderId).map(([id, count]) => `${id} was charged ${count} times`),
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
  const paid = payments.filter((fact) => fact.kind === "refund.created").filter(({ status }) => status !== "failed")
  return repeated(paid, ({ refundId }) => refundId).map(([id, count]) => `refund ${id} was paid ${count} times`)
}

/** Looks at everything. */
export const judge = (evidence: Evidence, findings: ReadonlyArray<Finding>): Verdict => {
  const found = (promise: Exclude<keyof Verdict, "checked">): ReadonlyArray<string> =>
    findings.filter((finding) => promiseOf(finding) === promise).map(({ line }) => line)
  return {
    checked: evidence.log.length,
    lost: [...found("lost"), ...lostRefunds(evidence)],
    doubleCharges: [...found("doubleCharges"), ...chargesOf(evidence)],
    doubleRefunds: [...found("doubleRefunds"), ...refundsOf(evidence)],
    oversold: found("oversold"),
    crossTenant: [
      ...found("crossTenant"),
      ...evidence.log.flatMap((entry) =>
        entry.kind === "foreign" ? [`${entry.orderId} was shown to tenant ${entry.tenantId}`] : []
      )
    ],
    untrue: found("untrue")
  }
}
