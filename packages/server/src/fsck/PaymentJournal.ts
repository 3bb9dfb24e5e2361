/**
 * Orders against the journal of the payment service (I10, I11, I12, I22).
 */
import { type Offender, own } from "./Check.ts"
import type { PaymentFact } from "./Journals.ts"

/** An intent as the journal leaves it. */
interface Intent {
  readonly tenantId: string
  readonly orderId: string
  readonly captured: number | null
  readonly isOpen: boolean
}

/** What the journal comes to. */
export interface Moved {
  readonly intents: ReadonlyMap<string, Intent>
  /** By refund id: what has arrived, over all of its attempts. */
  readonly returned: ReadonlyMap<
    string,
    { readonly tenantId: string; readonly orderId: string; readonly amount: number }
  >
  /** Calls that have taken effect twice, and orders with two intents. */
  readonly twice: ReadonlyArray<Offender>
}

const about = (fact: Pick<PaymentFact, "tenantId" | "orderId">, subject: string, detail: string): Offender => ({
  tenantId: fact.tenantId,
  orderId: fact.orderId,
  subject,
  detail
})

/** Folds the journal. */
export const moveMoney = (facts: ReadonlyArray<PaymentFact>): Moved => {
  const intents = new Map<string, Intent>()
  const returned = new Map<string, { readonly tenantId: string; readonly orderId: string; readonly amount: number }>()
  const seen = new Set<string>()
  const asked = new Map<string, number>()
  const twice: Array<Offender> = []
  const once = (fact: PaymentFact, effect: string, detail: string) => {
    if (seen.has(effect)) twice.push(about(fact, effect.split(" ").at(-1) ?? effect, detail))
    seen.add(effect)
  }
  const arrived = (fact: Extract<PaymentFact, { readonly refundId: string }>) => {
    const { amount, orderId, refundId, tenantId } = fact
    const before = returned.get(refundId)
    if (before !== undefined) twice.push(about(fact, refundId, "the money of this refund was returned twice"))
    returned.set(refundId, { tenantId, orderId, amount: (before?.amount ?? 0) + amount })
  }
  for (const fact of facts) {
    const { orderId, paymentIntentId, tenantId } = fact
    const known = intents.get(paymentIntentId) ?? { tenantId, orderId, captured: null, isOpen: true }
    switch (fact.kind) {
      case "intent.created":
        once(fact, `intent.created ${tenantId} ${fact.key}`, "this key has opened more than one intent")
        intents.set(paymentIntentId, known)
        break
      case "intent.captured":
        once(fact, `intent.captured ${tenantId} ${paymentIntentId}`, "this intent was captured more than once")
        intents.set(paymentIntentId, { ...known, captured: (known.captured ?? 0) + fact.amount, isOpen: false })
        break
      case "intent.canceled":
        intents.set(paymentIntentId, { ...known, isOpen: false })
        break
      case "intent.declined":
        if (!fact.retryable) intents.set(paymentIntentId, { ...known, isOpen: false })
        break
      case "refund.created": {
        once(fact, `refund.created ${tenantId} ${fact.key}`, "this key has made more than one refund")
        const amount = asked.get(fact.refundId)
        if (amount !== undefined && amount !== fact.amount) {
          twice.push(about(fact, fact.refundId, `asked for ${amount} and then for ${fact.amount}`))
        }
        asked.set(fact.refundId, fact.amount)
        if (fact.status === "succeeded") arrived(fact)
        break
      }
      case "refund.settled":
        if (fact.status === "succeeded") arrived(fact)
        break
      default:
        break
    }
  }
  return { intents, returned, twice }
}

/** A row of {@link paymentsStatement}. */
export interface PaymentRow {
  readonly tenant_id: string
  readonly order_id: string
  readonly payment_intent_id: string
  readonly amount_cents: bigint
}

export const paymentsStatement = `
  select tenant_id, order_id, payment_intent_id, amount_cents from payments p where ${own("p")}`

