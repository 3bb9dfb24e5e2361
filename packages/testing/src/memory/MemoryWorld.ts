/**
 * The database of the in-memory ports: everything that they keep, in one value that changes in one step.
 *
 * Its ports share it, because their promises are about each other: a commit settles work, a closed event refuses
 * orders, a request's key lives and dies with its order. A change is a pure function of world and instant, so a
 * refused one has written nothing, and two of them never interleave.
 */
import { Context, DateTime, Effect, HashMap, Layer, Ref, type Result } from "effect"
import type { Actor } from "@tickettoken/order-domain/Actor"
import type { BulkItemState, BulkJob } from "@tickettoken/order-domain/BulkJob"
import type { Currency } from "@tickettoken/order-domain/Currency"
import type { IdempotencyRecord, KeyedOperation } from "@tickettoken/order-domain/Idempotency"
import type { EventId, OrderId, TenantId } from "@tickettoken/order-domain/Ids"
import type { ReceivedMessage } from "@tickettoken/order-domain/InboundMessage"
import type { Order } from "@tickettoken/order-domain/Order"
import type { KeptAlarm } from "@tickettoken/order-domain/ports/Alarms"
import type { OrderEvent } from "@tickettoken/order-domain/OrderEvent"
import type { OrderMessage } from "@tickettoken/order-domain/OrderMessage"
import type { WorkItem } from "@tickettoken/order-domain/Work"

/** How long claimed work belongs to its claimer: nobody else runs it before. */
export const LEASE_SECONDS = 10

/** How long a final answer is replayed (rule 6). */
export const KEY_TTL_MINUTES = 30

/**
 * A work item and how far it has got. TODO is due at `dueAt`; DOING belongs to the holder of `token` until `dueAt`, and
 * longer if nobody else claims it. `place` tells rows of one instant apart.
 */
export interface WorkRow {
  readonly item: WorkItem
  readonly state: "TODO" | "DOING" | "DONE"
  readonly token: number
  readonly attempts: number
  readonly dueAt: DateTime.Utc
  readonly why: string | null
  readonly place: number
}

/** An order of a bulk job. `doneAt` is its last change. */
export interface BulkItemRow {
  readonly orderId: string
  readonly orderNumber: string
  readonly state: BulkItemState
  readonly attempts: number
  readonly error: string | null
  readonly cents: number
  readonly currency: Currency | null
  readonly dueAt: DateTime.Utc
}

/** A bulk job with its orders. `leased` until `dueAt` to the holder of `token`; else it is due then. */
export interface BulkJobRow {
  readonly job: BulkJob
  readonly leased: boolean
  readonly token: number
  readonly dueAt: DateTime.Utc
  readonly place: number
  /** By the order's id. */
  readonly items: HashMap.HashMap<string, BulkItemRow>
}

export interface Closure {
  readonly tenantId: TenantId
  readonly eventId: EventId
  readonly reason: string
  readonly actor: Actor
  readonly closedAt: DateTime.Utc
}

/** An idempotency key's row, with what tells whether its order may give it back. */
export interface KeyRow extends IdempotencyRecord {
  readonly tenantId: TenantId
  readonly operation: KeyedOperation
}

/** What a message to send and one that was received have in common: NEW is due at `dueAt`, `isHeld` says for whom. */
interface MessageRow {
  readonly token: number
  readonly isHeld: boolean
  readonly attempts: number
  readonly dueAt: DateTime.Utc
  readonly why: string | null
}

export interface OutboxRow extends MessageRow {
  readonly message: OrderMessage
  readonly state: "NEW" | "SENT"
  readonly waitsSince: DateTime.Utc
  readonly sentAt: DateTime.Utc | null
}

export interface InboxRow extends MessageRow {
  readonly message: ReceivedMessage
  readonly state: "NEW" | "CHANGED" | "UNCHANGED" | "DEAD"
  readonly receivedAt: DateTime.Utc
}

export interface WorldState {
  /** By tenant and order. */
  readonly orders: HashMap.HashMap<string, Order>
  /** The audit facts of each order, oldest first. */
  readonly facts: HashMap.HashMap<string, ReadonlyArray<OrderEvent>>
  /** Every version of each order, the first one first: what an auditor may look at, and no port shows. */
  readonly versions: HashMap.HashMap<string, ReadonlyArray<Order>>
  /** By the item's id. */
  readonly work: HashMap.HashMap<string, WorkRow>
  /** By tenant, principal, operation and key. */
  readonly keys: HashMap.HashMap<string, KeyRow>
  /** By tenant and event. */
  readonly closures: HashMap.HashMap<string, Closure>
  /** In the order in which they were raised. */
  readonly alarms: ReadonlyArray<KeptAlarm>
  /** By tenant and job. */
  readonly bulkJobs: HashMap.HashMap<string, BulkJobRow>
  /** By tenant, order and version. */
  readonly outbox: HashMap.HashMap<string, OutboxRow>
  /** By tenant, source and id. */
  readonly inbox: HashMap.HashMap<string, InboxRow>
}

const empty: WorldState = {
  orders: HashMap.empty(),
  facts: HashMap.empty(),
  versions: HashMap.empty(),
  work: HashMap.empty(),
  keys: HashMap.empty(),
  closures: HashMap.empty(),
  alarms: [],
  bulkJobs: HashMap.empty(),
  outbox: HashMap.empty(),
  inbox: HashMap.empty()
}

/** Where something of a tenant lies. The parts are joined so that no two lists make the same text. */
export const rowOf = (...path: ReadonlyArray<string>): string => JSON.stringify(path)

export const orderRow = (order: { readonly tenantId: TenantId; readonly id: OrderId }): string =>
  rowOf(order.tenantId, order.id)

/** What a change gives back, with the world that it leaves. */
export type Written<A, E = never> = Result.Result<readonly [A, WorldState], E>

export class MemoryWorld extends Context.Service<
  MemoryWorld,
  {
    /** The world as it is now. */
    readonly snapshot: Effect.Effect<WorldState>
    /** Changes the world, or leaves it as it was and fails. */
    readonly transact: <A, E>(change: (world: WorldState, now: DateTime.Utc) => Written<A, E>) => Effect.Effect<A, E>
  }
>()("@tickettoken/order-testing/memory/MemoryWorld") {
  static readonly layer = Layer.effect(
    MemoryWorld,
    Effect.map(Ref.make(empty), (world) =>
      MemoryWorld.of({
        snapshot: Ref.get(world),
        transact: <A, E>(change: (world: WorldState, now: DateTime.Utc) => Written<A, E>) =>
          Effect.flatMap(DateTime.now, (now) =>
            Effect.flatten(
              Ref.modify(world, (before): readonly [Effect.Effect<A, E>, WorldState] => {
                const written = change(before, now)
                return written._tag === "Failure"
                  ? [Effect.fail(written.failure), before]
                  : [Effect.succeed(written.success[0]), written.success[1]]
              })
            )
          )
      })
    )
  )
}
