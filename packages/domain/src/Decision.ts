/**
 * What `decide` answers: the next state, the one fact to record and the work to ask for; or that nothing changes.
 */
import { type DateTime, Data, Result } from "effect"
import type { Actor } from "./Actor.ts"
import type { Order } from "./Order.ts"
import type { OrderCommand } from "./OrderCommand.ts"
import { InvalidTransition, type OrderError } from "./OrderErrors.ts"
import type { OrderEvent, OrderEventType } from "./OrderEvent.ts"
import { type Work, type WorkItem, workId } from "./Work.ts"

/** One change of one order. The store writes all of it in one transaction, or none of it. */
export interface Decision {
  /** The order that was decided upon; `null` when this decision creates it. Its version is checked at commit. */
  readonly before: Order | null
  readonly order: Order
  readonly event: OrderEvent
  readonly work: ReadonlyArray<WorkItem>
}

/** `Unchanged`: the command is legal and has nothing (more) to do, such as a payment that is already recorded. */
export type Outcome = Data.TaggedEnum<{
  Changed: { readonly decision: Decision }
  Unchanged: { readonly order: Order }
}>
export const Outcome = Data.taggedEnum<Outcome>()

/** The order that an outcome leaves behind. */
export const orderAfter = (outcome: Outcome): Order =>
  outcome._tag === "Changed" ? outcome.decision.order : outcome.order

/** JSON that an event may carry. */
export type EventData = OrderEvent["data"]

/** Builds the decision that takes `before` to `after`: version and time move here and nowhere else. */
export const change = (
  before: Order,
  after: Order,
  fact: { readonly type: OrderEventType; readonly actor: Actor; readonly data: EventData },
  work: ReadonlyArray<Work>,
  now: DateTime.Utc
): Decision => {
  const order: Order = { ...after, version: before.version + 1, updatedAt: now }
  return { before, order, event: eventOf(order, fact, now), work: workOf(order, work, now) }
}

/** The audit fact of an order as it now stands. */
export const eventOf = (
  order: Order,
  fact: { readonly type: OrderEventType; readonly actor: Actor; readonly data: EventData },
  now: DateTime.Utc
): OrderEvent => ({
  tenantId: order.tenantId,
  orderId: order.id,
  version: order.version,
  type: fact.type,
  actor: fact.actor,
  at: now,
  data: fact.data
})

/** The work rows that this version of the order asks for. */
export const workOf = (order: Order, work: ReadonlyArray<Work>, now: DateTime.Utc): ReadonlyArray<WorkItem> =>
  work.map((item) => ({
    id: workId(order.id, order.version, item),
    tenantId: order.tenantId,
    orderId: order.id,
    work: item,
    createdAt: now
  }))

/** What `decide` and each of its parts answer. */
export type DecideResult = Result.Result<Outcome, OrderError>

/** One command's decision. */
export type Decider<Tag extends OrderCommand["_tag"]> = (
  order: Order,
  command: Extract<OrderCommand, { readonly _tag: Tag }>,
  actor: Actor,
  now: DateTime.Utc
) => DecideResult

/** Nothing (more) to do. */
export const unchanged = (order: Order): DecideResult => Result.succeed(Outcome.Unchanged({ order }))

/** Changes the order, recording one fact and asking for work. */
export const changed = (
  before: Order,
  after: Order,
  fact: Parameters<typeof change>[2],
  work: ReadonlyArray<Work>,
  now: DateTime.Utc
): DecideResult => Result.succeed(Outcome.Changed({ decision: change(before, after, fact, work, now) }))

/** Refuses the command, with the reason that a person should read. */
export const refuse = (order: Order, command: OrderCommand, why: string | null = null): DecideResult =>
  Result.fail(new InvalidTransition({ orderId: order.id, from: order.status, command: command._tag, why }))
