/**
 * What has become of an order, everywhere: in the database, at the ticket service and at the payment service. Without
 * ids and instants, so that two runs of one story can be compared.
 */
import type { OrderId } from "@tickettoken/order-domain/Ids"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { type OrderStock, orderOf } from "@tickettoken/order-testing/sandbox/TicketStock"
import { Effect, HashMap } from "effect"
import { SqlClient } from "effect/sql"

interface OrderRow {
  readonly status: string
  readonly stage: string | null
  readonly cause: string | null
  readonly captured: number
  readonly committed: number
  readonly facts: ReadonlyArray<string>
  readonly versions: ReadonlyArray<number>
  readonly messages: ReadonlyArray<number>
  readonly refunds: ReadonlyArray<string>
  readonly open: ReadonlyArray<string>
  readonly unsent: number
  readonly jobs: number
}

const rowOf = Effect.fnUntraced(function* (orderId: OrderId) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<OrderRow>`select o.status, o.stage, o.cancel_cause as cause,
      o.captured_cents::int as captured, o.refund_committed_cents::int as committed,
      array(select e.type from order_events e where e.order_id = o.id order by e.version) as facts,
      array(select e.version from order_events e where e.order_id = o.id order by e.version) as versions,
      array(select m.version from outbox m where m.order_id = o.id order by m.version) as messages,
      array(select r.state || ' ' || r.amount_cents || ' #' || r.attempt from order_refunds r
        where r.order_id = o.id order by r.position) as refunds,
      array(select k.kind from order_work k where k.order_id = o.id and k.state <> 'DONE' order by k.kind) as open,
      (select count(*)::int from outbox m where m.order_id = o.id and m.state <> 'SENT') as unsent,
      (select count(*)::int from bulk_jobs j where j.event_id = o.event_id and j.state <> 'DONE') as jobs
    from orders o where o.id = ${orderId}`
  return row === undefined ? yield* Effect.die(new Error(`there is no order ${orderId}`)) : row
})

const stockOf = (stock: OrderStock | undefined): string => {
  switch (stock?._tag) {
    case "Held":
      return `held ${stock.lines.reduce((sum, { quantity }) => sum + quantity, 0)}`
    case "Allocated":
      return `allocated ${stock.tickets.length}`
    default:
      return stock?._tag ?? "none"
  }
}

/** The journals' facts of an order, and the keys under which something has happened more than once. */
const effectsOf = Effect.fnUntraced(function* (orderId: OrderId) {
  const { payments, tickets } = yield* Sandbox
  const entries = [...(yield* tickets.journal.entries), ...(yield* payments.journal.entries)]
  const facts = entries.flatMap(({ fact }) => {
    // What was told to us, and what was only answered once more, is no effect.
    if (!("orderId" in fact) || fact.orderId !== orderId) return []
    return fact.kind === "payment.announced" || fact.kind === "confirm.repeated" ? [] : [fact]
  })
  const keys = facts.flatMap((fact) => ("key" in fact ? [`${fact.kind} ${fact.key}`] : []))
  return {
    kinds: facts.map(({ kind }) => kind).toSorted(),
    twice: keys.filter((key, at) => keys.indexOf(key) !== at)
  }
})

/** Everything that a story leaves behind of its order. */
export const endStateOf = Effect.fnUntraced(function* (orderId: OrderId) {
  const { payments, tickets } = yield* Sandbox
  const { messages, versions, ...row } = yield* rowOf(orderId)
  const effects = yield* effectsOf(orderId)
  const { intents } = yield* payments.journal.state
  return {
    ...row,
    isAudited: versions.every((version, at) => version === at + 1),
    isTold: messages.join() === versions.join(),
    tickets: stockOf(orderOf(yield* tickets.journal.state, demo.tenantId, orderId)),
    intents: HashMap.toValues(intents)
      .filter((intent) => intent.orderId === orderId)
      .map(({ amountCaptured, amountRefunded, status }) => `${status} ${amountCaptured} ${amountRefunded}`),
    ...effects
  }
})
