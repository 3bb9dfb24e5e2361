/**
 * `Outbox` in memory.
 */
import { DateTime, Effect, HashMap, Layer, Option, Order as Ordering, Result } from "effect"
import { Outbox, type OutboxLease, type Postponed, type ReplayRequest } from "@tickettoken/order-domain/ports/Outbox"
import { MemoryWorld, type OutboxRow, rowOf, type WorldState } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { leaseUntil, outboxRow } from "./worldWrites.ts"

const version = Ordering.mapInput(Ordering.Number, ({ message }: OutboxRow) => message.orderversion)
const longestWaiting = Ordering.combine(
  Ordering.mapInput(DateTime.Order, ({ dueAt }: OutboxRow) => dueAt),
  version
)
const earliestWritten = Ordering.combine(
  Ordering.mapInput(DateTime.Order, ({ message }: OutboxRow) => message.time),
  version
)

const withRow = (world: WorldState, row: OutboxRow): WorldState => ({
  ...world,
  outbox: HashMap.set(world.outbox, outboxRow(row.message), row)
})

/** Of each order the lowest version that is not sent. */
const heads = (world: WorldState): ReadonlyArray<OutboxRow> => {
  const lowest = new Map<string, OutboxRow>()
  for (const row of HashMap.values(world.outbox)) {
    const order = rowOf(row.message.tenantid, row.message.subject)
    const known = lowest.get(order)
    if (row.state === "NEW" && (known === undefined || version(row, known) < 0)) lowest.set(order, row)
  }
  return [...lowest.values()]
}

const leaseOf = ({ message, token }: OutboxRow): OutboxLease => ({
  tenantId: message.tenantid,
  orderId: message.subject,
  version: message.orderversion,
  token
})

const claim = (limit: number) => (world: WorldState, now: DateTime.Utc) => {
  const claimed = heads(world)
    .filter(({ dueAt }) => DateTime.isLessThanOrEqualTo(dueAt, now))
    .toSorted(longestWaiting)
    .slice(0, limit)
    .map((row) => ({
      ...row,
      token: row.token + 1,
      attempts: row.attempts + 1,
      isHeld: true,
      dueAt: leaseUntil(now)
    }))
  return Result.succeed([
    claimed.map((row) => ({ message: row.message, lease: leaseOf(row), attempts: row.attempts })),
    claimed.reduce(withRow, world)
  ] as const)
}

/** Changes the rows that are still held under their leases, and counts them. */
const underLease = <A extends { readonly lease: OutboxLease }>(
  changes: ReadonlyArray<A>,
  change: (row: OutboxRow, by: A) => OutboxRow
) => {
  return (world: WorldState) => {
    const held = changes.flatMap((by) => {
      const { orderId, tenantId, token, version: at } = by.lease
      const row = Option.getOrUndefined(HashMap.get(world.outbox, rowOf(tenantId, orderId, String(at))))
      return row !== undefined && row.isHeld && row.token === token ? [change({ ...row, isHeld: false }, by)] : []
    })
    return [held.length, held.reduce(withRow, world)] as const
  }
}

const sent = (leases: ReadonlyArray<OutboxLease>) => (world: WorldState, now: DateTime.Utc) =>
  Result.succeed(
    underLease(
      leases.map((lease) => ({ lease })),
      (row) => ({ ...row, state: "SENT", sentAt: now, why: null })
    )(world)
  )

const postpone = (messages: ReadonlyArray<Postponed>) => (world: WorldState, now: DateTime.Utc) =>
  Result.succeed(
    underLease(messages, (row, { delay, why }) => ({ ...row, dueAt: DateTime.addDuration(now, delay), why }))(world)
  )

const isAsked =
  ({ orderId, sentUntil, since, tenantId }: ReplayRequest) =>
  ({ message, sentAt }: OutboxRow): boolean =>
    message.tenantid === tenantId &&
    (orderId === null || message.subject === orderId) &&
    (since === null || DateTime.isGreaterThanOrEqualTo(message.time, since)) &&
    sentAt !== null &&
    DateTime.isLessThanOrEqualTo(sentAt, sentUntil)

const replay = (request: ReplayRequest) => (world: WorldState, now: DateTime.Utc) => {
  const again = HashMap.toValues(world.outbox)
    .filter(isAsked(request))
    .toSorted(earliestWritten)
    .slice(0, request.limit)
    .map(
      (row): OutboxRow => ({ ...row, state: "NEW", attempts: 0, dueAt: now, why: null, waitsSince: now, sentAt: null })
    )
  return Result.succeed([again.length, again.reduce(withRow, world)] as const)
}

export const layer = Layer.effect(
  Outbox,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return Outbox.of({
      claim: Effect.fn("Outbox.claim")(function* (limit) {
        return yield* faults.around("outbox.claim", world.transact(claim(limit)))
      }),
      sent: Effect.fn("Outbox.sent")(function* (leases) {
        return yield* faults.around("outbox.sent", world.transact(sent(leases)))
      }),
      postpone: Effect.fn("Outbox.postpone")(function* (messages) {
        return yield* faults.around("outbox.postpone", world.transact(postpone(messages)))
      }),
      overdue: Effect.fn("Outbox.overdue")(function* (age) {
        return yield* faults.around(
          "outbox.overdue",
          world.transact((state, now) => {
            const late = HashMap.toValues(state.outbox)
              .filter(
                (row) =>
                  row.state === "NEW" &&
                  DateTime.isLessThanOrEqualTo(row.waitsSince, DateTime.subtractDuration(now, age))
              )
              .toSorted(earliestWritten)
            const [oldest] = late
            if (oldest === undefined) return Result.succeed([null, state] as const)
            const { id, subject, type } = oldest.message
            const found = { messages: late.length, oldest: { id, type, orderId: subject, why: oldest.why } }
            return Result.succeed([found, state] as const)
          })
        )
      }),
      replay: Effect.fn("Outbox.replay")(function* (request) {
        return yield* faults.around("outbox.replay", world.transact(replay(request)))
      })
    })
  })
)
