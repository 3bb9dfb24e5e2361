/**
 * One order of every state, and of every stage of it, each reached through `decide` and not written by hand.
 *
 * The mapped types make a forgotten state or stage a compile error; since a sample is a path of commands, a state that
 * no path leads to can not be sampled.
 */
import { DateTime } from "effect"
import { OrderId } from "@tickettoken/order-domain/Ids"
import type { OpenStage, Order, OrderStatus } from "@tickettoken/order-domain/Order"
import { OrderCommand } from "@tickettoken/order-domain/OrderCommand"
import type { OrderDraft } from "@tickettoken/order-domain/OrderCreation"
import { after, draftOf, fixedId, nthRefundId, placed } from "./TestOrders.ts"
import {
  allocateAll,
  askRefund,
  cancelAs,
  captureOwn,
  expireNow,
  openIntent,
  refundNumbers,
  refundSettled
} from "./TestOrdersNews.ts"

/** The stages that each open state can have: RESERVED has been set up. */
export type PendingStage = OpenStage
export type ReservedStage = Extract<OpenStage, "AWAITING_PAYMENT" | "ALLOCATING">

type StageOf<S extends OrderStatus> = S extends "PENDING"
  ? `PENDING/${PendingStage}`
  : S extends "RESERVED"
    ? `RESERVED/${ReservedStage}`
    : S extends "EXPIRED"
      ? "EXPIRED" | "EXPIRED/REACQUIRING"
      : S

/** A state with the stage that decides what may happen next. */
export type StatePoint = { readonly [S in OrderStatus]: StageOf<S> }[OrderStatus]

/** One step on the way to a state: what happens, and how many minutes after the creation. */
export interface PathStep {
  readonly minute: number
  readonly command: (order: Order) => OrderCommand
}

const at = (minute: number, command: (order: Order) => OrderCommand): PathStep => ({ minute, command })

const held = at(0, () => OrderCommand.HoldGranted())
const payable = [held, at(0, openIntent)]
const paid = [...payable, at(1, (order) => captureOwn(order))]
const confirmed = [...paid, at(1, (order) => allocateAll(order))]
const reserved = [...payable, at(1, () => OrderCommand.Reserve())]
const cancelled = [...confirmed, at(2, (order) => cancelAs(order, "buyer"))]

/** After the deadline of 15 minutes and the grace of 2 (rule 3.4). */
const AFTER_GRACE_MINUTES = 17

const expired = [...payable, at(AFTER_GRACE_MINUTES, () => expireNow)]

/** Long after an event that starts two days after the creation. */
const AFTER_EVENT_MINUTES = 4 * 24 * 60

/** How each state is reached from a new order. */
export const pathsTo: { readonly [P in StatePoint]: ReadonlyArray<PathStep> } = {
  "PENDING/HOLDING": [],
  "PENDING/OPENING_INTENT": [held],
  "PENDING/AWAITING_PAYMENT": payable,
  "PENDING/ALLOCATING": paid,
  "RESERVED/AWAITING_PAYMENT": reserved,
  "RESERVED/ALLOCATING": [...reserved, at(2, (order) => captureOwn(order))],
  CONFIRMED: confirmed,
  COMPLETED: [...confirmed, at(AFTER_EVENT_MINUTES, () => OrderCommand.Complete())],
  CANCELLED: cancelled,
  EXPIRED: expired,
  "EXPIRED/REACQUIRING": [...expired, at(AFTER_GRACE_MINUTES + 1, (order) => captureOwn(order))],
  REFUNDED: [...cancelled, at(3, (order) => refundSettled(order, refundNumbers.cancel, "Succeeded"))]
}

/** Where an order stands, in the words of the samples. */
export const pointOf = (order: Order): StatePoint => {
  switch (order.status) {
    case "PENDING":
      return `PENDING/${order.stage}`
    case "RESERVED":
      return `RESERVED/${order.stage}`
    case "EXPIRED":
      return order.reacquiring ? "EXPIRED/REACQUIRING" : "EXPIRED"
    default:
      return order.status
  }
}

/** Every version of the order on its way along a path, the first one first. */
export const walkAll = (
  draft: OrderDraft,
  path: ReadonlyArray<PathStep>,
  createdAt: DateTime.Utc
): readonly [Order, ...Array<Order>] => {
  let order = placed(draft, createdAt)
  const versions: [Order, ...Array<Order>] = [order]
  for (const { command, minute } of path) {
    const next = after(order, command(order), DateTime.add(createdAt, { minutes: minute }))
    if (next === order) throw new Error(`${command(order)._tag} leads nowhere from ${pointOf(order)}`)
    versions.push(next)
    order = next
  }
  return versions
}

/** The order that a path leads to from this draft. */
export const walk = (draft: OrderDraft, path: ReadonlyArray<PathStep>, createdAt: DateTime.Utc): Order => {
  const versions = walkAll(draft, path, createdAt)
  return versions.at(-1) ?? versions[0]
}

/** When every sample was created. */
export const sampleCreatedAt: DateTime.Utc = DateTime.makeUnsafe("2026-11-22T12:00:00Z")

/** Two tickets of 100.00 for an event that starts two days after the creation. */
export const sampleDraft: OrderDraft = draftOf(OrderId.make(fixedId(1)), sampleCreatedAt, { startsInHours: 48 })

const sample = (point: StatePoint): Order => walk(sampleDraft, pathsTo[point], sampleCreatedAt)

/** One order of every state and stage. */
export const samples: { readonly [P in StatePoint]: Order } = {
  "PENDING/HOLDING": sample("PENDING/HOLDING"),
  "PENDING/OPENING_INTENT": sample("PENDING/OPENING_INTENT"),
  "PENDING/AWAITING_PAYMENT": sample("PENDING/AWAITING_PAYMENT"),
  "PENDING/ALLOCATING": sample("PENDING/ALLOCATING"),
  "RESERVED/AWAITING_PAYMENT": sample("RESERVED/AWAITING_PAYMENT"),
  "RESERVED/ALLOCATING": sample("RESERVED/ALLOCATING"),
  CONFIRMED: sample("CONFIRMED"),
  COMPLETED: sample("COMPLETED"),
  CANCELLED: sample("CANCELLED"),
  EXPIRED: sample("EXPIRED"),
  "EXPIRED/REACQUIRING": sample("EXPIRED/REACQUIRING"),
  REFUNDED: sample("REFUNDED")
}

/**
 * A confirmed and a completed order all of whose money is on its way back, under the number of a cancellation's refund:
 * its arrival ends them.
 */
export const refunding: ReadonlyArray<Order> = (["CONFIRMED", "COMPLETED"] as const).map((point) =>
  walk(
    sampleDraft,
    [
      ...pathsTo[point],
      at(AFTER_EVENT_MINUTES, (order) =>
        askRefund(order, { refundId: nthRefundId(order.id, refundNumbers.cancel), byAdmin: true })
      )
    ],
    sampleCreatedAt
  )
)
