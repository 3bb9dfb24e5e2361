/**
 * The stories in the middle of which a process ends: what is made ready before, and what somebody then does, again and
 * again until it is answered.
 */
import { type EventId, OrderId, type PaymentIntentId, UserId } from "@tickettoken/order-domain/Ids"
import type { OrderStatus } from "@tickettoken/order-domain/Order"
import { demo } from "@tickettoken/order-testing/sandbox/catalogue"
import { Sandbox } from "@tickettoken/order-testing/sandbox/Sandbox"
import { randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { asService, createOrder, newOrder, person } from "../../http/support/buyer.ts"
import type { Answer } from "../../http/support/send.ts"
import type { ServerPort } from "../../http/support/testServer.ts"
import { untilAnswered } from "../../http/support/untilAnswered.ts"

/** A buyer in a story, and the order once there is one. */
export interface Part {
  readonly userId: UserId
  /** The Idempotency-Key of everything that is done in the story. */
  readonly key: string
  readonly orderId: OrderId | null
  readonly eventId: EventId
  /** The bulk job of the event, once there is one. */
  readonly jobId: string | null
  readonly intent: PaymentIntentId | null
}

type Stage = ServerPort | Sandbox | SqlClient.SqlClient

export interface Saga {
  readonly name: string
  /** The crash points that lie on its way. */
  readonly points: ReadonlyArray<string>
  readonly prepare: Effect.Effect<Part, never, Stage>
  /** What the story is about; `null` where nobody asks for it. */
  readonly act: (part: Part) => Effect.Effect<Answer | null, never, Stage>
  /** What happens instead once a process has ended, where nobody asks a second time. */
  readonly again?: (part: Part) => Effect.Effect<Answer | null, never, Stage>
  /**
   * The same, for all orders at one instant, where it is time and nobody's request: a round of expiry that has begun
   * without one of them would wait at the others' points, and never come to it.
   */
  readonly atOnce?: (parts: ReadonlyArray<Part>) => Effect.Effect<void, never, SqlClient.SqlClient>
  /** How its order ends, undisturbed. */
  readonly ends: OrderStatus
  /** What is wrong with the other services meanwhile. */
  readonly fault?: Effect.Effect<void, never, Sandbox>
  /** Once the last process runs: what makes an end of it. */
  readonly relief?: (orderIds: ReadonlyArray<OrderId>) => Effect.Effect<void, never, Sandbox | SqlClient.SqlClient>
}

const somebody = Effect.gen(function* () {
  const userId = UserId.make(yield* randomUuid)
  const part: Part = { userId, key: yield* randomUuid, orderId: null, intent: null, eventId: demo.eventId, jobId: null }
  return part
})

const payable = Effect.gen(function* () {
  const part = yield* somebody
  const { id, intent } = yield* createOrder(yield* person({ userId: part.userId }))
  return { ...part, orderId: OrderId.make(id), intent }
})

/** The buyer has paid, and the announcement got lost. */
const paid = Effect.gen(function* () {
  const part = yield* payable
  const { payments } = yield* Sandbox
  yield* Effect.orDie(payments.pay(part.intent, { announce: false }))
  return part
})

const confirm = ({ intent, orderId }: Part) =>
  asService("POST", `/internal/v1/orders/${orderId}/confirm`, { paymentIntentId: intent })

const confirmed = Effect.gen(function* () {
  const part = yield* paid
  const { status, text } = yield* untilAnswered(confirm(part))
  return status === 200 ? part : yield* Effect.die(new Error(`${status} ${text}`))
})

const post = (part: Part, path: string, body: object) =>
  Effect.flatMap(person({ userId: part.userId }), (who) => who.post(path, body, { "idempotency-key": part.key }))

const cancel = (part: Part) => post(part, `/api/v1/orders/${part.orderId}/cancel`, { reason: "changed my mind" })

const refund = (part: Part) =>
  post(part, `/api/v1/orders/${part.orderId}/refund`, { amount: 5000, reason: "one of us is ill" })

/** The same for an event that nobody else has bought tickets of. */
const confirmedAlone = Effect.gen(function* () {
  const { events, payments, tickets } = yield* Sandbox
  const event = yield* Effect.orDie(events.addEvent({}))
  const type = yield* Effect.orDie(tickets.addTicketType({ eventId: event.id, capacity: 10 }))
  const line = { ticketTypeId: type.id, ticketPricingId: type.pricings[0]?.id, quantity: 2 }
  const part = yield* somebody
  const body = { eventId: event.id, items: [line], currency: "USD" }
  const { id, intent } = yield* createOrder(yield* person({ userId: part.userId }), body)
  yield* Effect.orDie(payments.pay(intent, { announce: false }))
  const whole: Part = { ...part, orderId: OrderId.make(id), intent, eventId: event.id }
  const { status, text } = yield* untilAnswered(confirm(whole))
  return status === 200 ? whole : yield* Effect.die(new Error(`${status} ${text}`))
})

const cancelEvent = ({ eventId }: Part) =>
  asService("POST", "/internal/v1/orders/bulk/cancel", { eventId, reason: "rain" })

/** Moves instants: guards that watch decisions do not watch a test's clock. */
const ageing = <E>(statement: (sql: SqlClient.SqlClient) => Effect.Effect<unknown, E>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql.withTransaction(Effect.andThen(sql`set local session_replication_role = replica`, statement(sql)))
  }).pipe(Effect.orDie)

