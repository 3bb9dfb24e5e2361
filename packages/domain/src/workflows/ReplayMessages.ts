/**
 * Messages again: ours sent once more with the same ids, and those of others that were set aside handled anew.
 */
import { type DateTime, Effect } from "effect"
import type { OrderId, TenantId } from "../Ids.ts"
import { Alarms } from "../ports/Alarms.ts"
import { type DeadQuery, Inbox } from "../ports/Inbox.ts"
import { OrderStore } from "../ports/OrderStore.ts"
import { Outbox } from "../ports/Outbox.ts"
import { alarmOf } from "./SettleDelivery.ts"

/** How many messages are made due with one statement. */
const REPLAY_PAGE = 500

export interface ReplayPublished {
  readonly tenantId: TenantId
  /** `null`: of every order. */
  readonly orderId: OrderId | null
  /** `null`: from the beginning, which is as long as messages are kept. */
  readonly since: DateTime.Utc | null
}

/**
 * Has the messages of a tenant sent again, from a point on and in the order in which they were written. Answers how many
 * those are; sending them is the relay's. Fails with `ServiceUnavailable`, and then may be asked again.
 */
export const replayPublished = Effect.fn("replayPublished")(function* (asked: ReplayPublished) {
  const outbox = yield* Outbox
  const store = yield* OrderStore
  const sentUntil = yield* store.now
  let replayed = 0
  for (;;) {
    const page = yield* outbox.replay({ ...asked, sentUntil, limit: REPLAY_PAGE })
    replayed += page
    if (page < REPLAY_PAGE) return replayed
  }
})

/** Lists the messages that were set aside, the oldest first. */
export const deadMessages = Effect.fn("deadMessages")(function* (query: DeadQuery) {
  const inbox = yield* Inbox
  return yield* inbox.dead(query)
})

/**
 * Has messages that were set aside handled anew, at most `limit` of them, and ends their alarms: one that dies again is
 * told again. Answers how many those are. Fails with `ServiceUnavailable`.
 */
export const replayDead = Effect.fn("replayDead")(function* (query: DeadQuery) {
  const inbox = yield* Inbox
  const alarms = yield* Alarms
  const revived = yield* inbox.revive(query)
  yield* Effect.forEach(revived, (key) => alarms.clear(alarmOf(key)), { discard: true })
  return revived.length
})
