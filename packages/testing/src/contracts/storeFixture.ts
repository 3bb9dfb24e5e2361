/**
 * What the suites of the store's ports share: orders made and moved through the port itself, so that a suite needs no
 * back door into the store that it tests.
 */
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, Option, Schema } from "effect"
import type { Actor } from "@tickettoken/order-domain/Actor"
import { type Decision, Outcome } from "@tickettoken/order-domain/Decision"
import { Order } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import { placeOrder } from "@tickettoken/order-domain/OrderCreation"
import { decide } from "@tickettoken/order-domain/OrderDecision"
import { type OrderLimits, orderLimits } from "@tickettoken/order-domain/OrderLimits"
import { type Commit, OrderStore } from "@tickettoken/order-domain/ports/OrderStore"
import type { ClaimedWork, WorkKind, WorkLease } from "@tickettoken/order-domain/Work"
import { type Buyer, buyerActor, type DraftOptions, freshDraft, jobActor } from "../TestOrders.ts"
import { allocateAll, captureOwn, openIntent } from "../TestOrdersNews.ts"

/** What a request adds to a commit. */
export type CommitExtras = Omit<Commit, "decision">

const encodeOrder = Schema.encodeSync(Schema.toCodecJson(Order))

/** Two orders are the same if they are the same as JSON: instants carry caches that a deep comparison would see. */
export const assertSameOrder = (actual: Order, expected: Order): void =>
  assert.deepStrictEqual(encodeOrder(actual), encodeOrder(expected))

/** The decision that makes a new order of this buyer. */
export const placing = Effect.fnUntraced(function* (buyer: Buyer, options: DraftOptions = {}) {
  const store = yield* OrderStore
  const now = yield* store.now
  const draft = yield* freshDraft(now, { ...buyer, ...options })
  return placeOrder(draft, buyerActor(draft.userId), now)
})

/** Creates an order of this buyer: HOLDING, with its HOLD work leased to this process. */
export const create = Effect.fnUntraced(function* (
  buyer: Buyer,
  options: DraftOptions = {},
  extras: CommitExtras = {},
  limits: OrderLimits = orderLimits
) {
  const store = yield* OrderStore
  const decision = yield* placing(buyer, options)
  return yield* store.create({ decision, ...extras }, limits)
})

/** The decision of a command that must change the order as it is given. */
export const deciding = Effect.fnUntraced(function* (order: Order, command: OrderCommand, actor: Actor = jobActor) {
  const store = yield* OrderStore
  const now = yield* store.now
  const outcome = yield* Effect.orDie(Effect.fromResult(decide(order, { actor, command }, now)))
  return Outcome.$is("Changed")(outcome)
    ? outcome.decision
    : yield* Effect.die(new Error(`${command._tag} changes nothing`))
})

/** Decides and commits a command on the order as it is given. */
export const send = Effect.fnUntraced(function* (order: Order, command: OrderCommand, extras: CommitExtras = {}) {
  const store = yield* OrderStore
  return yield* store.commit({ decision: yield* deciding(order, command), ...extras })
})

/** The order as the store has it. */
export const reload = Effect.fnUntraced(function* ({ id, tenantId }: Order) {
  const store = yield* OrderStore
  return (yield* store.load(tenantId, id)).order
})

/** The only work item of its kind. */
export const only = (work: ReadonlyArray<ClaimedWork>, kind: WorkKind): ClaimedWork => {
  const [claimed, ...more] = work.filter(({ item }) => item.work._tag === kind)
  if (claimed === undefined || more.length > 0) throw new Error(`expected one ${kind}, not ${more.length + 1}`)
  return claimed
}

/** The lease of the only work item of its kind. */
export const leaseOf = (work: ReadonlyArray<ClaimedWork>, kind: WorkKind): WorkLease => only(work, kind).lease

/** An order that is held and payable, with its setup work done. */
export const createPayable = Effect.fnUntraced(function* (buyer: Buyer, options: DraftOptions = {}) {
  const made = yield* create(buyer, options)
  const held = yield* send(made.order, OrderCommand.HoldGranted(), { settles: leaseOf(made.work, "HOLD") })
  const opened = openIntent(made.order)
  return (yield* send(held.order, opened, { settles: leaseOf(held.work, "INTENT") })).order
})

/** A paid order with its tickets. */
export const createConfirmed = Effect.fnUntraced(function* (buyer: Buyer, options: DraftOptions = {}) {
  const payable = yield* createPayable(buyer, options)
  const paid = yield* send(payable, captureOwn(payable))
  const allocated = allocateAll(paid.order)
  return (yield* send(paid.order, allocated, { settles: leaseOf(paid.work, "FINALIZE") })).order
})

/** The same decision about other facts: what a store must refuse although `decide` would never ask for it. */
export const tampered = (decision: Decision, change: (order: Order) => Order): Decision => ({
  ...decision,
  order: change(decision.order)
})

/** The tag of the failure, or "ok". A defect is no answer and stays one. */
export const tagOf = <A, E extends { readonly _tag: string }>(exit: Exit.Exit<A, E>): string =>
  Exit.match(exit, {
    onSuccess: () => "ok",
    onFailure: (cause) => Option.match(Cause.findErrorOption(cause), { onNone: () => "defect", onSome: (e) => e._tag })
  })

/** How many of the answers are this one. */
export const countOf = (tags: ReadonlyArray<string>, tag: string): number =>
  tags.filter((known) => known === tag).length