/**
 * The order's deadline is so near that its payment is asked about, and a new round of asking begins. When it was created
 * stays as it is: sales are counted by the hour of it.
 */
const waited = ({ orderId }: Part) =>
  ageing((sql) =>
    Effect.andThen(
      sql`update orders set hold_expires_at = clock_timestamp() + interval '100 seconds' where id = ${orderId}`,
      sql`delete from chore_slots where name = 'payment-watch'`
    )
  ).pipe(Effect.as(null))

const idsOf = (parts: ReadonlyArray<Part>) => parts.flatMap(({ orderId }) => (orderId === null ? [] : [orderId]))

/** Deadline and grace of the orders are over. */
const timePassesFor = (parts: ReadonlyArray<Part>) =>
  ageing(
    (sql) => sql`update orders set hold_expires_at = clock_timestamp() - interval '3 minutes'
      where ${sql.in("id", idsOf(parts))} and status in ('PENDING', 'RESERVED')`
  )
const timePasses = (part: Part) => Effect.as(timePassesFor([part]), null)

const paymentsFault = (rule: {
  readonly operation: string
  readonly failBefore?: number
  readonly refundOutcome?: "failed"
}) => Effect.flatMap(Sandbox, ({ payments }) => payments.faults.set({ rules: [rule] }))

/** The other services are well again. */
export const healed = Effect.flatMap(Sandbox, ({ payments }) => payments.faults.clear)

export const sagas: ReadonlyArray<Saga> = [
  {
    name: "creating",
    ends: "PENDING",
    points: ["C1", "C2", "C3", "C4", "C5", "C6", "C7a", "C7"],
    prepare: somebody,
    act: (part) => post(part, "/api/v1/orders", newOrder())
  },
  { name: "confirming", ends: "CONFIRMED", points: ["K2", "K2a", "K2b"], prepare: paid, act: confirm },
  {
    name: "confirming what is announced only once",
    ends: "CONFIRMED",
    points: ["K1"],
    prepare: paid,
    act: confirm,
    again: waited
  },
  { name: "cancelling before paying", ends: "CANCELLED", points: ["U1", "U2", "U3"], prepare: payable, act: cancel },
  {
    name: "cancelling after paying",
    ends: "REFUNDED",
    points: ["U1", "U2", "RF1", "RF2"],
    prepare: confirmed,
    act: cancel
  },
  { name: "refunding", ends: "CONFIRMED", points: ["RF1", "RF2"], prepare: confirmed, act: refund },
  {
    name: "refunding where the bank refuses",
    ends: "CONFIRMED",
    points: ["RF3"],
    prepare: confirmed,
    act: refund,
    fault: paymentsFault({ operation: "payments.createRefund", refundOutcome: "failed" })
  },
  {
    name: "cancelling an event",
    ends: "REFUNDED",
    points: ["B1", "B2", "B3"],
    prepare: confirmedAlone,
    act: cancelEvent
  },
  {
    name: "telling others of a confirmation",
    ends: "CONFIRMED",
    points: ["O1"],
    prepare: paid,
    act: confirm
  },
  {
    name: "expiring",
    ends: "EXPIRED",
    points: ["E1", "E2", "E2a", "U1", "U2"],
    prepare: payable,
    act: timePasses,
    atOnce: timePassesFor
  },
  {
    name: "expiring while the payment service is away",
    ends: "EXPIRED",
    points: ["E3"],
    prepare: payable,
    act: timePasses,
    atOnce: timePassesFor,
    fault: paymentsFault({ operation: "payments.getIntent", failBefore: 1 }),
    relief: (orderIds) =>
      ageing(
        (sql) => sql`update order_work set created_at = created_at - interval '11 minutes', next_at = clock_timestamp()
          where kind = 'EXPIRE' and ${sql.in("order_id", orderIds)}`
      )
  }
]
