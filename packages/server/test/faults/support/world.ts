/**
 * The whole core on PostgreSQL: its workflows and its executor over a database of their own, and the engines of the
 * sandbox in this process, so that what truly happened to tickets and money can be read. One node or more.
 */
import type { Caller } from "@tickettoken/order-domain/Actor"
import { type EventId, OrderId, type PaymentIntentId, TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { emptyMetadata } from "@tickettoken/order-domain/Metadata"
import { Cents } from "@tickettoken/order-domain/Money"
import type { Order } from "@tickettoken/order-domain/Order"
import { OrderReads } from "@tickettoken/order-domain/ports/OrderReads"
import { OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import type { OrderPolicies } from "@tickettoken/order-domain/ports/Policies"
import type { Tickets } from "@tickettoken/order-domain/ports/Tickets"
import { WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { BACKGROUND_LANE, WorkExecutor } from "@tickettoken/order-domain/WorkExecutor"
import { createOrder } from "@tickettoken/order-domain/workflows/CreateOrder"
import { TestTime } from "@tickettoken/order-testing/contracts/TestTime"
import { always, atRest, breaksOf, type OrderRecord } from "@tickettoken/order-testing/invariants"
import { moneyBreaks, stockBreaks } from "@tickettoken/order-testing/invariantsMemory"
import * as ControlsMemory from "@tickettoken/order-testing/memory/ControlsMemory"
import * as EventCatalogMemory from "@tickettoken/order-testing/memory/EventCatalogMemory"
import * as IdentifiersMemory from "@tickettoken/order-testing/memory/IdentifiersMemory"
import * as MemoryServices from "@tickettoken/order-testing/memory/MemoryServices"
import * as PaymentsMemory from "@tickettoken/order-testing/memory/PaymentsMemory"
import * as PoliciesMemory from "@tickettoken/order-testing/memory/PoliciesMemory"
import { ScriptedFaults } from "@tickettoken/order-testing/memory/ScriptedFaults"
import * as TicketsMemory from "@tickettoken/order-testing/memory/TicketsMemory"
import { type Catalogue, demo, demoCatalogue } from "@tickettoken/order-testing/sandbox/catalogue"
import { buyerActor, derivedId, randomUuid } from "@tickettoken/order-testing/TestOrders"
import { Cause, type DateTime, Effect, Exit, HashMap, Layer, Option, References } from "effect"
import { SqlClient } from "effect/sql"
import { anotherNode, layerStore } from "../../sql/database.ts"

/** Real databases. */
export const suite = { excludeTestServices: true, timeout: "300 seconds" } as const

/** For one race on busy cores. */
export const RACE_MILLIS_MAX = 600_000

/** What every race here is about: tickets of one type of an event of its own. */
export interface Show {
  readonly eventId: EventId
  readonly line: typeof demo.general
}

/** The nth show of {@link shows}: ids that follow from those of the demo. */
export const showOf = (n: number): Show => ({
  eventId: derivedEvent(n),
  line: {
    ticketTypeId: derived(demo.general.ticketTypeId, n),
    ticketPricingId: derived(demo.general.ticketPricingId, n)
  }
})

const derived = <Id extends string>(id: Id, n: number): Id => {
  // oxlint-disable-next-line typescript/consistent-type-assertions -- the id of the same brand, with other digits
  return derivedId(id, n + 1) as Id
}

const derivedEvent = (n: number): EventId => derived(demo.eventId, n)

/** So many shows besides the demo's own, with so many seats each at 100.00. */
export const shows =
  (count: number, capacity: number) =>
  (firstStart: DateTime.Utc): Catalogue => {
    const { events, ticketTypes } = demoCatalogue(firstStart)
    const [event] = events
    const [type] = ticketTypes
    if (event === undefined || type === undefined) throw new Error("the demo has an event")
    const numbers = Array.from({ length: count }, (_, n) => n)
    return {
      events: [...events, ...numbers.map((n) => ({ ...event, id: derivedEvent(n) }))],
      ticketTypes: [
        ...ticketTypes,
        ...numbers.map((n) => ({
          ...type,
          id: showOf(n).line.ticketTypeId,
          eventId: derivedEvent(n),
          name: `show ${n}`,
          capacity,
          pricings: [{ id: showOf(n).line.ticketPricingId, price: Cents.make(10_000), currency: "USD" }]
        }))
      ]
    }
  }

interface WorldOptions {
  readonly policies?: Partial<OrderPolicies>
  readonly catalogue?: (firstStart: DateTime.Utc) => Catalogue
  /** Stands between the workflows and the store: what a twin switches off. */
  readonly store?: Layer.Layer<OrderStore, never, OrderStore | SqlClient.SqlClient>
  /** The same between the workflows and the ticket service. */
  readonly tickets?: Layer.Layer<Tickets, never, Tickets>
}

/** Faults are meant to be there, and each of them is logged. */
const quiet = Layer.succeed(References.MinimumLogLevel, "None")

/** One node over a database and services of its own. */
export const worldWith = ({ catalogue = demoCatalogue, policies = {}, store, tickets }: WorldOptions = {}) => {
  const services = Layer.mergeAll(
    tickets === undefined ? TicketsMemory.layer : tickets.pipe(Layer.provide(TicketsMemory.layer)),
    PaymentsMemory.layer,
    EventCatalogMemory.layer,
    ControlsMemory.layer
  ).pipe(Layer.provideMerge(MemoryServices.layerWith(catalogue)))
  const ports = Layer.mergeAll(services, IdentifiersMemory.layer, PoliciesMemory.layerWith(policies)).pipe(
    Layer.provideMerge(Layer.merge(layerStore, ScriptedFaults.layer))
  )
  const guarded = store === undefined ? ports : store.pipe(Layer.provideMerge(ports))
  return WorkExecutor.layer.pipe(Layer.provideMerge(guarded), Layer.provideMerge(quiet))
}

export type World = Layer.Success<ReturnType<typeof worldWith>>

/** One more process on the same database and services: a pool and an executor of its own. */
export const secondNode = Effect.fnUntraced(function* ({ store }: Pick<WorldOptions, "store"> = {}) {
  const ports = Layer.succeedContext(yield* anotherNode)
  const guarded = store === undefined ? ports : store.pipe(Layer.provideMerge(ports))
  const services = yield* Effect.context<World>()
  return yield* Effect.provideContext(Layer.build(WorkExecutor.layer.pipe(Layer.provideMerge(guarded))), services)
})

export type Node = Effect.Success<ReturnType<typeof secondNode>>

export const admin: Caller = {
  tenantId: demo.tenantId,
  actor: { kind: "admin", id: demo.adminId, ip: null },
  vip: false
}

/** Another service, such as the one that tells of payments. */
export const service: Caller = {
  tenantId: demo.tenantId,
  actor: { kind: "service", id: "payments", ip: null },
  vip: false
}

export const buyerOf = (userId: UserId): Caller => ({
  tenantId: demo.tenantId,
  actor: buyerActor(userId),
  vip: false
})

/** Somebody whom no other test knows. */
export const someone = Effect.map(randomUuid, (id) => buyerOf(UserId.make(id)))

/** Buys so many tickets of a show. */
export const buy = (
  caller: Caller,
  { eventId, line }: Show,
  quantity = 1,
  claim?: Parameters<typeof createOrder>[0]["claim"]
) =>
  createOrder({
    caller,
    eventId,
    items: [{ ...line, quantity }],
    currency: "USD",
    metadata: emptyMetadata,
    ...(claim === undefined ? {} : { claim })
  })

/** The intent that an order must have by now. */
export const intentOf = ({ intent, id }: Order): PaymentIntentId => {
  if (intent === null) throw new Error(`order ${id} has no intent`)
  return intent.id
}

/** What a workflow has answered, in a word. */
const answerOf = <A, E extends { readonly _tag: string }>(exit: Exit.Exit<A, E>): string =>
  Exit.match(exit, {
    onSuccess: () => "ok",
    onFailure: (cause) =>
      Option.match(Cause.findErrorOption(cause), {
        onNone: () => `defect: ${Cause.pretty(cause)}`,
        onSome: ({ _tag }) => _tag
      })
  })

/** The order as it is stored. */
export const stored = Effect.fnUntraced(function* ({ id, tenantId }: Pick<Order, "id" | "tenantId">) {
  const store = yield* OrderStore
  return (yield* store.load(tenantId, id)).order
})

/** Moves an order's deadline so that its grace ends so many milliseconds from now: time that passes for one order only. */
export const endGraceIn = Effect.fnUntraced(function* ({ id }: Pick<Order, "id">, millis: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(
    Effect.andThen(
      // Guards that watch decisions do not watch a test's clock.
      sql`set local session_replication_role = replica`,
      sql`update orders set
          hold_expires_at = clock_timestamp() + ${millis}::double precision * interval '1 millisecond'
            - hold_grace_minutes * interval '1 minute'
        where id = ${id}`
    )
  )
})

/** Work that is not done yet. */
const openWork = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ id: string; kind: string; order_id: string; last_error: string | null }>`
    select id, kind, order_id, last_error from order_work where state <> 'DONE' order by id`
  return rows
})