/** A row of {@link ordersStatement}. */
export interface OrderRow {
  readonly tenant_id: string
  readonly order_id: string
  readonly is_payable: boolean
  readonly is_over: boolean
}

/** `is_payable`: its intent is open, and expiry will still ask for it. */
export const ordersStatement = `
  select tenant_id, id as order_id, status in ('CANCELLED', 'EXPIRED', 'REFUNDED') as is_over,
    status in ('PENDING', 'RESERVED') and hold_expires_at + hold_grace_minutes * interval '1 minute'
      > statement_timestamp() as is_payable
  from orders o where ${own("o")}`

/** A row of {@link refundsStatement}. */
export interface RefundRow {
  readonly tenant_id: string
  readonly order_id: string
  readonly id: string
  readonly amount_cents: bigint
  readonly is_completed: boolean
  readonly is_running: boolean
}

export const refundsStatement = `
  select tenant_id, order_id, id, amount_cents, state = 'COMPLETED' as is_completed,
    state in ('APPROVED', 'PROCESSING') as is_running
  from order_refunds r where ${own("r")}`

/** I10: each payment here and there, to the unit. */
export const comparePayments = (
  { intents }: Moved,
  rows: ReadonlyArray<PaymentRow>,
  isWaiting: (of: { readonly tenantId: string; readonly orderId: string }) => boolean
): ReadonlyArray<Offender> => {
  const booked = new Map(rows.map((row) => [`${row.tenant_id} ${row.payment_intent_id}`, row]))
  const missing = [...intents].flatMap(([id, intent]) => {
    const row = booked.get(`${intent.tenantId} ${id}`)
    if (intent.captured === null || (row === undefined && isWaiting(intent))) return []
    if (row === undefined) return [about(intent, id, `${intent.captured} was captured and is on no order`)]
    const isRight = row.order_id === intent.orderId && Number(row.amount_cents) === intent.captured
    return isRight
      ? []
      : [about(intent, id, `${intent.captured} was captured, ${row.amount_cents} is on order ${row.order_id}`)]
  })
  const invented = rows.flatMap(({ amount_cents, order_id, payment_intent_id, tenant_id }) =>
    (intents.get(payment_intent_id)?.captured ?? null) === null
      ? [about({ tenantId: tenant_id, orderId: order_id }, payment_intent_id, `${amount_cents} was never captured`)]
      : []
  )
  return [...missing, ...invented]
}

/** I11: each refund here and there. */
export const compareRefunds = ({ returned }: Moved, rows: ReadonlyArray<RefundRow>): ReadonlyArray<Offender> => {
  const known = new Map(rows.map((row) => [row.id, row]))
  const ours = rows.flatMap(({ amount_cents, id, is_completed, is_running, order_id, tenant_id }) => {
    const arrived = returned.get(id)?.amount ?? 0
    const recorded = is_completed ? Number(amount_cents) : 0
    return is_running || arrived === recorded
      ? []
      : [
          about(
            { tenantId: tenant_id, orderId: order_id },
            id,
            `${arrived} was returned, ${recorded} is recorded as returned`
          )
        ]
  })
  const strange = [...returned].flatMap(([id, refund]) =>
    known.has(id) ? [] : [about(refund, id, `${refund.amount} was returned by a refund that nobody knows`)]
  )
  return [...ours, ...strange]
}

/** I22: intents that are open at the provider although their order is over, or not there. */
export const openIntents = (
  { intents }: Moved,
  stateOf: (of: { readonly tenantId: string; readonly orderId: string }) => "live" | "over" | "unknown"
): ReadonlyArray<Offender> =>
  [...intents].flatMap(([id, intent]) => {
    if (!intent.isOpen || stateOf(intent) === "live") return []
    return [
      about(intent, id, `the intent is open although its order is ${stateOf(intent) === "over" ? "over" : "not there"}`)
    ]
  })
