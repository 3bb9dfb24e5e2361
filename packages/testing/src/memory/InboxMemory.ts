/**
 * `Inbox` in memory.
 */
import { DateTime, Effect, HashMap, Layer, Order as Ordering, Result } from "effect"
import type { ClaimedDelivery, ReceivedMessage } from "@tickettoken/order-domain/InboundMessage"
import { type DeadMessage, type DeadQuery, Inbox } from "@tickettoken/order-domain/ports/Inbox"
import { type InboxRow, MemoryWorld, type WorldState } from "./MemoryWorld.ts"
import { ScriptedFaults } from "./ScriptedFaults.ts"
import { finishMessage, inboxRow, leaseUntil } from "./worldWrites.ts"

const byId = Ordering.mapInput(Ordering.String, ({ message }: InboxRow) => message.messageId)
const longestWaiting = Ordering.combine(
  Ordering.mapInput(DateTime.Order, ({ dueAt }: InboxRow) => dueAt),
  byId
)
const earliestReceived = Ordering.combine(
  Ordering.mapInput(DateTime.Order, ({ receivedAt }: InboxRow) => receivedAt),
  byId
)

const withRow = (world: WorldState, row: InboxRow): WorldState => ({
  ...world,
  inbox: HashMap.set(world.inbox, inboxRow(row.message), row)
})

/** Gives a message to whoever asks now: a new token, so that every earlier holder is late. */
const claimed = (row: InboxRow, now: DateTime.Utc): InboxRow => ({
  ...row,
  token: row.token + 1,
  attempts: row.attempts + 1,
  isHeld: true,
  dueAt: leaseUntil(now)
})

const deliveryOf = ({ attempts, message, token }: InboxRow): ClaimedDelivery => {
  const { messageId, source, tenantId } = message
  return { message, lease: { tenantId, source, messageId, token }, attempts }
}

const receive = (message: ReceivedMessage) => (world: WorldState, now: DateTime.Utc) => {
  if (HashMap.has(world.inbox, inboxRow(message))) return Result.succeed([null, world] as const)
  const row = claimed(
    { message, state: "NEW", token: 0, isHeld: false, attempts: 0, dueAt: now, why: null, receivedAt: now },
    now
  )
  return Result.succeed([deliveryOf(row), withRow(world, row)] as const)
}

const claimDue = (limit: number) => (world: WorldState, now: DateTime.Utc) => {
  const rows = HashMap.toValues(world.inbox)
    .filter(({ dueAt, state }) => state === "NEW" && DateTime.isLessThanOrEqualTo(dueAt, now))
    .toSorted(longestWaiting)
    .slice(0, limit)
    .map((row) => claimed(row, now))
  return Result.succeed([rows.map(deliveryOf), rows.reduce(withRow, world)] as const)
}

const dead = (world: WorldState, { limit, messageId, since, tenantId }: DeadQuery): ReadonlyArray<InboxRow> =>
  HashMap.toValues(world.inbox)
    .filter(
      ({ message, receivedAt, state }) =>
        state === "DEAD" &&
        message.tenantId === tenantId &&
        (messageId === null || message.messageId === messageId) &&
        (since === null || DateTime.isGreaterThanOrEqualTo(receivedAt, since))
    )
    .toSorted(earliestReceived)
    .slice(0, limit)

const revive = (query: DeadQuery) => (world: WorldState, now: DateTime.Utc) => {
  const rows = dead(world, query).map((row): InboxRow => ({ ...row, state: "NEW", attempts: 0, dueAt: now }))
  return Result.succeed([
    rows.map(({ message: { messageId, source, tenantId } }) => ({ tenantId, source, messageId })),
    rows.reduce(withRow, world)
  ] as const)
}

export const layer = Layer.effect(
  Inbox,
  Effect.gen(function* () {
    const world = yield* MemoryWorld
    const faults = yield* ScriptedFaults
    return Inbox.of({
      receive: Effect.fn("Inbox.receive")(function* (message) {
        return yield* faults.around("inbox.receive", world.transact(receive(message)))
      }),
      claimDue: Effect.fn("Inbox.claimDue")(function* (limit) {
        return yield* faults.around("inbox.claimDue", world.transact(claimDue(limit)))
      }),
      end: Effect.fn("Inbox.end")(function* (lease, end) {
        const ended =
          end._tag === "Dead" ? ({ state: "DEAD", why: end.why } as const) : ({ state: "UNCHANGED" } as const)
        yield* faults.around(
          "inbox.end",
          world.transact((state) =>
            Result.map(finishMessage(state, lease, ended), (next) => [undefined, next] as const)
          )
        )
      }),
      retry: Effect.fn("Inbox.retry")(function* (lease, { delay, isTry, why }) {
        yield* faults.around(
          "inbox.retry",
          world.transact((state, now) =>
            Result.map(
              finishMessage(state, lease, (row) => ({
                dueAt: DateTime.addDuration(now, delay),
                why,
                attempts: row.attempts - (isTry ? 0 : 1)
              })),
              (next) => [undefined, next] as const
            )
          )
        )
      }),
      dead: Effect.fn("Inbox.dead")(function* (query) {
        return yield* faults.around(
          "inbox.dead",
          Effect.map(world.snapshot, (state) =>
            dead(state, query).map(
              ({ attempts, message, receivedAt, why }): DeadMessage => ({
                message,
                attempts,
                why: why ?? "",
                receivedAt
              })
            )
          )
        )
      }),
      revive: Effect.fn("Inbox.revive")(function* (query) {
        return yield* faults.around("inbox.revive", world.transact(revive(query)))
      })
    })
  })
)