/** Rounds after which a world without faults has nothing left to do. */
const ROUNDS_MAX = 60

/** What is being worked on is left to its worker's statement: it may be claimed a moment later. */
export const makeDue = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) =>
    sql`update order_work set next_at = clock_timestamp() - interval '1 second',
      lease_until = case when state = 'DOING' then clock_timestamp() - interval '1 second' end
    where id in (select id from order_work where state <> 'DONE' for update skip locked)`
)

/** Runs everything that is due. */
export const sweep = Effect.gen(function* () {
  const queue = yield* WorkQueue
  const executor = yield* WorkExecutor
  for (;;) {
    const claimed = yield* queue.claimDue(BACKGROUND_LANE)
    if (claimed.length === 0) return
    yield* executor.runInBackground(claimed)
  }
})

/** Lets time pass for the database and everybody who asks it. */
export const passMinutes = (minutes: number) => Effect.flatMap(TestTime, (time) => time.passMinutes(minutes))

/** Sweeps until no work is left, as if the time of every backoff and lease had passed. Orders are not expired by it. */
export const comeToRest = Effect.gen(function* () {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if ((yield* openWork).length === 0) return round
    yield* Effect.andThen(makeDue, sweep)
  }
  return yield* Effect.die(new Error(`not at rest: ${JSON.stringify(yield* openWork)}`))
})

