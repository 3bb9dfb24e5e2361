/**
 * What the clients of a run were told: an append-only file, and the ground truth of I15. Whatever stands here was
 * acknowledged and must still be true at the end, whoever was killed in between.
 */
import { closeSync, openSync, writeSync } from "node:fs"
import { Effect, Schema } from "effect"
import { OrderId, RefundId, TenantId, UserId } from "@tickettoken/order-domain/Ids"
import { OrderStatus } from "@tickettoken/order-domain/Order"

const about = { tenantId: TenantId, userId: UserId, orderId: OrderId }

/**
 * - created: the answer to a creation, under this key
 * - seen: a status that was shown or answered
 * - refund: a refund that was accepted
 * - foreign: an order that was shown to somebody of another tenant, which must never be
 */
export const Acknowledged = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("created"),
    ...about,
    key: Schema.String,
    total: Schema.Int,
    status: OrderStatus
  }),
  Schema.Struct({ kind: Schema.Literal("seen"), ...about, status: OrderStatus }),
  Schema.Struct({
    kind: Schema.Literal("refund"),
    ...about,
    key: Schema.String,
    refundId: RefundId,
    amount: Schema.Int
  }),
  Schema.Struct({ kind: Schema.Literal("foreign"), ...about })
])
export type Acknowledged = typeof Acknowledged.Type

export interface ClientLog {
  /** Writes down what a client was told, in the order in which it was told. */
  readonly note: (entry: Acknowledged) => Effect.Effect<void>
  readonly entries: Effect.Effect<ReadonlyArray<Acknowledged>>
}

const encode = Schema.encodeSync(Acknowledged)

/** Opens the log; the file is closed with the scope and stays. */
export const open = Effect.fn("ClientLog.open")(function* (file: string) {
  const descriptor = yield* Effect.acquireRelease(
    Effect.sync(() => openSync(file, "a")),
    (opened) => Effect.sync(() => closeSync(opened))
  )
  const entries: Array<Acknowledged> = []
  const log: ClientLog = {
    note: (entry) =>
      Effect.sync(() => {
        writeSync(descriptor, `${JSON.stringify(encode(entry))}\n`)
        entries.push(entry)
      }),
    entries: Effect.sync(() => entries.slice())
  }
  return log
})
