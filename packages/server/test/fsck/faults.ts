/** Faults made by hand, one or more for each check of fsck, with what else each of them breaks. */
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { orderLimits } from "@tickettoken/order-domain/OrderLimits"
import type { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import type * as Fsck from "@tickettoken/order-server/fsck/Fsck"
import type { PaymentFact, TicketFact } from "@tickettoken/order-server/fsck/Journals"
import { create, createConfirmed, createPayable, only, send } from "@tickettoken/order-testing/contracts/storeFixture"
import type { Buyer } from "@tickettoken/order-testing/TestOrders"
import { cancelAs } from "@tickettoken/order-testing/TestOrdersNews"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** The order that a fault strikes, and another buyer for whom there is nothing else. */
export const bases = {
  /** HOLDING, with its HOLD leased. */
  created: (buyer: Buyer) => Effect.map(create(buyer), ({ order }) => order),
  payable: (buyer: Buyer) => createPayable(buyer),
  confirmed: (buyer: Buyer) => createConfirmed(buyer),
  /** Its buyer has cancelled before paying: RELEASE and VOID are under way. */
  cancelled: (buyer: Buyer) =>
    Effect.gen(function* () {
      const payable = yield* createPayable(buyer)
      return (yield* send(payable, cancelAs(payable, "buyer"))).order
    }),
  /** The organiser has cancelled it: its refund is APPROVED and under way. */
  returning: (buyer: Buyer) =>
    Effect.gen(function* () {
      const confirmed = yield* createConfirmed(buyer)
      return (yield* send(confirmed, cancelAs(confirmed, "organiser"))).order
    }),
  /** Its buyer has cancelled it and has the money back, less what the policy keeps. */
  kept: (buyer: Buyer) =>
    Effect.gen(function* () {
      const confirmed = yield* createConfirmed(buyer)
      const { order, work } = yield* send(confirmed, cancelAs(confirmed, "buyer"))
      const { work: refund } = only(work, "REFUND").item
      if (refund._tag !== "REFUND") return yield* Effect.die(new Error("it is a refund"))
      const { attempt, refundId } = refund
      const arrived = OrderCommand.RefundSettled({ refundId, attempt, outcome: { _tag: "Succeeded" } })
      return (yield* send(order, arrived, { settles: only(work, "REFUND").lease })).order
    })
} as const

export interface Fault {
  readonly on: keyof typeof bases
  /** Done as the owner, with triggers and foreign keys off; statements are parted by semicolons. */
  readonly sql?: string
  /** What else breaks with it, by check and part. */
  readonly also?: ReadonlyArray<string>
  /** Evidence that does not fit the order. */
  readonly evidence?: (order: Order) => Fsck.FsckOptions
  /** What has to be there besides the order. */
  readonly beside?: (order: Order) => Effect.Effect<unknown, { readonly _tag: string }, OrderStore>
  /** Whose rows the fault leaves broken. Default: those of the order's own tenant. */
  readonly breaks?: "stranger"
}

const buyerOf = ({ eventId, tenantId, userId }: Order): Buyer => ({ tenantId, userId, eventId })
const ofOrder = ({ id, tenantId }: Order) => ({ tenantId, orderId: id })
const typeOf = ({ items }: Order): string => items[0].ticketTypeId

const placed = (order: Order, quantity = 2, key = "hold"): TicketFact => ({
  kind: "hold.placed",
  ...ofOrder(order),
  key,
  items: [{ ticketTypeId: typeOf(order), quantity }]
})

const onSale = (order: Order, capacity: number): TicketFact => ({
  kind: "ticket-type.added",
  ticketType: { id: typeOf(order), tenantId: order.tenantId, capacity }
})

const intentIdOf = ({ intent }: Order): string => intent?.id ?? "none"

const opened = (order: Order, key = "intent"): PaymentFact => ({
  kind: "intent.created",
  ...ofOrder(order),
  paymentIntentId: intentIdOf(order),
  key
})

const captured = (order: Order, amount: number): PaymentFact => ({
  kind: "intent.captured",
  ...ofOrder(order),
  paymentIntentId: intentIdOf(order),
  amount
})

const refunded = (order: Order, status: "succeeded" | "failed", key = "refund"): PaymentFact => ({
  kind: "refund.created",
  ...ofOrder(order),
  paymentIntentId: intentIdOf(order),
  key,
  refundId: order.refunds[0]?.id ?? "none",
  amount: order.refunds[0]?.amount ?? 0,
  status
})

const tickets = (...facts: ReadonlyArray<TicketFact>): Fsck.FsckOptions => ({ journals: { tickets: facts } })
const payments = (...facts: ReadonlyArray<PaymentFact>): Fsck.FsckOptions => ({ journals: { payments: facts } })

/** Does what a fault says as the owner, with triggers and foreign keys off. */
export const behindTheBack = Effect.fnUntraced(function* (statement: string, order: Order, stranger: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`set local session_replication_role = replica`
      yield* sql`select set_config('test.order', ${order.id}, true), set_config('test.tenant', ${order.tenantId}, true),
        set_config('test.stranger', ${stranger}, true)`
      for (const one of statement.split(";")) yield* sql.unsafe(one).unprepared
    })
  )
})

