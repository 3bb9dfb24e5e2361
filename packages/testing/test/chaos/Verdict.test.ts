/** The verdict sees each kind of damage: a run that could not fail would prove nothing. */
import { assert, describe, it } from "@effect/vitest"
import { OrderId, PaymentIntentId, RefundId, TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { Cents } from "@tickettoken/order-domain/Money"
import { type Evidence, judge, type Verdict } from "@tickettoken/order-testing/chaos/Verdict"
import type { PaymentFact } from "@tickettoken/order-testing/sandbox/PaymentFacts"
import { fixedId } from "@tickettoken/order-testing/TestOrders"

const tenantId = TenantId.make(fixedId(1))
const userId = UserId.make(fixedId(2))
const orderId = OrderId.make(fixedId(3))
const otherOrderId = OrderId.make(fixedId(4))
const refundId = RefundId.make(fixedId(5))
const paymentIntentId = PaymentIntentId.make("pi_1")
const about = { tenantId, orderId }
const money = { ...about, paymentIntentId, amount: Cents.make(1000), currency: "USD" }
const key = "order-1"

const captured: PaymentFact = { kind: "intent.captured", ...money, late: false }
const refunded: PaymentFact = {
  kind: "refund.created",
  ...money,
  id: "re_1",
  refundId,
  key: `${refundId}:REFUND:1`,
  amount: Cents.make(400),
  reason: "ill",
  status: "succeeded"
}

/** An order that was created, paid, refunded in part, and told about. */
const good: Evidence = {
  log: [
    { kind: "created", ...about, userId, key, total: 1000, status: "PENDING" },
    { kind: "seen", ...about, userId, status: "CONFIRMED" },
    { kind: "refund", ...about, userId, key: "refund-1", refundId, amount: 400 }
  ],
  payments: [{ kind: "intent.created", ...money, key: `${orderId}:INTENT:1`, userId }, captured, refunded],
  tickets: [],
  orders: [{ tenantId, id: orderId, userId, key }],
  refunds: [{ orderId, id: refundId, amount: 400 }]
}

const broken = ({ checked: _, ...lists }: Verdict): ReadonlyArray<string> =>
  Object.entries(lists).flatMap(([name, list]) => (list.length > 0 ? [name] : []))

const found = (damage: Partial<Evidence>): ReadonlyArray<string> => broken(judge({ ...good, ...damage }, []))

/** What must be found, and the evidence in which it is. */
const damages: ReadonlyArray<readonly [what: string, promise: keyof Verdict, damage: Partial<Evidence>]> = [
  ["a refund is gone", "lost", { refunds: [] }],
  ["a refund has another amount", "lost", { refunds: [{ orderId, id: refundId, amount: 399 }] }],
  ["an order is charged twice", "doubleCharges", { payments: [...good.payments, captured] }],
  [
    "two orders stand under one key",
    "doubleCharges",
    { orders: [...good.orders, { tenantId, id: otherOrderId, userId, key }] }
  ],
  [
    "two orders were acknowledged under one key",
    "doubleCharges",
    {
      log: [...good.log, { kind: "created", ...about, orderId: otherOrderId, userId, key, total: 1, status: "PENDING" }]
    }
  ],
  ["a refund is paid twice", "doubleRefunds", { payments: [...good.payments, { ...refunded, key: "again" }] }],
  [
    "another tenant was shown an order",
    "crossTenant",
    { log: [...good.log, { kind: "foreign", ...about, tenantId: TenantId.make(fixedId(7)), userId }] }
  ]
]

/** Which promise is broken when `orders fsck` finds this. */
const findings: ReadonlyArray<readonly [check: string, part: string, promise: keyof Verdict]> = [
  ["I15", "answers", "lost"],
  ["I10", "payments", "doubleCharges"],
  ["I12", "payments", "doubleCharges"],
  ["I14", "keys", "doubleCharges"],
  ["I11", "returned", "doubleRefunds"],
  ["I08", "tickets", "oversold"],
  ["I09", "capacity", "oversold"],
  ["I12", "tickets", "oversold"],
  ["I18", "children", "crossTenant"],
  ["I24", "tables", "crossTenant"],
  ["I07", "open", "untrue"]
]

describe("the verdict", () => {
  it("finds nothing where nothing is wrong, and says how much it has looked at", () => {
    assert.deepStrictEqual(found({}), [])
    assert.strictEqual(judge(good, []).checked, 3)
  })

  it.each(damages)("I15 sees that %s", (_, promise, damage) => {
    assert.deepStrictEqual(found(damage), [promise])
  })

  it.each(findings)("counts %s %s of orders fsck as %s", (check, part, promise) => {
    assert.deepStrictEqual(broken(judge(good, [{ check, part, line: "an offender" }])), [promise])
  })
})