const recordOf = Effect.fnUntraced(function* (order: Order, work: Effect.Success<typeof openWork>) {
  const reads = yield* OrderReads
  const { payments } = yield* MemoryServices.MemoryServices
  const facts = yield* reads.history(order.tenantId, order.id)
  const { intents } = yield* payments.state
  const record: OrderRecord = {
    order,
    // Only the database has seen every version: it refuses a transition that the table does not hold (I06).
    versions: [],
    facts: facts.map(({ event }) => event),
    openWork: work.filter(({ order_id }) => order_id === order.id),
    intentStatus:
      order.intent === null ? null : (Option.getOrUndefined(HashMap.get(intents, order.intent.id))?.status ?? "unknown")
  }
  return record
})

/** Every order of every tenant. */
export const allOrders = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const store = yield* OrderStore
  const rows = yield* sql<{ tenant_id: string; id: string }>`select tenant_id, id from orders order by created_at, id`
  return yield* Effect.forEach(
    rows,
    ({ id, tenant_id }) => Effect.map(store.load(TenantId.make(tenant_id), OrderId.make(id)), ({ order }) => order),
    { concurrency: 8 }
  )
})

/** What is wrong once nothing is under way: with orders, with stock, with money and with the counters. */
export const breaks = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const store = yield* OrderStore
  const services = yield* MemoryServices.MemoryServices
  const orders = yield* allOrders
  const work = yield* openWork
  const records = yield* Effect.forEach(orders, (order) => recordOf(order, work), { concurrency: 8 })
  const counters = yield* sql<{ user_id: string }>`
    select q.user_id from quota_event q where q.n <> (
      select count(*) from orders o where o.tenant_id = q.tenant_id and o.user_id = q.user_id
        and o.event_id = q.event_id and o.status in ('PENDING', 'RESERVED', 'CONFIRMED', 'COMPLETED'))`
  const silent = yield* sql<{ id: string }>`
    select o.id from orders o where o.version <> (select count(*) from outbox m where m.order_id = o.id)`
  return [
    ...breaksOf([...always, ...atRest], records, yield* store.now),
    ...stockBreaks(records, yield* services.tickets.state),
    ...moneyBreaks(orders, yield* services.payments.state),
    ...counters.map(({ user_id }) => `I16 the counter of user ${user_id} is not the recount`),
    ...silent.map(({ id }) => `I05 order ${id} has facts without messages`)
  ]
})

/** Every payment of this order that the payment service has taken or given back, in minor units. */
export const moneyOf = Effect.fnUntraced(function* (orderId: OrderId) {
  const { payments } = yield* MemoryServices.MemoryServices
  const { intents, refunds } = yield* payments.state
  return {
    captured: HashMap.toValues(intents)
      .filter((intent) => intent.orderId === orderId)
      .reduce((sum, { amountCaptured }) => sum + amountCaptured, 0),
    refunded: HashMap.toValues(refunds)
      .filter((refund) => refund.orderId === orderId && refund.status === "succeeded")
      .reduce((sum, { amount }) => sum + amount, 0)
  }
})

/** What somebody does; he is answered in a word. */
export const answered = <A, E extends { readonly _tag: string }, R>(
  act: Effect.Effect<A, E, R>
): Effect.Effect<string, never, R> => Effect.map(Effect.exit(act), answerOf)

/** All of them at once, alternately on this node and on the other one; what each was answered. */
export const atOnce = (acts: ReadonlyArray<Effect.Effect<string, never, World>>, there: Node) =>
  Effect.all(
    acts.map((act, n) => (n % 2 === 1 ? Effect.provideContext(act, there) : act)),
    { concurrency: "unbounded" }
  )