/** In a fault's statements: the order that it strikes. */
const ofIt = (id: string): string =>
  `tenant_id = current_setting('test.tenant')::uuid and ${id} = current_setting('test.order')::uuid`
export const it_ = ofIt("id")
export const its = ofIt("order_id")

/** By check and part. */
export const faults: { readonly [check: string]: Fault | ReadonlyArray<Fault> } = {
  "I01 total": {
    on: "confirmed",
    sql: `update orders set tax_cents = tax_cents + 1 where ${it_}`,
    also: ["I26 figures"]
  },
  "I02 lines": [
    { on: "confirmed", sql: `update order_items set unit_price_cents = unit_price_cents + 1 where ${its}` },
    { on: "created", sql: `delete from order_items where ${its}` }
  ],
  "I03 committed": {
    on: "confirmed",
    sql: `update orders set refund_committed_cents = 5 where ${it_}`,
    also: ["I26 figures"]
  },
  "I03 captured": { on: "confirmed", sql: `update orders set captured_cents = captured_cents + 1 where ${it_}` },
  "I03 payment": {
    on: "returning",
    sql: `update order_refunds set payment_intent_id = 'another' where ${its}`,
    also: ["I11 kept"]
  },
  "I04 versions": [
    { on: "confirmed", sql: `delete from order_events where ${its} and version = 2`, also: ["I05 fact", "I23 chain"] },
    { on: "confirmed", sql: `update orders set version = version + 1 where ${it_}`, also: ["I23 chain"] }
  ],
  "I04 instant": { on: "payable", sql: `update orders set updated_at = updated_at + interval '1 second' where ${it_}` },
  "I04 price": {
    on: "payable",
    sql: `update order_events set data = jsonb_set(data, '{total}', '1') where ${its} and version = 1`,
    also: ["I23 chain"]
  },
  "I04 refunds": { on: "returning", sql: `update order_refunds set state = 'PROCESSING' where ${its}` },
  "I05 message": { on: "payable", sql: `delete from outbox where ${its} and version = 2` },
  "I05 fact": { on: "payable", sql: `update outbox set type = 'order.refunded' where ${its} and version = 2` },
  "I05 waiting": [
    {
      on: "payable",
      sql: `update outbox set created_at = created_at - interval '3 minutes' where ${its} and version = 2`
    },
    {
      on: "payable",
      sql: `update outbox set created_at = created_at - interval '1 hour', replayed_at = now() - interval '3 minutes'
        where ${its} and version = 2`
    }
  ],
  "I06 transitions": {
    on: "confirmed",
    sql: `update order_events set type = 'ORDER_COMPLETED' where ${its} and type = 'ORDER_CONFIRMED'`,
    also: ["I05 fact", "I06 state", "I23 chain"]
  },
  "I06 state": {
    on: "confirmed",
    sql: `update orders set status = 'COMPLETED', completed_at = now() where ${it_}`,
    also: ["I26 figures"]
  },
  "I07 expiry": {
    on: "payable",
    sql: `update orders set hold_expires_at = now() - interval '195 seconds' - interval '1 second' where ${it_}`
  },
  "I07 limit": {
    on: "payable",
    sql: `update orders set hold_expires_at = hold_limit_at + interval '1 second' where ${it_}`
  },
  "I11 kept": {
    on: "kept",
    sql: `update orders set terms = jsonb_set(terms, '{refunds,retentionFixed}', '0') where ${it_}`
  },
  "I11 stray": {
    on: "confirmed",
    sql: `insert into payments (tenant_id, payment_intent_id, order_id, position, amount_cents, captured_at)
        select tenant_id, 'stray-' || id, id, 1, 700, now() from orders where ${it_};
      update orders set captured_cents = captured_cents + 700 where ${it_}`
  },
  "I13 overdue": {
    on: "created",
    sql: `update order_work set state = 'TODO', lease_until = null, next_at = now() - interval '6 minutes' where ${its}`
  },
  "I13 failed": { on: "created", sql: `update order_work set state = 'FAILED', lease_until = null where ${its}` },
  "I13 nobody": { on: "created", sql: `delete from order_work where ${its}` },
  "I13 refund": { on: "returning", sql: `delete from order_work where ${its} and kind = 'REFUND'` },
  "I14 order": {
    on: "payable",
    beside: (order) => createPayable(buyerOf(order)),
    sql: `update orders set idempotency_key = 'k' where tenant_id = current_setting('test.tenant')::uuid`
  },
  "I14 refund": {
    on: "returning",
    beside: (order) => bases.returning(buyerOf(order)),
    // Of two buyers: the key is of the one who asked.
    sql: `update order_refunds set idempotency_key = 'k', requested_by = 'admin:one', user_id = id where tenant_id = current_setting('test.tenant')::uuid`
  },
  "I14 claim": {
    on: "payable",
    sql: `insert into idempotency (tenant_id, principal, operation, key, fingerprint, expires_at)
      values (current_setting('test.tenant')::uuid, 'p', 'create', 'k', 'f', now() + interval '1 hour')`
  },
  "I16 counter": [
    { on: "payable", sql: `update quota_event set n = n + 1 where tenant_id = current_setting('test.tenant')::uuid` },
    { on: "payable", sql: `delete from quota_event where tenant_id = current_setting('test.tenant')::uuid` }
  ],
  "I16 day": {
    on: "payable",
    beside: (order) => {
      const limits = { ...orderLimits, ordersPerUserPerDayMax: 100, ordersActivePerUserPerEventMax: 100 }
      return Effect.forEach(Array.from({ length: orderLimits.ordersPerUserPerDayMax }), () =>
        create(buyerOf(order), {}, {}, limits)
      )
    }
  },
  "I17 waiting": {
    on: "payable",
    sql: `insert into inbox (tenant_id, source, message_id, type, body, bytes, state, next_at, received_at)
      values (current_setting('test.tenant')::uuid, 'payments', 'm1', 'payment.succeeded', '{}', 2, 'NEW',
        now() - interval '6 minutes', now() - interval '6 minutes')`
  },
  "I18 tenant": {
    on: "created",
    sql: `update order_items set tenant_id = current_setting('test.stranger')::uuid where ${its}`,
    breaks: "stranger"
  },
  "I20 confirmed": [
    { on: "confirmed", sql: `update orders set tickets = '[]' where ${it_}` },
    { on: "confirmed", sql: `update orders set tickets = jsonb_build_array(tickets -> 0, tickets -> 0) where ${it_}` },
    {
      on: "payable",
      sql: `update orders set status = 'CONFIRMED', confirmed_at = now(), tickets = '[{"id": "1"}, {"id": "2"}]' where ${it_}`,
      also: ["I06 state", "I26 figures"]
    }
  ],
  "I21 active": {
    on: "payable",
    sql: `insert into cancelled_events (tenant_id, event_id, reason, actor_kind, actor_id, closed_at)
      select tenant_id, event_id, 'rain', 'admin', 'a', now() - interval '16 minutes' from orders where ${it_}`
  },
  "I22 release": { on: "cancelled", sql: `delete from order_work where ${its} and kind = 'RELEASE'` },
  "I22 late": {
    on: "cancelled",
    sql: `update order_work set created_at = created_at - interval '16 minutes' where ${its} and kind = 'RELEASE'`
  },
  "I23 chain": { on: "confirmed", sql: `update order_events set actor_id = 'nobody' where ${its} and version = 2` },
  "I25 leases": {
    on: "created",
    sql: `update order_work set lease_until = now() - interval '61 seconds' where ${its}`
  },
  "I26 figures": [
    {
      on: "confirmed",
      sql: `delete from sales_changes where tenant_id = current_setting('test.tenant')::uuid and sign = 1`
    },
    {
      on: "kept",
      sql: `insert into sales_by_event (tenant_id, day, currency, event_id, sales)
        select tenant_id, current_date, currency, event_id, 1 from orders where ${it_}`
    }
  ],
  "I08 tickets": [
    { on: "payable", evidence: (order) => tickets(placed(order, 1)) },
    { on: "payable", evidence: () => tickets() },
    {
      on: "kept",
      sql: `update order_work set state = 'DONE', lease_until = null where ${its}`,
      evidence: (order) => tickets(placed(order))
    }
  ],
  "I09 capacity": { on: "payable", evidence: (order) => tickets(onSale(order, 1), placed(order)) },
  "I10 payments": [
    { on: "confirmed", evidence: (order) => payments(opened(order), captured(order, order.pricing.total - 1)) },
    { on: "confirmed", evidence: (order) => payments(opened(order)) },
    {
      on: "cancelled",
      sql: `update order_work set state = 'DONE', lease_until = null where ${its}`,
      evidence: (order) => payments(opened(order), captured(order, order.pricing.total))
    }
  ],
  "I11 returned": [
    {
      on: "kept",
      evidence: (order) => payments(opened(order), captured(order, order.pricing.total), refunded(order, "failed"))
    },
    {
      on: "returning",
      evidence: (order) =>
        payments(opened(order), captured(order, order.pricing.total), {
          ...refunded(order, "succeeded"),
          kind: "refund.settled",
          refundId: "unknown",
          amount: 5,
          status: "succeeded"
        })
    }
  ],
  "I12 tickets": { on: "payable", evidence: (order) => tickets(placed(order), placed(order)) },
  "I12 payments": [
    { on: "payable", evidence: (order) => payments(opened(order), opened(order)) },
    {
      on: "kept",
      evidence: (order) =>
        payments(
          opened(order),
          captured(order, order.pricing.total),
          refunded(order, "succeeded", "one"),
          refunded(order, "succeeded", "two")
        ),
      also: ["I11 returned"]
    }
  ],
  "I22 intent": {
    on: "cancelled",
    sql: `update order_work set state = 'DONE', lease_until = null where ${its}`,
    evidence: (order) => payments(opened(order))
  },
  "I15 answers": [
    {
      on: "payable",
      evidence: (order) => ({ clientLog: [{ ...ofOrder(order), totalCents: 1, status: "PENDING" }] })
    },
    {
      on: "payable",
      evidence: (order) => ({
        clientLog: [{ ...ofOrder(order), totalCents: order.pricing.total, status: "CONFIRMED" }]
      })
    },
    {
      on: "payable",
      evidence: ({ pricing, tenantId }) => ({
        clientLog: [{ tenantId, orderId: tenantId, totalCents: pricing.total, status: "PENDING" }]
      })
    }
  ],
  "I19 messages": {
    on: "payable",
    evidence: (order) => ({
      captured: [1, 3].map((version) => ({ ...ofOrder(order), messageId: `${version}`, version }))
    })
  }
}
