/**
 * `WorkQueue` in memory.
 */
import { DateTime, Effect, HashMap, Layer, Option, Order as Ordering, Result } from "effect"
import { isExpired } from "@tickettoken/order-domain/Hold"
import { isOpen, type OpenOrder } from "@tickettoken/order-domain/Order"
import { type ExpiryRequest, WorkQueue } from "@tickettoken/order-domain/ports/WorkQueue"
import { type ClaimedWork, type WorkItem, workId } from "@tickettoken/order-domain/Work"
import { MemoryWorld, type WorkRow, type WorldState } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { addLeased, claim, claimAll, finishWork, ordersOf } from "./worldWrites.ts"

const oldestFirst = Ordering.combine(
  Ordering.mapInput(DateTime.Order, (row: WorkRow) => row.dueAt),
  Ordering.mapInput(Ordering.Number, (row: WorkRow) => row.place)
)

const claimDue = (limit: number) => (world: WorldState, now: DateTime.Utc) =>
  Result.succeed(
    claimAll(
      world,
      HashMap.toValues(world.work)
        .filter((row) => row.state !== "DONE" && DateTime.isLessThanOrEqualTo(row.dueAt, now))
        .toSorted(oldestFirst)
        .slice(0, limit),
      now
    )
  )

const expiryOf = (order: OpenOrder, { reason, requestedBy }: ExpiryRequest, now: DateTime.Utc): WorkItem => {
  const work = { _tag: "EXPIRE", reason, requestedBy } as const
  const { id: orderId, tenantId, version } = order
  return { id: workId(orderId, version, work), tenantId, orderId, work, createdAt: now }
}

/** An order is paid and being confirmed, or somebody is at its expiry already: it is not claimed. */
const isClaimable =
  (now: DateTime.Utc, expiring: ReadonlySet<string>) =>
  (order: OpenOrder): boolean =>
    order.stage !== "ALLOCATING" && isExpired(order.hold.expiresAt, now, order.terms.hold) && !expiring.has(order.id)

const isAskedFor =
  ({ only }: ExpiryRequest) =>
  ({ id, tenantId }: OpenOrder): boolean =>
    only === undefined || (only.tenantId === tenantId && only.orderId === id)

const soonestFirst = Ordering.mapInput(DateTime.Order, (order: OpenOrder) => order.hold.expiresAt)

const claimExpired = (limit: number, request: ExpiryRequest) => (world: WorldState, now: DateTime.Utc) => {
  const expiring = new Set(
    HashMap.toValues(world.work)
      .filter(({ item, state }) => item.work._tag === "EXPIRE" && state !== "DONE")
      .map(({ item }) => item.orderId)
  )
  const due = ordersOf(world)
    .filter(isOpen)
    .filter(isAskedFor(request))
    .filter(isClaimable(now, expiring))
    .toSorted(soonestFirst)
    .slice(0, limit)
  const claimed: Array<ClaimedWork> = []
  let next = world
  for (const order of due) {
    const item = expiryOf(order, request, now)
    const done = Option.getOrUndefined(HashMap.get(next.work, item.id))
    const [leased, written] = done === undefined ? addLeased(next, item, now) : claim(next, { ...done, item }, now)
    claimed.push(leased)
    next = written
  }
  return Result.succeed([claimed, next] as const)
}

export const layer = Layer.effect(
  WorkQueue,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return WorkQueue.of({
      claimDue: Effect.fn("WorkQueue.claimDue")(function* (limit) {
        return yield* faults.around("queue.claimDue", world.transact(claimDue(limit)))
      }),
      claimExpired: Effect.fn("WorkQueue.claimExpired")(function* (limit, request) {
        return yield* faults.around("queue.claimExpired", world.transact(claimExpired(limit, request)))
      }),
      hasOpenRelease: Effect.fn("WorkQueue.hasOpenRelease")(function* (tenantId, orderId) {
        return yield* faults.around(
          "queue.hasOpenRelease",
          Effect.map(world.snapshot, ({ work }) =>
            HashMap.some(
              work,
              ({ item, state }) =>
                state !== "DONE" &&
                item.work._tag === "RELEASE" &&
                item.tenantId === tenantId &&
                item.orderId === orderId
            )
          )
        )
      }),
      settle: Effect.fn("WorkQueue.settle")(function* (lease) {
        yield* faults.around(
          "queue.settle",
          world.transact((state) =>
            Result.map(finishWork(state, lease, { state: "DONE" }), (next) => [undefined, next] as const)
          )
        )
      }),
      retry: Effect.fn("WorkQueue.retry")(function* (lease, delay, why) {
        yield* faults.around(
          "queue.retry",
          world.transact((state, now) =>
            Result.map(
              finishWork(state, lease, { state: "TODO", dueAt: DateTime.addDuration(now, delay), why }),
              (next) => [undefined, next] as const
            )
          )
        )
      })
    })
  })
)
