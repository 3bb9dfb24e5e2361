/**
 * Idempotent requests: the claim that a request makes on its key, and what a key that was seen before leads to.
 *
 * Source: rule 6. The claim is a row in the same transaction as the effect; this module is the pure part.
 */
import { Schema, type DateTime } from "effect"
import { OrderId, TenantId } from "./Ids.ts"

/** 1 to 255 printable ASCII characters. */
export const IdempotencyKey = Schema.String.check(
  Schema.isPattern(/^[\x20-\x7e]{1,255}$/, { expected: "1 to 255 printable ASCII characters" })
)

/** The routes that take a key, named as operations. */
export const KeyedOperation = Schema.Literals(["create", "reserve", "cancel", "refund"])
export type KeyedOperation = typeof KeyedOperation.Type

/**
 * A request's claim on its key. The scope is tenant, principal and operation; the fingerprint covers method, path and
 * canonical body, so that the same key with another request is recognised.
 */
export const IdempotencyClaim = Schema.Struct({
  tenantId: TenantId,
  principal: Schema.String,
  operation: KeyedOperation,
  key: IdempotencyKey,
  fingerprint: Schema.String
})
export type IdempotencyClaim = typeof IdempotencyClaim.Type

/** A final answer as the adapter rendered it: replayed to the byte. The core does not look inside. */
export const StoredAnswer = Schema.Struct({ status: Schema.Int, body: Schema.String })
export type StoredAnswer = typeof StoredAnswer.Type

/** A key's row. Without an answer the first request is still running, or died; `orderId` names what it began. */
export interface IdempotencyRecord {
  readonly fingerprint: string
  readonly orderId: OrderId | null
  readonly answer: StoredAnswer | null
  readonly expiresAt: DateTime.Utc
}

/** The key belongs to a request that is still running. */
export class IdempotencyInProgress extends Schema.TaggedError<IdempotencyInProgress>()("IdempotencyInProgress", {
  retryAfterSeconds: Schema.Int
}) {
  override get message(): string {
    return "a request with this Idempotency-Key is still running"
  }
}

/** The key was used with another request. */
export class IdempotencyMismatch extends Schema.TaggedError<IdempotencyMismatch>()("IdempotencyMismatch", {}) {
  override get message(): string {
    return "this Idempotency-Key was used with a different request"
  }
}

/** The replay window is over, and the key still names what it once made: it never makes a second one. */
export class IdempotencyKeyUsed extends Schema.TaggedError<IdempotencyKeyUsed>()("IdempotencyKeyUsed", {
  orderId: OrderId
}) {
  override get message(): string {
    return `this Idempotency-Key already made order ${this.orderId}`
  }
}

/** Another request has taken the key in between: look it up again. Never leaves the adapter. */
export class IdempotencyConflict extends Schema.TaggedError<IdempotencyConflict>()("IdempotencyConflict", {}) {}

/** What a key leads to. */
export type KeyVerdict =
  | { readonly _tag: "Fresh" }
  | { readonly _tag: "Replay"; readonly answer: StoredAnswer }
  | { readonly _tag: "Running"; readonly orderId: OrderId | null }
  | { readonly _tag: "Mismatch" }

/** Decides what to do with a claim, given the key's row if there is one, at this instant of the store's clock. */
export const keyVerdict = (record: IdempotencyRecord | null, fingerprint: string, isLive: boolean): KeyVerdict => {
  if (record === null || !isLive) return { _tag: "Fresh" }
  if (record.fingerprint !== fingerprint) return { _tag: "Mismatch" }
  return record.answer === null
    ? { _tag: "Running", orderId: record.orderId }
    : { _tag: "Replay", answer: record.answer }
}
